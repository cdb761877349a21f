package io.ryegrass.awsapi;

import java.util.Map;

/**
 * The answer to an {@link ApiRequest}.
 *
 * @param status HTTP status
 * @param headers to be sent, without content-length
 * @param body the whole body
 */
public record ApiResponse(int status, Map<String, String> headers, byte[] body) {

  @Override
  public String toString() {
    return "ApiResponse[" + status + ", " + body.length + " bytes]";
  }
}

package io.ryegrass.devicegateway;

import io.ryegrass.awsapi.ApiRequest;
import io.ryegrass.awsapi.ApiResponse;
import io.ryegrass.objects.S3Request;
import io.ryegrass.objects.S3Response;
import java.io.IOException;

/** Signed requests: S3 streams through, all other services get their body whole and bounded. */
final class ApiDoor {

  /** Lambda's largest package of 50 MB arrives as base64. */
  private static final int MAX_BODY_BYTES = 70 << 20;

  private ApiDoor() {}

  /** Whether a request bears a signature of an access key, by header or in the URL. */
  static boolean isSigned(HttpCall call) {
    String authorization = call.header("authorization");
    return (authorization != null && authorization.startsWith("AWS"))
        || call.rawQuery().contains("X-Amz-Signature=")
        || call.rawQuery().contains("AWSAccessKeyId=");
  }

  static void answer(HttpCall call, CloudServices services) throws IOException {
    if (services.objects().claims(call.method(), call.rawPath(), call.rawQuery(), call.headers())) {
      try (S3Response response =
          services
              .objects()
              .handle(
                  new S3Request(
                      call.method(),
                      call.rawPath(),
                      call.rawQuery(),
                      call.headers(),
                      call.body()))) {
        call.answer(
            response.status(),
            response.headers(),
            response.contentLength(),
            out -> response.body().writeTo(out));
      }
      return;
    }
    byte[] body = call.body(MAX_BODY_BYTES);
    if (body == null) {
      call.error(
          413,
          "RequestEntityTooLargeException",
          "The request is larger than " + MAX_BODY_BYTES + " bytes.");
      return;
    }
    ApiResponse response =
        services
            .api()
            .handle(
                new ApiRequest(
                    call.method(), call.rawPath(), call.rawQuery(), call.headers(), body));
    call.answer(response.status(), response.headers(), response.body());
  }
}

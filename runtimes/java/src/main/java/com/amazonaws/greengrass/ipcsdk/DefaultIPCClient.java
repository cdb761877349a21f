package com.amazonaws.greengrass.ipcsdk;

import com.amazonaws.greengrass.common.EnvVars;
import io.ryegrass.javaruntime.Door;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Talks to the core at the port and with the token that this process was given. */
public class DefaultIPCClient implements IPCClient {
  private static final byte[] NOTHING = new byte[0];
  private static final int ANSWER_MILLIS = 60_000;

  /** The core ends it when the function's time is over. */
  private static final int RESULT_MILLIS = 3_600_000;

  private final Door door;

  public DefaultIPCClient() {
    this(EnvVars.AUTH_TOKEN);
  }

  public DefaultIPCClient(@Nullable String authToken) {
    this.door = Door.of(authToken);
  }

  @Override
  public String postWork(
      String functionArn,
      String invocationType,
      byte @Nullable [] payload,
      @Nullable String clientContext) {
    Map<String, String> headers = new HashMap<>();
    headers.put("X-Amz-Invocation-Type", invocationType);
    if (clientContext != null && !clientContext.isEmpty()) {
      headers.put("X-Amz-Client-Context", clientContext);
    }
    String id =
        door.call(
                "POST",
                Door.FUNCTIONS + functionArn,
                headers,
                payload == null ? NOTHING : payload,
                ANSWER_MILLIS)
            .header("x-amz-invocationid");
    return id == null ? "" : id;
  }

  @Override
  public WorkResult getWorkResult(String functionArn, String invocationId) {
    Map<String, String> headers = new HashMap<>();
    headers.put("X-Amz-InvocationId", invocationId);
    Door.Response response =
        door.call("GET", Door.FUNCTIONS + functionArn, headers, NOTHING, RESULT_MILLIS);
    return new WorkResult(
        response.body(), response.status(), response.header("x-amz-function-error"));
  }
}

package io.ryegrass.javaruntime;

import com.amazonaws.greengrass.common.FunctionArnFields;
import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.CognitoIdentity;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The context of one call. Log group, log stream, identity and memory limit are of the cloud and
 * not told here, as in Greengrass (v1-lambda-runtime.md section 2.4).
 */
final class FunctionContext implements Context {
  static final LambdaLogger LOGGER =
      new LambdaLogger() {
        @Override
        public void log(String message) {
          FunctionLog.line(String.valueOf(message));
        }

        @Override
        public void log(byte[] message) {
          FunctionLog.line(new String(message, StandardCharsets.UTF_8));
        }
      };

  private final FunctionArnFields function;
  private final String requestId;
  private final @Nullable String clientContext;
  private final long deadlineMillis;

  /**
   * @param deadlineMillis wall-clock time at which the core ends this call; 0: not told
   */
  FunctionContext(
      FunctionArnFields function,
      String requestId,
      @Nullable String clientContext,
      long deadlineMillis) {
    this.function = function;
    this.requestId = requestId;
    this.clientContext = clientContext;
    this.deadlineMillis = deadlineMillis;
  }

  @Override
  public String getAwsRequestId() {
    return requestId;
  }

  @Override
  public @Nullable String getLogGroupName() {
    return null;
  }

  @Override
  public @Nullable String getLogStreamName() {
    return null;
  }

  @Override
  public String getFunctionName() {
    return function.getName();
  }

  @Override
  public @Nullable String getFunctionVersion() {
    return function.getQualifier();
  }

  @Override
  public String getInvokedFunctionArn() {
    return function.toString();
  }

  @Override
  public @Nullable CognitoIdentity getIdentity() {
    return null;
  }

  @Override
  public ClientContext getClientContext() {
    return CallerContext.of(clientContext);
  }

  @Override
  public int getRemainingTimeInMillis() {
    if (deadlineMillis == 0) {
      return 0;
    }
    long left = deadlineMillis - System.currentTimeMillis();
    return (int) Math.max(0, Math.min(Integer.MAX_VALUE, left));
  }

  @Override
  public int getMemoryLimitInMB() {
    return 0;
  }

  @Override
  public LambdaLogger getLogger() {
    return LOGGER;
  }
}

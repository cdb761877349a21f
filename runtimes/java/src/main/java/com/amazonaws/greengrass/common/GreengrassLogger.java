package com.amazonaws.greengrass.common;

import com.amazonaws.services.lambda.runtime.LambdaLogger;
import io.ryegrass.javaruntime.FunctionLog;
import java.nio.charset.StandardCharsets;

/** Writes lines with a level to the function's log. */
public class GreengrassLogger implements LambdaLogger {
  @Override
  public void log(String message) {
    FunctionLog.write("INFO", message);
  }

  @Override
  public void log(byte[] message) {
    log(new String(message, StandardCharsets.UTF_8));
  }

  public void log(byte[] message, LogLevel level) {
    FunctionLog.write(level.name(), new String(message, StandardCharsets.UTF_8));
  }

  /** Not written, as in the other languages: the SDK tells every call at this level. */
  public void debug(String message) {}

  public void info(String message) {
    FunctionLog.write("INFO", message);
  }

  public void warn(String message) {
    FunctionLog.write("WARN", message);
  }

  public void error(String message) {
    FunctionLog.write("ERROR", message);
  }

  public void fatal(String message) {
    FunctionLog.write("FATAL", message);
  }
}

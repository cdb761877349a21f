package io.ryegrass.javaruntime;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a caller is told of a failure: {@code errorMessage}, {@code errorType}, {@code stackTrace}
 * and {@code cause}, as AWS Lambda's for Java. An instance is a failure of the call itself rather
 * than of the handler.
 */
final class Failure extends RuntimeException {
  private static final long serialVersionUID = 1;
  private static final int MOST_FRAMES = 100;
  private static final int MOST_CAUSES = 10;

  private final String kind;

  Failure(String kind, String message) {
    super(message);
    this.kind = kind;
  }

  static byte[] json(Throwable error) {
    return JsonWriter.bytes(object(error, 0));
  }

  private static Map<String, @Nullable Object> object(Throwable error, int depth) {
    Map<String, @Nullable Object> all = new LinkedHashMap<>();
    String message = error.getMessage();
    all.put("errorMessage", message == null ? error.getClass().getName() : message);
    if (error instanceof Failure) {
      all.put("errorType", ((Failure) error).kind);
      all.put("stackTrace", new ArrayList<String>());
      return all;
    }
    all.put("errorType", error.getClass().getName());
    List<String> frames = new ArrayList<>();
    for (StackTraceElement frame : error.getStackTrace()) {
      // Up to the call of the handler: what is below is ours.
      if (frame.getClassName().startsWith("io.ryegrass.javaruntime.")
          || frames.size() == MOST_FRAMES) {
        break;
      }
      frames.add(frame.toString());
    }
    all.put("stackTrace", frames);
    Throwable cause = error.getCause();
    if (cause != null && depth < MOST_CAUSES) {
      all.put("cause", object(cause, depth + 1));
    }
    return all;
  }
}

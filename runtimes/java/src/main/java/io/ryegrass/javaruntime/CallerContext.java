package io.ryegrass.javaruntime;

import com.amazonaws.services.lambda.runtime.Client;
import com.amazonaws.services.lambda.runtime.ClientContext;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Who called, as the caller says. {@code getCustom().get("subject")} is the topic of a message. */
final class CallerContext implements ClientContext {
  private final Map<String, String> custom;
  private final Map<String, String> environment;
  private final Map<String, String> client;

  private CallerContext(Map<?, ?> fields) {
    this.custom = texts(fields.get("custom"));
    this.environment = texts(fields.get("env"));
    this.client = texts(fields.get("client"));
  }

  /** What cannot be read is left out, with a line in the log: the work itself may be good. */
  static CallerContext of(@Nullable String base64) {
    if (base64 != null && !base64.isEmpty()) {
      try {
        Object fields =
            Json.read(Base64.getDecoder().decode(base64.getBytes(StandardCharsets.ISO_8859_1)));
        if (fields instanceof Map) {
          return new CallerContext((Map<?, ?>) fields);
        }
      } catch (IllegalArgumentException | Json.NotJson e) {
        FunctionLog.write(
            "WARN", "The client context of this call is not base64 of JSON; it is left out.");
      }
    }
    return new CallerContext(Collections.emptyMap());
  }

  private static Map<String, String> texts(@Nullable Object fields) {
    Map<String, String> all = new LinkedHashMap<>();
    if (fields instanceof Map) {
      for (Map.Entry<?, ?> entry : ((Map<?, ?>) fields).entrySet()) {
        Object value = entry.getValue();
        boolean tree = value instanceof Map || value instanceof Iterable;
        all.put(
            String.valueOf(entry.getKey()),
            tree
                ? new String(JsonWriter.bytes(value), StandardCharsets.UTF_8)
                : String.valueOf(value));
      }
    }
    return all;
  }

  @Override
  public Map<String, String> getCustom() {
    return custom;
  }

  @Override
  public Map<String, String> getEnvironment() {
    return environment;
  }

  @Override
  public Client getClient() {
    return new Client() {
      @Override
      public @Nullable String getInstallationId() {
        return client.get("installation_id");
      }

      @Override
      public @Nullable String getAppTitle() {
        return client.get("app_title");
      }

      @Override
      public @Nullable String getAppVersionName() {
        return client.get("app_version_name");
      }

      @Override
      public @Nullable String getAppVersionCode() {
        return client.get("app_version_code");
      }

      @Override
      public @Nullable String getAppPackageName() {
        return client.get("app_package_name");
      }
    };
  }
}

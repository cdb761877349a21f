package io.ryegrass.registry.shadow;

import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.registry.DeviceMessages;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.DeviceTopicHandler;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.time.Clock;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

public final class ShadowService {
  public ShadowService(CloudStore store, DeviceMessages messages, Clock clock) {}

  public static List<Migration> migrations() {
    throw new UnsupportedOperationException();
  }

  public JsonNode get(String thing, @Nullable String shadowName) {
    throw new UnsupportedOperationException();
  }

  public JsonNode update(String thing, @Nullable String shadowName, byte[] document) {
    throw new UnsupportedOperationException();
  }

  public JsonNode delete(String thing, @Nullable String shadowName) {
    throw new UnsupportedOperationException();
  }

  public DeviceTopicHandler topics() {
    throw new UnsupportedOperationException();
  }

  public List<DeviceRoute> routes() {
    throw new UnsupportedOperationException();
  }

  public ServiceOperations iotData() {
    throw new UnsupportedOperationException();
  }

  public void onAccepted(ShadowListener listener) {
    throw new UnsupportedOperationException();
  }
}

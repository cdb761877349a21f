package io.ryegrass.registry.job;

import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.registry.DeviceMessages;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.DeviceTopicHandler;
import io.ryegrass.registry.Registry;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.time.Clock;
import java.util.List;

public final class JobService {
  public JobService(CloudStore store, Registry registry, DeviceMessages messages, Clock clock) {}

  public static List<Migration> migrations() {
    throw new UnsupportedOperationException();
  }

  public void create(JobSpec spec) {
    throw new UnsupportedOperationException();
  }

  public void cancel(String jobId) {
    throw new UnsupportedOperationException();
  }

  public DeviceTopicHandler topics() {
    throw new UnsupportedOperationException();
  }

  public List<DeviceRoute> routes() {
    throw new UnsupportedOperationException();
  }

  /** Operations of service {@code iot} about jobs; listed beside {@link Registry#iot()}. */
  public ServiceOperations iotJobs() {
    throw new UnsupportedOperationException();
  }

  public void onExecutionChanged(ExecutionListener listener) {
    throw new UnsupportedOperationException();
  }
}

package io.ryegrass.groups;

import io.ryegrass.registry.Registry;
import io.ryegrass.registry.job.JobService;
import io.ryegrass.registry.job.JobSettings;
import io.ryegrass.registry.job.JobSpec;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** The cloud's own IoT jobs: a snapshot job, as the service makes for software updates. */
record IotJobs(JobService jobs, Registry registry) implements SoftwareUpdates.Jobs {
  @Override
  public boolean thingExists(String thing) {
    return registry.thingExists(thing);
  }

  @Override
  public boolean thingGroupExists(String group) {
    return registry.thingGroupExists(group);
  }

  @Override
  public void create(String jobId, List<String> things, List<String> groups, ObjectNode document) {
    jobs.create(new JobSpec(jobId, things, groups, false, document, null, JobSettings.NONE));
  }
}

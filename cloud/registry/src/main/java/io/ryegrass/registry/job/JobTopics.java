package io.ryegrass.registry.job;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A request topic of the jobs service: {@code $aws/things/T/jobs/…}, with or without a {@code
 * namespace-N} level (mqtt-cloud, section 4; v2-deployments, section 2).
 *
 * @param jobId null for {@code get} (all pending) and {@code start-next}; may be {@code $next}
 * @param namespace empty for the usual topics
 * @param operation {@code get}, {@code start-next} or {@code update}
 */
record JobTopics(String thing, @Nullable String jobId, String operation, String namespace) {
  private static final String NAMESPACE = "namespace-";

  static boolean isJobTopic(String topic) {
    return topic.startsWith("$aws/things/") && topic.contains("/jobs/");
  }

  static Optional<JobTopics> parse(String topic) {
    String[] parts = topic.split("/", -1);
    if (parts.length < 5 || !parts[3].equals("jobs")) {
      return Optional.empty();
    }
    String namespace = "";
    List<String> rest = new ArrayList<>();
    for (int i = 4; i < parts.length; i++) {
      if (parts[i].startsWith(NAMESPACE) && namespace.isEmpty()) {
        namespace = parts[i].substring(NAMESPACE.length());
      } else {
        rest.add(parts[i]);
      }
    }
    String operation = rest.isEmpty() ? "" : rest.getLast();
    boolean all = rest.size() == 1 && (operation.equals("get") || operation.equals("start-next"));
    boolean one = rest.size() == 2 && (operation.equals("get") || operation.equals("update"));
    return all || one
        ? Optional.of(new JobTopics(parts[2], one ? rest.getFirst() : null, operation, namespace))
        : Optional.empty();
  }

  static String notify(String thing, String namespace) {
    return prefix(thing) + "notify" + (namespace.isEmpty() ? "" : "-" + NAMESPACE + namespace);
  }

  static String notifyNext(String thing, String namespace) {
    return prefix(thing) + "notify-next" + (namespace.isEmpty() ? "" : "-" + NAMESPACE + namespace);
  }

  private static String prefix(String thing) {
    return "$aws/things/" + thing + "/jobs/";
  }
}

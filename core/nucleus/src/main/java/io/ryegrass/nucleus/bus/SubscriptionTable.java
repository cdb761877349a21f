package io.ryegrass.nucleus.bus;

import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.Topics;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.Participant;
import io.ryegrass.nucleus.RouteSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * V1's subscription table, compiled: for each source a tree of subjects (v1-group-deployment.md
 * section 9). A message passes only when a row has its source, a subject that matches its topic,
 * and a target; the topic stays as it is.
 *
 * <p>V2 components take part as {@code component:<name>}; for them rows also count in local
 * pub/sub.
 */
public final class SubscriptionTable implements RouteSource {
  private static final int MAX_SUBJECT_BYTES = 65_535;

  private final Map<Participant, FilterTree<Participant>> bySource = new HashMap<>();
  private final Map<String, List<Participant>> fromCloud = new LinkedHashMap<>();
  private int rows;

  private SubscriptionTable() {}

  /**
   * Compiles {@code {<id>: {id, source, subject, target}}}.
   *
   * @param refused told of each row that is not valid, in a sentence; the other rows still count
   */
  public static SubscriptionTable compile(JsonNode subscriptions, Consumer<String> refused) {
    SubscriptionTable table = new SubscriptionTable();
    for (Map.Entry<String, JsonNode> e : subscriptions.properties()) {
      if (!(e.getValue() instanceof ObjectNode row)) {
        continue;
      }
      try {
        table.add(
            Participant.parse(row.path("source").asString("")),
            row.path("subject").asString(""),
            Participant.parse(row.path("target").asString("")));
      } catch (NucleusException | InvalidDocumentException invalid) {
        refused.accept("Subscription " + e.getKey() + " is left out: " + invalid.getMessage());
      }
    }
    return table;
  }

  private void add(Participant source, String subject, Participant target) {
    Topics.checkFilter(subject, MAX_SUBJECT_BYTES, MAX_SUBJECT_BYTES);
    bySource.computeIfAbsent(source, s -> new FilterTree<>(true)).add(subject, target);
    if (source.equals(Participant.CLOUD)) {
      fromCloud.computeIfAbsent(subject, s -> new ArrayList<>()).add(target);
    }
    rows++;
  }

  /** Number of valid rows. */
  public int rows() {
    return rows;
  }

  @Override
  public void targets(Message m, Consumer<Participant> to) {
    FilterTree<Participant> subjects = bySource.get(m.source());
    if (subjects != null) {
      subjects.match(m.topic(), to);
    }
  }

  @Override
  public Set<String> cloudFilters() {
    return Set.copyOf(fromCloud.keySet());
  }

  /**
   * Only the rows with this very subject: a message that matches two subjects arrives once for
   * each.
   */
  @Override
  public void targetsOfCloud(String filter, Message m, Consumer<Participant> to) {
    fromCloud.getOrDefault(filter, List.of()).forEach(to);
  }
}

package io.ryegrass.registry.job;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What CreateJob says about how a job goes: {@code jobExecutionsRolloutConfig}, {@code
 * abortConfig}, {@code timeoutConfig}, {@code jobExecutionsRetryConfig}, {@code schedulingConfig}
 * and {@code presignedUrlConfig}. A deployment's {@code iotJobConfiguration} has members of the
 * same names and form (DPL-18), so that {@link #of} takes it as it is.
 */
public final class JobSettings {
  private static final JsonMapper JSON = JsonMapper.shared();

  static final String ROLLOUT = "jobExecutionsRolloutConfig";
  static final String ABORT = "abortConfig";
  static final String TIMEOUT = "timeoutConfig";
  static final String RETRY = "jobExecutionsRetryConfig";
  static final String SCHEDULE = "schedulingConfig";
  static final String PRESIGNED = "presignedUrlConfig";

  /** What DescribeJob gives back as it was given. */
  static final List<String> MEMBERS = List.of(ROLLOUT, ABORT, TIMEOUT, RETRY, SCHEDULE, PRESIGNED);

  private static final long MAX_TIMEOUT_MINUTES = 10_080;
  private static final int MAX_RETRIES = 10;

  /** No limit of any kind. */
  public static final JobSettings NONE = new JobSettings(JSON.createObjectNode());

  private final ObjectNode members;

  private JobSettings(ObjectNode members) {
    this.members = members;
  }

  /**
   * Reads settings; other members are left alone.
   *
   * @param request as in CreateJob, or a deployment's {@code iotJobConfiguration}
   * @throws JobException {@code InvalidRequest} naming the member and its bounds
   */
  public static JobSettings of(JsonNode request) {
    JobSettings settings = known(request);
    settings.check();
    return settings;
  }

  /** Settings that were checked before. */
  static JobSettings known(JsonNode request) {
    ObjectNode members = JSON.createObjectNode();
    for (String name : MEMBERS) {
      if (request.path(name).isObject()) {
        members.set(name, request.get(name).deepCopy());
      }
    }
    return new JobSettings(members);
  }

  /** The members as they were given; a copy. */
  public ObjectNode toJson() {
    return members.deepCopy();
  }

  /**
   * When to cancel a job by itself.
   *
   * @param failureType FAILED, REJECTED, TIMED_OUT or ALL of them
   * @param thresholdPercentage of the executions so far
   * @param minNumberOfExecutedThings things that must have been told before it counts
   */
  record AbortRule(
      String failureType, double thresholdPercentage, long minNumberOfExecutedThings) {}

  /**
   * @param failureType FAILED, TIMED_OUT or ALL of them
   */
  record RetryRule(String failureType, int numberOfRetries) {}

  /**
   * @param start null: at once
   * @param end null: never
   * @param endBehavior STOP_ROLLOUT, CANCEL or FORCE_CANCEL
   */
  record Schedule(@Nullable Instant start, @Nullable Instant end, String endBehavior) {}

  RolloutRate rollout() {
    JsonNode rollout = members.path(ROLLOUT);
    JsonNode exponential = rollout.path("exponentialRate");
    JsonNode criteria = exponential.path("rateIncreaseCriteria");
    return new RolloutRate(
        number(rollout, "maximumPerMinute"),
        exponential.isObject()
            ? new RolloutRate.Exponential(
                exponential.path("baseRatePerMinute").asInt(1),
                exponential.path("incrementFactor").asDouble(1),
                number(criteria, "numberOfNotifiedThings"),
                number(criteria, "numberOfSucceededThings"))
            : null);
  }

  List<AbortRule> abort() {
    List<AbortRule> rules = new ArrayList<>();
    for (JsonNode rule : members.path(ABORT).path("criteriaList")) {
      rules.add(
          new AbortRule(
              rule.path("failureType").asString("ALL"),
              rule.path("thresholdPercentage").asDouble(100),
              rule.path("minNumberOfExecutedThings").asLong(1)));
    }
    return rules;
  }

  List<RetryRule> retry() {
    List<RetryRule> rules = new ArrayList<>();
    for (JsonNode rule : members.path(RETRY).path("criteriaList")) {
      rules.add(
          new RetryRule(
              rule.path("failureType").asString("ALL"), rule.path("numberOfRetries").asInt(0)));
    }
    return rules;
  }

  /** How long an execution may be IN_PROGRESS; null: for ever. */
  @Nullable Long timeoutMinutes() {
    JsonNode minutes = members.path(TIMEOUT).path("inProgressTimeoutInMinutes");
    return minutes.isNumber() ? minutes.asLong() : null;
  }

  Schedule schedule() {
    JsonNode schedule = members.path(SCHEDULE);
    return new Schedule(
        moment(schedule, "startTime"),
        moment(schedule, "endTime"),
        schedule.path("endBehavior").asString("STOP_ROLLOUT"));
  }

  private static @Nullable Integer number(JsonNode in, String member) {
    return in.path(member).isNumber() ? in.path(member).asInt() : null;
  }

  /** With or without seconds and zone; without a zone it is UTC. */
  private static @Nullable Instant moment(JsonNode schedule, String member) {
    String text = schedule.path(member).asString("");
    if (text.isEmpty()) {
      return null;
    }
    String iso = text.replace(' ', 'T');
    try {
      return OffsetDateTime.parse(iso).toInstant();
    } catch (DateTimeParseException e) {
      try {
        return LocalDateTime.parse(iso).toInstant(ZoneOffset.UTC);
      } catch (DateTimeParseException notEither) {
        throw new JobException(
            "InvalidRequest",
            "schedulingConfig."
                + member
                + " '"
                + text
                + "' is no date and time such as 2026-01-31T18:30");
      }
    }
  }

  // ---- bounds, as in the developer guide and the API reference

  private void check() {
    JsonNode rollout = members.path(ROLLOUT);
    bounded(rollout, ROLLOUT, "maximumPerMinute", 1, 1000);
    JsonNode exponential = rollout.path("exponentialRate");
    if (exponential.isObject()) {
      checkExponential(exponential);
    }
    for (JsonNode rule : members.path(ABORT).path("criteriaList")) {
      JsonNode percentage = rule.path("thresholdPercentage");
      if (percentage.asDouble(0) <= 0 || percentage.asDouble(0) > 100 || decimals(percentage) > 2) {
        throw invalid(
            "abortConfig thresholdPercentage must be above 0, at most 100, with at most two digits"
                + " after the decimal");
      }
      bounded(rule, ABORT, "minNumberOfExecutedThings", 1, Integer.MAX_VALUE);
    }
    bounded(members.path(TIMEOUT), TIMEOUT, "inProgressTimeoutInMinutes", 1, MAX_TIMEOUT_MINUTES);
    if (retry().stream().mapToInt(RetryRule::numberOfRetries).sum() > MAX_RETRIES) {
      throw invalid(RETRY + " allows at most " + MAX_RETRIES + " retries in all");
    }
    if (retry().stream().map(RetryRule::failureType).anyMatch(t -> !t.equals("FAILED"))
        && timeoutMinutes() == null
        && retry().stream().noneMatch(r -> r.failureType().equals("ALL"))) {
      throw invalid("to retry executions that timed out, give a timeoutConfig");
    }
    if (!members.path(SCHEDULE).path("maintenanceWindows").isEmpty()) {
      throw invalid(
          "schedulingConfig.maintenanceWindows is not supported; use startTime and endTime");
    }
    schedule();
  }

  private static void checkExponential(JsonNode exponential) {
    bounded(exponential, "exponentialRate", "baseRatePerMinute", 1, 1000);
    JsonNode factor = exponential.path("incrementFactor");
    if (factor.asDouble(0) < 1.1 || factor.asDouble(0) > 5 || decimals(factor) > 1) {
      throw invalid(
          "exponentialRate incrementFactor must be between 1.1 and 5, with at most one digit after"
              + " the decimal");
    }
    JsonNode criteria = exponential.path("rateIncreaseCriteria");
    if (!criteria.path("numberOfNotifiedThings").isNumber()
        && !criteria.path("numberOfSucceededThings").isNumber()) {
      throw invalid("rateIncreaseCriteria needs numberOfNotifiedThings or numberOfSucceededThings");
    }
    bounded(criteria, "rateIncreaseCriteria", "numberOfNotifiedThings", 1, Integer.MAX_VALUE);
    bounded(criteria, "rateIncreaseCriteria", "numberOfSucceededThings", 1, Integer.MAX_VALUE);
  }

  private static int decimals(JsonNode number) {
    return number.isNumber()
        ? Math.max(0, new BigDecimal(number.asString()).stripTrailingZeros().scale())
        : 0;
  }

  private static void bounded(JsonNode in, String of, String member, long least, long most) {
    JsonNode value = in.path(member);
    if (!value.isMissingNode()
        && (!value.isNumber() || value.asLong() < least || value.asLong() > most)) {
      throw invalid(of + " " + member + " must be between " + least + " and " + most);
    }
  }

  private static JobException invalid(String message) {
    return new JobException("InvalidRequest", message);
  }
}

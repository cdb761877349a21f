package io.ryegrass.devicegateway;

import java.util.regex.Pattern;

/**
 * Which topics below {@code $aws} are for clients to publish to (mqtt-cloud reference, section 2.1;
 * AWS IoT Core developer guide, Reserved topics). Answers, notifications and events are the
 * services' own: a client that could send them could make others believe what is not.
 */
final class ReservedTopics {

  private static final String PREFIX = "$aws/";
  private static final String BASIC_INGEST = "$aws/rules/";
  private static final Pattern OF_SERVICES =
      Pattern.compile(
          "\\$aws/(events/.*|things/[^/]+/(tunnels/notify"
              + "|jobs/notify|jobs/notify-next|.*/(accepted|rejected|delta|documents))"
              + "|certificates/.*/(accepted|rejected)"
              + "|provisioning-templates/.*/(accepted|rejected))");

  private ReservedTopics() {}

  static boolean isReserved(String topic) {
    return topic.startsWith("$");
  }

  /** Whether a client may send there at all, if its policies allow it. */
  static boolean isForClients(String topic) {
    return topic.startsWith(PREFIX)
        && (topic.startsWith(BASIC_INGEST) || !OF_SERVICES.matcher(topic).matches());
  }
}

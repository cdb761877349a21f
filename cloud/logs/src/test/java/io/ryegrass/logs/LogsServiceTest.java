package io.ryegrass.logs;

import static io.ryegrass.logs.LogsCloud.ARNS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.identity.TemporaryCredentials;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.services.cloudwatchlogs.CloudWatchLogsClient;
import software.amazon.awssdk.services.cloudwatchlogs.model.CloudWatchLogsException;
import software.amazon.awssdk.services.cloudwatchlogs.model.FilterLogEventsResponse;
import software.amazon.awssdk.services.cloudwatchlogs.model.FilteredLogEvent;
import software.amazon.awssdk.services.cloudwatchlogs.model.GetLogEventsResponse;
import software.amazon.awssdk.services.cloudwatchlogs.model.InputLogEvent;
import software.amazon.awssdk.services.cloudwatchlogs.model.InvalidParameterException;
import software.amazon.awssdk.services.cloudwatchlogs.model.LogGroup;
import software.amazon.awssdk.services.cloudwatchlogs.model.LogStream;
import software.amazon.awssdk.services.cloudwatchlogs.model.OrderBy;
import software.amazon.awssdk.services.cloudwatchlogs.model.OutputLogEvent;
import software.amazon.awssdk.services.cloudwatchlogs.model.PutLogEventsResponse;
import software.amazon.awssdk.services.cloudwatchlogs.model.ResourceAlreadyExistsException;
import software.amazon.awssdk.services.cloudwatchlogs.model.ResourceNotFoundException;
import software.amazon.awssdk.services.iam.IamClient;

/** The CloudWatch Logs API as AWS's own Java client sees it. */
class LogsServiceTest {
  /** As the Greengrass core's log manager names it. */
  private static final String GROUP = "/aws/greengrass/UserComponent/us-east-1/com.example.Press";

  private static final String STREAM = "/2026/11/21/thing/core-1";

  @TempDir Path folder;
  private LogsCloud cloud;
  private CloudWatchLogsClient client;
  private long now;

  @BeforeEach
  void start() throws Exception {
    cloud = new LogsCloud(folder, LogsService.DEFAULT_MAX_BYTES);
    client = cloud.client();
    now = cloud.clock.millis();
    client.createLogGroup(r -> r.logGroupName(GROUP));
    client.createLogStream(r -> r.logGroupName(GROUP).logStreamName(STREAM));
  }

  @AfterEach
  void stop() throws Exception {
    cloud.close();
  }

  private static InputLogEvent event(long time, String message) {
    return InputLogEvent.builder().timestamp(time).message(message).build();
  }

  private PutLogEventsResponse put(String stream, List<InputLogEvent> events) {
    return client.putLogEvents(r -> r.logGroupName(GROUP).logStreamName(stream).logEvents(events));
  }

  private void putNumbers(int count) {
    put(STREAM, IntStream.range(0, count).mapToObj(i -> event(now + i / 3, "m" + i)).toList());
  }

  private static List<String> messages(GetLogEventsResponse page) {
    return page.events().stream().map(OutputLogEvent::message).toList();
  }

  private static List<String> numbers(int from, int to) {
    return IntStream.range(from, to).mapToObj(i -> "m" + i).toList();
  }

  @Test
  void groupsAreListedByNameWithTheirArns() {
    for (String name : List.of("b", "a", "/aws/greengrass/x")) {
      client.createLogGroup(r -> r.logGroupName(name));
    }
    assertThatThrownBy(() -> client.createLogGroup(r -> r.logGroupName("a")))
        .isInstanceOf(ResourceAlreadyExistsException.class);
    assertThatThrownBy(() -> client.createLogGroup(r -> r.logGroupName("with space")))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining("logGroupName");
    var pages = client.describeLogGroupsPaginator(r -> r.limit(3));
    assertThat(pages.stream().map(p -> p.logGroups().stream().map(LogGroup::logGroupName).toList()))
        .containsExactly(List.of(GROUP, "/aws/greengrass/x", "a"), List.of("b"));
    LogGroup a = client.describeLogGroups(r -> r.logGroupNamePrefix("a")).logGroups().getFirst();
    assertThat(a.arn()).isEqualTo(ARNS + "a:*");
    assertThat(a.logGroupArn()).isEqualTo(ARNS + "a");
    assertThat(a.creationTime()).isEqualTo(now);
    assertThat(a.retentionInDays()).isNull();
    assertThat(client.describeLogGroups(r -> r.logGroupNamePattern("green")).logGroups())
        .hasSize(2);
    client.deleteLogGroup(r -> r.logGroupName("a"));
    assertThatThrownBy(() -> client.deleteLogGroup(r -> r.logGroupName("a")))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining("The specified log group does not exist.");
  }

  @Test
  void streamsAreListedByNameOrByTheirLastEvent() {
    for (int i = 0; i < 5; i++) {
      String name = "s" + i;
      client.createLogStream(r -> r.logGroupName(GROUP).logStreamName(name));
      put(name, List.of(event(now - i * 1000, "x"), event(now - i * 1000 + 1, "y")));
    }
    assertThatThrownBy(() -> client.createLogStream(r -> r.logGroupName(GROUP).logStreamName("s1")))
        .isInstanceOf(ResourceAlreadyExistsException.class);
    assertThat(
            client
                .describeLogStreamsPaginator(
                    r -> r.logGroupName(GROUP).logStreamNamePrefix("s").limit(2))
                .logStreams()
                .stream()
                .map(LogStream::logStreamName))
        .containsExactly("s0", "s1", "s2", "s3", "s4");
    assertThat(
            client
                .describeLogStreamsPaginator(
                    r ->
                        r.logGroupName(GROUP)
                            .orderBy(OrderBy.LAST_EVENT_TIME)
                            .descending(true)
                            .limit(4))
                .logStreams()
                .stream()
                .map(LogStream::logStreamName))
        .containsExactly("s0", "s1", "s2", "s3", "s4", STREAM);
    LogStream s1 =
        client
            .describeLogStreams(r -> r.logGroupIdentifier(ARNS + GROUP).logStreamNamePrefix("s1"))
            .logStreams()
            .getFirst();
    assertThat(s1.firstEventTimestamp()).isEqualTo(now - 1000);
    assertThat(s1.lastEventTimestamp()).isEqualTo(now - 999);
    assertThat(s1.lastIngestionTime()).isEqualTo(now);
    assertThat(s1.arn()).isEqualTo(ARNS + GROUP + ":log-stream:s1");
    assertThatThrownBy(
            () ->
                client.describeLogStreams(
                    r ->
                        r.logGroupName(GROUP)
                            .orderBy(OrderBy.LAST_EVENT_TIME)
                            .logStreamNamePrefix("s")))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining("Cannot order by LastEventTime with a logStreamNamePrefix.");
  }

  @Test
  void aStreamIsReadForwardsWithTokensThatStayAtTheEndAndFindWhatArrivesLater() {
    putNumbers(25);
    List<String> read = new ArrayList<>();
    String token = null;
    while (true) {
      String from = token;
      GetLogEventsResponse page =
          client.getLogEvents(
              r ->
                  r.logGroupName(GROUP)
                      .logStreamName(STREAM)
                      .startFromHead(true)
                      .limit(10)
                      .nextToken(from));
      read.addAll(messages(page));
      if (page.nextForwardToken().equals(token)) {
        assertThat(page.events()).isEmpty();
        break;
      }
      token = page.nextForwardToken();
    }
    assertThat(read).isEqualTo(numbers(0, 25));
    put(STREAM, List.of(event(now + 100, "late")));
    String end = token;
    GetLogEventsResponse late =
        client.getLogEvents(r -> r.logGroupName(GROUP).logStreamName(STREAM).nextToken(end));
    assertThat(messages(late)).containsExactly("late");
  }

  @Test
  void withoutDirectionTheNewestComeFirstAndTheBackwardTokenLeadsToTheBeginning() {
    putNumbers(25);
    GetLogEventsResponse page =
        client.getLogEvents(r -> r.logGroupName(GROUP).logStreamName(STREAM).limit(10));
    assertThat(messages(page)).isEqualTo(numbers(15, 25));
    String forward = page.nextForwardToken();
    List<List<String>> pages = new ArrayList<>();
    while (!page.events().isEmpty()) {
      pages.add(messages(page));
      String back = page.nextBackwardToken();
      page =
          client.getLogEvents(
              r -> r.logGroupName(GROUP).logStreamName(STREAM).limit(10).nextToken(back));
    }
    assertThat(pages).containsExactly(numbers(15, 25), numbers(5, 15), numbers(0, 5));
    String first = page.nextForwardToken();
    assertThat(
            messages(
                client.getLogEvents(
                    r -> r.logGroupName(GROUP).logStreamName(STREAM).limit(3).nextToken(first))))
        .as("from before the beginning forwards again")
        .isEqualTo(numbers(0, 3));
    GetLogEventsResponse end =
        client.getLogEvents(r -> r.logGroupName(GROUP).logStreamName(STREAM).nextToken(forward));
    assertThat(end.events()).isEmpty();
    String back = end.nextBackwardToken();
    assertThat(
            messages(
                client.getLogEvents(
                    r -> r.logGroupName(GROUP).logStreamName(STREAM).limit(2).nextToken(back))))
        .as("from the end backwards again")
        .isEqualTo(numbers(23, 25));
  }

  @Test
  void timesBoundWhatIsReadTheEndNotIncluded() {
    putNumbers(9);
    assertThat(
            messages(
                client.getLogEvents(
                    r ->
                        r.logGroupIdentifier(GROUP)
                            .logStreamName(STREAM)
                            .startTime(now + 1)
                            .endTime(now + 2))))
        .isEqualTo(numbers(3, 6));
    assertThatThrownBy(
            () ->
                client.getLogEvents(
                    r -> r.logGroupName(GROUP).logStreamName(STREAM).nextToken("f/nonsense")))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining("The specified nextToken is invalid.");
    assertThatThrownBy(
            () -> client.getLogEvents(r -> r.logGroupName(GROUP).logStreamName("nobody")))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining("The specified log stream does not exist.");
  }

  @Test
  void anEmptyStreamGivesATokenThatFindsTheFirstEvents() {
    GetLogEventsResponse empty =
        client.getLogEvents(r -> r.logGroupName(GROUP).logStreamName(STREAM));
    assertThat(empty.events()).isEmpty();
    putNumbers(3);
    assertThat(
            messages(
                client.getLogEvents(
                    r ->
                        r.logGroupName(GROUP)
                            .logStreamName(STREAM)
                            .nextToken(empty.nextForwardToken()))))
        .isEqualTo(numbers(0, 3));
  }

  @Test
  void batchesMustBeInOrderWithinADayAndWithinAMebibyte() {
    assertThatThrownBy(() -> put(STREAM, List.of(event(now, "b"), event(now - 1, "a"))))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining("must be in chronological order");
    assertThatThrownBy(() -> put(STREAM, List.of(event(now - 86_400_001L, "a"), event(now, "b"))))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining("cannot span more than 24 hours");
    assertThatThrownBy(() -> put(STREAM, List.of(event(now, "x".repeat(1_048_551)))))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining("Upload too large: 1048577 bytes exceeds limit of 1048576");
    assertThatThrownBy(
            () -> put(STREAM, IntStream.range(0, 10_001).mapToObj(i -> event(now, "x")).toList()))
        .isInstanceOf(InvalidParameterException.class);
    assertThatThrownBy(() -> put(STREAM, List.of(event(now, ""))))
        .isInstanceOf(InvalidParameterException.class);
    assertThatThrownBy(() -> put("nobody", List.of(event(now, "x"))))
        .isInstanceOf(ResourceNotFoundException.class);
    assertThat(cloud.rows()).isZero();
    put(STREAM, List.of(event(now, "x".repeat(1_048_550))));
    put(STREAM, IntStream.range(0, 10_000).mapToObj(i -> event(now, "y")).toList());
    assertThat(cloud.rows()).isEqualTo(10_001);
    assertThat(client.describeLogGroups().logGroups().getFirst().storedBytes())
        .isEqualTo(1_048_576 + 10_000 * 27);
  }

  @Test
  void anySequenceTokenIsTakenAndOneIsAnswered() {
    for (String token : new String[] {null, "1", "49039859592315140000"}) {
      var put =
          client.putLogEvents(
              r ->
                  r.logGroupName(GROUP)
                      .logStreamName(STREAM)
                      .sequenceToken(token)
                      .logEvents(event(now, "x")));
      assertThat(put.nextSequenceToken()).isNotEmpty();
      assertThat(put.rejectedLogEventsInfo()).isNull();
    }
  }

  @Test
  void eventsThatAreTooOldOrTooNewAreLeftOutAndTold() {
    long day = Duration.ofDays(1).toMillis();
    long hour = Duration.ofHours(1).toMillis();
    var old = put(STREAM, List.of(event(now - 14 * day - 1, "a"), event(now - 14 * day, "b")));
    assertThat(old.rejectedLogEventsInfo().tooOldLogEventEndIndex()).isEqualTo(1);
    var ahead =
        put(
            STREAM,
            List.of(event(now, "c"), event(now + 2 * hour, "d"), event(now + 2 * hour + 1, "e")));
    assertThat(ahead.rejectedLogEventsInfo().tooNewLogEventStartIndex()).isEqualTo(2);
    client.putRetentionPolicy(r -> r.logGroupName(GROUP).retentionInDays(3));
    var expired = put(STREAM, List.of(event(now - 3 * day - 1, "f"), event(now - 3 * day, "g")));
    assertThat(expired.rejectedLogEventsInfo().expiredLogEventEndIndex()).isEqualTo(1);
    assertThat(expired.rejectedLogEventsInfo().tooOldLogEventEndIndex()).isNull();
    assertThat(
            messages(
                client.getLogEvents(
                    r -> r.logGroupName(GROUP).logStreamName(STREAM).startFromHead(true))))
        .containsExactly("g", "c", "d");
  }

  @Test
  void retentionHidesEventsAtOnceAndTheSweepDeletesThem() {
    putNumbers(30);
    client.putRetentionPolicy(r -> r.logGroupName(GROUP).retentionInDays(7));
    assertThat(client.describeLogGroups().logGroups().getFirst().retentionInDays()).isEqualTo(7);
    assertThatThrownBy(
            () -> client.putRetentionPolicy(r -> r.logGroupName(GROUP).retentionInDays(8)))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining("retentionInDays");
    cloud.clock.forward(Duration.ofDays(7).plusMillis(5));
    assertThat(filter("", null).events()).hasSize(15);
    assertThat(
            messages(
                client.getLogEvents(
                    r -> r.logGroupName(GROUP).logStreamName(STREAM).startFromHead(true))))
        .isEqualTo(numbers(15, 30));
    assertThat(cloud.rows()).isEqualTo(30);
    cloud.logs.sweep();
    assertThat(cloud.rows()).isEqualTo(15);
    client.deleteRetentionPolicy(r -> r.logGroupName(GROUP));
    cloud.clock.forward(Duration.ofDays(1000));
    cloud.logs.sweep();
    assertThat(filter("", null).events()).hasSize(15);
  }

  @Test
  void deletedStreamsAndGroupsAreGoneAtOnceAndTheirEventsAfterTheSweep() {
    client.createLogStream(r -> r.logGroupName(GROUP).logStreamName("other"));
    putNumbers(10);
    put("other", List.of(event(now, "stays")));
    client.deleteLogStream(r -> r.logGroupName(GROUP).logStreamName(STREAM));
    assertThat(filter("", null).events())
        .extracting(FilteredLogEvent::message)
        .containsExactly("stays");
    client.createLogStream(r -> r.logGroupName(GROUP).logStreamName(STREAM));
    assertThat(client.getLogEvents(r -> r.logGroupName(GROUP).logStreamName(STREAM)).events())
        .isEmpty();
    cloud.logs.sweep();
    assertThat(cloud.rows()).isEqualTo(1);
    assertThat(client.describeLogGroups().logGroups().getFirst().storedBytes())
        .isEqualTo("stays".length() + 26);
    client.deleteLogGroup(r -> r.logGroupName(GROUP));
    client.createLogGroup(r -> r.logGroupName(GROUP));
    assertThat(client.describeLogStreams(r -> r.logGroupName(GROUP)).logStreams()).isEmpty();
    cloud.logs.sweep();
    assertThat(cloud.rows()).isZero();
  }

  @Test
  void aFullStoreDropsItsOldestEventsCountsThemAndStaysWithinItsBound(@TempDir Path other)
      throws Exception {
    try (LogsCloud small = new LogsCloud(other, 100_000)) {
      CloudWatchLogsClient logs = small.client();
      logs.createLogGroup(r -> r.logGroupName("old"));
      logs.createLogStream(r -> r.logGroupName("old").logStreamName("s"));
      logs.createLogGroup(r -> r.logGroupName("new"));
      logs.createLogStream(r -> r.logGroupName("new").logStreamName("s"));
      String text = "x".repeat(974);
      for (int i = 0; i < 300; i++) {
        String group = i < 50 ? "old" : "new";
        InputLogEvent event = event(now + i, i + text.substring(0, 974 - ("" + i).length()));
        logs.putLogEvents(r -> r.logGroupName(group).logStreamName("s").logEvents(event));
      }
      assertThat(small.rows()).isEqualTo(100);
      assertThat(small.logs.dropped()).isEqualTo(200);
      var left = logs.filterLogEvents(r -> r.logGroupName("new")).events();
      assertThat(left).hasSize(100);
      assertThat(left.getFirst().message()).startsWith("200x");
      assertThat(logs.filterLogEvents(r -> r.logGroupName("old")).events()).isEmpty();
    }
  }

  private FilterLogEventsResponse filter(String pattern, String token) {
    return client.filterLogEvents(
        r -> r.logGroupName(GROUP).filterPattern(pattern).nextToken(token).limit(1000));
  }

  @Test
  void aGroupIsSearchedAcrossItsStreamsInOrderOfTime() {
    for (String stream : List.of("a1", "a2", "b1")) {
      client.createLogStream(r -> r.logGroupName(GROUP).logStreamName(stream));
    }
    put("a1", List.of(event(now, "ERROR one"), event(now + 2, "INFO two")));
    put("a2", List.of(event(now + 1, "ERROR three"), event(now + 3, "WARN four")));
    put("b1", List.of(event(now + 2, "{\"level\":\"ERROR\",\"code\":5}")));
    assertThat(filter("ERROR", null).events())
        .extracting(e -> e.logStreamName() + " " + e.message())
        .containsExactly("a1 ERROR one", "a2 ERROR three", "b1 {\"level\":\"ERROR\",\"code\":5}");
    assertThat(filter("{ $.level = ERROR && $.code > 4 }", null).events()).hasSize(1);
    assertThat(filter("?WARN ?two", null).events()).hasSize(2);
    var prefixed =
        client.filterLogEvents(
            r ->
                r.logGroupName(GROUP).logStreamNamePrefix("a").startTime(now + 1).endTime(now + 2));
    assertThat(prefixed.events())
        .extracting(FilteredLogEvent::message)
        .containsExactly("ERROR three", "INFO two");
    var named =
        client.filterLogEvents(r -> r.logGroupIdentifier(ARNS + GROUP).logStreamNames("a2", "b1"));
    assertThat(named.events()).hasSize(3);
    assertThat(named.events()).extracting(FilteredLogEvent::eventId).doesNotHaveDuplicates();
    assertThatThrownBy(
            () -> client.filterLogEvents(r -> r.logGroupName(GROUP).logStreamNames("nobody")))
        .isInstanceOf(ResourceNotFoundException.class);
    assertThatThrownBy(() -> filter("{ $.a = }", null))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining("Invalid filter pattern");
  }

  @Test
  void pagesOfASearchJoinWithoutGapsOrRepeats() {
    putNumbers(2500);
    List<String> read = new ArrayList<>();
    client
        .filterLogEventsPaginator(r -> r.logGroupName(GROUP).filterPattern("m").limit(37))
        .events()
        .forEach(e -> read.add(e.message()));
    assertThat(read).isEqualTo(numbers(0, 2500));
    assertThat(client.filterLogEvents(r -> r.logGroupName(GROUP)).events()).hasSize(2500);
  }

  @Test
  void aPageHoldsAMebibyte() {
    String big = "x".repeat(300_000);
    for (int i = 0; i < 7; i++) {
      put(STREAM, List.of(event(now + i, i + big)));
    }
    var pages =
        client.getLogEvents(r -> r.logGroupName(GROUP).logStreamName(STREAM).startFromHead(true));
    assertThat(pages.events()).hasSize(3);
    assertThat(
            client.filterLogEventsPaginator(r -> r.logGroupName(GROUP)).stream()
                .map(p -> p.events().size()))
        .containsExactly(3, 3, 1);
  }

  @Test
  void messagesComeBackCharacterForCharacter() {
    List<String> texts = List.of("Grüße \uD83D\uDE00", "tab\tnew\nline", "quote\" \\u0000", "a\0b");
    put(STREAM, texts.stream().map(t -> event(now, t)).toList());
    assertThat(
            messages(
                client.getLogEvents(
                    r -> r.logGroupName(GROUP).logStreamName(STREAM).startFromHead(true))))
        .isEqualTo(texts);
  }

  @Test
  void tagsAreKeptByArnAndByName() {
    String arn = ARNS + GROUP;
    client.tagResource(r -> r.resourceArn(arn).tags(Map.of("team", "red", "site", "north")));
    client.untagResource(r -> r.resourceArn(arn).tagKeys("site"));
    assertThat(client.listTagsForResource(r -> r.resourceArn(arn)).tags())
        .isEqualTo(Map.of("team", "red"));
    client.createLogGroup(r -> r.logGroupName("tagged").tags(Map.of("a", "b")));
    assertThat(client.listTagsForResource(r -> r.resourceArn(ARNS + "tagged")).tags())
        .isEqualTo(Map.of("a", "b"));
    assertThatThrownBy(() -> client.listTagsForResource(r -> r.resourceArn(ARNS + "nobody")))
        .isInstanceOf(ResourceNotFoundException.class);
  }

  /** The policy is the one of the Greengrass guide for token exchange roles. */
  @Test
  void aCoreWritesWithTheCredentialsOfItsRoleAndOnlyWhatItMay() {
    IamClient iam = cloud.iam();
    iam.createRole(
        r ->
            r.roleName("Core")
                .assumeRolePolicyDocument(
                    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                        + "\"sts:AssumeRole\",\"Principal\":{\"Service\":"
                        + "\"credentials.iot.amazonaws.com\"}}]}"));
    iam.putRolePolicy(
        r ->
            r.roleName("Core")
                .policyName("p")
                .policyDocument(
                    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                        + "[\"logs:CreateLogGroup\",\"logs:CreateLogStream\",\"logs:PutLogEvents\","
                        + "\"logs:DescribeLogStreams\"],\"Resource\":"
                        + "\"arn:aws:logs:*:*:log-group:/aws/greengrass/*\"}]}"));
    TemporaryCredentials made =
        cloud.identity.assumeRole(
            "arn:aws:iam::000000000000:role/Core", "core-1", Duration.ofHours(1), "core-1");
    CloudWatchLogsClient core =
        cloud.client(
            AwsSessionCredentials.create(
                made.accessKeyId(), made.secretAccessKey(), made.sessionToken()));
    core.createLogGroup(r -> r.logGroupName("/aws/greengrass/GreengrassSystemComponent"));
    core.createLogStream(r -> r.logGroupName(GROUP).logStreamName("mine"));
    core.putLogEvents(
        r -> r.logGroupName(GROUP).logStreamName("mine").logEvents(event(now, "hello")));
    core.describeLogStreams(r -> r.logGroupName(GROUP));
    assertThatThrownBy(() -> core.getLogEvents(r -> r.logGroupName(GROUP).logStreamName("mine")))
        .isInstanceOf(CloudWatchLogsException.class)
        .hasMessageContaining(
            "logs:GetLogEvents on resource: " + ARNS + GROUP + ":log-stream:mine");
    assertThatThrownBy(() -> core.createLogGroup(r -> r.logGroupName("/other")))
        .hasMessageContaining("logs:CreateLogGroup");
    assertThatThrownBy(core::describeLogGroups).hasMessageContaining("not authorized");
  }
}

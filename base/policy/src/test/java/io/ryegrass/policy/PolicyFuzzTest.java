package io.ryegrass.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Policies come from users: whatever they write is a policy, or refused as malformed, in time. */
@Timeout(120)
class PolicyFuzzTest {
  private static final Map<String, String> VALUES =
      Map.of("iot:ClientId", "a*?${x}", "aws:SourceIp", "10.0.0.1", "n", "7", "b", "true");
  private static final Map<String, List<String>> LISTS = Map.of("l", List.of("a", "b", ""));
  private static final String[] WORDS = {
    "Version",
    "2012-10-17",
    "2008-10-17",
    "Statement",
    "Effect",
    "Allow",
    "Deny",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
    "Principal",
    "Sid",
    "iot:Publish",
    "iot:*",
    "*",
    "?",
    "**?**",
    "${iot:ClientId}",
    "${",
    "${}",
    "}${",
    "${a,'b'}",
    "${a, '}",
    "StringLike",
    "ForAllValues:StringEquals",
    "ForAnyValue:NumericLessThan",
    "ForAnyValue:",
    "IfExists",
    "Null",
    "IpAddress",
    "10.0.0.0/8",
    "10.0.0.0/99",
    "::/0",
    "DateLessThan",
    "1e999999999",
    "n",
    "l",
    "b",
    "Bool",
    "iot:ClientId",
    "topic/\u0000",
    "\ud83d\ude00",
    "\ud83d",
    ""
  };

  private final Random random = new Random(20251121);

  @Test
  void randomDocumentsAreReadOrRefusedAndWhatIsReadCanBeEvaluated() {
    int policies = 0;
    for (int i = 0; i < 20_000; i++) {
      String text = i % 2 == 0 ? json(0) : document();
      if (i % 5 == 0 && !text.isEmpty()) {
        text = text.substring(0, random.nextInt(text.length()));
      }
      PolicyDocument read;
      try {
        read = PolicyDocument.parse(text);
      } catch (PolicyException e) {
        assertThat(e.getMessage()).as(text).isNotBlank();
        continue;
      }
      policies++;
      assertThatCode(
              () -> {
                PolicyEvaluator.evaluate(List.of(read), "iot:Publish", "topic/a", VALUES, LISTS);
                PolicyEvaluator.evaluateTrust(read, "AWS", List.of("x"), "sts:AssumeRole", VALUES);
              })
          .as(text)
          .doesNotThrowAnyException();
    }
    assertThat(policies).as("some of the documents are policies").isGreaterThan(1000);
  }

  @Test
  void depthIsRefusedAndNotFollowed() {
    assertThatCode(() -> PolicyDocument.parse("{\"Statement\":" + "[".repeat(100_000)))
        .isInstanceOf(PolicyException.class);
  }

  /** A matcher that goes back would need longer for this than anybody can wait. */
  @Test
  void nestedWildcardsTakeTimeInProportionToPatternAndText() {
    String pattern = "a*".repeat(300) + "b";
    String resource = "a".repeat(5_000);
    PolicyDocument policy =
        PolicyDocument.parse(
            """
            {"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"%s","Resource":"%s",
            "Condition":{"StringLike":{"iot:ClientId":"%s"}}}}"""
                .formatted("*i".repeat(200) + "*", pattern, pattern));
    PolicyEvaluator.Decision decision =
        Assertions.assertTimeoutPreemptively(
            Duration.ofSeconds(60),
            () ->
                PolicyEvaluator.evaluate(
                    List.of(policy), "i".repeat(2000), resource, Map.of("iot:ClientId", resource)));
    assertThat(decision).isEqualTo(PolicyEvaluator.Decision.DENY_DEFAULT);
  }

  private String word() {
    return WORDS[random.nextInt(WORDS.length)];
  }

  private static String quoted(String text) {
    return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }

  private String json(int depth) {
    int kind = random.nextInt(depth > 4 ? 4 : 7);
    return switch (kind) {
      case 0 -> quoted(word());
      case 1 -> Integer.toString(random.nextInt());
      case 2 -> random.nextBoolean() ? "true" : "null";
      case 3 -> quoted(word() + word());
      case 4 -> list(depth);
      default -> object(depth);
    };
  }

  private String list(int depth) {
    List<String> items = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      items.add(json(depth + 1));
    }
    return "[" + String.join(",", items) + "]";
  }

  private String object(int depth) {
    List<String> members = new ArrayList<>();
    for (int i = random.nextInt(5); i > 0; i--) {
      members.add(quoted(word()) + ":" + json(depth + 1));
    }
    return "{" + String.join(",", members) + "}";
  }

  /** Nearly a policy. */
  private String document() {
    List<String> statements = new ArrayList<>();
    for (int i = random.nextInt(3) + 1; i > 0; i--) {
      String condition =
          random.nextBoolean()
              ? ""
              : ",\"Condition\":{%s:{%s:%s}}".formatted(quoted(word()), quoted(word()), leaf());
      statements.add(
          "{\"Effect\":%s,%s:%s,%s:%s%s}"
              .formatted(
                  quoted(random.nextBoolean() ? "Allow" : "Deny"),
                  quoted(random.nextInt(4) == 0 ? "NotAction" : "Action"),
                  leaf(),
                  quoted(random.nextInt(4) == 0 ? "NotResource" : "Resource"),
                  leaf(),
                  condition));
    }
    return "{\"Version\":\"2012-10-17\",\"Statement\":[" + String.join(",", statements) + "]}";
  }

  private String leaf() {
    return random.nextInt(3) == 0
        ? "[" + quoted(word()) + "," + quoted(word() + word()) + "]"
        : quoted(word());
  }
}

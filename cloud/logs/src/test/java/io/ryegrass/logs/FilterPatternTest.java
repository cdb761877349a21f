package io.ryegrass.logs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.awsapi.AwsException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The examples of "Filter pattern syntax" in the CloudWatch Logs guide, and what lies between. */
class FilterPatternTest {

  @ParameterizedTest(name = "{0} on {1}: {2}")
  @CsvSource(
      delimiter = '~',
      value = {
        "ERROR ~ [ERROR 400] BAD REQUEST ~ true",
        "ERROR ~ error in lower case ~ false",
        "ERROR ARGUMENTS ~ [ERROR] CAUTION: ARGUMENTS ERROR ~ true",
        "ERROR ARGUMENTS ~ [ERROR] nothing else ~ false",
        "?ERROR ?ARGUMENTS ~ only ARGUMENTS ~ true",
        "?ERROR ?ARGUMENTS ~ neither ~ false",
        "\"INTERNAL SERVER ERROR\" ~ [ERROR 500] INTERNAL SERVER ERROR ~ true",
        "\"INTERNAL SERVER ERROR\" ~ INTERNAL ERROR of the SERVER ~ false",
        "ERROR -ARGUMENTS ~ [ERROR] CAUTION ~ true",
        "ERROR -ARGUMENTS ~ [ERROR] ARGUMENTS ~ false",
        "-\"not this\" ~ and this ~ true",
        "-\"not this\" ~ but not this ~ false",
        "?absent ERROR ~ ERROR ~ true",
        "\"a \\\" quote\" ~ has a \" quote ~ true",
      })
  void terms(String pattern, String message, boolean matches) {
    assertThat(FilterPattern.parse(pattern).test(message)).isEqualTo(matches);
  }

  @ParameterizedTest(name = "{0}: {1}")
  @CsvSource(
      delimiter = '~',
      value = {
        "{ $.eventType = \"UpdateTrail\" } ~ true",
        "{ $.eventType = UpdateTrail } ~ true",
        "{ $.eventType = \"Update*\" } ~ true",
        "{ $.eventType = \"*date*ail\" } ~ true",
        "{ $.eventType = \"date*\" } ~ false",
        "{ $.eventType != \"UpdateTrail\" } ~ false",
        "{ $.nothing != \"UpdateTrail\" } ~ false",
        "{ $.sourceIPAddress != 123.123.* } ~ true",
        "{ $.arrayKey[0] = \"value\" } ~ true",
        "{ $.arrayKey[1] = \"value\" } ~ false",
        "{ $.arrayKey[*] = \"another value\" } ~ true",
        "{ $.arrayKey[9] NOT EXISTS } ~ true",
        "{ $.objectList[1].id = 2 } ~ true",
        "{ $.objectList[*].id = 2 } ~ true",
        "{ $.objectList[*].id > 2 } ~ false",
        "{ $.SomeObject IS NULL } ~ true",
        "{ $.SomeOtherObject NOT EXISTS } ~ true",
        "{ $.SomeObject NOT EXISTS } ~ false",
        "{ $.ThisFlag IS TRUE } ~ true",
        "{ $.ThisFlag IS FALSE } ~ false",
        "{ $.user.id = 1 && $.user.email = \"John.Doe@example.com\" } ~ true",
        "{ $.user.email = \"John.Stiles@example.com\" || $.user.id = 1 } ~ true",
        "{ ($.user.id = 2 || $.user.id = 1) && $.latency >= 12.5 } ~ true",
        "{ $.user.id = 2 || $.user.id = 1 && $.latency > 12.5 } ~ false",
        "{ $.latency < 1.3e1 } ~ true",
        "{ $.latency <= 12 } ~ false",
        "{ $.['a.b'] = 3 } ~ true",
        "{ $['a.b'] = 3 } ~ true",
        "{ $.user = \"*\" } ~ false",
      })
  void properties(String pattern, boolean matches) {
    String message =
        """
        {"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "latency": 12.5,
         "arrayKey": ["value", "another value"], "a.b": 3,
         "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
         "SomeObject": null, "ThisFlag": true,
         "user": {"id": 1, "email": "John.Doe@example.com"}}
        """;
    assertThat(FilterPattern.parse(pattern).test(message)).isEqualTo(matches);
    assertThat(FilterPattern.parse(pattern).test("no JSON")).isFalse();
    assertThat(FilterPattern.parse(pattern).test("{\"cut\": ")).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "with-hyphen",
        "a.b",
        "\"open",
        "%regex%",
        "[ip, user]",
        "-",
        "{ $.a = 1",
        "{ }",
        "{ a = 1 }",
        "{ $.a }",
        "{ $.a > x }",
        "{ $.a = }",
        "{ ($.a = 1 }",
        "{ $.a = 1 ) }",
        "{ $.a IS MAYBE }",
        "{ $.a[x] = 1 }",
        "{ $. = 1 }",
        "{ $.a = 1 $.b = 2 }",
        "{ $.a = %x% }",
        "{ $.a[ = 1 }",
      })
  void whatIsNoPatternIsRefusedWithTheReason(String pattern) {
    assertThatThrownBy(() -> FilterPattern.parse(pattern))
        .isInstanceOfSatisfying(
            AwsException.class, e -> assertThat(e.code()).isEqualTo("InvalidParameterException"));
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 1000})
  void manyStarsCostLittle(int stars) {
    String pattern = "{ $.a = \"" + "*a".repeat(stars / 2) + "b\" }";
    assertThat(FilterPattern.parse(pattern).test("{\"a\":\"" + "a".repeat(20_000) + "\"}"))
        .isFalse();
  }
}

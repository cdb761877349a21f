package io.ryegrass.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.policy.PolicyEvaluator.Decision;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The rules of mqtt-cloud.md, section 5. */
class PolicyEvaluatorTest {
  private static final Map<String, String> DEVICE =
      Map.of(
          "iot:ClientId", "dev1",
          "iot:Connection.Thing.ThingName", "dev1",
          "iot:Connection.Thing.IsAttached", "true",
          "aws:SourceIp", "10.1.2.3",
          "count", "7");

  private static Decision decide(String statements, String action, String resource) {
    return PolicyEvaluator.evaluate(
        List.of(document("2012-10-17", statements)), action, resource, DEVICE);
  }

  private static PolicyDocument document(String version, String statements) {
    return PolicyDocument.parse(
        ("{'Version':'" + version + "','Statement':[" + statements + "]}").replace('\'', '"'));
  }

  private static String statement(String effect, String action, String resource, String more) {
    return "{'Effect':'%s','Action':'%s','Resource':'%s'%s}"
        .formatted(effect, action, resource, more);
  }

  @ParameterizedTest
  @CsvSource({
    "iot:Publish, topic/a,        iot:Publish, topic/a,      ALLOW",
    "iot:publish, topic/a,        iot:Publish, topic/a,      ALLOW",
    "iot:*,       topic/*,        iot:Publish, topic/a/b/c,  ALLOW",
    "*,           *,              iot:Publish, topic/a,      ALLOW",
    "iot:Pub????, topic/?,        iot:Publish, topic/a,      ALLOW",
    "iot:Publish, topic/?,        iot:Publish, topic/ab,     DENY_DEFAULT",
    "iot:Publish, topic/+,        iot:Publish, topic/a,      DENY_DEFAULT",
    "iot:Publish, topic/+,        iot:Publish, topic/+,      ALLOW",
    "iot:Publish, topic/a/#,      iot:Publish, topic/a/b,    DENY_DEFAULT",
    "iot:Publish, topic/${*},     iot:Publish, topic/*,      ALLOW",
    "iot:Publish, topic/${*},     iot:Publish, topic/a,      DENY_DEFAULT",
    "iot:Publish, topic/${?}${$}, iot:Publish, topic/?$,     ALLOW",
    "iot:Publish, topic/${iot:ClientId}/x, iot:Publish, topic/dev1/x, ALLOW",
    "iot:Publish, topic/${iot:clientid}/x, iot:Publish, topic/dev1/x, ALLOW",
    "iot:Publish, topic/${iot:ClientId}/x, iot:Publish, topic/dev2/x, DENY_DEFAULT",
    "iot:Publish, topic/${iot:Unknown}*,   iot:Publish, topic/,       DENY_DEFAULT",
    "iot:Receive, topic/a,        iot:Publish, topic/a,      DENY_DEFAULT"
  })
  void anAllowMatchesByActionAndResource(
      String allowed, String pattern, String action, String resource, Decision expected) {
    assertThat(decide(statement("Allow", allowed, pattern, ""), action, resource))
        .isEqualTo(expected);
  }

  @Test
  void nothingIsAllowedWithoutAPolicy() {
    assertThat(PolicyEvaluator.evaluate(List.of(), "iot:Publish", "topic/a", DEVICE))
        .isEqualTo(Decision.DENY_DEFAULT);
  }

  @Test
  void aDenyWinsWhereverItStands() {
    String allow = statement("Allow", "iot:*", "*", "");
    String deny = statement("Deny", "iot:Publish", "topic/secret/*", "");
    for (String both : List.of(allow + "," + deny, deny + "," + allow)) {
      assertThat(decide(both, "iot:Publish", "topic/secret/a")).isEqualTo(Decision.DENY_EXPLICIT);
      assertThat(decide(both, "iot:Publish", "topic/open")).isEqualTo(Decision.ALLOW);
    }
  }

  @Test
  void aVariableIsOrdinaryTextInDocumentsOfTheOldVersion() {
    var old = document("2008-10-17", statement("Allow", "*", "topic/${iot:ClientId}", ""));
    assertThat(PolicyEvaluator.evaluate(List.of(old), "a:b", "topic/dev1", DEVICE))
        .isEqualTo(Decision.DENY_DEFAULT);
    assertThat(PolicyEvaluator.evaluate(List.of(old), "a:b", "topic/${iot:ClientId}", DEVICE))
        .isEqualTo(Decision.ALLOW);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "StringEquals              | iot:ClientId | dev1        | true",
        "StringEquals              | iot:ClientId | DEV1        | false",
        "StringEqualsIgnoreCase    | iot:ClientId | DEV1        | true",
        "StringNotEquals           | iot:ClientId | dev1        | false",
        "StringNotEquals           | iot:ClientId | other       | true",
        "StringLike                | iot:ClientId | dev*        | true",
        "StringNotLike             | iot:ClientId | dev*        | false",
        "StringEquals              | missing      | x           | false",
        "StringNotEquals           | missing      | x           | true",
        "StringEqualsIfExists      | missing      | x           | true",
        "ForAllValues:StringEquals | missing      | x           | true",
        "ForAnyValue:StringEquals  | missing      | x           | false",
        "Null                      | missing      | true        | true",
        "Null                      | iot:ClientId | true        | false",
        "Bool                      | iot:Connection.Thing.IsAttached | true  | true",
        "Bool                      | iot:Connection.Thing.IsAttached | false | false",
        "NumericLessThan           | count        | 8           | true",
        "NumericGreaterThanEquals  | count        | 8           | false",
        "IpAddress                 | aws:SourceIp | 10.0.0.0/8  | true",
        "IpAddress                 | aws:SourceIp | 10.1.2.0/25 | true",
        "IpAddress                 | aws:SourceIp | 192.168.0.0/16 | false",
        "NotIpAddress              | aws:SourceIp | 10.0.0.0/8  | false",
        "StringEquals              | iot:ClientId | ${iot:Connection.Thing.ThingName} | true"
      })
  void aConditionDecidesAllowAndDenyAlike(
      String operator, String key, String value, boolean holds) {
    String condition = ",'Condition':{'%s':{'%s':['%s']}}".formatted(operator, key, value);
    assertThat(decide(statement("Allow", "*", "*", condition), "a:b", "r") == Decision.ALLOW)
        .isEqualTo(holds);
    String denied = statement("Allow", "*", "*", "") + "," + statement("Deny", "*", "*", condition);
    assertThat(decide(denied, "a:b", "r") == Decision.DENY_EXPLICIT).isEqualTo(holds);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'StringSounds':{'iot:ClientId':'dev1'}",
        "'NumericEquals':{'count':'seven'}",
        "'DateLessThan':{'count':'soon'}",
        "'IpAddress':{'aws:SourceIp':'not an address'}",
        "'StringNotEquals':{'iot:ClientId':'${iot:Unknown}'}"
      })
  void whatIsNotUnderstoodNeverOpensADoor(String condition) {
    String more = ",'Condition':{" + condition + "}";
    assertThat(decide(statement("Allow", "*", "*", more), "a:b", "r"))
        .isEqualTo(Decision.DENY_DEFAULT);
    String both = statement("Allow", "*", "*", "") + "," + statement("Deny", "*", "*", more);
    assertThat(decide(both, "a:b", "r")).isEqualTo(Decision.DENY_EXPLICIT);
  }

  @Test
  void notActionAndNotResourceInvert() {
    String some = "{'Effect':'Allow','NotAction':'iot:Delete*','NotResource':'topic/x*'}";
    assertThat(decide(some, "iot:Publish", "topic/a")).isEqualTo(Decision.ALLOW);
    assertThat(decide(some, "iot:DeleteThing", "topic/a")).isEqualTo(Decision.DENY_DEFAULT);
    assertThat(decide(some, "iot:Publish", "topic/x1")).isEqualTo(Decision.DENY_DEFAULT);
    String unknown = "{'Effect':'Allow','Action':'*','NotResource':'${iot:Unknown}'}";
    assertThat(decide(unknown, "iot:Publish", "topic/a")).isEqualTo(Decision.DENY_DEFAULT);
  }

  @Test
  void aTrustPolicyTrustsOnlyWhomItNames() {
    var trust =
        document(
            "2012-10-17",
            "{'Effect':'Allow','Principal':{'Service':'credentials.iot.amazonaws.com'},"
                + "'Action':'sts:AssumeRole'}");
    assertThat(trusts(trust, "Service", "credentials.iot.amazonaws.com")).isTrue();
    assertThat(trusts(trust, "Service", "lambda.amazonaws.com")).isFalse();
    assertThat(trusts(trust, "AWS", "credentials.iot.amazonaws.com")).isFalse();
  }

  @Test
  void aPolicyOfAResourceIsForItsPrincipalsAndItsResources() {
    var policy =
        document(
            "2012-10-17",
            "{'Effect':'Allow','Principal':{'AWS':['arn:reader','arn:writer']},"
                + "'Action':'secretsmanager:GetSecretValue','Resource':'arn:one'},"
                + "{'Effect':'Deny','Principal':'*','Action':'*','Resource':'arn:two'}");
    assertThat(onResource(policy, "arn:reader", "arn:one")).isEqualTo(Decision.ALLOW);
    assertThat(onResource(policy, "arn:other", "arn:one")).isEqualTo(Decision.DENY_DEFAULT);
    assertThat(onResource(policy, "arn:reader", "arn:three")).isEqualTo(Decision.DENY_DEFAULT);
    assertThat(onResource(policy, "arn:reader", "arn:two")).isEqualTo(Decision.DENY_EXPLICIT);
  }

  private static Decision onResource(PolicyDocument policy, String who, String resource) {
    return PolicyEvaluator.evaluateResourcePolicy(
        policy, List.of(who), "secretsmanager:GetSecretValue", resource, Map.of());
  }

  private static boolean trusts(PolicyDocument trust, String kind, String who) {
    return PolicyEvaluator.evaluateTrust(trust, kind, List.of(who), "sts:AssumeRole", Map.of())
        == Decision.ALLOW;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "not json",
        "[]",
        "{}",
        "{'Version':'2020-01-01','Statement':{'Effect':'Allow','Action':'*','Resource':'*'}}",
        "{'Statement':[]}",
        "{'Statement':{'Effect':'Maybe','Action':'*','Resource':'*'}}",
        "{'Statement':{'Effect':'Allow','Resource':'*'}}",
        "{'Statement':{'Effect':'Allow','Action':'*'}}",
        "{'Statement':{'Effect':'Allow','Action':'*','NotAction':'*','Resource':'*'}}",
        "{'Statement':{'Effect':'Allow','Action':{},'Resource':'*'}}",
        "{'Statement':{'Effect':'Allow','Action':'*','Resource':'*','Conditoin':{}}}",
        "{'Statement':{'Effect':'Allow','Effect':'Deny','Action':'*','Resource':'*'}}"
      })
  void whatIsNotAPolicyIsRefused(String text) {
    assertThatThrownBy(() -> PolicyDocument.parse(text.replace('\'', '"')))
        .isInstanceOf(PolicyException.class);
  }

  /** iot-policy-variables: keys of certificates that end in .List have several values. */
  @ParameterizedTest
  @CsvSource({
    "ForAllValues:StringEquals, Example|AnyCompany|Other, ALLOW",
    "ForAllValues:StringEquals, Example,                  DENY_DEFAULT",
    "ForAnyValue:StringEquals,  Example,                  ALLOW",
    "ForAnyValue:StringEquals,  Other,                    DENY_DEFAULT",
    "ForAnyValue:StringNotEquals, Example,                ALLOW",
    "ForAllValues:StringNotEquals, Example,               DENY_DEFAULT",
    "StringEquals,              AnyCompany,               ALLOW"
  })
  void aKeyWithSeveralValuesIsComparedBySetOperators(
      String operator, String expected, Decision decision) {
    String wanted = "['" + expected.replace("|", "','") + "']";
    PolicyDocument policy =
        document(
            "2012-10-17",
            statement(
                "Allow",
                "iot:Publish",
                "*",
                ",'Condition':{'" + operator + "':{'org':" + wanted + "}}"));
    assertThat(
            PolicyEvaluator.evaluate(
                List.of(policy),
                "iot:Publish",
                "topic/a",
                Map.of(),
                Map.of("org", List.of("Example", "AnyCompany"))))
        .isEqualTo(decision);
  }
}

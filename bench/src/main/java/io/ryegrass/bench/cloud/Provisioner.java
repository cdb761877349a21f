package io.ryegrass.bench.cloud;

import io.ryegrass.bench.report.BenchFailed;
import java.security.KeyPair;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Makes things as {@code ./ryegrass provision} does, by the API of IoT Core: CreateThing,
 * CreateCertificateFromCsr, AttachPolicy, AttachThingPrincipal and AddThingToThingGroup for each.
 */
final class Provisioner {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final int THREADS = 24;
  static final int CALLS_PER_THING = 5;
  private static final String POLICY = "bench-cores";

  /** What AWS's example of a minimal policy for cores allows, for the core's own name only. */
  private static final String DOCUMENT =
      """
      {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:Connect",
         "Resource": "arn:aws:iot:us-east-1:*:client/${iot:Connection.Thing.ThingName}"},
        {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"],
         "Resource": "arn:aws:iot:us-east-1:*:topic/$aws/things/${iot:Connection.Thing.ThingName}/*"},
        {"Effect": "Allow", "Action": "iot:Subscribe",
         "Resource": "arn:aws:iot:us-east-1:*:topicfilter/$aws/things/${iot:Connection.Thing.ThingName}/*"}]}""";

  private final Api api;
  private final DeviceKeys keys;

  Provisioner(Api api, DeviceKeys keys) {
    this.api = api;
    this.keys = keys;
  }

  /** Names of things, which say how large their group is. */
  static List<String> names(String prefix, int count) {
    return IntStream.range(0, count).mapToObj(i -> prefix + "-" + (10_000 + i)).toList();
  }

  /** The policy and a thing group. */
  void prepare(String group) {
    try (Api.Caller caller = api.caller()) {
      caller.post(
          "iot",
          "/policies/" + POLICY,
          JSON.writeValueAsString(Map.of("policyDocument", DOCUMENT)));
      caller.post("iot", "/thing-groups/" + group, "{}");
    }
  }

  /** The keys and requests are made beforehand: they are not the cloud's work. */
  Load.Outcome provision(List<String> things, String group) {
    List<KeyPair> pairs = things.parallelStream().map(t -> keys.generate()).toList();
    List<String> requests =
        IntStream.range(0, things.size())
            .parallel()
            .mapToObj(i -> DeviceKeys.request(pairs.get(i), things.get(i)))
            .toList();
    return Load.times(
        api,
        THREADS,
        things.size(),
        1800,
        (caller, i) -> provision(caller, things.get(i), group, pairs.get(i), requests.get(i)));
  }

  private void provision(
      Api.Caller caller, String thing, String group, KeyPair pair, String request) {
    caller.post("iot", "/things/" + thing, "{}");
    JsonNode certificate =
        caller.post(
            "iot",
            "/certificates?setAsActive=true",
            JSON.writeValueAsString(Map.of("certificateSigningRequest", request)));
    String arn = certificate.path("certificateArn").asString("");
    keys.add(thing, pair.getPrivate(), certificate.path("certificatePem").asString(""));
    caller.put("iot", "/target-policies/" + POLICY, "{\"target\":\"" + arn + "\"}");
    Api.Answer attached =
        caller.call(
            "PUT", "iot", "/things/" + thing + "/principals", "", Map.of("x-amzn-principal", arn));
    if (attached.status() != 200) {
      throw new BenchFailed("AttachThingPrincipal: " + attached.status() + " " + attached.text());
    }
    caller.put(
        "iot",
        "/thing-groups/addThingToThingGroup",
        "{\"thingGroupName\":\"" + group + "\",\"thingName\":\"" + thing + "\"}");
  }
}

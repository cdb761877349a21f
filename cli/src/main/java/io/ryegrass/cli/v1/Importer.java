package io.ryegrass.cli.v1;

import io.ryegrass.cli.v1.AwsCalls.Refused;
import io.ryegrass.cli.v1.Rescue.Definition;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.services.iot.IotClient;
import software.amazon.awssdk.services.iot.model.CertificateStatus;
import software.amazon.awssdk.services.iot.model.ResourceAlreadyExistsException;
import software.amazon.awssdk.services.iot.model.ResourceNotFoundException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Makes what was rescued, through the public APIs. Each line it says begins with {@code create},
 * {@code update} or {@code keep}. Groups and definitions are found again by the tag that names
 * their source, functions by the digest of their code, all else by its name.
 */
final class Importer {
  /** The tag that says where a definition or group came from. */
  static final String TAG = "ryegrass:import";

  private static final JsonMapper JSON = JsonMapper.shared();
  private static final Pattern FOREIGN =
      Pattern.compile("arn:aws[a-z-]*:(iot|lambda|secretsmanager):[a-z0-9-]+:\\d{12}:");
  private static final Pattern FOREIGN_IAM = Pattern.compile("arn:aws[a-z-]*:iam::\\d{12}:");
  private static final String LAMBDA = "/2015-03-31/functions";

  private final Rescue rescue;
  private final AwsCalls calls;
  private final IotClient iot;
  private final String region;
  private final String account;
  private final boolean dry;
  private final Consumer<String> say;

  /** Function and alias ARNs there → here. */
  private final Map<String, String> functions = new HashMap<>();

  /** Source of a definition → ARN of its version here; missing while it is only planned. */
  private final Map<String, String> versions = new HashMap<>();

  /**
   * @param dry only say what would be done
   */
  Importer(
      Rescue rescue,
      AwsCalls calls,
      IotClient iot,
      String region,
      String account,
      boolean dry,
      Consumer<String> say) {
    this.rescue = rescue;
    this.calls = calls;
    this.iot = iot;
    this.region = region;
    this.account = account;
    this.dry = dry;
    this.say = say;
  }

  private int refused;

  void run() {
    rescue.things.forEach(name -> orLeft("thing " + name, () -> thing(name)));
    rescue.policies.forEach(
        (name, document) -> orLeft("policy " + name, () -> policy(name, document)));
    rescue.certificates.forEach(c -> orLeft("certificate " + c.file(), () -> certificate(c)));
    rescue.functions.forEach(f -> orLeft("function " + f.arn(), () -> function(f)));
    rescue.aliases.forEach(a -> orLeft("alias " + a.arn(), () -> alias(a)));
    rescue.definitions.forEach(d -> orLeft("definition " + d.source(), () -> definition(d)));
    rescue.definitions.forEach(
        d -> orLeft("things and certificates of " + d.source(), () -> principals(d)));
    rescue.groups.forEach(g -> orLeft("group " + g.source(), () -> group(g)));
  }

  /** What the cloud does not take is left and told; the rest goes on. */
  private void orLeft(String what, Runnable step) {
    try {
      step.run();
    } catch (Refused e) {
      refused(what, e.code(), e.getMessage());
    } catch (AwsServiceException e) {
      refused(what, e.awsErrorDetails().errorCode(), e.awsErrorDetails().errorMessage());
    }
  }

  private void refused(String what, String code, @Nullable String message) {
    refused++;
    rescue.left.add(what + ": the cloud refused: " + code + ", " + message);
  }

  /** How much is left that a second run, once it is mended, carries over. */
  int refused() {
    return refused;
  }

  private void did(String word, String what) {
    say.accept((dry && !word.equals("keep") ? "would " : "") + word + " " + what);
  }

  /** ARNs of functions that were published anew, and the account and Region of all others. */
  private JsonNode here(JsonNode content) {
    String text = content.toString();
    for (Map.Entry<String, String> e : functions.entrySet()) {
      text = text.replace("\"" + e.getKey() + "\"", "\"" + e.getValue() + "\"");
    }
    return JSON.readTree(here(text));
  }

  private String here(String text) {
    String moved =
        FOREIGN
            .matcher(text)
            .replaceAll(m -> "arn:aws:" + m.group(1) + ":" + region + ":" + account + ":");
    return FOREIGN_IAM.matcher(moved).replaceAll("arn:aws:iam::" + account + ":");
  }

  private void thing(String name) {
    try {
      iot.describeThing(b -> b.thingName(name));
      did("keep", "thing " + name);
    } catch (ResourceNotFoundException e) {
      did("create", "thing " + name);
      if (!dry) {
        iot.createThing(b -> b.thingName(name));
      }
    }
  }

  private void policy(String name, ObjectNode document) {
    try {
      iot.getPolicy(b -> b.policyName(name));
      did("keep", "policy " + name);
    } catch (ResourceNotFoundException e) {
      did("create", "policy " + name);
      if (!dry) {
        iot.createPolicy(b -> b.policyName(name).policyDocument(here(document.toString())));
      }
    }
  }

  private void certificate(Rescue.Certificate certificate) {
    String id = CoreFolderReader.id(certificate.pem(), certificate.file());
    String what = "certificate " + id + " (" + certificate.file() + ")";
    try {
      iot.describeCertificate(b -> b.certificateId(id));
      did("keep", what);
    } catch (ResourceNotFoundException e) {
      did("create", what);
      if (!dry) {
        try {
          iot.registerCertificateWithoutCA(
              b -> b.certificatePem(certificate.pem()).status(CertificateStatus.ACTIVE));
        } catch (ResourceAlreadyExistsException raced) {
          did("keep", what);
        }
      }
    }
    if (rescue.policies.size() == 1) {
      String policy = rescue.policies.keySet().iterator().next();
      if (!dry) {
        iot.attachPolicy(b -> b.policyName(policy).target(certificateArn(id)));
      }
    } else {
      rescue.left.add(
          "certificate "
              + id
              + ": which policy it had is not told; attach one: aws iot attach-policy --policy-name"
              + " NAME --target "
              + certificateArn(id));
    }
    if (!certificate.thing().isEmpty() && !dry) {
      iot.attachThingPrincipal(b -> b.thingName(certificate.thing()).principal(certificateArn(id)));
    }
  }

  private String certificateArn(String id) {
    return "arn:aws:iot:" + region + ":" + account + ":cert/" + id;
  }

  /** Cores and devices belong to their certificates, where those are here. */
  private void principals(Definition definition) {
    if (definition.kind() != V1Kind.CORE && definition.kind() != V1Kind.DEVICE) {
      return;
    }
    for (JsonNode entity : definition.content().path(definition.kind().member())) {
      String thingArn = entity.path("ThingArn").asString("");
      String thing = thingArn.substring(thingArn.indexOf(":thing/") + ":thing/".length());
      String arn = entity.path("CertificateArn").asString("");
      String id = arn.substring(arn.lastIndexOf('/') + 1);
      if (!rescue.things.contains(thing)) {
        thing(thing);
      }
      boolean known =
          rescue.certificates.stream()
              .anyMatch(c -> CoreFolderReader.id(c.pem(), c.file()).equals(id));
      try {
        if (!known) {
          iot.describeCertificate(b -> b.certificateId(id));
        }
        if (!dry) {
          iot.attachThingPrincipal(b -> b.thingName(thing).principal(certificateArn(id)));
        }
      } catch (ResourceNotFoundException
          | software.amazon.awssdk.services.iot.model.InvalidRequestException e) {
        rescue.left.add(
            "certificate "
                + id
                + " of "
                + thing
                + " is not among the files; register it: aws iot register-certificate-without-ca"
                + " --status ACTIVE --certificate-pem file://...");
      }
    }
  }

  private void function(Rescue.Function function) {
    String base = "arn:aws:lambda:" + region + ":" + account + ":function:" + function.name();
    String digest = digest(function.zip());
    String version = published(function.name(), digest);
    if (version != null) {
      functions.put(function.arn(), base + ":" + version);
      did("keep", "function " + function.name() + " version " + version);
      return;
    }
    did("create", "function " + function.name() + ", for " + function.arn());
    if (dry) {
      return;
    }
    ObjectNode code =
        JSON.createObjectNode().put("ZipFile", Base64.getEncoder().encodeToString(function.zip()));
    String path = LAMBDA + "/" + AwsCalls.segment(function.name());
    ObjectNode settings =
        JSON.createObjectNode()
            .put("Runtime", function.runtime())
            .put("Handler", function.handler())
            .put("Timeout", function.timeout())
            .put("MemorySize", function.memory());
    ObjectNode variables = settings.putObject("Environment").putObject("Variables");
    function.variables().forEach(variables::put);
    if (exists(path)) {
      calls.call("lambda", "PUT", path + "/code", code);
      calls.call("lambda", "PUT", path + "/configuration", settings);
    } else {
      settings
          .put("FunctionName", function.name())
          .put("Role", "arn:aws:iam::" + account + ":role/ryegrass-imported-functions");
      settings.set("Code", code);
      calls.post("lambda", LAMBDA, settings);
    }
    String made =
        calls
            .post("lambda", path + "/versions", JSON.createObjectNode())
            .path("Version")
            .asString("");
    functions.put(function.arn(), base + ":" + made);
  }

  private boolean exists(String path) {
    try {
      calls.get("lambda", path);
      return true;
    } catch (Refused e) {
      if (e.status() == 404) {
        return false;
      }
      throw e;
    }
  }

  /** The published version with that code, or null. */
  private @Nullable String published(String name, String digest) {
    try {
      for (JsonNode version :
          calls
              .get("lambda", LAMBDA + "/" + AwsCalls.segment(name) + "/versions")
              .path("Versions")) {
        if (version.path("CodeSha256").asString("").equals(digest)
            && !version.path("Version").asString("").equals("$LATEST")) {
          return version.path("Version").asString("");
        }
      }
    } catch (Refused e) {
      if (e.status() != 404) {
        throw e;
      }
    }
    return null;
  }

  private static String digest(byte[] zip) {
    try {
      return Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(zip));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private void alias(Rescue.Alias alias) {
    String base = alias.arn().substring(0, alias.arn().lastIndexOf(':'));
    String target = functions.get(base + ":" + alias.version());
    String what = "alias " + alias.function() + ":" + alias.name();
    if (target == null) {
      if (dry
          && rescue.functions.stream()
              .anyMatch(f -> f.arn().equals(base + ":" + alias.version()))) {
        did("create", what);
      } else {
        rescue.left.add(what + ": version " + alias.version() + " of its function is not here");
      }
      return;
    }
    String version = target.substring(target.lastIndexOf(':') + 1);
    String path = LAMBDA + "/" + AwsCalls.segment(alias.function()) + "/aliases";
    functions.put(alias.arn(), here(alias.arn()));
    String present = aliasVersion(path + "/" + AwsCalls.segment(alias.name()));
    if (version.equals(present)) {
      did("keep", what);
      return;
    }
    did(present == null ? "create" : "update", what + " -> " + version);
    if (dry) {
      return;
    }
    ObjectNode body = JSON.createObjectNode().put("FunctionVersion", version);
    if (present == null) {
      calls.post("lambda", path, body.put("Name", alias.name()));
    } else {
      calls.call("lambda", "PUT", path + "/" + AwsCalls.segment(alias.name()), body);
    }
  }

  private @Nullable String aliasVersion(String path) {
    try {
      return calls.get("lambda", path).path("FunctionVersion").asString("");
    } catch (Refused e) {
      if (e.status() == 404) {
        return null;
      }
      throw e;
    }
  }

  private void definition(Definition definition) {
    String path = "/greengrass/definition/" + definition.kind().segment;
    String what =
        definition.kind().segment.replaceAll("s$", "")
            + " definition "
            + (definition.name().isEmpty() ? definition.source() : definition.name());
    JsonNode content = here(definition.content());
    JsonNode present = tagged(path, "Definitions", definition.source());
    if (present == null) {
      did("create", what);
      if (!dry) {
        ObjectNode body = JSON.createObjectNode();
        if (!definition.name().isEmpty()) {
          body.put("Name", definition.name());
        }
        body.set("InitialVersion", content);
        body.putObject("tags").put(TAG, definition.source());
        versions.put(
            definition.source(),
            calls.post("greengrass", path, body).path("LatestVersionArn").asString(""));
      }
      return;
    }
    String id = present.path("Id").asString("");
    JsonNode latest =
        present.path("LatestVersion").asString("").isEmpty()
            ? JSON.createObjectNode()
            : calls
                .get(
                    "greengrass",
                    path + "/" + id + "/versions/" + present.path("LatestVersion").asString(""))
                .path("Definition");
    if (latest.equals(content)) {
      did("keep", what);
      versions.put(definition.source(), present.path("LatestVersionArn").asString(""));
      return;
    }
    did("update", what);
    if (!dry) {
      versions.put(
          definition.source(),
          calls
              .post("greengrass", path + "/" + id + "/versions", content)
              .path("Arn")
              .asString(""));
    }
  }

  private @Nullable JsonNode tagged(String path, String list, String source) {
    String next = "";
    do {
      ObjectNode page =
          calls.get(
              "greengrass",
              path
                  + "?MaxResults=200"
                  + (next.isEmpty() ? "" : "&NextToken=" + AwsCalls.segment(next)));
      for (JsonNode item : page.path(list)) {
        JsonNode full =
            list.equals("Groups")
                ? calls.get("greengrass", path + "/" + item.path("Id").asString(""))
                : item;
        if (full.path("tags").path(TAG).asString("").equals(source)) {
          return full;
        }
      }
      next = page.path("NextToken").asString("");
    } while (!next.isEmpty());
    return null;
  }

  private void group(Rescue.Group group) {
    ObjectNode version = JSON.createObjectNode();
    boolean complete = true;
    for (Map.Entry<V1Kind, String> e : group.definitions().entrySet()) {
      String arn = versions.get(e.getValue());
      if (arn == null) {
        complete = false;
      } else {
        version.put(e.getKey().reference(), arn);
      }
    }
    String what = "group " + group.name();
    JsonNode present = tagged("/greengrass/groups", "Groups", group.source());
    String id = present == null ? "" : present.path("Id").asString("");
    if (present == null) {
      did("create", what);
      if (!dry) {
        ObjectNode body = JSON.createObjectNode().put("Name", group.name());
        body.set("InitialVersion", version);
        body.putObject("tags").put(TAG, group.source());
        ObjectNode made = calls.post("greengrass", "/greengrass/groups", body);
        id = made.path("Id").asString("");
        deployable(id, made.path("LatestVersion").asString(""));
      }
    } else {
      String latest = present.path("LatestVersion").asString("");
      JsonNode before =
          calls
              .get("greengrass", "/greengrass/groups/" + id + "/versions/" + latest)
              .path("Definition");
      if (complete && before.equals(version)) {
        did("keep", what);
      } else {
        did("update", what);
        if (!dry) {
          latest =
              calls
                  .post("greengrass", "/greengrass/groups/" + id + "/versions", version)
                  .path("Version")
                  .asString("");
        }
      }
      deployable(id, latest);
    }
    if (!dry) {
      settings(group, id);
    }
  }

  private void deployable(String id, String version) {
    say.accept(
        "  deploy it: aws greengrass create-deployment --deployment-type NewDeployment --group-id "
            + id
            + " --group-version-id "
            + version);
  }

  private void settings(Rescue.Group group, String id) {
    String role = group.roleArn();
    if (role != null) {
      Matcher iam = FOREIGN_IAM.matcher(role);
      calls.call(
          "greengrass",
          "PUT",
          "/greengrass/groups/" + id + "/role",
          JSON.createObjectNode().put("RoleArn", iam.find() ? here(role) : role));
      rescue.left.add(
          "group role " + here(role) + ": it is associated; its policies have to be made in IAM");
    }
    String expiry = group.expiryMillis();
    if (expiry != null) {
      calls.call(
          "greengrass",
          "PUT",
          "/greengrass/groups/" + id + "/certificateauthorities/configuration/expiry",
          JSON.createObjectNode().put("CertificateExpiryInMilliseconds", expiry));
    }
  }
}

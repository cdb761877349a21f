package io.ryegrass.objects;

import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.policy.PolicyException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What can be set for a bucket: versioning, policy, public access block, ownership. What cannot is
 * answered as a bucket that never had it; to set it is refused.
 */
final class S3Settings {
  private static final int LARGEST_POLICY = 20 << 10;
  private static final String PUBLIC_ACCESS = "publicAccessBlock";
  private static final List<String> BLOCKS =
      List.of("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets");

  /** Sub-resources that hold nothing here: code and message for who asks, or the empty document. */
  private static final Map<String, String[]> NEVER_SET =
      new TreeMap<>(
          Map.of(
              "cors",
              error("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
              "lifecycle",
              error("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
              "encryption",
              error(
                  "ServerSideEncryptionConfigurationNotFoundError",
                  "The server side encryption configuration was not found"),
              "website",
              error(
                  "NoSuchWebsiteConfiguration",
                  "The specified bucket does not have a website configuration"),
              "replication",
              error(
                  "ReplicationConfigurationNotFoundError",
                  "The replication configuration was not found"),
              "object-lock",
              error(
                  "ObjectLockConfigurationNotFoundError",
                  "Object Lock configuration does not exist for this bucket"),
              "logging",
              new String[] {"BucketLoggingStatus"},
              "notification",
              new String[] {"NotificationConfiguration"},
              "accelerate",
              new String[] {"AccelerateConfiguration"}));

  private static final Set<String> OTHERS =
      Set.of(
          "acl",
          "policy",
          "policyStatus",
          "versioning",
          PUBLIC_ACCESS,
          "ownershipControls",
          "requestPayment",
          "analytics",
          "inventory",
          "metrics",
          "intelligent-tiering",
          "metadataTable",
          "metadataConfiguration",
          "abac",
          "session");

  private final FolderStore store;

  S3Settings(FolderStore store) {
    this.store = store;
  }

  private static String[] error(String code, String message) {
    return new String[] {code, message};
  }

  /** Whether a request is about a setting; it must not be mistaken for one about the bucket. */
  boolean claims(S3Call call) {
    return call.query().keySet().stream()
        .anyMatch(name -> NEVER_SET.containsKey(name) || OTHERS.contains(name));
  }

  S3Response handle(S3Call call) {
    if (call.has("versioning")) {
      return versioning(call);
    }
    if (call.has("policy")) {
      return policy(call);
    }
    if (call.has("policyStatus")) {
      return policyStatus(call);
    }
    if (call.has(PUBLIC_ACCESS)) {
      return publicAccess(call);
    }
    if (call.has("ownershipControls")) {
      return ownership(call);
    }
    if (call.has("acl")) {
      return bucketAcl(call);
    }
    if (call.has("requestPayment") && call.request().method().equals("GET")) {
      call.requireOnBucket("s3:GetBucketRequestPayment");
      store.bucket(call.bucket());
      return S3Response.xml(
          200,
          S3Xml.document("RequestPaymentConfiguration")
              .element("Payer", "BucketOwner")
              .end("RequestPaymentConfiguration"));
    }
    return neverSet(call);
  }

  private S3Response neverSet(S3Call call) {
    for (Map.Entry<String, String[]> one : NEVER_SET.entrySet()) {
      if (!call.has(one.getKey())) {
        continue;
      }
      store.bucket(call.bucket());
      switch (call.request().method()) {
        case "GET" -> {
          call.requireOnBucket("s3:GetBucket" + one.getKey());
          String[] answer = one.getValue();
          if (answer.length == 1) {
            return S3Response.xml(200, S3Xml.document(answer[0]).end(answer[0]));
          }
          throw new S3Exception(answer[0], 404, answer[1]).with("BucketName", call.bucket());
        }
        case "DELETE" -> {
          call.requireOnBucket("s3:PutBucket" + one.getKey());
          return S3Response.empty(204, Map.of());
        }
        default -> throw S3Api.notImplemented(call);
      }
    }
    throw S3Api.notImplemented(call);
  }

  // ---- versioning

  private S3Response versioning(S3Call call) {
    switch (call.request().method()) {
      case "GET" -> {
        call.requireOnBucket("s3:GetBucketVersioning");
        S3Xml xml = S3Xml.document("VersioningConfiguration");
        switch (store.bucket(call.bucket()).versioning()) {
          case ENABLED -> xml.element("Status", "Enabled");
          case SUSPENDED -> xml.element("Status", "Suspended");
          case NEVER -> {
            // an empty document says so
          }
        }
        return S3Response.xml(200, xml.end("VersioningConfiguration"));
      }
      case "PUT" -> {
        call.requireOnBucket("s3:PutBucketVersioning");
        S3Xml.Node document = S3Xml.read(call.document(store.staging()), "VersioningConfiguration");
        if (document.value("MfaDelete").equals("Enabled")) {
          throw S3Headers.refused("MFA delete");
        }
        switch (document.value("Status")) {
          case "Enabled" -> store.setVersioning(call.bucket(), Bucket.Versioning.ENABLED);
          case "Suspended" -> store.setVersioning(call.bucket(), Bucket.Versioning.SUSPENDED);
          case "" ->
              throw new S3Exception(
                  "IllegalVersioningConfigurationException",
                  400,
                  "The Versioning element must be specified");
          default -> throw S3Exception.malformedXml();
        }
        return S3Response.empty(200, Map.of());
      }
      default -> throw S3Api.notImplemented(call);
    }
  }

  // ---- policy

  private S3Response policy(S3Call call) {
    switch (call.request().method()) {
      case "GET" -> {
        call.requireOnBucket("s3:GetBucketPolicy");
        byte[] text = requiredPolicy(call).getBytes(java.nio.charset.StandardCharsets.UTF_8);
        return new S3Response(
            200,
            Map.of("content-type", "application/json"),
            text.length,
            out -> out.write(text),
            () -> {});
      }
      case "PUT" -> {
        call.requireOnBucket("s3:PutBucketPolicy");
        String text = call.document(store.staging());
        check(call, text);
        store.settings().put(call.bucket(), BucketSettings.POLICY, text);
        return S3Response.empty(204, Map.of());
      }
      case "DELETE" -> {
        call.requireOnBucket("s3:DeleteBucketPolicy");
        store.settings().put(call.bucket(), BucketSettings.POLICY, null);
        return S3Response.empty(204, Map.of());
      }
      default -> throw S3Api.notImplemented(call);
    }
  }

  private String requiredPolicy(S3Call call) {
    return store
        .settings()
        .get(call.bucket(), BucketSettings.POLICY)
        .orElseThrow(
            () ->
                new S3Exception("NoSuchBucketPolicy", 404, "The bucket policy does not exist")
                    .with("BucketName", call.bucket()));
  }

  private void check(S3Call call, String text) {
    if (text.length() > LARGEST_POLICY) {
      throw malformedPolicy("Policy exceeds the maximum allowed document size.");
    }
    try {
      PolicyDocument.parse(text);
      for (JsonNode statement : statements(text)) {
        if (!statement.has("Principal") && !statement.has("NotPrincipal")) {
          throw malformedPolicy("Missing required field Principal");
        }
        checkResources(call, statement);
      }
    } catch (PolicyException | JacksonException e) {
      throw (S3Exception)
          malformedPolicy(
                  e instanceof JacksonException
                      ? "Policies must be valid JSON and the first byte must be '{'"
                      : String.valueOf(e.getMessage()))
              .initCause(e);
    }
    if (isBlocked(call, "BlockPublicPolicy") && isPublic(text)) {
      throw new S3Exception(
          "AccessDenied",
          403,
          "Access Denied: the policy allows everybody and the bucket blocks public policies");
    }
  }

  private static void checkResources(S3Call call, JsonNode statement) {
    JsonNode resources = statement.path("Resource");
    String own = "arn:aws:s3:::" + call.bucket();
    for (JsonNode resource : resources.isArray() ? resources : List.of(resources)) {
      String arn = resource.asString("");
      if (!arn.isEmpty()
          && !arn.equals("*")
          && !arn.equals(own)
          && !arn.startsWith(own + "/")
          && !arn.startsWith(own + "*")
          && !arn.startsWith("arn:aws:s3:::*")) {
        throw malformedPolicy("Policy has invalid resource");
      }
    }
  }

  private static S3Exception malformedPolicy(String message) {
    return new S3Exception("MalformedPolicy", 400, message);
  }

  private S3Response policyStatus(S3Call call) {
    call.requireOnBucket("s3:GetBucketPolicyStatus");
    if (!call.request().method().equals("GET")) {
      throw S3Api.notImplemented(call);
    }
    return S3Response.xml(
        200,
        S3Xml.document("PolicyStatus")
            .element("IsPublic", isPublic(requiredPolicy(call)))
            .end("PolicyStatus"));
  }

  private static boolean isPublic(String policy) {
    for (JsonNode statement : statements(policy)) {
      boolean allows = statement.path("Effect").asString("").equals("Allow");
      if (allows && !statement.has("Condition") && everybody(statement.path("Principal"))) {
        return true;
      }
    }
    return false;
  }

  private static boolean everybody(JsonNode principal) {
    if (principal.isValueNode()) {
      return principal.asString("").equals("*");
    }
    for (JsonNode inner : principal) {
      if (everybody(inner)) {
        return true;
      }
    }
    return false;
  }

  private static List<JsonNode> statements(String text) {
    JsonNode statements = JsonMapper.shared().readTree(text).path("Statement");
    return statements.isArray() ? statements.valueStream().toList() : List.of(statements);
  }

  // ---- who may from outside: nobody without a signature

  private boolean isBlocked(S3Call call, String what) {
    return store
        .settings()
        .get(call.bucket(), PUBLIC_ACCESS)
        .map(kept -> List.of(kept.split(",")).contains(what))
        .orElse(false);
  }

  private S3Response publicAccess(S3Call call) {
    switch (call.request().method()) {
      case "GET" -> {
        call.requireOnBucket("s3:GetBucketPublicAccessBlock");
        String kept =
            store
                .settings()
                .get(call.bucket(), PUBLIC_ACCESS)
                .orElseThrow(
                    () ->
                        new S3Exception(
                                "NoSuchPublicAccessBlockConfiguration",
                                404,
                                "The public access block configuration was not found")
                            .with("BucketName", call.bucket()));
        S3Xml xml = S3Xml.document("PublicAccessBlockConfiguration");
        for (String block : BLOCKS) {
          xml.element(block, List.of(kept.split(",")).contains(block));
        }
        return S3Response.xml(200, xml.end("PublicAccessBlockConfiguration"));
      }
      case "PUT" -> {
        call.requireOnBucket("s3:PutBucketPublicAccessBlock");
        S3Xml.Node document =
            S3Xml.read(call.document(store.staging()), "PublicAccessBlockConfiguration");
        if (document.children().isEmpty()) {
          throw new S3Exception("InvalidRequest", 400, "Must specify at least one configuration.");
        }
        String kept =
            String.join(
                ",",
                BLOCKS.stream()
                    .filter(block -> document.value(block).strip().equalsIgnoreCase("true"))
                    .toList());
        store.settings().put(call.bucket(), PUBLIC_ACCESS, kept);
        return S3Response.empty(200, Map.of());
      }
      case "DELETE" -> {
        call.requireOnBucket("s3:PutBucketPublicAccessBlock");
        store.settings().put(call.bucket(), PUBLIC_ACCESS, null);
        return S3Response.empty(204, Map.of());
      }
      default -> throw S3Api.notImplemented(call);
    }
  }

  /** Buckets belong to their owner, as new ones do at AWS; there are no ACLs. */
  private S3Response ownership(S3Call call) {
    switch (call.request().method()) {
      case "GET" -> {
        call.requireOnBucket("s3:GetBucketOwnershipControls");
        store.bucket(call.bucket());
        return S3Response.xml(
            200,
            S3Xml.document("OwnershipControls")
                .open("Rule")
                .element("ObjectOwnership", "BucketOwnerEnforced")
                .close("Rule")
                .end("OwnershipControls"));
      }
      case "PUT" -> {
        call.requireOnBucket("s3:PutBucketOwnershipControls");
        store.bucket(call.bucket());
        S3Xml.Node document = S3Xml.read(call.document(store.staging()), "OwnershipControls");
        for (S3Xml.Node rule : document.all("Rule")) {
          checkOwnership(rule.value("ObjectOwnership"));
        }
        return S3Response.empty(200, Map.of());
      }
      default -> throw S3Api.notImplemented(call);
    }
  }

  static void checkOwnership(String wanted) {
    switch (wanted) {
      case "", "BucketOwnerEnforced" -> {
        // as it is anyway
      }
      case "BucketOwnerPreferred", "ObjectWriter" ->
          throw S3Headers.refused("Object ownership " + wanted + " (there are no ACLs)");
      default ->
          throw S3Exception.invalidArgument(
              "Invalid x-amz-object-ownership header: " + wanted, "x-amz-object-ownership", wanted);
    }
  }

  private S3Response bucketAcl(S3Call call) {
    store.bucket(call.bucket());
    return acl(
        call,
        () -> call.requireOnBucket("s3:GetBucketAcl"),
        () -> call.requireOnBucket("s3:PutBucketAcl"));
  }

  S3Response objectAcl(S3Call call) {
    String versionId = call.versionId();
    String end = versionId.isEmpty() ? "ObjectAcl" : "ObjectVersionAcl";
    Versions.required(store.find(call.bucket(), call.key(), versionId), call.key(), versionId);
    return acl(
        call,
        () -> call.requireOnObject("s3:Get" + end),
        () -> call.requireOnObject("s3:Put" + end));
  }

  private S3Response acl(S3Call call, Runnable mayGet, Runnable mayPut) {
    switch (call.request().method()) {
      case "GET" -> {
        mayGet.run();
        S3Xml xml = S3Xml.document("AccessControlPolicy");
        S3Buckets.owner(xml, "Owner");
        xml.open("AccessControlList").open("Grant");
        xml.openUser("Grantee")
            .element("ID", S3Buckets.OWNER)
            .element("DisplayName", S3Buckets.OWNER)
            .close("Grantee");
        xml.element("Permission", "FULL_CONTROL").close("Grant").close("AccessControlList");
        return S3Response.xml(200, xml.end("AccessControlPolicy"));
      }
      case "PUT" -> {
        mayPut.run();
        S3Headers.refuseUnkept(call);
        if (call.request().header("x-amz-acl").isEmpty()) {
          throw S3Headers.noAcl();
        }
        return S3Response.empty(200, Map.of());
      }
      default -> throw S3Api.notImplemented(call);
    }
  }
}

package io.ryegrass.coreapp.provisioning;

import io.ryegrass.cloudlink.ClaimCloud;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.nucleus.CoreIdentity;
import io.ryegrass.nucleus.NucleusException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Provisioning by claim: a certificate, then the registration with its ownership token (PRV-09,
 * PRV-18).
 *
 * <p>Each answer is on the disk before the next step, so a core that is killed in between goes on
 * with what it has: before the certificate came it asks for one (the cloud forgets those that
 * nobody registers), before the registration was answered it registers again with the same token,
 * and afterwards it only writes its files. A token that the cloud does not take any more is given
 * up with its certificate.
 */
final class ClaimSource implements Source {
  private static final Logger LOG = LoggerFactory.getLogger(ClaimSource.class);
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final String CREATE = "$aws/certificates/create/json";
  private static final String FROM_CSR = "$aws/certificates/create-from-csr/json";

  /** The contract's time limit of each call (v2-deployments.md section 14). */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Path root;
  private final ClaimParameters p;
  private final ClaimCloud.Door door;
  private final Path state;

  ClaimSource(Path root, ClaimParameters parameters, ClaimCloud.Door door) {
    this.root = root;
    this.p = parameters;
    this.door = door;
    this.state = root.resolve("provisioning").resolve("claim.json");
  }

  @Override
  public String name() {
    return "the claim certificate " + p.claimCertificate();
  }

  @Override
  public Identity get() throws InterruptedException {
    ObjectNode held = held();
    if (held.path("thingName").asString("").isEmpty()) {
      held = ask(held);
    }
    if (!p.csrMode()) {
      write(p.privateKey(), held.path("privateKey").asString(""), "rw-------");
    }
    write(p.certificate(), held.path("certificatePem").asString(""), "rw-r--r--");
    return new Identity(
        held.path("thingName").asString(""),
        p.certificate().toString(),
        p.privateKey().toString(),
        p.rootCa().toString(),
        p.awsRegion(),
        p.iotRoleAlias(),
        p.iotDataEndpoint(),
        p.iotCredentialEndpoint());
  }

  private ObjectNode ask(ObjectNode before) throws InterruptedException {
    ObjectNode held = before;
    try (ClaimCloud cloud =
        door.open(
            new ClaimCloud.Settings(
                root,
                new CoreIdentity(p.deviceId(), p.claimCertificate(), p.claimKey(), p.rootCa()),
                p.awsRegion(),
                p.iotDataEndpoint(),
                p.mqttPort(),
                p.deviceId(),
                p.proxyUrl(),
                p.proxyUserName(),
                p.proxyPassword(),
                PATIENCE))) {
      if (held.isEmpty()) {
        held = certificate(cloud);
        keep(held);
      }
      ObjectNode request = JSON.createObjectNode();
      request.put("certificateOwnershipToken", held.path("certificateOwnershipToken").asString(""));
      ObjectNode parameters = request.putObject("parameters");
      p.templateParameters().forEach(parameters::put);
      ObjectNode answer;
      try {
        answer =
            cloud.ask(
                "$aws/provisioning-templates/" + p.provisioningTemplate() + "/provision/json",
                request);
      } catch (ClaimCloud.Rejected e) {
        if (e.code().equals("InvalidCertificateOwnershipToken")) {
          DurableFiles.delete(state);
        }
        throw e;
      }
      String thing = answer.path("thingName").asString("");
      if (thing.isEmpty()) {
        throw new NucleusException(
            "PROVISIONING_INCOMPLETE",
            "The template "
                + p.provisioningTemplate()
                + " makes no thing, and a core is one; add an AWS::IoT::Thing to its resources.");
      }
      held.put("thingName", thing);
      keep(held);
      return held;
    }
  }

  private ObjectNode certificate(ClaimCloud cloud) throws InterruptedException {
    ObjectNode request = JSON.createObjectNode();
    Path csr = p.csr();
    if (csr != null) {
      request.put(
          "certificateSigningRequest",
          new String(
              DurableFiles.read(csr)
                  .orElseThrow(
                      () ->
                          new NucleusException(
                              "CONFIG_NOT_VALID", "The file of csrPath, " + csr + ", is missing.")),
              StandardCharsets.UTF_8));
    }
    ObjectNode answer = cloud.ask(csr == null ? CREATE : FROM_CSR, request);
    answer.put("template", p.provisioningTemplate());
    answer.put("csr", csr != null);
    return answer;
  }

  /** What a run before this one got; empty when nothing of it can be used. */
  private ObjectNode held() {
    Optional<byte[]> bytes = DurableFiles.read(state);
    if (bytes.isEmpty()) {
      return JSON.createObjectNode();
    }
    try {
      if (JSON.readTree(bytes.get()) instanceof ObjectNode held
          && held.path("template").asString("").equals(p.provisioningTemplate())
          && held.path("csr").asBoolean(false) == p.csrMode()
          && !held.path("certificatePem").asString("").isEmpty()) {
        return held;
      }
    } catch (JacksonException e) {
      LOG.warn("{} is damaged and not used: {}", state, e.getOriginalMessage());
    }
    return JSON.createObjectNode();
  }

  private void keep(ObjectNode held) {
    DurableFiles.createDirectories(state.resolveSibling(""));
    DurableFiles.writeAtomically(state, JSON.writeValueAsBytes(held), DurableFiles.OWNER_ONLY);
  }

  private static void write(Path file, String text, String mode) {
    Path folder = file.getParent();
    if (folder != null) {
      DurableFiles.createDirectories(folder);
    }
    DurableFiles.writeAtomically(
        file, text.getBytes(StandardCharsets.UTF_8), PosixFilePermissions.fromString(mode));
  }

  @Override
  public void done() {
    DurableFiles.delete(state);
  }
}

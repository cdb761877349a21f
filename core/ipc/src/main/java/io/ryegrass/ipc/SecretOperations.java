package io.ryegrass.ipc;

import io.ryegrass.eventstream.RpcOperation.Order;
import io.ryegrass.nucleus.NucleusException;
import java.util.Base64;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** GetSecretValue (v2-ipc.md §7.7, IPC-24). */
final class SecretOperations {
  private static final String COMPONENT = "aws.greengrass.SecretManager";
  private static final String GET = "GetSecretValue";

  private final IpcPorts ports;
  private final Authorisation authorisation;

  SecretOperations(IpcPorts ports, Authorisation authorisation) {
    this.ports = ports;
    this.authorisation = authorisation;
  }

  void addTo(CoreService.Table table) {
    table.unary(GET, Order.CONCURRENT, this::get);
  }

  private ObjectNode get(String principal, ObjectNode request) {
    SecretsPort secrets = ports.secrets().orElseThrow(() -> Errors.absent(GET, COMPONENT));
    String id = Requests.text(request, "secretId");
    @Nullable String versionId = Requests.optionalText(request, "versionId");
    @Nullable String stage = Requests.optionalText(request, "versionStage");
    String arn = secrets.arnOf(id).orElse(id);
    authorisation.check(principal, COMPONENT, Errors.NAMESPACE + GET, arn);
    if (versionId != null && stage != null) {
      throw Errors.service("Only one of versionId and versionStage can be given");
    }
    if (secrets.arnOf(id).isEmpty()) {
      throw Errors.notFound("Secret " + id + " is not configured on this core", "secret", id);
    }
    SecretsPort.Secret secret;
    try {
      secret = secrets.get(arn, versionId, stage, request.path("refresh").asBoolean(false));
    } catch (NucleusException e) {
      throw Errors.of(e, "secret", id);
    }
    ObjectNode response =
        Requests.empty().put("secretId", secret.arn()).put("versionId", secret.versionId());
    ArrayNode stages = response.putArray("versionStage");
    secret.versionStages().forEach(stages::add);
    ObjectNode value = response.putObject("secretValue");
    if (secret.text() != null) {
      value.put("secretString", secret.text());
    } else if (secret.binary() != null) {
      value.put("secretBinary", Base64.getEncoder().encodeToString(secret.binary()));
    }
    return response;
  }
}

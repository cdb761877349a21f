package io.ryegrass.v1;

import io.ryegrass.model.Json;
import io.ryegrass.nucleus.NucleusSettings;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ObjectNode;

/**
 * What {@code config.json} says, in the form of V2's {@code config.yaml} (v2-recipes-config.md
 * sections 6.4 and 7). Pure: the same file gives the same configuration.
 */
final class V1Translation {
  private V1Translation() {}

  static NucleusSettings.Given of(V1Config c) {
    ObjectNode top = Json.object();
    top.putObject("system")
        .put("certificateFilePath", c.certificate().toString())
        .put("privateKeyPath", c.privateKey().toString())
        .put("rootCaPath", c.rootCa().toString())
        .put("thingName", c.thingName());
    ObjectNode nucleus =
        top.putObject("services").putObject("aws.greengrass.Nucleus").putObject("configuration");
    String iotHost = c.text("coreThing.iotHost");
    String ggHost = c.text("coreThing.ggHost");
    nucleus
        .put("awsRegion", c.region())
        .put("iotRoleAlias", c.text("ryegrass.iotRoleAlias"))
        .put("iotDataEndpoint", iotHost)
        .put("iotCredEndpoint", credentials(c, iotHost))
        .put("greengrassDataPlaneEndpoint", ggHost)
        .put("greengrassDataPlanePort", c.number("coreThing.ggHttpPort"));
    nucleus
        .putObject("mqtt")
        .put("port", c.number("coreThing.iotMqttPort"))
        .put("keepAliveTimeoutMs", c.number("coreThing.keepAlive") * 1000L)
        .put("operationTimeoutMs", c.number("coreThing.mqttOperationTimeout") * 1000L)
        .put("maximumReconnectDelaySeconds", retry(c));
    proxy(c, nucleus);
    ObjectNode own = nucleus.putObject("ryegrass");
    own.put("localMqttHost", c.text("ryegrass.localMqttHost"))
        .put("localMqttPort", c.number("coreThing.ggMqttPort"))
        .put("lambdaIpcPort", c.number("coreThing.ggDaemonPort"));
    Path secretsKey = c.secretsKey();
    if (secretsKey != null) {
      own.put("secretsPrivateKeyPath", secretsKey.toString());
    }
    String s3 = c.text("ryegrass.s3Endpoint");
    if (!s3.isEmpty()) {
      own.put("s3Endpoint", s3);
    } else if (!V1Config.isAws(ggHost)) {
      own.put("s3Endpoint", "https://" + ggHost + ":" + c.number("coreThing.ggHttpPort"));
    }
    return new NucleusSettings.Given(c.file(), top);
  }

  /** V1 had no such endpoint; in a cloud of ours it is where devices' HTTPS is. */
  private static String credentials(V1Config c, String iotHost) {
    String own = c.text("ryegrass.iotCredEndpoint");
    return own.isEmpty() ? iotHost + ":" + c.number("coreThing.iotHttpPort") : own;
  }

  /** Files of 1.6 have it inside {@code coreThing} (CFG-25). */
  private static int retry(V1Config c) {
    String inside = "coreThing.mqttMaxConnectionRetryInterval";
    return c.number(
        c.has(inside) && !c.has("mqttMaxConnectionRetryInterval")
            ? inside
            : "mqttMaxConnectionRetryInterval");
  }

  private static void proxy(V1Config c, ObjectNode nucleus) {
    String url = c.text("coreThing.networkProxy.proxy.url");
    if (url.isEmpty()) {
      return;
    }
    ObjectNode proxy = nucleus.putObject("networkProxy");
    proxy.put(
        "noProxyAddresses",
        Arrays.stream(c.text("coreThing.networkProxy.noProxyAddresses").split(","))
            .map(a -> a.strip().replaceFirst("^https?://", ""))
            .filter(a -> !a.isEmpty())
            .collect(Collectors.joining(",")));
    proxy
        .putObject("proxy")
        .put("url", url)
        .put("username", c.text("coreThing.networkProxy.proxy.username"))
        .put("password", c.text("coreThing.networkProxy.proxy.password"));
  }
}

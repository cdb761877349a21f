package io.ryegrass.v1;

import java.util.List;

/**
 * One key of V1's {@code config.json}, what it may be and what becomes of it
 * (v1-group-deployment.md section 7, catalogue CFG-01 … CFG-31). {@code docs/v1-core.md} shows this
 * very table.
 *
 * @param path from the top of the file, with dots
 * @param kind form of the value
 * @param least smallest number, where it is one
 * @param most largest number, where it is one
 * @param unset what counts without it; empty for nothing
 * @param counts whether it has a meaning here; one that has none is told in the log when it is set
 * @param becomes what it does here, or why it does nothing and what to do instead
 */
record V1Key(
    String path, Kind kind, long least, long most, String unset, boolean counts, String becomes) {

  /** Form of a value. */
  enum Kind {
    TEXT("text"),
    NUMBER("number"),
    YES_NO("\"yes\" or \"no\""),
    FLAG("true or false");

    final String words;

    Kind(String words) {
      this.words = words;
    }
  }

  static final List<V1Key> ALL =
      List.of(
          text("coreThing.caPath", "", "root CA, below certs/; not with a section crypto"),
          text("coreThing.certPath", "", "certificate, below certs/; not with a section crypto"),
          text("coreThing.keyPath", "", "private key, below certs/; not with a section crypto"),
          text("coreThing.thingArn", "", "the core's thing; its Region is the core's"),
          text("coreThing.iotHost", "", "host of MQTT and of credentials"),
          text("coreThing.ggHost", "", "host of deployments, certificates and discovery"),
          number("coreThing.iotMqttPort", 1, 65_535, "8883", "port of MQTT; on 443 with ALPN"),
          number("coreThing.iotHttpPort", 1, 65_535, "8443", "port of credentials"),
          number(
              "coreThing.ggMqttPort",
              0,
              65_535,
              "8883",
              "port of the local broker, on all addresses of the device"),
          number(
              "coreThing.ggHttpPort",
              1,
              65_535,
              "8443",
              "port of deployments and certificates; on 443 with ALPN"),
          number("coreThing.keepAlive", 30, 1200, "600", "seconds between signs of life to MQTT"),
          number(
              "coreThing.mqttOperationTimeout",
              5,
              300,
              "5",
              "seconds until an unanswered MQTT operation ends the connection"),
          number(
              "coreThing.ggDaemonPort",
              0,
              65_535,
              "8000",
              "port on 127.0.0.1 that functions talk to"),
          number(
              "coreThing.systemComponentAuthTimeout",
              500,
              5000,
              "5000",
              false,
              "the system components are parts of the core and do not log in; remove it"),
          text(
              "coreThing.coreClientId",
              "",
              false,
              "the core connects under its thing's name; let the IoT policy allow that client id"),
          text(
              "coreThing.networkProxy.noProxyAddresses",
              "",
              "what is reached directly, with commas; http:// in front of an address is left away"),
          text(
              "coreThing.networkProxy.proxy.url",
              "",
              "proxy for MQTT and HTTPS; functions get http_proxy, https_proxy and no_proxy"),
          text("coreThing.networkProxy.proxy.username", "", "user of the proxy"),
          text("coreThing.networkProxy.proxy.password", "", "password of the proxy"),
          number(
              "coreThing.mqttMaxConnectionRetryInterval",
              1,
              86_400,
              "",
              "the same as at the top level, as files of 1.6 have it"),
          number(
              "runtime.maxWorkItemCount",
              1,
              1_000_000,
              "1024",
              "messages that may wait for the functions of the group together; what comes then is"
                  + " refused and counted"),
          number(
              "runtime.maxConcurrentLimit",
              1,
              10_000,
              "25",
              "workers of on-demand functions at a time"),
          number(
              "runtime.lruSize",
              1,
              10_000,
              "25",
              false,
              "idle workers of on-demand functions end by their idle time; remove it"),
          new V1Key(
              "runtime.mountAllBlockDevices",
              Kind.YES_NO,
              0,
              0,
              "no",
              false,
              "containers get the devices of their local resources only; define those in the group"),
          number(
              "runtime.postStartHealthCheckTimeout",
              1000,
              3_600_000,
              "30000",
              "milliseconds that the system components may take to start before greengrassd says so"),
          new V1Key(
              "runtime.cgroup.useSystemd",
              Kind.YES_NO,
              0,
              0,
              "",
              false,
              "the core finds out by itself how control groups are managed; nothing to do"),
          new V1Key(
              "runtime.allowFunctionsToRunAsRoot",
              Kind.YES_NO,
              0,
              0,
              "no",
              true,
              "whether functions with uid 0 or gid 0 are accepted"),
          text("crypto.caPath", "", "root CA, file:///path"),
          text(
              "crypto.PKCS11.OpenSSLEngine",
              "",
              false,
              "keys in hardware are not supported; give the keys as files"),
          text(
              "crypto.PKCS11.P11Provider",
              "",
              false,
              "keys in hardware are not supported; give the keys as files"),
          text(
              "crypto.PKCS11.slotLabel",
              "",
              false,
              "keys in hardware are not supported; give the keys as files"),
          text(
              "crypto.PKCS11.slotUserPin",
              "",
              false,
              "keys in hardware are not supported; give the keys as files"),
          text(
              "crypto.principals.IoTCertificate.privateKeyPath",
              "",
              "private key, file:///path; pkcs11: is refused"),
          text("crypto.principals.IoTCertificate.certificatePath", "", "certificate, file:///path"),
          text(
              "crypto.principals.MQTTServerCertificate.privateKeyPath",
              "",
              false,
              "the core makes the key of its local broker, and a new one with each certificate;"
                  + " remove it"),
          text(
              "crypto.principals.SecretsManager.privateKeyPath",
              "",
              "key under which secrets are on the core, file:///path; without it the core's own"),
          number(
              "mqttMaxConnectionRetryInterval",
              1,
              86_400,
              "60",
              "seconds, the longest pause between two attempts to connect"),
          new V1Key(
              "managedRespawn",
              Kind.FLAG,
              0,
              0,
              "false",
              false,
              "there is no OTA agent that would run scripts; update by installing anew"),
          text("writeDirectory", "", "folder of all that is written, in place of ggc/"),
          text("pidFileDirectory", "/var/run", "folder of greengrassd.pid"),
          number(
              "system.shadowSyncTimeout",
              1,
              3600,
              "5",
              false,
              "an unanswered synchronisation of a shadow is repeated; nothing to do"),
          text(
              "ryegrass.iotRoleAlias",
              "GreengrassV2TokenExchangeRoleAlias",
              "our own: role alias whose credentials functions get"),
          text(
              "ryegrass.iotCredEndpoint",
              "",
              "our own: host:port of credentials where it is not iotHost:iotHttpPort"),
          text(
              "ryegrass.s3Endpoint",
              "",
              "our own: S3 where it is neither AWS's nor https://ggHost:ggHttpPort"),
          text(
              "ryegrass.localMqttHost",
              "0.0.0.0",
              "our own: the one address on which the local broker listens"));

  private static V1Key text(String path, String unset, String becomes) {
    return text(path, unset, true, becomes);
  }

  private static V1Key text(String path, String unset, boolean counts, String becomes) {
    return new V1Key(path, Kind.TEXT, 0, 0, unset, counts, becomes);
  }

  private static V1Key number(String path, long least, long most, String unset, String becomes) {
    return number(path, least, most, unset, true, becomes);
  }

  private static V1Key number(
      String path, long least, long most, String unset, boolean counts, String becomes) {
    return new V1Key(path, Kind.NUMBER, least, most, unset, counts, becomes);
  }

  static V1Key of(String path) {
    for (V1Key key : ALL) {
      if (key.path.equals(path)) {
        return key;
      }
    }
    throw new IllegalArgumentException(path);
  }

  /** What a value may be, for sentences and for the table. */
  String values() {
    if (kind != Kind.NUMBER) {
      return kind.words;
    }
    return isPort() ? "1024 to " + most + " (0: any free one)" : least + " to " + most;
  }

  /** Whether it is a port that the core opens itself. */
  boolean isPort() {
    return kind == Kind.NUMBER && least == 0;
  }
}

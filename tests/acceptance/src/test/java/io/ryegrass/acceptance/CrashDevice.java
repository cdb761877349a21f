package io.ryegrass.acceptance;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.eclipse.paho.client.mqttv3.IMqttDeliveryToken;
import org.eclipse.paho.client.mqttv3.MqttCallback;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.MqttMessage;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;

/**
 * Eclipse Paho with a thing's own certificate. It trusts every server: who serves is not tested.
 */
final class CrashDevice implements AutoCloseable {
  private final MqttClient client;

  private CrashDevice(MqttClient client) {
    this.client = client;
  }

  static CrashDevice connect(
      Path certs, String clientId, int port, boolean clean, Consumer<String> received)
      throws MqttException {
    MqttClient client =
        new MqttClient("ssl://localhost:" + port, clientId, new MemoryPersistence());
    client.setTimeToWait(30_000);
    client.setCallback(
        new MqttCallback() {
          @Override
          public void connectionLost(Throwable cause) {
            // The next publish says so.
          }

          @Override
          public void messageArrived(String topic, MqttMessage message) {
            received.accept(new String(message.getPayload(), StandardCharsets.UTF_8));
          }

          @Override
          public void deliveryComplete(IMqttDeliveryToken token) {
            // Publishing blocks until the acknowledgement anyway.
          }
        });
    MqttConnectOptions options = new MqttConnectOptions();
    options.setSocketFactory(tls(certs).getSocketFactory());
    options.setHttpsHostnameVerificationEnabled(false);
    options.setCleanSession(clean);
    options.setConnectionTimeout(30);
    options.setMqttVersion(MqttConnectOptions.MQTT_VERSION_3_1_1);
    try {
      client.connect(options);
    } catch (MqttException e) {
      client.close(true);
      throw e;
    }
    return new CrashDevice(client);
  }

  void subscribe(String filter) throws MqttException {
    client.subscribe(filter, 1);
  }

  /** Returns when the broker has acknowledged. */
  void publish(String topic, String payload) throws MqttException {
    client.publish(topic, payload.getBytes(StandardCharsets.UTF_8), 1, false);
  }

  private static SSLContext tls(Path certs) {
    try {
      Path store = certs.resolve("device.p12");
      if (Files.notExists(store)) {
        Process openssl =
            new ProcessBuilder(
                    List.of(
                        "openssl",
                        "pkcs12",
                        "-export",
                        "-in",
                        certs.resolve("device.pem.crt").toString(),
                        "-inkey",
                        certs.resolve("private.pem.key").toString(),
                        "-passout",
                        "pass:changeit",
                        "-out",
                        store.toString()))
                .inheritIO()
                .start();
        if (!openssl.waitFor(60, TimeUnit.SECONDS) || openssl.exitValue() != 0) {
          throw new AssertionError("openssl cannot read the identity in " + certs);
        }
      }
      KeyStore identity = KeyStore.getInstance("PKCS12");
      try (InputStream in = Files.newInputStream(store)) {
        identity.load(in, "changeit".toCharArray());
      }
      KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
      keys.init(identity, "changeit".toCharArray());
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys.getKeyManagers(), new TrustManager[] {new TrustsAll()}, null);
      return context;
    } catch (IOException | GeneralSecurityException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    try {
      if (client.isConnected()) {
        client.disconnectForcibly(0, 1000);
      }
      client.close(true);
    } catch (MqttException e) {
      System.err.println("closing " + client.getClientId() + ": " + e);
    }
  }

  private static final class TrustsAll extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}

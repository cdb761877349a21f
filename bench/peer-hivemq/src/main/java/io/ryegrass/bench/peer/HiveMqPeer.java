package io.ryegrass.bench.peer;

import com.hivemq.embedded.EmbeddedExtension;
import com.hivemq.embedded.EmbeddedHiveMQ;
import com.hivemq.extension.sdk.api.ExtensionMain;
import com.hivemq.extension.sdk.api.auth.SimpleAuthenticator;
import com.hivemq.extension.sdk.api.parameter.ExtensionStartInput;
import com.hivemq.extension.sdk.api.parameter.ExtensionStartOutput;
import com.hivemq.extension.sdk.api.parameter.ExtensionStopInput;
import com.hivemq.extension.sdk.api.parameter.ExtensionStopOutput;
import com.hivemq.extension.sdk.api.services.Services;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/**
 * HiveMQ CE, embedded, as the benchmark's peer: in memory, everybody may connect, queues and
 * windows wide enough that nothing is dropped by configuration. Arguments: {@code FOLDER PORT
 * TLS_PORT KEYSTORE TRUSTSTORE PASSWORD}.
 */
public final class HiveMqPeer {
  private HiveMqPeer() {}

  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    Path configuration = Files.createDirectories(folder.resolve("conf"));
    Files.writeString(
        configuration.resolve("config.xml"),
        """
        <?xml version="1.0"?>
        <hivemq>
          <listeners>
            <tcp-listener><port>%s</port><bind-address>127.0.0.1</bind-address></tcp-listener>
            <tls-tcp-listener>
              <port>%s</port><bind-address>127.0.0.1</bind-address>
              <tls>
                <keystore><path>%s</path><password>%4$s</password><private-key-password>%4$s</private-key-password></keystore>
                <truststore><path>%5$s</path><password>%4$s</password></truststore>
                <client-authentication-mode>REQUIRED</client-authentication-mode>
              </tls>
            </tls-tcp-listener>
          </listeners>
          <mqtt>
            <queued-messages><max-queue-size>100000</max-queue-size><strategy>discard</strategy></queued-messages>
            <receive-maximum><server-receive-maximum>65535</server-receive-maximum></receive-maximum>
          </mqtt>
          <persistence><mode>in-memory</mode></persistence>
          <anonymous-usage-statistics><enabled>false</enabled></anonymous-usage-statistics>
        </hivemq>
        """
            .formatted(args[1], args[2], args[3], args[5], args[4]));
    EmbeddedExtension everybody =
        EmbeddedExtension.builder()
            .withId("everybody")
            .withName("everybody")
            .withVersion("1")
            .withAuthor("ryegrass")
            .withExtensionMain(new Everybody())
            .build();
    EmbeddedHiveMQ broker =
        EmbeddedHiveMQ.builder()
            .withConfigurationFolder(configuration)
            .withDataFolder(Files.createDirectories(folder.resolve("data")))
            .withExtensionsFolder(Files.createDirectories(folder.resolve("extensions")))
            .withEmbeddedExtension(everybody)
            .build();
    broker.start().join();
    System.out.println("peer ready");
    new CountDownLatch(1).await();
  }

  /** Without an authenticator HiveMQ refuses every client. */
  private static final class Everybody implements ExtensionMain {
    @Override
    public void extensionStart(ExtensionStartInput input, ExtensionStartOutput output) {
      SimpleAuthenticator yes = (request, answer) -> answer.authenticateSuccessfully();
      Services.securityRegistry().setAuthenticatorProvider(provider -> yes);
    }

    @Override
    public void extensionStop(ExtensionStopInput input, ExtensionStopOutput output) {}
  }
}

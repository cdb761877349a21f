package io.ryegrass.bench.peer;

import io.moquette.broker.Server;
import io.moquette.broker.config.IConfig;
import io.moquette.broker.config.MemoryConfig;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;

/**
 * Moquette as the benchmark's peer: in memory, everybody may connect, queues and messages large
 * enough that nothing is dropped by configuration. Arguments: {@code FOLDER PORT TLS_PORT KEYSTORE
 * TRUSTSTORE PASSWORD}; Moquette takes both keys and trusted certificates from KEYSTORE.
 */
public final class MoquettePeer {
  private MoquettePeer() {}

  public static void main(String[] args) throws Exception {
    Properties p = new Properties();
    p.setProperty(IConfig.HOST_PROPERTY_NAME, "127.0.0.1");
    p.setProperty(IConfig.PORT_PROPERTY_NAME, args[1]);
    p.setProperty(IConfig.SSL_PORT_PROPERTY_NAME, args[2]);
    p.setProperty(IConfig.JKS_PATH_PROPERTY_NAME, args[3]);
    p.setProperty(IConfig.KEY_STORE_TYPE, "jks");
    p.setProperty(IConfig.KEY_STORE_PASSWORD_PROPERTY_NAME, args[5]);
    p.setProperty(IConfig.KEY_MANAGER_PASSWORD_PROPERTY_NAME, args[5]);
    p.setProperty("need_client_auth", "true");
    p.setProperty(IConfig.ALLOW_ANONYMOUS_PROPERTY_NAME, "true");
    p.setProperty(IConfig.PERSISTENCE_ENABLED_PROPERTY_NAME, "false");
    p.setProperty(IConfig.DATA_PATH_PROPERTY_NAME, args[0]);
    p.setProperty(IConfig.ENABLE_TELEMETRY_NAME, "false");
    p.setProperty(IConfig.NETTY_MAX_BYTES_PROPERTY_NAME, "262144");
    p.setProperty(IConfig.SESSION_QUEUE_SIZE, "100000");
    new Server().startServer(new MemoryConfig(p));
    System.out.println("peer ready");
    new CountDownLatch(1).await();
  }
}

package io.ryegrass.devicegateway;

import io.helidon.common.buffers.BufferData;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http1.Http1Config;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import io.helidon.webserver.spi.ServerConnection;
import io.helidon.webserver.spi.ServerConnectionSelector;
import java.util.Set;

/**
 * HTTP/1.1 under both names that clients offer by ALPN: AWS's device SDKs offer only {@code
 * x-amzn-http-ca}, the nucleus offers it before {@code http/1.1} (mqtt-cloud reference, sections 1
 * and 3.4). A server that knows only the second name breaks off the handshake of the first.
 */
final class AmazonAlpn implements ServerConnectionSelector {

  private final ServerConnectionSelector http1;

  AmazonAlpn(int maxPrologueBytes, int maxHeaderBytes) {
    this.http1 =
        Http1ConnectionSelector.builder()
            .config(
                Http1Config.builder()
                    .maxPrologueLength(maxPrologueBytes)
                    .maxHeadersSize(maxHeaderBytes)
                    .build())
            .build();
  }

  @Override
  public int bytesToIdentifyConnection() {
    return http1.bytesToIdentifyConnection();
  }

  @Override
  public Support supports(BufferData data) {
    return http1.supports(data);
  }

  @Override
  public Set<String> supportedApplicationProtocols() {
    return Set.of("http/1.1", "x-amzn-http-ca");
  }

  @Override
  public ServerConnection connection(ConnectionContext context) {
    return http1.connection(context);
  }
}

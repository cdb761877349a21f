package io.ryegrass.mqtt;

import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The host's HTTP/1.1 on a port that also speaks MQTT, as port 443 of AWS IoT Core does: whoever
 * names an MQTT protocol by ALPN gets MQTT, others HTTP, and a WebSocket to the listener's path
 * becomes MQTT again. Both methods are called on virtual threads and may block; an exception
 * answers 500.
 */
public interface WebHost {
  /**
   * A request, read whole.
   *
   * @param uri path and query as sent
   * @param headers lower-case names
   * @param certificates what TLS has proven, the client's own first; empty for none
   */
  record Request(
      String method,
      String uri,
      Map<String, List<String>> headers,
      byte[] body,
      List<X509Certificate> certificates,
      InetSocketAddress peer) {}

  /** An answer; the length is told to the client by the listener. */
  record Response(int status, Map<String, String> headers, byte[] body) {}

  /** Whether a WebSocket may come about. */
  sealed interface Admission {}

  /**
   * It may.
   *
   * @param as comes back in {@link ConnectRequest#admission}; null when there is nothing to say
   */
  record Admitted(@Nullable Object as) implements Admission {}

  /** It may not, and this is the answer to its request. */
  record Refused(Response answer) implements Admission {}

  /** Names by which clients ask for HTTP (RFC 7301); who offers nothing gets HTTP, too. */
  List<String> protocols();

  /** Larger bodies are refused with 413. */
  int maxBodyBytes();

  Response answer(Request request);

  /** The request of a WebSocket to the MQTT path, which is in order as such. */
  Admission admit(Request upgrade);
}

package io.ryegrass.awsapi.testing;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.ryegrass.awsapi.ApiEngine;
import io.ryegrass.awsapi.ApiRequest;
import io.ryegrass.awsapi.ApiResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * An {@link ApiEngine} on a free port of the loopback interface. The address is known before the
 * engine is, since services that are served often want to know it.
 */
public final class EngineServer implements AutoCloseable {
  private final HttpServer server;
  private final ExecutorService calls = Executors.newVirtualThreadPerTaskExecutor();

  public EngineServer() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(calls);
  }

  /** Listens and answers from now on. */
  public void serve(ApiEngine engine) {
    server.createContext("/", exchange -> answer(engine, exchange));
    server.start();
  }

  public URI uri() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  private static void answer(ApiEngine engine, HttpExchange exchange) throws IOException {
    try (exchange) {
      Map<String, List<String>> headers = new HashMap<>();
      exchange
          .getRequestHeaders()
          .forEach((name, values) -> headers.put(name.toLowerCase(Locale.ROOT), values));
      URI uri = exchange.getRequestURI();
      ApiResponse response =
          engine.handle(
              new ApiRequest(
                  exchange.getRequestMethod(),
                  uri.getRawPath(),
                  Objects.requireNonNullElse(uri.getRawQuery(), ""),
                  headers,
                  exchange.getRequestBody().readAllBytes(),
                  exchange.getRemoteAddress().getAddress().getHostAddress()));
      response.headers().forEach(exchange.getResponseHeaders()::set);
      int length = response.body().length;
      exchange.sendResponseHeaders(response.status(), length == 0 ? -1 : length);
      if (length > 0) {
        exchange.getResponseBody().write(response.body());
      }
    }
  }

  @Override
  public void close() {
    server.stop(0);
    calls.close();
  }
}

package io.ryegrass.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * The core's side of the work protocol (v1-lambda-runtime.md section 3) as a test writes it: what
 * each question is answered with, or how its connection ends instead. Without a line for it a
 * question is answered well; a question for work waits until the test has one.
 */
final class ScriptedCore implements AutoCloseable {
  private static final int PATIENCE_SECONDS = 30;

  /** What a question is answered with. */
  sealed interface Reply {
    record Answer(int status, String body, String headers) implements Reply {}

    /** The connection ends before a byte of the answer. */
    record HangUp() implements Reply {}

    /** The connection is reset in the middle of the answer. */
    record Half(Answer of) implements Reply {}
  }

  static final Reply HANG_UP = new Reply.HangUp();

  /** One that the worker asked. */
  record Heard(String method, String path, Map<String, String> headers, String body) {
    String invocation() {
      return headers.getOrDefault("x-amz-invocationid", "");
    }
  }

  final BlockingQueue<Reply> works = new LinkedBlockingQueue<>();
  final BlockingQueue<Reply> answersReplies = new LinkedBlockingQueue<>();
  final BlockingQueue<Reply> callsReplies = new LinkedBlockingQueue<>();
  final BlockingQueue<Reply> resultsReplies = new LinkedBlockingQueue<>();
  final BlockingQueue<Heard> initialised = new LinkedBlockingQueue<>();
  final BlockingQueue<Heard> answers = new LinkedBlockingQueue<>();
  final BlockingQueue<Heard> calls = new LinkedBlockingQueue<>();

  private final ServerSocket server;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();

  ScriptedCore() throws IOException {
    server = new ServerSocket(0, 50, InetAddress.getByAddress(new byte[] {127, 0, 0, 1}));
    Thread.ofVirtual().start(this::accept);
  }

  int port() {
    return server.getLocalPort();
  }

  static Reply.Answer answer(int status, String body) {
    return new Reply.Answer(status, body, "");
  }

  static Reply.Answer work(String id, String payload) {
    return new Reply.Answer(
        200,
        payload,
        "X-Amz-InvocationId: " + id + "\r\nLambda-Runtime-Deadline-Ms: 99999999999999\r\n");
  }

  static Heard next(BlockingQueue<Heard> queue, String what) throws InterruptedException {
    Heard heard = queue.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
    assertThat(heard).as("the worker sends %s", what).isNotNull();
    return heard;
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        socket.setTcpNoDelay(true);
        open.add(socket);
        if (server.isClosed()) { // a connection that came in while it was being closed
          socket.close();
          return;
        }
        Thread.ofVirtual().start(() -> serve(socket));
      } catch (IOException e) {
        assertThat(server.isClosed()).as("%s", e).isTrue();
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      InputStream in = new BufferedInputStream(socket.getInputStream());
      while (true) {
        Heard heard = read(in);
        if (heard == null) {
          return;
        }
        switch (replyTo(heard)) {
          case Reply.Answer a -> socket.getOutputStream().write(bytes(a));
          case Reply.Half(Reply.Answer a) -> {
            byte[] all = bytes(a);
            socket.getOutputStream().write(Arrays.copyOf(all, all.length - 2));
            socket.setSoLinger(true, 0); // closing resets it
            return;
          }
          case Reply.HangUp ignored -> {
            return;
          }
        }
      }
    } catch (IOException e) {
      // The worker ended, or the test did.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      open.remove(socket);
    }
  }

  private Reply replyTo(Heard heard) throws InterruptedException {
    Reply well = answer(200, "");
    if (heard.path().endsWith("/initialized")) {
      initialised.add(heard);
      return well;
    }
    if (heard.path().endsWith("/work")) {
      if (heard.method().equals("GET")) {
        return works.take();
      }
      Reply reply = answersReplies.poll();
      answers.add(heard);
      return reply == null ? well : reply;
    }
    if (heard.method().equals("GET")) {
      Reply reply = resultsReplies.poll();
      return reply == null ? answer(200, "\"the result\"") : reply;
    }
    Reply reply = callsReplies.poll();
    calls.add(heard);
    return reply == null ? new Reply.Answer(200, "", "X-Amz-InvocationId: of-the-call\r\n") : reply;
  }

  private static byte[] bytes(Reply.Answer a) {
    return ("HTTP/1.1 "
            + a.status()
            + " x\r\n"
            + a.headers()
            + "Content-Length: "
            + a.body().length()
            + "\r\n\r\n"
            + a.body())
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  /** The next question, or null when there is none. */
  private static Heard read(InputStream in) throws IOException {
    String line = line(in);
    if (line == null) {
      return null;
    }
    String[] words = line.split(" ");
    Map<String, String> headers = new HashMap<>();
    for (line = line(in); line != null && !line.isEmpty(); line = line(in)) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).trim());
    }
    int length = Integer.parseInt(headers.getOrDefault("content-length", "0"));
    return new Heard(
        words[0],
        words[1],
        headers,
        new String(in.readNBytes(length), StandardCharsets.ISO_8859_1));
  }

  private static String line(InputStream in) throws IOException {
    StringBuilder text = new StringBuilder();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        return null;
      }
      if (b != '\r') {
        text.append((char) b);
      }
    }
    return text.toString();
  }

  /** As a core that is gone: nobody listens, and what was open is closed. */
  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : open) {
      socket.close();
    }
  }
}

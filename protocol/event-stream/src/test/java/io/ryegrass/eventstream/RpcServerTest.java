package io.ryegrass.eventstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ryegrass.eventstream.EventStreamException.Code;
import io.ryegrass.eventstream.RpcMessage.Type;
import io.ryegrass.model.Json;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/**
 * The RPC rules, v2-ipc.md §3, on a real socket: with our client, and with hand-made messages where
 * a client would not.
 */
@Timeout(120)
class RpcServerTest {
  private static final String TOKEN = "ABCDEFGHJKLMNPQR";
  private static final Duration SOON = Duration.ofSeconds(30);

  @TempDir Path folder;
  private Path socket;
  private RpcServer server;
  private final Service service = new Service();

  @BeforeEach
  void start() {
    socket = folder.resolve("ipc.socket");
    server = RpcServer.start(socket, service, limits());
  }

  /** Small enough for a test to reach each of them, but for the time that others may need. */
  static RpcServer.Limits limits() {
    return limits(Duration.ofSeconds(30), Duration.ofSeconds(15));
  }

  private static RpcServer.Limits limits(Duration handshake, Duration write) {
    return new RpcServer.Limits(
        4, 6, 4, handshake, 8, 2, 64 * 1024, 256 * 1024, 320 * 1024, write, 512 * 1024, 768 * 1024);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void aCallIsAnsweredByOneMessageThatEndsTheStream() throws IOException {
    try (Raw raw = connected()) {
      raw.send(RpcMessage.data(1, false, "test#Echo", "test#EchoRequest", body("hello")));
      RpcMessage answer = raw.read();
      assertThat(answer.type()).isEqualTo(Type.APPLICATION_MESSAGE);
      assertThat(answer.flags()).isEqualTo(RpcMessage.TERMINATE);
      assertThat(answer.text("service-model-type")).isEqualTo("test#EchoResponse");
      assertThat(answer.text(":content-type")).isEqualTo("application/json");
      assertThat(text(answer)).isEqualTo("{\"text\":\"hello\"}");
    }
  }

  @Test
  void aSubscriptionGetsItsResponseFirstThenEventsInOrderUntilTheClientCloses() {
    try (RpcClient client = RpcClient.connect(socket, TOKEN)) {
      List<Integer> seen = new CopyOnWriteArrayList<>();
      RpcClient.Stream stream =
          client.subscribe(
              "test#Watch", body(""), SOON, event -> seen.add(event.path("number").asInt()));
      service.emit(1000);
      await().atMost(SOON).until(() -> seen.size() == 1000);
      assertThat(seen).isSorted();
      stream.close();
      await().atMost(SOON).until(() -> service.watchers.isEmpty());
    }
  }

  @Test
  void aLostConnectionEndsItsSubscriptions() throws IOException {
    try (Raw raw = connected()) {
      raw.send(RpcMessage.data(1, false, "test#Watch", "test#WatchRequest", body("")));
      assertThat(raw.read().flags()).isZero();
      assertThat(service.watchers).hasSize(1);
    }
    await().atMost(SOON).until(() -> service.watchers.isEmpty());
  }

  @Test
  void requestsOfOneConnectionKeepTheirOrder() throws IOException {
    try (Raw raw = connected()) {
      for (int i = 1; i <= 200; i++) {
        raw.send(RpcMessage.data(i, false, "test#Echo", "test#EchoRequest", body("m" + i)));
      }
      for (int i = 1; i <= 200; i++) {
        assertThat(raw.read().streamId()).isEqualTo(i);
      }
    }
  }

  @Test
  void aModelledErrorCarriesItsShapeAndEndsTheStream() {
    try (RpcClient client = RpcClient.connect(socket, TOKEN)) {
      assertThatThrownBy(() -> client.call("test#Fail", body("modelled"), SOON))
          .isInstanceOfSatisfying(
              RpcError.class,
              e -> {
                assertThat(e.shape()).isEqualTo("test#Broken");
                assertThat(e).hasMessage("it is broken");
              });
    }
  }

  @Test
  void anUnforeseenErrorTellsNothingOfTheServer() throws IOException {
    try (Raw raw = connected()) {
      raw.send(RpcMessage.data(1, false, "test#Fail", "test#FailRequest", body("bug")));
      RpcMessage answer = raw.read();
      assertThat(answer.type()).isEqualTo(Type.APPLICATION_ERROR);
      assertThat(answer.flags()).isEqualTo(RpcMessage.TERMINATE);
      assertThat(answer.text(":content-type")).isEqualTo("text/plain");
      assertThat(answer.text("service-model-type")).isNull();
      assertThat(text(answer)).isEqualTo("InternalServerError");
    }
  }

  @Test
  void anUnknownOperationIsAnErrorOfTheStreamNotOfTheConnection() throws IOException {
    try (Raw raw = connected()) {
      raw.send(RpcMessage.data(1, false, "test#Nothing", "test#NothingRequest", body("")));
      RpcMessage answer = raw.read();
      assertThat(answer.type()).isEqualTo(Type.APPLICATION_ERROR);
      assertThat(text(answer)).contains("\"error\"").contains("test#Nothing");
      raw.send(RpcMessage.data(2, false, "test#Echo", "test#EchoRequest", body("still here")));
      assertThat(text(raw.read())).contains("still here");
    }
  }

  @Test
  void aPayloadThatIsNoObjectIsAnErrorOfTheStream() throws IOException {
    try (Raw raw = connected()) {
      raw.send(
          new RpcMessage(
              Type.APPLICATION_MESSAGE,
              0,
              1,
              List.of(Header.text("operation", "test#Echo")),
              "[1]".getBytes(StandardCharsets.UTF_8)));
      assertThat(raw.read().text("service-model-type")).isEqualTo("test#Malformed");
    }
  }

  @Test
  void anEmptyPayloadIsAnEmptyObject() throws IOException {
    try (Raw raw = connected()) {
      raw.send(
          new RpcMessage(
              Type.APPLICATION_MESSAGE,
              0,
              1,
              List.of(Header.text("operation", "test#Echo")),
              new byte[0]));
      assertThat(text(raw.read())).isEqualTo("{}");
    }
  }

  @Test
  void aWrongTokenOrVersionIsRefusedByAnAckWithoutAReason() throws IOException {
    for (RpcMessage connect :
        List.of(
            RpcMessage.connect("WRONGWRONGWRONGW"),
            RpcMessage.connect(""),
            new RpcMessage(
                Type.CONNECT,
                0,
                0,
                List.of(Header.text(":version", "0.2.0")),
                RpcMessage.connect(TOKEN).payload()),
            new RpcMessage(Type.CONNECT, 0, 0, List.of(), RpcMessage.connect(TOKEN).payload()),
            new RpcMessage(
                Type.CONNECT,
                0,
                0,
                List.of(Header.text(":version", "0.1.0")),
                "no json".getBytes(StandardCharsets.UTF_8)))) {
      try (Raw raw = new Raw(socket)) {
        raw.send(connect);
        RpcMessage answer = raw.read();
        assertThat(answer.type()).isEqualTo(Type.CONNECT_ACK);
        assertThat(answer.flags()).isZero();
        assertThat(answer.payload()).isEmpty();
        raw.expectEnd();
      }
    }
    assertThatThrownBy(() -> RpcClient.connect(socket, "WRONGWRONGWRONGW"))
        .isInstanceOfSatisfying(
            EventStreamException.class, e -> assertThat(e.code()).isEqualTo(Code.ACCESS_DENIED));
  }

  @Test
  void whoSpeaksBeforeTheHandshakeOrTwiceGetsAProtocolError() throws IOException {
    try (Raw raw = new Raw(socket)) {
      raw.send(new RpcMessage(Type.PING, 0, 0, List.of(), new byte[0]));
      raw.expectProtocolError();
    }
    try (Raw raw = connected()) {
      raw.send(RpcMessage.connect(TOKEN));
      raw.expectProtocolError();
    }
  }

  @Test
  void whoSaysNothingIsNotWaitedForForEver() throws IOException {
    server.close();
    server = RpcServer.start(socket, service, limits(Duration.ofMillis(500), SOON));
    try (Raw raw = new Raw(socket)) {
      raw.expectEnd();
    }
  }

  @Test
  void streamIdsMustNotLeaveGaps() throws IOException {
    try (Raw raw = connected()) {
      raw.send(RpcMessage.data(2, false, "test#Echo", "test#EchoRequest", body("x")));
      raw.expectProtocolError();
    }
  }

  @Test
  void aClosedStreamTakesNoMessagesButALateCloseIsHarmless() throws IOException {
    try (Raw raw = connected()) {
      raw.send(RpcMessage.data(1, false, "test#Echo", "test#EchoRequest", body("x")));
      raw.read();
      raw.send(RpcMessage.close(1));
      raw.send(RpcMessage.data(2, false, "test#Echo", "test#EchoRequest", body("y")));
      assertThat(raw.read().streamId()).isEqualTo(2);
      raw.send(RpcMessage.data(1, false, "test#Echo", "test#EchoRequest", body("z")));
      raw.expectProtocolError();
    }
  }

  @Test
  void aFirstMessageThatAlreadyEndsItsStreamIsIgnored() throws IOException {
    try (Raw raw = connected()) {
      raw.send(RpcMessage.close(1));
      raw.send(RpcMessage.data(2, false, "test#Echo", "test#EchoRequest", body("y")));
      assertThat(raw.read().streamId()).isEqualTo(2);
    }
  }

  @Test
  void aStreamWithoutOperationAndAWrongKindOfMessageAreProtocolErrors() throws IOException {
    for (RpcMessage wrong :
        List.of(
            new RpcMessage(Type.APPLICATION_MESSAGE, 0, 1, List.of(), new byte[0]),
            new RpcMessage(Type.PING, 0, 5, List.of(), new byte[0]),
            new RpcMessage(Type.APPLICATION_MESSAGE, 0, 0, List.of(), new byte[0]),
            new RpcMessage(Type.APPLICATION_MESSAGE, 0, -1, List.of(), new byte[0]))) {
      try (Raw raw = connected()) {
        raw.send(wrong);
        raw.expectProtocolError();
      }
    }
    try (Raw raw = connected()) {
      raw.write(MessageCodec.encode(new EventStreamMessage(List.of(), new byte[0])));
      raw.expectProtocolError();
    }
  }

  @Test
  void aDamagedFrameShutsTheConnection() throws IOException {
    try (Raw raw = connected()) {
      byte[] frame = RpcMessage.data(1, false, "test#Echo", "test#EchoRequest", body("x")).encode();
      frame[frame.length - 1] ^= 1;
      raw.write(frame);
      raw.expectEnd();
    }
  }

  @Test
  void aPingIsEchoedWithItsOwnHeaders() throws IOException {
    try (Raw raw = connected()) {
      raw.send(
          new RpcMessage(
              Type.PING,
              0,
              0,
              List.of(Header.text("x", "1"), Header.text(":y", "2")),
              new byte[] {7}));
      RpcMessage answer = raw.read();
      assertThat(answer.type()).isEqualTo(Type.PING_RESPONSE);
      assertThat(answer.payload()).containsExactly(7);
      assertThat(answer.headers()).containsExactly(Header.text("x", "1"));
    }
    try (RpcClient client = RpcClient.connect(socket, TOKEN)) {
      assertThat(client.ping(new byte[] {1, 2}, SOON)).containsExactly(1, 2);
    }
  }

  @Test
  void aClientThatDoesNotReadLosesItsConnectionAndHoldsUpNobody() throws IOException {
    server.close();
    server = RpcServer.start(socket, service, limits(SOON, Duration.ofMillis(500)));
    try (Raw lazy = connected();
        RpcClient other = RpcClient.connect(socket, TOKEN)) {
      lazy.send(RpcMessage.data(1, false, "test#Watch", "test#WatchRequest", body("")));
      await().atMost(SOON).until(() -> service.watchers.size() == 1);
      service.emit(100_000);
      await().atMost(SOON).until(() -> service.watchers.isEmpty());
      assertThat(other.call("test#Echo", body("fine"), SOON).path("text").asString())
          .isEqualTo("fine");
    }
  }

  @Test
  void tooManyStreamsAndTooManyConnectionsAreRefusedOneByOne() throws IOException {
    try (Raw raw = connected()) {
      for (int i = 1; i <= 8; i++) {
        raw.send(RpcMessage.data(i, false, "test#Watch", "test#WatchRequest", body("")));
        raw.read();
      }
      raw.send(RpcMessage.data(9, false, "test#Watch", "test#WatchRequest", body("")));
      assertThat(raw.read().text("service-model-type")).isEqualTo("test#TooMany");
    }
    List<Raw> open = new ArrayList<>();
    try {
      await().atMost(SOON).until(() -> server.connections() == 0);
      for (int i = 0; i < 4; i++) {
        open.add(connected());
      }
      try (Raw fifth = new Raw(socket)) {
        fifth.send(RpcMessage.connect(TOKEN));
        assertThat(fifth.read().flags()).isZero();
        fifth.expectEnd();
      }
    } finally {
      for (Raw raw : open) {
        raw.close();
      }
    }
  }

  @Test
  void theSocketIsOpenToEveryLocalUserAndGoneAfterTheEnd() throws IOException {
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
        .isEqualTo("rw-rw-rw-");
    server.close();
    assertThat(socket).doesNotExist();
  }

  @Test
  void aStaleSocketFileIsReplaced() throws IOException {
    server.close();
    Files.writeString(socket, "left behind");
    server = RpcServer.start(socket, service, RpcServer.Limits.defaults());
    try (RpcClient client = RpcClient.connect(socket, TOKEN)) {
      assertThat(client.call("test#Echo", body("new"), SOON).path("text").asString())
          .isEqualTo("new");
    }
  }

  @Test
  void aPathLongerThanTheKernelTakesWorksAllTheSame() throws IOException {
    Path deep = folder.resolve("d".repeat(90)).resolve("e".repeat(90));
    Files.createDirectories(deep);
    Path longPath = deep.resolve("ipc.socket");
    try (RpcServer far = RpcServer.start(longPath, service, RpcServer.Limits.defaults())) {
      assertThat(longPath).exists();
      try (RpcClient client = RpcClient.connect(longPath, TOKEN)) {
        assertThat(client.call("test#Echo", body("far"), SOON).path("text").asString())
            .isEqualTo("far");
      }
    }
    assertThat(longPath).doesNotExist();
  }

  @Test
  void closingTheServerEndsTheStreamsOfItsClients() {
    try (RpcClient client = RpcClient.connect(socket, TOKEN)) {
      RpcClient.Stream stream = client.subscribe("test#Watch", body(""), SOON, event -> {});
      server.close();
      assertThat(stream.end()).failsWithin(SOON);
    }
  }

  private Raw connected() throws IOException {
    Raw raw = new Raw(socket);
    raw.send(RpcMessage.connect(TOKEN));
    assertThat(raw.read().flags()).isEqualTo(RpcMessage.CONNECTION_ACCEPTED);
    return raw;
  }

  private static ObjectNode body(String text) {
    return Json.object().put("text", text);
  }

  private static String text(RpcMessage message) {
    return new String(message.payload(), StandardCharsets.UTF_8);
  }

  /** Sends and receives single messages, also such as no client would send. */
  static final class Raw implements AutoCloseable {
    private final SocketChannel channel;
    private final MessageReader reader;

    Raw(Path socket) throws IOException {
      channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
      reader = new MessageReader(new BufferedInputStream(Channels.newInputStream(channel)));
    }

    void send(RpcMessage message) throws IOException {
      write(message.encode());
    }

    void write(byte[] frame) throws IOException {
      ByteBuffer bytes = ByteBuffer.wrap(frame);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    }

    RpcMessage read() throws IOException {
      EventStreamMessage message = reader.read(1 << 20);
      assertThat(message).as("a message, not the end").isNotNull();
      return RpcMessage.of(message);
    }

    void expectEnd() throws IOException {
      assertThat(reader.read(1 << 20)).isNull();
    }

    void expectProtocolError() throws IOException {
      RpcMessage message = read();
      assertThat(message.type()).isEqualTo(Type.PROTOCOL_ERROR);
      assertThat(message.streamId()).isZero();
      assertThat(text(message)).contains("\"message\"");
      expectEnd();
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  /** Echo, Watch (a subscription), Wait (until told) and Fail. */
  static final class Service implements RpcService {
    final List<ServerStream> watchers = new CopyOnWriteArrayList<>();
    final CountDownLatch told = new CountDownLatch(1);

    void emit(int count) {
      AtomicInteger number = new AtomicInteger();
      Thread.ofVirtual()
          .start(
              () -> {
                while (number.get() < count) {
                  ObjectNode event = Json.object().put("number", number.getAndIncrement());
                  for (ServerStream watcher : watchers) {
                    try {
                      watcher.sendEvent(event);
                    } catch (EventStreamException e) {
                      assertThat(e.code()).isIn(Code.TIMEOUT, Code.CLOSED);
                    }
                  }
                }
              });
    }

    @Override
    public Optional<String> authenticate(String token) {
      return token.equals(TOKEN) ? Optional.of("tester") : Optional.empty();
    }

    @Override
    public Optional<RpcOperation> operation(String name) {
      return Optional.ofNullable(
          switch (name) {
            case "test#Echo" ->
                new RpcOperation(name, null, RpcOperation.Order.IN_ORDER, ServerStream::respond);
            case "test#Watch" ->
                new RpcOperation(name, "test#Events", RpcOperation.Order.CONCURRENT, this::watch);
            case "test#Early" ->
                new RpcOperation(name, "test#Events", RpcOperation.Order.IN_ORDER, this::early);
            case "test#Wait" ->
                new RpcOperation(name, null, RpcOperation.Order.CONCURRENT, this::waitUntilTold);
            case "test#Fail" ->
                new RpcOperation(name, null, RpcOperation.Order.CONCURRENT, this::fail);
            default -> null;
          });
    }

    private void early(ServerStream stream, ObjectNode request) {
      assertThat(stream.offerEvent(new SharedEvent("{}".getBytes(StandardCharsets.UTF_8))))
          .isTrue();
      stream.respond(request);
    }

    private void waitUntilTold(ServerStream stream, ObjectNode request) {
      try {
        assertThat(told.await(60, TimeUnit.SECONDS)).isTrue();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      stream.respond(request);
    }

    private void watch(ServerStream stream, ObjectNode request) {
      watchers.add(stream);
      stream.onClose(() -> watchers.remove(stream));
      stream.respond(Json.object());
    }

    private void fail(ServerStream stream, ObjectNode request) {
      if (request.path("text").asString().equals("modelled")) {
        throw RpcError.modelled("test#Broken", Json.object().put("message", "it is broken"));
      }
      throw new IllegalStateException("secret");
    }

    @Override
    public RpcError tooManyStreams(int limit) {
      return RpcError.modelled("test#TooMany", Json.object());
    }

    @Override
    public RpcError tooManyRequests(int limit) {
      return RpcError.modelled("test#Busy", Json.object());
    }

    @Override
    public RpcError malformedRequest(String operation, String reason) {
      return RpcError.modelled("test#Malformed", Json.object());
    }
  }
}

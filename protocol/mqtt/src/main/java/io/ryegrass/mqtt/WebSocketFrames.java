package io.ryegrass.mqtt;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.CorruptedFrameException;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.ContinuationWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.netty.util.ReferenceCountUtil;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Between WebSocket frames and the stream of bytes that MQTT is. Inwards the contents of binary
 * frames follow each other, wherever packets begin and end [MQTT-6.0.0-2]; any other data frame
 * ends the connection [MQTT-6.0.0-1]. Outwards all that is written until a flush becomes one binary
 * frame, or several when it is much.
 */
final class WebSocketFrames extends ChannelDuplexHandler {
  /** So much is framed without waiting for the flush, so that the channel's water marks see it. */
  private static final int FRAME_BYTES = 32 << 10;

  private @Nullable CompositeByteBuf waiting;
  private final List<ChannelPromise> promises = new ArrayList<>(0);
  private boolean closing;

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object msg) {
    if (closing) {
      ReferenceCountUtil.release(msg);
      return;
    }
    switch (msg) {
      case BinaryWebSocketFrame data -> ctx.fireChannelRead(data.content());
      // The decoder lets a continuation through only after a data frame; after text we are closed.
      case ContinuationWebSocketFrame data -> ctx.fireChannelRead(data.content());
      case PingWebSocketFrame ping -> pong(ctx, ping);
      case PongWebSocketFrame pong -> pong.release();
      case CloseWebSocketFrame close -> {
        // RFC 6455, 5.5.1: the answer carries the same status
        int status = close.statusCode();
        close.release();
        end(ctx, status < 0 ? new CloseWebSocketFrame() : closeFrame(status, ""));
      }
      default -> {
        ReferenceCountUtil.release(msg);
        end(
            ctx,
            new CloseWebSocketFrame(
                WebSocketCloseStatus.INVALID_MESSAGE_TYPE, "MQTT travels in binary frames"));
      }
    }
  }

  private static CloseWebSocketFrame closeFrame(int status, String reason) {
    return new CloseWebSocketFrame(true, 0, status, reason);
  }

  private static void pong(ChannelHandlerContext ctx, PingWebSocketFrame ping) {
    if (ctx.channel().isWritable()) {
      ctx.writeAndFlush(new PongWebSocketFrame(ping.content()));
    } else {
      ping.release(); // whoever takes nothing gets no answers piled up
    }
  }

  @Override
  public void write(ChannelHandlerContext ctx, Object msg, ChannelPromise promise) {
    if (!(msg instanceof ByteBuf bytes)) {
      ctx.write(msg, promise);
      return;
    }
    if (closing) {
      bytes.release();
      promise.tryFailure(new ClosedChannelException());
      return;
    }
    CompositeByteBuf all = waiting;
    if (all == null) {
      all = ctx.alloc().compositeBuffer(64);
      waiting = all;
    }
    all.addComponent(true, bytes);
    if (!promise.isVoid()) {
      promises.add(promise);
    }
    if (all.readableBytes() >= FRAME_BYTES) {
      writeFrame(ctx);
    }
  }

  private void writeFrame(ChannelHandlerContext ctx) {
    CompositeByteBuf all = waiting;
    if (all == null) {
      return;
    }
    waiting = null;
    var written = ctx.write(new BinaryWebSocketFrame(all));
    if (!promises.isEmpty()) {
      List<ChannelPromise> told = List.copyOf(promises);
      promises.clear();
      written.addListener(
          f -> {
            for (ChannelPromise p : told) {
              if (f.isSuccess()) {
                p.trySuccess();
              } else {
                p.tryFailure(f.cause());
              }
            }
          });
    }
  }

  @Override
  public void flush(ChannelHandlerContext ctx) {
    writeFrame(ctx);
    ctx.flush();
  }

  /** The broker ends the connection: a close frame first (RFC 6455, 7.1.1), then the socket. */
  @Override
  public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
    if (!closing && ctx.channel().isActive()) {
      writeFrame(ctx);
      closing = true;
      ctx.writeAndFlush(new CloseWebSocketFrame(WebSocketCloseStatus.NORMAL_CLOSURE));
    }
    ctx.close(promise);
  }

  private void end(ChannelHandlerContext ctx, CloseWebSocketFrame frame) {
    writeFrame(ctx);
    closing = true;
    ctx.writeAndFlush(frame);
    ctx.close();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) throws Exception {
    if (cause instanceof CorruptedFrameException || cause instanceof TooLongFrameException) {
      closing = true; // the decoder has sent the close frame with its status
      ctx.close();
    } else {
      super.exceptionCaught(ctx, cause);
    }
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext ctx) {
    ReferenceCountUtil.release(waiting);
    waiting = null;
    promises.forEach(p -> p.tryFailure(new ClosedChannelException()));
    promises.clear();
  }
}

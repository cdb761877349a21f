package io.ryegrass.demo;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import javax.net.ssl.SSLSocketFactory;

/**
 * Sockets that send at once (TCP_NODELAY). Paho's do not: a message right after an acknowledgement
 * waits until the broker's system confirms that one, some 40 ms.
 */
final class PromptSockets extends SSLSocketFactory {
  private final SSLSocketFactory sockets;

  PromptSockets(SSLSocketFactory sockets) {
    this.sockets = sockets;
  }

  private static Socket prompt(Socket socket) throws IOException {
    socket.setTcpNoDelay(true);
    return socket;
  }

  @Override
  public Socket createSocket() throws IOException {
    return prompt(sockets.createSocket());
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return prompt(sockets.createSocket(host, port));
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress own, int ownPort)
      throws IOException {
    return prompt(sockets.createSocket(host, port, own, ownPort));
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return prompt(sockets.createSocket(host, port));
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress own, int ownPort)
      throws IOException {
    return prompt(sockets.createSocket(host, port, own, ownPort));
  }

  @Override
  public Socket createSocket(Socket beneath, String host, int port, boolean autoClose)
      throws IOException {
    return prompt(sockets.createSocket(beneath, host, port, autoClose));
  }

  @Override
  public String[] getDefaultCipherSuites() {
    return sockets.getDefaultCipherSuites();
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return sockets.getSupportedCipherSuites();
  }
}

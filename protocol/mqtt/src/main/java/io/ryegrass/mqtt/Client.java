package io.ryegrass.mqtt;

/** A connected client with what the authoriser has said about it. */
record Client(ClientSession session, Decisions decisions) {
  String id() {
    return session.clientId();
  }
}

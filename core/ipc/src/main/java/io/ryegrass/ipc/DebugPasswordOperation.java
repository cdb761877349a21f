package io.ryegrass.ipc;

import io.ryegrass.eventstream.RpcOperation.Order;
import tools.jackson.databind.node.ObjectNode;

/** CreateDebugPassword (v2-ipc.md §7.5, IPC-36). There is no TLS to tell fingerprints of. */
final class DebugPasswordOperation {
  private static final String CREATE = "CreateDebugPassword";

  private final DebugPasswords passwords;
  private final Authorisation authorisation;

  DebugPasswordOperation(DebugPasswords passwords, Authorisation authorisation) {
    this.passwords = passwords;
    this.authorisation = authorisation;
  }

  void addTo(CoreService.Table table) {
    table.unary(CREATE, Order.CONCURRENT, this::create);
  }

  private ObjectNode create(String principal, ObjectNode request) {
    authorisation.check(principal, Authorisation.CLI, Errors.NAMESPACE + CREATE, "*");
    DebugPasswords.Password password = passwords.create();
    return Requests.empty()
        .put("username", DebugPasswords.USER)
        .put("password", password.text())
        .put("passwordExpiration", password.expires().toEpochMilli() / 1000.0);
  }
}

package io.ryegrass.eventstream;

import java.util.Optional;

/** What a server serves: who may connect, and which operations there are. */
public interface RpcService {
  /**
   * Called once per connection with the token of its handshake.
   *
   * @return the name of the caller, or empty to refuse the connection
   */
  Optional<String> authenticate(String authToken);

  /** The operation of this fully qualified name. */
  Optional<RpcOperation> operation(String name);

  /** The error for a stream beyond the limit of live streams per connection. */
  RpcError tooManyStreams(int limit);

  /** The error for a request beyond the limit of requests in work per connection. */
  RpcError tooManyRequests(int limit);

  /** The error for a request that is not the JSON object its shape asks for. */
  RpcError malformedRequest(String operation, String reason);
}

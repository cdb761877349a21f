package io.ryegrass.components;

import java.util.List;

/**
 * Where client devices reach a core.
 *
 * @param version counts up with each change; 0 when nothing was ever set
 */
public record ConnectivityInfo(long version, List<Entry> entries) {
  /**
   * One address.
   *
   * @param metadata free text handed to client devices
   */
  public record Entry(String id, String hostAddress, int portNumber, String metadata) {}

  public ConnectivityInfo {
    entries = List.copyOf(entries);
  }
}

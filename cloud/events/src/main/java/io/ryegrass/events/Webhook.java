package io.ryegrass.events;

import java.net.URI;

/**
 * A URL that wants events.
 *
 * @param url http or https
 * @param key under which requests to it are signed
 */
public record Webhook(URI url, String key) {
  public Webhook {
    String scheme = String.valueOf(url.getScheme());
    if (!(scheme.equals("http") || scheme.equals("https"))
        || url.getHost() == null
        || url.getRawFragment() != null) {
      throw new IllegalArgumentException(
          "a webhook's URL must read http://host/path or https://host/path, not '" + url + "'");
    }
    if (url.getRawUserInfo() != null) {
      throw new IllegalArgumentException(
          "a webhook's URL cannot have a user and password in it; requests are signed instead, see"
              + " the key file");
    }
  }

  /** Without its key. */
  @Override
  public String toString() {
    return url.toString();
  }
}

package com.amazonaws.greengrass.common;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;

/** Where the core listens unless the environment says otherwise. */
public final class Defaults {
  public static final Charset DEFAULT_ENCODING = StandardCharsets.UTF_8;
  public static final String HEADER_AUTH_TOKEN = "Authorization";
  public static final String DEFAULT_HOST = "localhost";
  public static final int DEFAULT_PORT = 8000;

  /** None: the core knows a worker by its token alone. */
  public static final String DEFAULT_AUTH_TOKEN = "";

  private Defaults() {}
}

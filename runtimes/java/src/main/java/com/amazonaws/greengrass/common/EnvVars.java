package com.amazonaws.greengrass.common;

import org.jspecify.annotations.Nullable;

/** What the environment of the process said when it started; null where it said nothing. */
public final class EnvVars {
  public static final @Nullable String AUTH_TOKEN =
      System.getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  public static final @Nullable String MY_FUNCTION_ARN = System.getenv("MY_FUNCTION_ARN");
  public static final @Nullable String SHADOW_FUNCTION_ARN = System.getenv("SHADOW_FUNCTION_ARN");
  public static final @Nullable String ROUTER_FUNCTION_ARN = System.getenv("ROUTER_FUNCTION_ARN");
  public static final @Nullable String SECRETS_MANAGER_FUNCTION_ARN =
      System.getenv("SECRETS_MANAGER_FUNCTION_ARN");
  public static final @Nullable String ENCODING_TYPE = System.getenv("ENCODING_TYPE");
  public static final @Nullable String GGC_MAX_INTERFACE_VERSION =
      System.getenv("GGC_MAX_INTERFACE_VERSION");
  public static final @Nullable String GG_DAEMON_PORT = System.getenv("GG_DAEMON_PORT");

  private EnvVars() {}
}

package io.ryegrass.nucleus.bus;

import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.BuiltInContext;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Built-in component {@code aws.greengrass.LegacySubscriptionRouter}: its configuration is the
 * subscription table.
 */
public final class LegacySubscriptionRouter implements BuiltIn {
  public static final String NAME = "aws.greengrass.LegacySubscriptionRouter";

  private volatile @Nullable BuiltInContext context;

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public void start(BuiltInContext c) {
    context = c;
    load(c, c.configuration());
    c.onConfigurationChanged(configuration -> load(c, configuration));
  }

  private static void load(BuiltInContext c, ObjectNode configuration) {
    SubscriptionTable table =
        SubscriptionTable.compile(configuration.path("subscriptions"), c.log()::warn);
    c.bus().addRoutes(NAME, table);
    c.log().info("Subscription table with {} rows in force", table.rows());
  }

  @Override
  public void stop() {
    BuiltInContext c = context;
    if (c != null) {
      c.bus().removeRoutes(NAME);
      context = null;
    }
  }
}

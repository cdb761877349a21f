package io.ryegrass.nucleus;

import java.nio.file.Path;
import java.util.function.Consumer;
import org.slf4j.Logger;
import tools.jackson.databind.node.ObjectNode;

/** What a built-in component gets when it starts. */
public interface BuiltInContext {
  String name();

  /** Effective configuration (a copy). */
  ObjectNode configuration();

  /** Called after each change, one call at a time; the listener lives until the component stops. */
  void onConfigurationChanged(Consumer<ObjectNode> listener);

  Bus bus();

  ConfigTree config();

  Components components();

  CloudPorts cloud();

  /** The root folder. */
  Path root();

  /** {@code work/<name>}, exists. */
  Path work();

  Logger log();

  /**
   * Puts a variable into the environment of all components started from now on (for example the
   * credentials URI).
   */
  void provideEnvironment(String variable, String value);

  /**
   * Tells that the component, once started, cannot go on: it goes to ERRORED and is started again.
   */
  void failed(String code, String reason);
}

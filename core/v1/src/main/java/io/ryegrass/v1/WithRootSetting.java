package io.ryegrass.v1;

import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.BuiltInContext;
import io.ryegrass.nucleus.Bus;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.Components;
import io.ryegrass.nucleus.ConfigTree;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.slf4j.Logger;
import tools.jackson.databind.node.ObjectNode;

/**
 * The Lambda manager with {@code runtime.allowFunctionsToRunAsRoot} of {@code config.json}: in V1
 * the device alone says whether functions may be root, no deployment (LAM-30).
 */
record WithRootSetting(BuiltIn manager, boolean allowed) implements BuiltIn {
  @Override
  public String name() {
    return manager.name();
  }

  @Override
  public void start(BuiltInContext c) {
    manager.start(new Context(c, allowed));
  }

  @Override
  public void stop() {
    manager.stop();
  }

  private record Context(BuiltInContext of, boolean allowed) implements BuiltInContext {
    private ObjectNode set(ObjectNode configuration) {
      return configuration.put("allowFunctionsToRunAsRoot", allowed ? "yes" : "no");
    }

    @Override
    public String name() {
      return of.name();
    }

    @Override
    public ObjectNode configuration() {
      return set(of.configuration());
    }

    @Override
    public void onConfigurationChanged(Consumer<ObjectNode> listener) {
      of.onConfigurationChanged(c -> listener.accept(set(c)));
    }

    @Override
    public Bus bus() {
      return of.bus();
    }

    @Override
    public ConfigTree config() {
      return of.config();
    }

    @Override
    public Components components() {
      return of.components();
    }

    @Override
    public CloudPorts cloud() {
      return of.cloud();
    }

    @Override
    public Path root() {
      return of.root();
    }

    @Override
    public Path work() {
      return of.work();
    }

    @Override
    public Logger log() {
      return of.log();
    }

    @Override
    public void provideEnvironment(String variable, String value) {
      of.provideEnvironment(variable, value);
    }

    @Override
    public void failed(String code, String reason) {
      of.failed(code, reason);
    }
  }
}

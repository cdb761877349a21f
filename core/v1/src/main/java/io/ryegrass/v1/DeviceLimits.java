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
 * The Lambda manager with what {@code config.json} says in {@code runtime}: in V1 the device alone
 * says whether functions may be root (LAM-30) and how many may work and wait, no deployment.
 *
 * @param settings keys of the manager's configuration that count whatever is deployed
 */
record DeviceLimits(BuiltIn manager, ObjectNode settings) implements BuiltIn {
  @Override
  public String name() {
    return manager.name();
  }

  @Override
  public void start(BuiltInContext c) {
    manager.start(new Context(c, settings));
  }

  @Override
  public void stop() {
    manager.stop();
  }

  private record Context(BuiltInContext of, ObjectNode settings) implements BuiltInContext {
    private ObjectNode set(ObjectNode configuration) {
      settings.properties().forEach(e -> configuration.set(e.getKey(), e.getValue()));
      return configuration;
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

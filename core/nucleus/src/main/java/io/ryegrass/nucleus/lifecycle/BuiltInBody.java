package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.BuiltInContext;
import io.ryegrass.nucleus.Bus;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.ComponentBody;
import io.ryegrass.nucleus.ComponentInstance;
import io.ryegrass.nucleus.Components;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.StateReporter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A component inside the core process. Without an implementation it only marks that the component
 * is part of the core.
 */
final class BuiltInBody implements ComponentBody {
  /** What all built-ins of this core share. */
  record Host(
      Bus bus,
      ConfigTree config,
      Components components,
      CloudPorts cloud,
      Path root,
      BiConsumer<String, String> environment) {}

  private final ComponentInstance instance;
  private final @Nullable BuiltIn builtIn;
  private final Host host;
  private final List<Consumer<ObjectNode>> listeners = new CopyOnWriteArrayList<>();
  private volatile boolean started;

  BuiltInBody(ComponentInstance instance, @Nullable BuiltIn builtIn, Host host) {
    this.instance = instance;
    this.builtIn = builtIn;
    this.host = host;
  }

  @Override
  public void install() {}

  @Override
  public void start(StateReporter r) {
    if (builtIn != null) {
      listeners.clear();
      started = true;
      builtIn.start(new Context(r));
    }
    r.running();
  }

  @Override
  public void stop(Duration deadline) {
    listeners.clear();
    if (builtIn != null && started) {
      started = false;
      builtIn.stop();
    }
  }

  @Override
  public void configurationChanged(ObjectNode c) {
    listeners.forEach(l -> l.accept(c.deepCopy()));
  }

  @Override
  public void uninstall() {}

  private final class Context implements BuiltInContext {
    private final StateReporter reporter;
    private final Logger log = LoggerFactory.getLogger(instance.name());

    Context(StateReporter reporter) {
      this.reporter = reporter;
    }

    @Override
    public String name() {
      return instance.name();
    }

    @Override
    public ObjectNode configuration() {
      return host.config().component(instance.name());
    }

    @Override
    public void onConfigurationChanged(Consumer<ObjectNode> listener) {
      listeners.add(listener);
    }

    @Override
    public Bus bus() {
      return host.bus();
    }

    @Override
    public ConfigTree config() {
      return host.config();
    }

    @Override
    public Components components() {
      return host.components();
    }

    @Override
    public CloudPorts cloud() {
      return host.cloud();
    }

    @Override
    public Path root() {
      return host.root();
    }

    @Override
    public Path work() {
      return instance.work();
    }

    @Override
    public Logger log() {
      return log;
    }

    @Override
    public void provideEnvironment(String variable, String value) {
      host.environment().accept(variable, value);
    }

    @Override
    public void failed(String code, String reason) {
      reporter.errored(code, reason);
    }
  }
}

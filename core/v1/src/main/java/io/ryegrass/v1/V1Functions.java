package io.ryegrass.v1;

import io.ryegrass.model.ComponentType;
import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.ComponentBody;
import io.ryegrass.nucleus.ComponentBodyFactory;
import io.ryegrass.nucleus.ComponentInstance;
import io.ryegrass.nucleus.StateReporter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Functions on their way to the maker of their bodies: they get V1's log file, and while they are
 * installed a link to their code at {@code deployment/lambda/<ARN>} (DIR-10).
 */
final class V1Functions implements ComponentBodyFactory {
  private static final Logger LOG = LoggerFactory.getLogger(V1Functions.class);

  private final ComponentBodyFactory functions;
  private final V1LogFiles files;
  private final V1Loggers loggers;
  private final Path code;
  private final Map<String, Path> logs = new ConcurrentHashMap<>();

  /**
   * @param code {@code deployment/lambda}
   */
  V1Functions(ComponentBodyFactory functions, V1LogFiles files, V1Loggers loggers, Path code) {
    this.functions = functions;
    this.files = files;
    this.loggers = loggers;
    this.code = code;
  }

  @Override
  public boolean supports(ComponentType t) {
    return functions.supports(t);
  }

  @Override
  public ComponentBody create(ComponentInstance i) {
    String arn = i.configuration().path("lambdaArn").asString("");
    if (arn.split(":", -1).length < 7) {
      return functions.create(i); // which says what is wrong with it
    }
    Path log = FunctionLog.place(arn);
    logs.put(i.name(), log);
    ComponentInstance v1 =
        new ComponentInstance(
            i.name(),
            i.version(),
            i.recipe(),
            i.lifecycle(),
            i.configuration(),
            i.work(),
            i.artifacts(),
            i.unarchived(),
            i.posixUser(),
            i.limits(),
            i.environment(),
            i.token(),
            new FunctionLog(files, loggers, log));
    return new Body(functions.create(v1), code.resolve(arn), codeOf(i));
  }

  @Override
  public @Nullable String logOf(String component) {
    Path log = logs.get(component);
    return log == null ? functions.logOf(component) : files.folder().resolve(log) + ".log";
  }

  /** The unpacked package. */
  private static Path codeOf(ComponentInstance i) {
    for (Recipe.Manifest manifest : i.recipe().manifests()) {
      for (Recipe.Artifact artifact : manifest.artifacts()) {
        String uri = artifact.uri();
        String file = uri.substring(Math.max(uri.lastIndexOf('/'), uri.lastIndexOf(':')) + 1);
        if (file.endsWith(".zip")) {
          return i.unarchived().resolve(file.substring(0, file.length() - 4));
        }
      }
    }
    return i.unarchived().resolve("lambda");
  }

  private final class Body implements ComponentBody {
    private final ComponentBody body;
    private final Path link;
    private final Path to;

    Body(ComponentBody body, Path link, Path to) {
      this.body = body;
      this.link = link;
      this.to = to;
    }

    @Override
    public void install() {
      body.install();
    }

    @Override
    public void start(StateReporter r) {
      try {
        V1Files.link(link, to);
      } catch (IOException e) {
        LOG.warn("The code of a function is not shown at {}: {}", link, e.toString());
      }
      body.start(r);
    }

    @Override
    public void stop(Duration deadline) {
      body.stop(deadline);
    }

    @Override
    public void configurationChanged(ObjectNode c) {
      body.configurationChanged(c);
    }

    @Override
    public void uninstall() {
      body.uninstall();
      try {
        if (Files.isSymbolicLink(link)) {
          Files.deleteIfExists(link);
        }
      } catch (IOException e) {
        LOG.warn("The link {} to the code of a removed function stays: {}", link, e.toString());
      }
    }

    @Override
    public void recover() {
      body.recover();
    }

    @Override
    public void pause() {
      body.pause();
    }

    @Override
    public void resume() {
      body.resume();
    }

    @Override
    public void limit(DeploymentDocument.@Nullable SystemResourceLimits limits) {
      body.limit(limits);
    }
  }
}

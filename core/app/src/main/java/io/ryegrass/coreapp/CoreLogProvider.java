package io.ryegrass.coreapp;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.ILoggerFactory;
import org.slf4j.IMarkerFactory;
import org.slf4j.Logger;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.BasicMDCAdapter;
import org.slf4j.helpers.BasicMarkerFactory;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;
import org.slf4j.spi.MDCAdapter;
import org.slf4j.spi.SLF4JServiceProvider;

/**
 * SLF4J's way to {@link CoreLog}. Ours because level, form and folder change while the core runs,
 * which no small logging library offers (decision 018). Named by the system property {@code
 * slf4j.provider}, so other programs on the same class path keep theirs.
 */
public final class CoreLogProvider implements SLF4JServiceProvider {
  private final ConcurrentMap<String, Logger> loggers = new ConcurrentHashMap<>();
  private final IMarkerFactory markers = new BasicMarkerFactory();
  private final MDCAdapter context = new BasicMDCAdapter();

  @Override
  public void initialize() {
    // nothing to prepare: CoreLog takes lines from the first on
  }

  @Override
  public ILoggerFactory getLoggerFactory() {
    return name -> loggers.computeIfAbsent(name, CoreLogger::new);
  }

  @Override
  public IMarkerFactory getMarkerFactory() {
    return markers;
  }

  @Override
  public MDCAdapter getMDCAdapter() {
    return context;
  }

  @Override
  public String getRequestedApiVersion() {
    return "2.0.99";
  }

  /** One logger. */
  private static final class CoreLogger extends LegacyAbstractLogger {
    private static final long serialVersionUID = 1;
    private final boolean ours;

    CoreLogger(String name) {
      this.name = name;
      this.ours = name.startsWith("io.ryegrass.");
    }

    @Override
    public boolean isTraceEnabled() {
      return false;
    }

    @Override
    public boolean isDebugEnabled() {
      return CoreLog.isEnabled(Level.DEBUG, ours);
    }

    @Override
    public boolean isInfoEnabled() {
      return CoreLog.isEnabled(Level.INFO, ours);
    }

    @Override
    public boolean isWarnEnabled() {
      return CoreLog.isEnabled(Level.WARN, ours);
    }

    @Override
    public boolean isErrorEnabled() {
      return CoreLog.isEnabled(Level.ERROR, ours);
    }

    @Override
    protected @Nullable String getFullyQualifiedCallerName() {
      return null;
    }

    @Override
    protected void handleNormalizedLoggingCall(
        Level level,
        @Nullable Marker marker,
        String message,
        Object @Nullable [] arguments,
        @Nullable Throwable cause) {
      CoreLog.write(level, name, MessageFormatter.basicArrayFormat(message, arguments), cause);
    }
  }
}

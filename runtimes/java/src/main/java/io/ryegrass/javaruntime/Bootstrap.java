package io.ryegrass.javaruntime;

import com.amazonaws.greengrass.common.EnvVars;
import com.amazonaws.greengrass.common.FunctionArnFields;
import com.amazonaws.greengrass.ipcsdk.IPCException;
import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import java.io.File;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Field;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * The program of a worker: {@code java … io.ryegrass.javaruntime.Bootstrap --handler
 * package.Class::method}. Exit codes: 1 the handler could not be loaded or the core is gone, 2
 * wrong usage; after SIGTERM the JVM's own (143). On SIGTERM the handler may finish, and its answer
 * goes out; then the process ends.
 */
public final class Bootstrap {
  private static final byte[] NOTHING = new byte[0];
  private static final int ANSWER_MILLIS = 60_000;

  /** The core says "nothing yet" long before. */
  private static final int WORK_MILLIS = 600_000;

  /** How often, and how long in all, a worker asks a core that does not answer. */
  private static final int CORE_GONE_ATTEMPTS = 4;

  private final Object lock = new Object();
  private final Door door = Door.of(EnvVars.AUTH_TOKEN);
  private final String arn;
  private final String base;
  private final Thread worker = Thread.currentThread();
  private boolean busy;
  private volatile boolean stopAsked;

  private Bootstrap(String arn) {
    this.arn = arn;
    this.base = Door.FUNCTIONS + arn;
  }

  /** Runs until the core or SIGTERM ends it. */
  @SuppressWarnings("SystemOut")
  public static void main(String[] args) {
    int at = Arrays.asList(args).indexOf("--handler");
    String arn = EnvVars.MY_FUNCTION_ARN;
    if (at < 0 || at + 1 >= args.length || arn == null) {
      System.err.println(
          "usage: java -cp lambda-runtime.jar:aws-lambda-java-core.jar io.ryegrass.javaruntime.Bootstrap --handler PACKAGE.CLASS::METHOD (and MY_FUNCTION_ARN in the environment)");
      System.exit(2);
      return;
    }
    final Bootstrap bootstrap = new Bootstrap(arn);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread("stop") {
              @Override
              public void run() {
                bootstrap.finish();
              }
            });
    try {
      bootstrap.run(args[at + 1]);
    } catch (IPCException e) {
      FunctionLog.write(
          "ERROR", "This worker ends, the core has no use for it any more: " + e.getMessage());
    }
    System.exit(1);
  }

  /** SIGTERM, or the end of the process by its own will: the work at hand is brought to its end. */
  private void finish() {
    stopAsked = true;
    synchronized (lock) {
      try {
        while (busy && !ending(worker)) {
          lock.wait(50);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** A handler that itself ended the process waits for this hook: nothing of it is to come. */
  private static boolean ending(Thread worker) {
    for (StackTraceElement frame : worker.getStackTrace()) {
      if (frame.getClassName().equals("java.lang.Runtime")
          && frame.getMethodName().equals("exit")) {
        return true;
      }
    }
    return false;
  }

  /** AWS's logger of static use; the one it comes with leaves out the ends of lines. */
  private static void useOurLogger() {
    try {
      Field logger = LambdaRuntime.class.getDeclaredField("logger");
      logger.setAccessible(true);
      logger.set(null, FunctionContext.LOGGER);
    } catch (ReflectiveOperationException e) {
      FunctionLog.write("WARN", "LambdaRuntime.getLogger() writes without ends of lines: " + e);
    }
  }

  private void run(String handlerName) {
    Handler handler;
    try {
      useOurLogger();
      String root = System.getenv("LAMBDA_TASK_ROOT");
      ClassLoader loader = loader(new File(root == null ? "." : root));
      Thread.currentThread().setContextClassLoader(loader);
      handler = Handler.load(handlerName, loader, "binary".equals(EnvVars.ENCODING_TYPE));
    } catch (Throwable e) {
      String message = e.getMessage();
      FunctionLog.write(
          "ERROR",
          "The handler "
              + handlerName
              + " cannot be loaded: "
              + (e instanceof Failure ? message : text(e)));
      initialised(e instanceof Failure && message != null ? message : e.toString());
      return;
    }
    initialised(null);
    FunctionArnFields function = FunctionArnFields.fromString(arn);
    while (!stopAsked) {
      work(handler, function);
    }
  }

  /** The root of the package, then the jars in its lib folder by their names. */
  private static ClassLoader loader(File root) throws MalformedURLException {
    List<URL> places = new ArrayList<>();
    places.add(root.toURI().toURL());
    String[] names = new File(root, "lib").list();
    if (names != null) {
      Arrays.sort(names);
      for (String name : names) {
        if (name.endsWith(".jar")) {
          places.add(new File(new File(root, "lib"), name).toURI().toURL());
        }
      }
    }
    return new URLClassLoader(places.toArray(new URL[0]), Bootstrap.class.getClassLoader());
  }

  private void initialised(@Nullable String problem) {
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("Success", problem == null);
    body.put("Response", problem == null ? "" : problem);
    patiently(
        "PUT",
        base + "/initialized",
        Collections.<String, String>emptyMap(),
        JsonWriter.bytes(body),
        ANSWER_MILLIS);
  }

  private void work(Handler handler, FunctionArnFields function) {
    Door.Response work =
        patiently(
            "GET", base + "/work", Collections.<String, String>emptyMap(), NOTHING, WORK_MILLIS);
    if (work.status() == 204) {
      return; // nothing yet, the core only kept the connection alive
    }
    String id = work.header("x-amz-invocationid");
    String deadline = work.header("lambda-runtime-deadline-ms");
    if (id == null) {
      throw new IPCException("The core gave work without an id.");
    }
    set(true);
    try {
      Map<String, String> headers = new HashMap<>();
      headers.put("X-Amz-InvocationId", id);
      byte[] answer;
      try {
        answer =
            handler.call(
                work.body(),
                new FunctionContext(
                    function,
                    id,
                    work.header("x-amz-client-context"),
                    deadline == null ? 0 : Long.parseLong(deadline)));
      } catch (OutOfMemoryError e) {
        // Nothing that this process goes on to do can be trusted; the core answers for it.
        FunctionLog.write("ERROR", "This worker ends: " + e);
        Runtime.getRuntime().halt(1);
        return;
      } catch (Throwable e) {
        FunctionLog.write(
            "ERROR",
            e instanceof Failure
                ? String.valueOf(e.getMessage())
                : "The handler failed: " + text(e));
        headers.put("X-Amz-Function-Error", "Handled");
        answer = Failure.json(e);
      }
      try {
        patiently("POST", base + "/work", headers, answer, ANSWER_MILLIS);
      } catch (IPCException e) {
        if (e.getStatus() == 0 || e.getStatus() == 401 || e.getStatus() == 403) {
          throw e;
        }
        // The core no longer waits for this answer (its caller timed out): go on with the next.
        FunctionLog.write("WARN", "The core did not take the answer: " + e.getMessage());
      }
    } finally {
      set(false);
    }
  }

  private void set(boolean now) {
    synchronized (lock) {
      busy = now;
      lock.notifyAll();
    }
  }

  private static String text(Throwable e) {
    StringWriter text = new StringWriter();
    e.printStackTrace(new PrintWriter(text, true));
    return text.toString();
  }

  /** Asks again for a short while when nobody answers; a core that says no is believed at once. */
  private Door.Response patiently(
      String method, String path, Map<String, String> headers, byte[] body, int timeoutMillis) {
    for (int attempt = 1; ; attempt++) {
      try {
        return door.call(method, path, headers, body, timeoutMillis);
      } catch (IPCException e) {
        if (e.getStatus() != 0 || attempt == CORE_GONE_ATTEMPTS || stopAsked) {
          throw e;
        }
        try {
          Thread.sleep((100 + ThreadLocalRandom.current().nextInt(100)) << attempt);
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          throw e;
        }
      }
    }
  }
}

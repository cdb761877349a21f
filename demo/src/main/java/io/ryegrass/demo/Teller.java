package io.ryegrass.demo;

import java.io.IOException;
import java.util.List;
import java.util.Map;

/** Goes through the steps and prints for each a tick, what was seen, and its milliseconds. */
public final class Teller {
  /** Does the step and says what was seen. */
  public interface Action {
    String run() throws Exception;
  }

  public record Step(String title, Action action) {}

  private final World world;
  private final Map<Integer, String> before;

  public Teller(World world, Map<Integer, String> before) {
    this.world = world;
    this.before = before;
  }

  /** True when every step saw what it had to see; stops at the first that did not. */
  public boolean tell(List<Step> steps) {
    long start = System.nanoTime();
    for (int i = 0; i < steps.size(); i++) {
      int number = i + 1;
      Step step = steps.get(i);
      interfere(number);
      System.out.printf("… %d %s%n", number, step.title());
      long from = System.nanoTime();
      try {
        String seen = step.action().run();
        System.out.printf("✔ %d %s: %s (%d ms)%n", number, step.title(), seen, millis(from));
      } catch (Exception e) {
        if (e instanceof InterruptedException) {
          Thread.currentThread().interrupt();
        }
        System.out.printf(
            "✘ %d %s: %s (%d ms)%n",
            number,
            step.title(),
            e instanceof StepFailed ? e.getMessage() : e.toString(),
            millis(from));
        System.out.printf("step %d of %d failed; logs: %s%n", number, steps.size(), world.logs());
        return false;
      }
    }
    System.out.printf("all %d steps seen in %.1f s%n", steps.size(), millis(start) / 1000.0);
    return true;
  }

  private void interfere(int number) {
    String command = before.get(number);
    if (command == null) {
      return;
    }
    System.out.printf("  before step %d: %s%n", number, command);
    ProcessBuilder builder = new ProcessBuilder("sh", "-c", command).inheritIO();
    builder.environment().put("DEMO_DIR", world.folder().toString());
    builder.environment().put("RYEGRASS_DATA", world.cloudData().toString());
    builder.environment().put("CORE_ROOT", world.coreRoot().toString());
    builder.environment().put("RYEGRASS_NO_BUILD", "1");
    try {
      int code = builder.start().waitFor();
      if (code != 0) {
        System.out.printf("  (that command ended with exit code %d)%n", code);
      }
    } catch (IOException e) {
      throw new StepFailed("cannot run '" + command + "': " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StepFailed("interrupted", e);
    }
  }

  private static long millis(long since) {
    return (System.nanoTime() - since) / 1_000_000;
  }
}

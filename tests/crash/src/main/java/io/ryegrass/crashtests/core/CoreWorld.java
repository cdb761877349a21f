package io.ryegrass.crashtests.core;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.aws.greengrass.model.LocalDeployment;

/**
 * One core on one root folder: it is asked for deployments and changes, killed, started again, and
 * looked at, until the rounds are done or a promise is broken. Every second world has an identity
 * whose cloud nobody can reach; the others have none.
 */
final class CoreWorld {
  /** Start, deployment and rest: what a slow and busy machine needs, with room. */
  private static final Duration START = Duration.ofSeconds(90);

  private static final Duration END = Duration.ofSeconds(180);
  private static final Duration REST = Duration.ofSeconds(60);
  private static final int MOST_KILLS_OF_ONE = 4;

  /** How a world ended. */
  record Outcome(
      int kills, int deployments, int updates, List<CoreViolation> found, List<String> history) {}

  private final List<String> command;
  private final Path folder;
  private final Path root;
  private final SplittableRandom random;
  private final boolean cloud;
  private final CoreChecker checker = new CoreChecker();
  private final List<String> history = new ArrayList<>();
  private final long begin = System.nanoTime();
  private final CoreView view;
  private final @Nullable Sabotage sabotage;
  private @Nullable CoreProcess core;
  private int kills;
  private int deployments;
  private int updates;
  private int typicalStart = 2_000;

  /**
   * @param command starts a core, up to {@code --root}
   * @param sabotage what is done to the folder while the core is down, to see that it is found
   */
  CoreWorld(List<String> command, Path folder, long seed, int number, @Nullable Sabotage sabotage) {
    this.command = command;
    this.folder = folder;
    this.root = folder.resolve("root");
    this.random = new SplittableRandom(seed * 1_000_003 + number);
    this.sabotage = sabotage;
    this.view = new CoreView(root, number);
    this.cloud = number % 2 == 0;
    if (cloud) {
      Identity.provision(root, "crash-core-" + number);
    }
  }

  Outcome run(int rounds) throws IOException, InterruptedException {
    Files.createDirectories(folder);
    try {
      if (start()) {
        settle();
      }
      while (kills < rounds && checker.found().isEmpty()) {
        round();
      }
      if (core != null && core.isAlive()) {
        core.stop();
        note("stopped in order");
      }
    } finally {
      if (core != null) {
        core.kill();
      }
      view.endProcesses();
    }
    return new Outcome(kills, deployments, updates, checker.found(), history);
  }

  private void round() throws IOException, InterruptedException {
    int dice = random.nextInt(100);
    if (dice < 20) {
      changeConfiguration();
      CoreKill.soon(random, 50).await(root);
      kill("at rest");
    } else if (dice < 28) {
      askAndKillBeforeTheAnswer();
    } else {
      ask();
    }
    if (!checker.found().isEmpty()) {
      return;
    }
    while (true) {
      if (sabotage != null) {
        sabotage.apply(root, checker.model());
      }
      if (random.nextInt(10) == 0) {
        startAndKill();
      }
      if (!start() || !checker.found().isEmpty()) {
        return;
      }
      boolean again =
          checker.pendingId() != null && random.nextInt(10) < 3 && killsOfThis < MOST_KILLS_OF_ONE;
      if (!again) {
        break;
      }
      CoreKill kill = CoreKill.duringDeployment(random);
      kill.await(root);
      kill("again " + kill);
    }
    settle();
  }

  private int killsOfThis;

  // ---- the core

  /** False when it did not start. */
  private boolean start() throws IOException, InterruptedException {
    add(new CoreEvent.Starting());
    long from = System.nanoTime();
    core = CoreProcess.start(command, root, folder.resolve("core.log"));
    try {
      String identity = core.awaitReady(START);
      typicalStart = (int) ((System.nanoTime() - from) / 1_000_000);
      add(new CoreEvent.Ready(identity, view.identityFiles()));
    } catch (IOException e) {
      add(new CoreEvent.NotReady(String.valueOf(e.getMessage())));
      return false;
    }
    CoreEvent listed =
        retried("the list of deployments", c -> new CoreEvent.Listed(c.deployments()));
    if (listed != null) {
      add(listed);
    }
    return listed != null;
  }

  private void startAndKill() throws IOException, InterruptedException {
    CoreKill kill = CoreKill.duringStart(random, typicalStart);
    add(new CoreEvent.Starting());
    core = CoreProcess.start(command, root, folder.resolve("core.log"));
    kill.await(root);
    kill("in its start " + kill);
  }

  private void kill(String moment) throws InterruptedException {
    CoreProcess c = core;
    if (c != null) {
      c.kill();
    }
    kills++;
    killsOfThis++;
    add(new CoreEvent.Killed(moment));
  }

  // ---- what is asked of it

  private Plan write() throws IOException {
    Plan plan = Plan.draw(random, ++deployments, checker.model(), cloud);
    Path own = folder.resolve("asked").resolve(String.valueOf(plan.number()));
    Files.createDirectories(own.resolve("recipes"));
    Files.createDirectories(own.resolve("artifacts"));
    for (Map<String, Spec> specs : List.of(plan.merge(), plan.extra())) {
      specs
          .values()
          .forEach(
              s -> s.write(own.resolve("recipes"), own.resolve("artifacts"), view.mark(s.name())));
    }
    killsOfThis = 0;
    return plan;
  }

  private String create(CoreClient client, Plan plan) throws IOException, InterruptedException {
    Path own = folder.resolve("asked").resolve(String.valueOf(plan.number()));
    return client.create(plan, own.resolve("recipes"), own.resolve("artifacts"));
  }

  private void ask() throws IOException, InterruptedException {
    Plan plan = write();
    CoreKill kill = CoreKill.duringDeployment(random);
    boolean undisturbed = random.nextInt(8) == 0;
    add(new CoreEvent.Asked(plan));
    try (CoreClient client = CoreClient.asCommandLine(root)) {
      String id = create(client, plan);
      add(new CoreEvent.Acknowledged(plan.number(), id));
      if (plan.cancel()) {
        TimeUnit.MILLISECONDS.sleep(random.nextInt(500));
        add(new CoreEvent.Cancelling(id));
        cancel(client, id);
      }
    } catch (IOException e) {
      add(new CoreEvent.Refused(plan.number(), String.valueOf(e.getMessage())));
      return;
    }
    if (undisturbed) {
      awaitEnd();
      kill("after its end");
    } else {
      kill.await(root);
      kill(kill.toString());
    }
  }

  /** The answer may be late: a bootstrap step may be starting the core anew. */
  private void cancel(CoreClient client, String id) throws InterruptedException {
    try {
      client.cancel(id);
    } catch (IOException e) {
      note("the cancellation was not answered: " + e.getMessage());
    }
  }

  private void askAndKillBeforeTheAnswer() throws IOException, InterruptedException {
    Plan plan = write();
    add(new CoreEvent.Asked(plan));
    CompletableFuture<String> answer = new CompletableFuture<>();
    CoreClient client = CoreClient.asCommandLine(root);
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                answer.complete(create(client, plan));
              } catch (IOException | InterruptedException e) {
                answer.completeExceptionally(e);
              }
            });
    TimeUnit.MICROSECONDS.sleep(random.nextInt(20_000));
    String id = answer.isDone() && !answer.isCompletedExceptionally() ? answer.join() : null;
    if (id != null) {
      add(new CoreEvent.Acknowledged(plan.number(), id));
    }
    kill("while it was asked");
    client.close();
  }

  private void changeConfiguration() throws IOException, InterruptedException {
    List<String> alive = new ArrayList<>();
    for (String letter : List.of("A", "B", "C", "D", "E")) {
      Spec spec = checker.model().running(Spec.PREFIX + letter);
      if (spec != null && spec.staysAlive()) {
        alive.add(spec.name());
      }
    }
    if (alive.isEmpty()) {
      return;
    }
    String name = alive.get(random.nextInt(alive.size()));
    try (CoreClient client = CoreClient.asComponent(root, name)) {
      for (int i = random.nextInt(6); client != null && i >= 0; i--) {
        String key = "live" + random.nextInt(3);
        String value = "u" + ++updates;
        add(new CoreEvent.Updating(name, key, value));
        client.update(key, value);
        add(new CoreEvent.Updated(name, key, value));
      }
    } catch (IOException e) {
      note("a change by " + name + " was not answered: " + e.getMessage());
    }
  }

  // ---- its rest

  private void settle() throws IOException, InterruptedException {
    if (checker.pendingId() != null) {
      awaitEnd();
    }
    if (!checker.found().isEmpty()) {
      return;
    }
    long deadline = System.nanoTime() + REST.toNanos();
    while (true) {
      Seen seen = look();
      boolean late = System.nanoTime() > deadline;
      if (seen != null && (late || view.atRest(seen, checker.model(), checker.pending()))) {
        add(new CoreEvent.Rest(seen));
        checker.forgetOldDeployments();
        return;
      }
      if (late) {
        add(new CoreEvent.NotReady("it does not answer what it runs"));
        return;
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
  }

  private @Nullable Seen look() throws InterruptedException {
    try (CoreClient client = CoreClient.asCommandLine(root)) {
      return view.look(client);
    } catch (IOException e) {
      return null;
    }
  }

  private void awaitEnd() throws IOException, InterruptedException {
    String id = String.valueOf(checker.pendingId());
    long deadline = System.nanoTime() + END.toNanos();
    String status = "unknown";
    while (System.nanoTime() < deadline) {
      try (CoreClient client = CoreClient.asCommandLine(root)) {
        while (System.nanoTime() < deadline) {
          LocalDeployment d = client.deployment(id);
          status = d.getStatusAsString();
          if (!status.equals("QUEUED") && !status.equals("IN_PROGRESS")) {
            add(ended(id, status, d));
            return;
          }
          TimeUnit.MILLISECONDS.sleep(50);
        }
      } catch (IOException e) {
        if (core == null || !core.isAlive()) {
          add(new CoreEvent.NotReady("it ended by itself during a deployment"));
          return;
        }
        TimeUnit.MILLISECONDS.sleep(50); // it starts itself anew
      }
    }
    add(new CoreEvent.NotEnded(id, status));
  }

  private static CoreEvent ended(String id, String status, LocalDeployment d) {
    var details = d.getDeploymentStatusDetails();
    return new CoreEvent.Ended(
        id,
        status,
        details == null ? "" : String.valueOf(details.getDetailedDeploymentStatusAsString()),
        details == null ? "" : String.valueOf(details.getDeploymentFailureCause()));
  }

  private interface Question {
    CoreEvent ask(CoreClient client) throws IOException, InterruptedException;
  }

  /** Null when there was no answer in time; that is noted as a violation. */
  private @Nullable CoreEvent retried(String what, Question question) throws InterruptedException {
    long deadline = System.nanoTime() + START.toNanos();
    String last = "";
    while (System.nanoTime() < deadline) {
      try (CoreClient client = CoreClient.asCommandLine(root)) {
        return question.ask(client);
      } catch (IOException e) {
        last = String.valueOf(e.getMessage());
        TimeUnit.MILLISECONDS.sleep(50);
      }
    }
    add(new CoreEvent.NotReady("it does not answer " + what + ": " + last));
    return null;
  }

  private void add(CoreEvent event) {
    note(event.toString());
    checker.accept(event);
  }

  private void note(String text) {
    history.add(String.format("%9.3f s  %s", (System.nanoTime() - begin) / 1e9, text));
  }
}

package io.ryegrass.nucleus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.is;

import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.nucleus.deploy.FaultPoint;
import io.ryegrass.nucleus.store.Backoff;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Local deployments that bring other files for a version that runs (CLI-02, LESSON-04). */
class ReplacedFilesTest {
  private static final String A = "com.example.A";
  private static final Duration LONG = Duration.ofSeconds(60);

  @TempDir Path temp;
  private Path root;
  private Nucleus nucleus;
  private int asked;

  @BeforeEach
  void start() {
    root = temp.resolve("root");
    open();
  }

  private void open() {
    open(CloudPorts.offline());
  }

  private void open(CloudPorts cloud) {
    nucleus =
        Nucleus.open(
            new NucleusSettings(
                root,
                Clock.systemUTC(),
                Duration.ofSeconds(2),
                Duration.ofSeconds(60),
                System.getProperty("user.name")),
            List.of(),
            List.of(),
            cloud,
            new Backoff(Duration.ofMillis(10), Duration.ofMillis(50), new Random()),
            FaultPoint.NONE);
    nucleus.start();
  }

  @AfterEach
  void stop() {
    nucleus.close();
  }

  private String create(String lifecycle, String file) throws IOException {
    return create(lifecycle, file, "");
  }

  /**
   * @param more further artifacts as the recipe has them
   */
  private String create(String lifecycle, String file, String more) throws IOException {
    Path folder = temp.resolve("asked-" + ++asked);
    Path recipes = Files.createDirectories(folder.resolve("recipes"));
    Path artifacts = Files.createDirectories(folder.resolve("artifacts"));
    if (!file.isEmpty()) {
      Path own = Files.createDirectories(artifacts.resolve(A).resolve("1.0.0"));
      Files.writeString(own.resolve("file.txt"), file);
    }
    Files.writeString(
        recipes.resolve("a.yaml"),
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: 1.0.0
        Manifests:
          - Platform: {os: linux}
            Lifecycle: %s
            Artifacts: [%s]
        """
            .formatted(A, lifecycle, file.isEmpty() ? "" : "{URI: 's3://b/file.txt'}" + more));
    return nucleus
        .localDeployments()
        .create(
            new LocalDeployments.Request(
                null,
                Map.of(A, "1.0.0"),
                List.of(),
                Map.of(),
                Map.of(),
                recipes,
                artifacts,
                FailureHandlingPolicy.ROLLBACK));
  }

  private LocalDeployments.Status ended(String id) {
    return Awaitility.await()
        .pollInterval(Duration.ofMillis(20))
        .atMost(LONG)
        .until(
            () -> nucleus.localDeployments().find(id).orElseThrow(),
            s -> !s.detailedStatus().isEmpty());
  }

  private Path file() {
    return root.resolve("packages/artifacts").resolve(A).resolve("1.0.0/file.txt");
  }

  @Test
  void what_a_failed_deployment_added_to_a_version_that_runs_is_gone_after_the_rollback()
      throws Exception {
    assertThat(ended(create("{Startup: 'true'}", "")).status()).isEqualTo("SUCCEEDED");
    assertThat(ended(create("{Startup: 'exit 3'}", "added")).detailedStatus())
        .isEqualTo("FAILED_ROLLBACK_COMPLETE");
    assertThat(file()).doesNotExist();
    assertThat(nucleus.components().find(A).orElseThrow().state())
        .isEqualTo(ComponentState.RUNNING);
  }

  /**
   * A component that was restarted while a deployment waited for artifacts used to be started with
   * those that had come already.
   */
  @Test
  void what_runs_keeps_its_files_while_a_deployment_of_its_version_waits_for_artifacts()
      throws Exception {
    TestCloud.provision(root);
    nucleus.close();
    TestCloud cloud = new TestCloud();
    byte[] late = "late".getBytes(StandardCharsets.UTF_8);
    cloud.artifacts.put("greengrass:late.txt", late);
    AtomicInteger waiting = new AtomicInteger();
    CountDownLatch go = new CountDownLatch(1);
    cloud.halfDownloaded =
        () -> {
          waiting.incrementAndGet();
          try {
            go.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CloudUnavailableException("The test's core stops.", e);
          }
        };
    open(cloud.ports());
    String read = "cat {artifacts:path}/file.txt >> {work:path}/started";
    assertThat(ended(create("{Startup: '" + read + "'}", "old")).status()).isEqualTo("SUCCEEDED");
    Path work = root.resolve("work").resolve(A);
    String id =
        create(
            "{Startup: '" + read + "; cat {artifacts:path}/late.txt >> {work:path}/started'}",
            "new",
            ", {URI: 'greengrass:late.txt', Algorithm: SHA-256, Digest: '"
                + Base64.getEncoder()
                    .encodeToString(MessageDigest.getInstance("SHA-256").digest(late))
                + "'}");
    Awaitility.await().atMost(LONG).untilAtomic(waiting, is(1));

    nucleus.components().restart(A);
    Awaitility.await().atMost(LONG).until(() -> Files.size(work.resolve("started")) == 6);
    assertThat(work.resolve("started")).hasContent("oldold");
    nucleus.close();
    open(cloud.ports());
    Awaitility.await().atMost(LONG).untilAtomic(waiting, is(2));
    Awaitility.await().atMost(LONG).until(() -> Files.size(work.resolve("started")) == 9);
    assertThat(work.resolve("started")).hasContent("oldoldold");
    assertThat(file()).hasContent("old");
    go.countDown();
    LocalDeployments.Status end = ended(id);
    assertThat(end.status()).as("%s", end).isEqualTo("SUCCEEDED");
    assertThat(work.resolve("started")).hasContent("oldoldoldnewlate");
    assertThat(root.resolve("deployments"))
        .isDirectoryNotContaining(p -> p.toString().contains("replaced"));
  }

  /** Killed in its bootstrap steps, it used to meet the files from before it. */
  @Test
  void a_deployment_goes_on_in_its_bootstrap_steps_with_the_files_that_it_brought()
      throws Exception {
    String read = "cat {artifacts:path}/file.txt >> {work:path}/started";
    assertThat(ended(create("{Startup: '" + read + "'}", "old")).status()).isEqualTo("SUCCEEDED");
    Path work = root.resolve("work").resolve(A);
    String id =
        create(
            "{Bootstrap: 'touch {work:path}/begun; test -e {work:path}/go || sleep 300', Startup: '"
                + read
                + "'}",
            "new");
    Awaitility.await().atMost(LONG).until(() -> Files.exists(work.resolve("begun")));
    nucleus.close();
    Files.delete(work.resolve("begun"));
    open();
    // what runs is started with its own file first, then the bootstrap step runs again
    Awaitility.await().atMost(LONG).until(() -> Files.exists(work.resolve("begun")));
    assertThat(work.resolve("started")).hasContent("oldold");
    nucleus.close();
    Files.createFile(work.resolve("go"));
    open();
    LocalDeployments.Status end = ended(id);
    assertThat(end.status()).as("%s", end).isEqualTo("SUCCEEDED");
    assertThat(work.resolve("started")).hasContent("oldoldoldnew");
    assertThat(file()).hasContent("new");
    assertThat(root.resolve("deployments"))
        .isDirectoryNotContaining(p -> p.toString().contains("replaced"));
  }
}

package io.ryegrass.nucleus;

import static io.ryegrass.nucleus.NucleusTestBench.limited;
import static io.ryegrass.nucleus.NucleusTestBench.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.ryegrass.nucleus.host.Cgroups;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes of components in control groups, with real programs (S-30, IPC-19, NUC-04, NUC-07). */
class ComponentProcessTest {
  @TempDir Path temp;
  private NucleusTestBench bench;

  @BeforeEach
  void open() {
    bench = new NucleusTestBench(temp.resolve("root"));
  }

  @AfterEach
  void close() {
    bench.close();
  }

  private void needsGroups() {
    Cgroups here = Cgroups.ofHost(bench.root);
    assumeTrue(here.available() && here.canLimit(), here::reason);
  }

  private static long cpuMillis(long pid) throws IOException {
    String line = Files.readString(Path.of("/proc/" + pid + "/stat"));
    String[] f = line.substring(line.lastIndexOf(')') + 2).split(" ");
    return 10 * (Long.parseLong(f[11]) + Long.parseLong(f[12]));
  }

  private long pid(String component) {
    until(() -> bench.lines(component, "pid").size() == 1);
    return Long.parseLong(bench.lines(component, "pid").getFirst());
  }

  @Test
  void a_paused_component_uses_no_cpu_and_goes_on_and_its_stop_is_not_kept_by_the_pause()
      throws Exception {
    needsGroups();
    bench.run("c.Busy", "{Run: 'echo $$ > pid; while :; do :; done'}");
    long pid = pid("c.Busy");
    Components components = bench.nucleus.components();
    components.pause("c.Busy");
    assertThat(components.paused("c.Busy")).isTrue();
    assertThat(bench.state("c.Busy")).isEqualTo(ComponentState.RUNNING);
    long used = cpuMillis(pid);
    await().during(Duration.ofMillis(200)).until(() -> cpuMillis(pid) == used);
    components.resume("c.Busy");
    await().until(() -> cpuMillis(pid) > used);
    components.pause("c.Busy");
    components.stop("c.Busy");
    until(() -> bench.state("c.Busy") == ComponentState.FINISHED);
    until(() -> ProcessHandle.of(pid).isEmpty());
  }

  @Test
  void s30_a_component_beyond_its_memory_limit_is_ended_and_the_reason_says_so() {
    needsGroups();
    bench.cloud.generic(
        "c.Fat",
        "1.0.0",
        "{}",
        "{}",
        "{Run: 'exec python3 -c \"b=bytearray(100000000); import time; time.sleep(600)\"'}");
    bench.deploy(Map.of("c.Fat", limited("1.0.0", 20480, 0.5)));
    until(() -> bench.state("c.Fat") == ComponentState.BROKEN);
    assertThat(bench.status("c.Fat").statusCodes()).containsExactly("RUN_ERROR");
    assertThat(bench.status("c.Fat").statusReason()).contains("137").contains("memory limit");
  }

  @Test
  void s30_half_a_cpu_is_half_a_cpu_and_limits_change_without_a_restart() throws Exception {
    needsGroups();
    bench.cloud.generic(
        "c.Hot", "1.0.0", "{}", "{}", "{Run: 'echo $$ > pid; while :; do :; done'}");
    bench.deploy(Map.of("c.Hot", limited("1.0.0", 0, 0.2)));
    long pid = pid("c.Hot");
    long from = System.nanoTime();
    long used = cpuMillis(pid);
    await().during(Duration.ofMillis(900)).until(() -> ProcessHandle.of(pid).isPresent());
    double share = (cpuMillis(pid) - used) / ((System.nanoTime() - from) / 1e6);
    assertThat(share).isLessThan(0.3);
    bench.deploy("c.Hot", "1.0.0"); // without runWith nothing changes
    bench.deploy(Map.of("c.Hot", limited("1.0.0", 51200, 0)));
    assertThat(ProcessHandle.of(pid)).isPresent();
    assertThat(bench.lines("c.Hot", "pid")).hasSize(1);
  }

  @Test
  void what_escapes_session_and_environment_is_still_ended_through_the_group() {
    needsGroups();
    String mark = mark();
    bench.run(
        "c.Escape",
        "{Startup: 'setsid env -i /bin/sh -c \"setsid sleep " + mark + " & \" & true'}");
    until(() -> !sleeping(mark).isEmpty());
    bench.nucleus.components().stop("c.Escape");
    until(() -> bench.state("c.Escape") == ComponentState.FINISHED);
    assertThat(sleeping(mark)).isEmpty();
  }

  /** Another run of these tests on the same host has other processes. */
  private static String mark() {
    return Integer.toString(100_000 + new Random().nextInt(800_000));
  }

  private static List<ProcessHandle> sleeping(String argument) {
    return ProcessHandle.allProcesses()
        .filter(p -> p.info().arguments().map(a -> List.of(a).contains(argument)).orElse(false))
        .toList();
  }

  @Test
  void what_a_killed_core_left_is_ended_at_the_next_start_even_when_it_is_frozen()
      throws Exception {
    needsGroups();
    Path root = TestCloud.provision(temp.resolve("left"));
    Cgroups before = Cgroups.ofHost(root);
    StringBuilder join = new StringBuilder();
    before.group("c.Gone").joins().forEach(f -> join.append("echo 0 > ").append(f).append("; "));
    String mark = mark();
    Process left =
        new ProcessBuilder("sh", "-c", join + "env -i sleep " + mark + " & wait").start();
    try {
      until(() -> before.group("c.Gone").members().size() == 2);
      before.group("c.Gone").freeze(Duration.ofSeconds(30));
      try (NucleusTestBench next = new NucleusTestBench(root)) {
        assertThat(left.waitFor(30, java.util.concurrent.TimeUnit.SECONDS)).isTrue();
        until(() -> sleeping(mark).isEmpty());
        assertThat(before.group("c.Gone").members()).isEmpty();
        assertThat(next.nucleus.components().list()).isNotEmpty();
      }
    } finally {
      left.destroyForcibly();
    }
  }

  @Test
  void numbers_of_users_that_nobody_has_run_a_component() { // NUC-04: 5000:5000
    assumeTrue("root".equals(System.getProperty("user.name")));
    openToAll();
    bench.cloud.generic("c.Id", "1.0.0", "{}", "{}", "{Startup: 'id -u >> id; id -g >> id'}");
    DeploymentStatus s =
        bench.deploy(
            Map.of(
                "c.Id",
                new io.ryegrass.model.DeploymentDocument.ComponentUpdate(
                    "1.0.0",
                    io.ryegrass.model.DeploymentDocument.ConfigurationUpdate.NONE,
                    new io.ryegrass.model.DeploymentDocument.RunWith("5000:5000", null, null))));
    assertThat(s.status()).isEqualTo("SUCCEEDED");
    assertThat(bench.lines("c.Id", "id")).containsExactly("5000", "5000");
  }

  private void openToAll() {
    Path shared = Path.of(System.getProperty("java.io.tmpdir"));
    for (Path p = bench.root; p.startsWith(shared) && !p.equals(shared); p = p.getParent()) {
      p.toFile().setExecutable(true, false);
    }
  }

  @Test
  void a_line_of_output_keeps_the_level_its_program_gave_it() { // LESSON-19, CLI-22
    bench.run(
        "c.Talk",
        "{Startup: 'echo plain; echo \"[ERROR] bad\"; echo warn me >&2; echo \"level=debug x=1\"'}");
    // two pipes, read by a thread each
    until(() -> bench.log("c.Talk").contains("x=1") && bench.log("c.Talk").contains("warn me"));
    assertThat(bench.log("c.Talk"))
        .contains("[INFO] (Copier) c.Talk: stdout. plain. {scriptName=services.c.Talk.lifecycle.")
        .contains("[ERROR] (Copier) c.Talk: stdout. [ERROR] bad")
        .contains("[WARN] (Copier) c.Talk: stderr. warn me")
        .contains("[DEBUG] (Copier) c.Talk: stdout. level=debug")
        .contains("serviceName=c.Talk, currentState=STARTING}");
  }

  @Test
  void logging_parameters_count_at_once() { // NUC-21: logging applies live; CLI-20: JSON lines
    bench.run("c.Say", "{Run: 'while :; do echo to-out; echo to-err >&2; sleep 0.05; done'}");
    until(() -> bench.log("c.Say").contains("stdout. to-out"));
    bench.deploy(
        Map.of(
            "c.Say",
            TestCloud.components("c.Say", "1.0.0").get("c.Say"),
            "aws.greengrass.Nucleus",
            TestCloud.component(
                    "aws.greengrass.Nucleus",
                    "2.15.0",
                    "{\"logging\":{\"level\":\"WARN\",\"format\":\"JSON\"}}")
                .get("aws.greengrass.Nucleus")));
    until(() -> bench.log("c.Say").contains("\"eventType\":\"stderr\""));
    String json = bench.log("c.Say");
    until(() -> bench.log("c.Say").length() > json.length() + 1000);
    // a line of standard output may have been under way when the level changed
    assertThat(bench.log("c.Say").substring(json.length() + 500)).doesNotContain("stdout");
    assertThat(json)
        .contains("\"level\":\"WARN\"")
        .contains("\"message\":\"to-err\"")
        .contains("\"loggerName\":\"c.Say\"")
        .contains("\"currentState\":\"RUNNING\"");
  }
}

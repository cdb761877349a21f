package io.ryegrass.nucleus;

import static io.ryegrass.nucleus.NucleusTestBench.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Steps, errors, dependencies and operations of components (CMP-07, CMP-16, CMP-21 … CMP-29). */
class ComponentLifecycleTest {
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

  private String code(String name) {
    List<String> codes = bench.status(name).statusCodes();
    return codes.isEmpty() ? "" : codes.getFirst();
  }

  @Test
  void s05_recover_runs_at_each_error_and_the_third_breaks_with_the_exit_code_in_the_text() {
    bench.run("c.Bad", "{Run: 'exit 9', Recover: 'echo again >> recovered'}"); // CMP-26, TRB-60
    until(() -> bench.state("c.Bad") == ComponentState.BROKEN);
    assertThat(code("c.Bad")).isEqualTo("RUN_ERROR");
    assertThat(bench.status("c.Bad").statusReason()).contains("exited with code 9");
    assertThat(bench.lines("c.Bad", "recovered")).hasSize(2);
  }

  @Test
  void each_step_that_fails_or_is_late_has_its_own_code() { // TRB-59
    bench.run("c.Install", "{Install: 'exit 7', Run: 'true'}");
    assertThat(code("c.Install")).isEqualTo("INSTALL_ERROR");
    assertThat(bench.status("c.Install").statusReason()).contains("exited with code 7");
    bench.run("c.Startup", "{Startup: 'exit 1'}");
    assertThat(code("c.Startup")).isEqualTo("STARTUP_ERROR");
    bench.run("c.Late", "{Startup: {Script: 'sleep 60', Timeout: 0.2}}");
    assertThat(code("c.Late")).isEqualTo("STARTUP_TIMEOUT");
    bench.run("c.Run", "{Run: {Script: 'sleep 60', Timeout: 0.2}}");
    until(() -> code("c.Run").equals("RUN_TIMEOUT"));
    bench.run("c.NoScript", "{Startup: {Timeout: 1}}");
    assertThat(code("c.NoScript")).isEqualTo("STARTUP_CONFIG_NOT_VALID");
    bench.run("c.NoScriptRun", "{Run: {Script: 'true', Timeout: soon}}");
    assertThat(code("c.NoScriptRun")).isEqualTo("RUN_CONFIG_NOT_VALID");
  }

  @Test
  void a_shutdown_that_fails_or_hangs_is_told_and_the_component_still_ends() { // CMP-25
    bench.run("c.Down", "{Run: 'exec sleep 600', Shutdown: 'exit 3'}");
    bench.nucleus.components().stop("c.Down");
    until(() -> bench.state("c.Down") == ComponentState.FINISHED);
    assertThat(code("c.Down")).isEqualTo("SHUTDOWN_ERROR");
    bench.run("c.Hang", "{Run: 'exec sleep 600', Shutdown: {Script: 'sleep 600', Timeout: 0.2}}");
    bench.nucleus.components().stop("c.Hang");
    until(() -> bench.state("c.Hang") == ComponentState.FINISHED);
    assertThat(code("c.Hang")).isEqualTo("SHUTDOWN_TIMEOUT");
  }

  @Test
  void a_component_with_neither_startup_nor_run_finishes_and_with_both_startup_wins() { // CMP-24
    bench.run("c.Nothing", "{Install: 'true'}");
    assertThat(bench.state("c.Nothing")).isEqualTo(ComponentState.FINISHED);
    bench.run("c.Both", "{Startup: 'echo startup >> which', Run: 'echo run >> which'}");
    assertThat(bench.lines("c.Both", "which")).containsExactly("startup");
    assertThat(bench.state("c.Both")).isEqualTo(ComponentState.RUNNING);
  }

  @Test
  void install_runs_again_at_each_start_of_the_nucleus_and_bootstrap_does_not() { // CMP-22
    bench.run("c.Again", "{Install: 'echo install >> log', Startup: 'echo startup >> log'}");
    bench.restart();
    until(() -> bench.lines("c.Again", "log").size() == 4);
    assertThat(bench.lines("c.Again", "log"))
        .containsExactly("install", "startup", "install", "startup");
  }

  @Test
  void a_new_version_shuts_down_by_the_old_ones_script() { // section 3, Shutdown is cached
    bench.cloud.generic(
        "c.V", "1.0.0", "{}", "{}", "{Startup: 'echo up1 >> log', Shutdown: 'echo down1 >> log'}");
    bench.cloud.generic(
        "c.V", "2.0.0", "{}", "{}", "{Startup: 'echo up2 >> log', Shutdown: 'echo down2 >> log'}");
    bench.deploy("c.V", "1.0.0");
    bench.deploy("c.V", "2.0.0");
    bench.deploy();
    assertThat(bench.lines("c.V", "log")).containsExactly("up1", "down1", "up2", "down2");
  }

  @Test
  void a_change_of_the_shutdown_text_alone_restarts_nothing_and_counts_from_the_next_start() {
    bench.cloud.generic(
        "c.S",
        "1.0.0",
        "{word: one}",
        "{}",
        "{Startup: 'echo up >> log', Shutdown: 'echo {configuration:/word} >> log'}");
    bench.deploy("c.S", "1.0.0");
    bench.deploy(TestCloud.component("c.S", "1.0.0", "{\"word\":\"two\"}"));
    assertThat(bench.lines("c.S", "log")).containsExactly("up"); // section 4.2
    bench.nucleus.components().restart("c.S");
    until(() -> bench.lines("c.S", "log").size() == 3);
    bench.nucleus.components().stop("c.S");
    until(() -> bench.lines("c.S", "log").size() == 4);
    assertThat(bench.lines("c.S", "log")).containsExactly("up", "one", "up", "two");
  }

  @Test
  void soft_dependencies_neither_delay_nor_restart_a_depender() throws IOException { // CMP-16
    bench.cloud.generic("c.Soft", "1.0.0", "{}", "{}", "{Run: 'exec sleep 600'}");
    bench.cloud.generic(
        "c.Top",
        "1.0.0",
        "{}",
        "{c.Soft: {VersionRequirement: '^1.0.0', DependencyType: SOFT}}",
        "{Startup: 'echo up >> log'}");
    bench.deploy("c.Top", "1.0.0");
    Instant before = bench.status("c.Soft").since();
    bench.nucleus.components().restart("c.Soft");
    until(() -> bench.status("c.Soft").since().isAfter(before));
    until(() -> bench.state("c.Soft") == ComponentState.RUNNING);
    assertThat(bench.lines("c.Top", "log")).containsExactly("up");
  }

  @Test
  void what_leaves_together_leaves_dependers_first() throws IOException { // section 4.1
    Files.createDirectories(bench.root.resolve("work"));
    bench.root.resolve("work").toFile().setWritable(true, false);
    bench.cloud.generic(
        "c.Base",
        "1.0.0",
        "{}",
        "{}",
        "{Startup: 'true', Shutdown: 'echo base >> ../order', Uninstall: 'echo gone >> ../order'}");
    bench.cloud.generic(
        "c.Top",
        "1.0.0",
        "{}",
        "{c.Base: {VersionRequirement: '^1.0.0'}}",
        "{Startup: 'true', Shutdown: 'sleep 0.2; echo top >> ../order'}");
    bench.deploy("c.Top", "1.0.0");
    bench.deploy();
    assertThat(bench.root.resolve("work/order")).content().isEqualTo("top\nbase\ngone\n");
  }

  @Test
  void a_component_that_is_told_to_fail_by_itself_is_restarted() { // section 4, reports
    bench.run("c.Self", "{Startup: 'echo up >> log'}");
    bench.nucleus.components().reportState("c.Self", "ERRORED");
    until(() -> bench.lines("c.Self", "log").size() == 2);
    until(() -> bench.state("c.Self") == ComponentState.RUNNING);
    assertThatThrownBy(() -> bench.nucleus.components().reportState("c.Self", "NEW"))
        .hasMessageContaining("use RUNNING or ERRORED");
  }

  @Test
  void lesson15_a_restart_policy_of_its_own_keeps_a_failing_component_alive_until_it_heals() {
    bench.cloud.generic(
        "c.Loop",
        "1.0.0",
        "{ryegrass: {restartPolicy: {mode: on-failure, initialDelaySeconds: 0.02, maximumDelaySeconds: 0.05}}}",
        "{}",
        "{Run: 'echo try >> tries; test -f cured && exec sleep 600; exit 7'}");
    DeploymentStatus s = bench.deploy("c.Loop", "1.0.0");
    assertThat(s.status()).isEqualTo("FAILED"); // a deployment is not left to wait for ever
    assertThat(s.failureCause()).contains("c.Loop").contains("RUN_ERROR");
    until(() -> bench.lines("c.Loop", "tries").size() > 6);
    assertThat(bench.state("c.Loop")).isNotEqualTo(ComponentState.BROKEN);
    bench.root.resolve("work/c.Loop").toFile().setWritable(true, false);
    cure("c.Loop");
    until(() -> bench.state("c.Loop") == ComponentState.RUNNING);
    until(() -> bench.status("c.Loop").statusCodes().isEmpty());
  }

  private void cure(String component) {
    try {
      Files.createFile(bench.root.resolve("work").resolve(component).resolve("cured"));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void lesson15_a_restart_policy_may_give_up_and_may_run_what_finished_again() {
    bench.cloud.generic(
        "c.Few",
        "1.0.0",
        "{ryegrass: {restartPolicy: {mode: on-failure, attempts: 5, initialDelaySeconds: 0.01, maximumDelaySeconds: 0.01}}}",
        "{}",
        "{Run: 'echo try >> tries; exit 7'}");
    bench.deploy("c.Few", "1.0.0");
    until(() -> bench.state("c.Few") == ComponentState.BROKEN);
    assertThat(bench.lines("c.Few", "tries")).hasSize(5);
    bench.cloud.generic(
        "c.Tick",
        "1.0.0",
        "{ryegrass: {restartPolicy: {mode: always, initialDelaySeconds: 0.01}}}",
        "{}",
        "{Run: 'echo tick >> ticks'}");
    assertThat(bench.deploy("c.Tick", "1.0.0").status()).isEqualTo("SUCCEEDED");
    until(() -> bench.lines("c.Tick", "ticks").size() > 3);
    bench.nucleus.components().stop("c.Tick");
    until(() -> bench.state("c.Tick") == ComponentState.FINISHED);
    bench.deploy(
        TestCloud.component("c.Tick", "1.0.0", "{\"ryegrass\":{\"restartPolicy\":\"sometimes\"}}"));
    until(() -> bench.log("c.Tick").contains("write greengrass, on-failure or always"));
  }

  @Test
  void a_failed_deployments_broken_component_gets_another_chance_with_the_next_one() { // CMP-07
    bench.cloud.generic(
        "c.Fix", "1.0.0", "{ok: 'no'}", "{}", "{Startup: 'test {configuration:/ok} = yes'}");
    assertThat(bench.deploy("c.Fix", "1.0.0").status()).isEqualTo("FAILED");
    assertThat(bench.deploy(TestCloud.component("c.Fix", "1.0.0", "{\"ok\":\"yes\"}")).status())
        .isEqualTo("SUCCEEDED"); // S-05, last sentence
    assertThat(bench.status("c.Fix").statusCodes()).isEmpty();
  }

  @Test
  void only_a_running_generic_component_can_be_paused() { // IPC-19
    bench.run("c.Done", "{Run: 'true'}");
    until(() -> bench.state("c.Done") == ComponentState.FINISHED);
    Components components = bench.nucleus.components();
    assertThatThrownBy(() -> components.pause("c.Done"))
        .hasMessage("Component c.Done is FINISHED; only a RUNNING component can be paused.")
        .extracting(e -> ((NucleusException) e).code())
        .isEqualTo("INVALID_ARGUMENTS");
    assertThatThrownBy(() -> components.resume("c.Done"))
        .hasMessage("Component c.Done is not paused.");
    assertThatThrownBy(() -> components.pause("aws.greengrass.Nucleus"))
        .hasMessageContaining("Only generic components can be paused");
    assertThatThrownBy(() -> components.pause("c.Nobody"))
        .extracting(e -> ((NucleusException) e).code())
        .isEqualTo("RESOURCE_NOT_FOUND");
  }

  @Test
  void errors_longer_apart_than_the_reset_time_do_not_add_up() { // section 4, errorResetTime
    bench.cloud.generic(
        "c.Slow",
        "1.0.0",
        "{}",
        "{}",
        "{errorResetTime: 0, Run: 'echo try >> tries; sleep 0.02; test $(wc -l < tries) -gt 6 && exec sleep 600; exit 1'}");
    bench.deploy("c.Slow", "1.0.0");
    until(() -> bench.lines("c.Slow", "tries").size() == 7);
    until(() -> bench.state("c.Slow") == ComponentState.RUNNING);
  }
}

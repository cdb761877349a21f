package io.ryegrass.nucleus.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.host.Cgroups.Mounts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Control groups v1 and v2 (NUC-07, IPC-19): the kernel's own where this host has them for us,
 * files in a folder where only what is written counts.
 */
class CgroupsTest {
  @TempDir Path temp;
  private final List<Cgroups> made = new ArrayList<>();
  private final List<Process> started = new ArrayList<>();
  private String parent = "";

  @BeforeEach
  void name() {
    parent = "ryegrass-test-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
  }

  @AfterEach
  void end() throws InterruptedException {
    for (Cgroups c : made) {
      c.reclaim();
      c.removeParents();
    }
    for (Process p : started) {
      p.destroyForcibly().waitFor();
    }
  }

  private Cgroups groups(Mounts mounts) {
    Cgroups c = new Cgroups(mounts, parent);
    made.add(c);
    return c;
  }

  /** The host's mounts of one version only; skips where it has none that we may write. */
  private static Mounts host(boolean v2) {
    Mounts m = Mounts.ofHost();
    Path mount = v2 ? m.unified() : m.v1().get("freezer");
    assumeTrue(mount != null && Files.isWritable(mount), "no such control groups here");
    return v2
        ? new Mounts(Map.of(), m.unified(), m.unifiedControllers(), null)
        : new Mounts(m.v1(), null, Set.of(), null);
  }

  private Process inside(ComponentCgroup group, String script) throws IOException {
    StringBuilder join = new StringBuilder();
    group.joins().forEach(f -> join.append("echo 0 > ").append(f).append("; "));
    Process p = new ProcessBuilder("sh", "-c", join + script).start();
    started.add(p);
    await().atMost(Duration.ofSeconds(60)).until(() -> group.members().contains(p.pid()));
    return p;
  }

  private static long cpuTicks(long pid) throws IOException {
    String line = Files.readString(Path.of("/proc/" + pid + "/stat"));
    String[] f = line.substring(line.lastIndexOf(')') + 2).split(" ");
    return Long.parseLong(f[11]) + Long.parseLong(f[12]);
  }

  private void frozenProcessesStandAndGoOn(Cgroups groups) throws Exception {
    ComponentCgroup group = groups.group("c.A");
    Process busy = inside(group, "while :; do :; done");
    await().atMost(Duration.ofSeconds(60)).until(() -> cpuTicks(busy.pid()) > 1);
    group.freeze(Duration.ofSeconds(30));
    assertThat(group.frozen()).isTrue();
    long before = cpuTicks(busy.pid());
    await()
        .during(Duration.ofMillis(200))
        .atMost(Duration.ofSeconds(60))
        .until(() -> cpuTicks(busy.pid()) == before);
    group.thaw();
    await().atMost(Duration.ofSeconds(60)).until(() -> cpuTicks(busy.pid()) > before);
    group.freeze(Duration.ofSeconds(30));
    assertThat(group.kill(Duration.ofSeconds(30))).isTrue(); // also what is frozen
  }

  @Test
  void the_freezer_of_v1_stops_processes_and_lets_them_go_on() throws Exception {
    frozenProcessesStandAndGoOn(groups(host(false)));
  }

  @Test
  void v2_stops_processes_and_lets_them_go_on() throws Exception {
    frozenProcessesStandAndGoOn(groups(host(true)));
  }

  @Test
  void s30_limits_of_v1_count_also_for_processes_that_run_already() throws Exception {
    Mounts m = host(false);
    assumeTrue(m.v1().containsKey("memory") && m.v1().containsKey("cpu"));
    Cgroups groups = groups(m);
    ComponentCgroup group = groups.group("c.B");
    Process busy = inside(group, "while :; do :; done");
    group.limit(20480, 0.5);
    Path memory = m.v1().get("memory").resolve(parent + "/c.B");
    Path cpu = m.v1().get("cpu").resolve(parent + "/c.B");
    assertThat(memory.resolve("memory.limit_in_bytes")).content().isEqualTo("20971520\n");
    assertThat(cpu.resolve("cpu.cfs_quota_us")).content().isEqualTo("50000\n");
    assertThat(Files.readAllLines(memory.resolve("cgroup.procs")))
        .contains(Long.toString(busy.pid()));
    assertThat(group.joins()).hasSize(3);
    group.limit(0, 0);
    assertThat(cpu.resolve("cpu.cfs_quota_us")).content().isEqualTo("-1\n");
    assertThat(groups.reclaim()).isEqualTo(1);
    assertThat(memory).doesNotExist();
  }

  @Test
  void limits_of_v2_are_written_with_the_controllers_switched_on() throws IOException {
    Path mount = Files.createDirectory(temp.resolve("v2"));
    Files.createFile(mount.resolve("cgroup.subtree_control"));
    Path above = Files.createDirectory(mount.resolve(parent));
    Files.createFile(above.resolve("cgroup.subtree_control"));
    Path group = Files.createDirectory(above.resolve("c.C"));
    for (String file : new String[] {"memory.max", "cgroup.procs"}) {
      Files.createFile(group.resolve(file));
    }
    Files.writeString(group.resolve("cpu.max"), "max 100000\n");
    Cgroups groups =
        new Cgroups(new Mounts(Map.of(), mount, Set.of("memory", "cpu"), null), parent);
    assertThat(groups.canLimit()).isTrue();
    assertThat(above.resolve("cgroup.subtree_control")).content().contains("+");
    groups.group("c.C").limit(102400, 1.5);
    assertThat(group.resolve("memory.max")).content().isEqualTo("104857600");
    assertThat(group.resolve("cpu.max")).content().startsWith("150000 100000");
    Files.writeString(group.resolve("cpu.max"), "150000 100000\n");
    groups.group("c.C").limit(0, 0);
    assertThat(group.resolve("memory.max")).content().startsWith("max");
    assertThat(group.resolve("cpu.max")).content().startsWith("max");
  }

  @Test
  void each_controller_is_used_where_it_is_mounted() throws IOException {
    Path info = temp.resolve("mountinfo");
    Path v2 = Files.createDirectory(temp.resolve("unified"));
    Files.writeString(v2.resolve("cgroup.controllers"), "hugetlb\n");
    Files.writeString(
        info,
        """
        33 31 0:30 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
        41 31 0:38 / %s rw,relatime - cgroup2 cgroup2 rw
        25 1 8:1 / / rw - ext4 /dev/root rw
        """
            .formatted(v2));
    Path own = temp.resolve("own");
    Files.writeString(own, "4:memory:/x\n0::/user.slice/a\n");
    Mounts m = Mounts.read(info, own);
    assertThat(m.v1())
        .containsEntry("cpu", Path.of("/sys/fs/cgroup/cpu"))
        .containsEntry("memory", Path.of("/sys/fs/cgroup/memory"));
    assertThat(m.unified()).isEqualTo(v2);
    assertThat(m.unifiedControllers()).containsExactly("hugetlb");
    assertThat(m.own()).isEqualTo(v2.resolve("user.slice/a"));
  }

  @Test
  void without_groups_the_reason_is_told_and_nothing_else_fails() {
    Cgroups none = Cgroups.none();
    assertThat(none.available()).isFalse();
    assertThat(none.canLimit()).isFalse();
    assertThat(none.reason()).isEqualTo("no control groups are mounted on this host");
    ComponentCgroup group = none.group("c.D");
    assertThat(group.exists()).isFalse();
    assertThat(group.joins()).isEmpty();
    assertThat(group.kill(Duration.ofMillis(10))).isTrue();
    group.limit(1, 1);
    Cgroups readOnly =
        new Cgroups(new Mounts(Map.of(), temp.resolve("nowhere"), Set.of(), null), parent);
    assertThat(readOnly.reason()).contains(parent).contains("cannot be made");
  }

  @Test
  void a_freeze_that_does_not_come_about_is_undone_and_told() throws IOException {
    Path mount = Files.createDirectories(temp.resolve("f"));
    Path group = Files.createDirectories(mount.resolve(parent).resolve("c.E"));
    Files.createFile(group.resolve("cgroup.freeze"));
    Files.writeString(group.resolve("cgroup.events"), "frozen 0\n");
    Cgroups groups = new Cgroups(new Mounts(Map.of(), mount, Set.of(), null), parent);
    assertThatThrownBy(() -> groups.group("c.E").freeze(Duration.ofMillis(20)))
        .isInstanceOf(NucleusException.class)
        .hasMessageContaining("did not stand still within 20 ms");
    assertThat(group.resolve("cgroup.freeze")).content().startsWith("0");
  }

  @Test
  void cores_in_different_places_do_not_share_groups() {
    assertThat(Cgroups.parentName(Path.of("/greengrass/v2"))).isEqualTo("greengrass");
    assertThat(Cgroups.parentName(Path.of("/tmp/a")))
        .startsWith("greengrass-")
        .isNotEqualTo(Cgroups.parentName(Path.of("/tmp/b")));
  }
}

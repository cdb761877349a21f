package io.ryegrass.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whom components run as, at installation: INS-03, INS-27, NUC-04. */
class HostUsersTest {
  @TempDir Path temp;
  private final List<String> ran = new ArrayList<>();

  private HostUsers users(boolean root, String passwd, String groups) throws IOException {
    Path p = temp.resolve("passwd");
    Path g = temp.resolve("group");
    Files.writeString(p, passwd);
    Files.writeString(g, groups);
    return new HostUsers(
        p,
        g,
        root,
        root ? "root" : "anna",
        command -> {
          ran.add(String.join(" ", command));
          try {
            if (command.getFirst().equals("useradd")) {
              Files.writeString(p, passwd + "ggc_user:x:999:999::/home/ggc_user:/bin/sh\n");
            } else if (command.getFirst().equals("groupadd")) {
              Files.writeString(g, groups + "ggc_group:x:998:\n");
            }
          } catch (IOException e) {
            return e.toString();
          }
          return "";
        });
  }

  @Test
  void theContractsUserAndGroupAreMadeWhenTheyAreMissing() throws IOException {
    HostUsers users = users(true, "root:x:0:0::/root:/bin/sh\n", "root:x:0:\n");
    assertThat(users.require(HostUsers.DEFAULT)).isEqualTo("ggc_user:ggc_group");
    assertThat(ran)
        .containsExactly(
            "groupadd --system ggc_group",
            "useradd --system --create-home ggc_user",
            "usermod -a -G ggc_group ggc_user");
    users.require(HostUsers.DEFAULT);
    assertThat(ran).hasSize(3);
  }

  @Test
  void nobodyElseIsMade() throws IOException {
    HostUsers users = users(true, "root:x:0:0::/root:/bin/sh\n", "root:x:0:\n");
    assertThatThrownBy(() -> users.require("berta"))
        .hasMessageContaining("no user berta")
        .hasMessageContaining("useradd");
    assertThatThrownBy(() -> users.require("root:wheel")).hasMessageContaining("no group wheel");
    assertThat(users.require("5000:5001")).isEqualTo("5000:5001");
    assertThatThrownBy(() -> users.require("5000")).hasMessageContaining("needs a group");
    assertThat(ran).isEmpty();
  }

  @Test
  void whoIsNotRootCanOnlyBeThemselves() throws IOException {
    HostUsers users = users(false, "anna:x:1000:1000::/home/anna:/bin/sh\n", "anna:x:1000:\n");
    assertThat(users.require("anna")).isEqualTo("anna");
    assertThatThrownBy(() -> users.require(HostUsers.DEFAULT))
        .hasMessageContaining("because this core would run as anna");
  }
}

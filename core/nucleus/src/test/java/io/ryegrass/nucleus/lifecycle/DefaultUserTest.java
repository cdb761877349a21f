package io.ryegrass.nucleus.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.host.PosixUsers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who a step runs as: NUC-04, NUC-05, TRB-12. */
class DefaultUserTest {
  @TempDir Path temp;
  private PosixUsers users;

  @BeforeEach
  void host() throws IOException {
    Path passwd = temp.resolve("passwd");
    Path group = temp.resolve("group");
    Files.writeString(passwd, "root:x:0:0::/root:/bin/sh\nanna:x:1001:1002::/home/anna:/bin/sh\n");
    Files.writeString(group, "root:x:0:\nanna:x:1002:\n");
    users = new PosixUsers(passwd, group);
  }

  @Test
  void a_core_that_runs_as_root_and_was_told_no_user_refuses_the_step_TRB_12() {
    assertThatThrownBy(() -> GenericBody.userOf(null, users, 0, "RUN_MISSING_DEFAULT_RUNWITH"))
        .isInstanceOfSatisfying(
            NucleusException.class,
            e -> assertThat(e.code()).isEqualTo("RUN_MISSING_DEFAULT_RUNWITH"))
        .hasMessageContaining("Could not determine user/group to run with")
        .hasMessageContaining("runWithDefault.posixUser")
        .hasMessageContaining("RequiresPrivilege");
  }

  @Test
  void a_core_that_runs_as_another_user_runs_everything_as_itself_NUC_05() {
    assertThat(GenericBody.userOf(null, users, 1001, "RUN_MISSING_DEFAULT_RUNWITH")).isNull();
  }

  @Test
  void a_user_that_the_host_does_not_have_is_refused_with_the_same_code() {
    assertThatThrownBy(
            () -> GenericBody.userOf("ggc_user", users, 0, "INSTALL_MISSING_DEFAULT_RUNWITH"))
        .isInstanceOfSatisfying(
            NucleusException.class,
            e -> assertThat(e.code()).isEqualTo("INSTALL_MISSING_DEFAULT_RUNWITH"))
        .hasMessageContaining("user \"ggc_user\"");
  }

  @Test
  void root_is_a_user_like_others_when_it_is_named() {
    var root = GenericBody.userOf("root", users, 0, "RUN_MISSING_DEFAULT_RUNWITH");
    assertThat(root).isNotNull();
    assertThat(root.uid()).isZero();
  }
}

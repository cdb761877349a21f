package io.ryegrass.cloudapp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.objects.RemoteServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

class ObjectsOptionsTest {
  @TempDir Path folder;

  @Test
  void without_a_url_objects_lie_in_the_data_folder() {
    assertThat(read(Map.of())).isNull();
    assertThatThrownBy(() -> read(Map.of(), "--objects-prefix", "p-"))
        .hasMessage("--objects-prefix is of no use without --objects");
  }

  @Test
  void the_key_comes_from_a_file_that_others_cannot_read() throws IOException {
    Path file = folder.resolve("key");
    Files.writeString(
        file,
        """
        [other]
        aws_access_key_id = WRONG
        [default]
        # comment
        aws_access_key_id = AKID
        aws_secret_access_key = sec=ret
        """);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
    String[] arguments = {
      "--objects", "https://s3.example.net", "--objects-credentials", file.toString()
    };
    assertThatThrownBy(() -> read(Map.of(), arguments)).hasMessageContaining("chmod 600");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    RemoteServer server = read(Map.of(), arguments);
    assertThat(server).isNotNull();
    assertThat(server.credentials().accessKeyId()).isEqualTo("AKID");
    assertThat(server.credentials().secretAccessKey()).isEqualTo("sec=ret");
    assertThat(server.region()).isEqualTo("us-east-1");
  }

  @Test
  void the_key_comes_from_the_environment_otherwise_and_without_one_nothing_starts() {
    Map<String, String> environment =
        Map.of(
            ObjectsOptions.KEY_VARIABLE, "AKID",
            ObjectsOptions.SECRET_VARIABLE, "secret",
            ObjectsOptions.TOKEN_VARIABLE, "token");
    RemoteServer server =
        read(
            environment,
            "--objects",
            "http://127.0.0.1:9000",
            "--objects-prefix",
            "site1-",
            "--objects-region",
            "eu-west-1");
    assertThat(server).isNotNull();
    assertThat(server.bucketPrefix()).isEqualTo("site1-");
    assertThat(server.region()).isEqualTo("eu-west-1");
    assertThat(server.credentials().sessionToken()).isEqualTo("token");
    assertThatThrownBy(() -> read(Map.of(), "--objects", "http://127.0.0.1:9000"))
        .hasMessageContaining(ObjectsOptions.KEY_VARIABLE);
  }

  @Test
  void what_is_no_server_is_refused() {
    Map<String, String> environment =
        Map.of(ObjectsOptions.KEY_VARIABLE, "AKID", ObjectsOptions.SECRET_VARIABLE, "secret");
    for (String url :
        new String[] {"s3.example.net", "ftp://x", "https://x/bucket", "https:// x"}) {
      assertThatThrownBy(() -> read(environment, "--objects", url))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("--objects: ");
    }
    assertThatThrownBy(
            () -> read(environment, "--objects", "https://x", "--objects-prefix", "No_Good"))
        .hasMessageContaining("cannot stand before names of buckets");
  }

  private static @Nullable RemoteServer read(Map<String, String> environment, String... arguments) {
    CommandSpec spec = CommandSpec.create();
    ObjectsOptions.addTo(spec);
    return ObjectsOptions.read(new CommandLine(spec).parseArgs(arguments), environment);
  }
}

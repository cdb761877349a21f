package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo tells its story, and notices when somebody spoils it. */
class DemoTest {
  private static final Duration DEADLINE = Duration.ofMinutes(8);

  @TempDir Path folder;

  @Test
  void tellsAllNineStepsAndExitsWithZero() {
    Ryegrass.Outcome demo = demo();

    assertThat(demo.exitCode()).as(demo.output()).isZero();
    assertThat(Pattern.compile("^✔ \\d", Pattern.MULTILINE).matcher(demo.output()).results())
        .as(demo.output())
        .hasSize(9);
  }

  @Test
  void namesTheStepThatAMissingPolicySpoils() {
    Ryegrass.Outcome demo =
        demo(
            "--before",
            "3="
                + Ryegrass.HOME
                + "/ryegrass aws iot detach-policy --policy-name RyegrassCorePolicy --target"
                + " $("
                + Ryegrass.HOME
                + "/ryegrass aws iot list-thing-principals --thing-name demo-core"
                + " --query principals[0] --output text)");

    assertThat(demo.exitCode()).as(demo.output()).isEqualTo(1);
    assertThat(demo.output()).contains("✘ 3 Core").contains("HEALTHY");
  }

  @Test
  void namesTheStepThatAReplacedCertificateSpoils() {
    Ryegrass.Outcome demo =
        demo(
            "--before",
            "3=openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=impostor"
                + " -keyout $CORE_ROOT/certs/private.pem.key"
                + " -out $CORE_ROOT/certs/device.pem.crt 2>/dev/null");

    assertThat(demo.exitCode()).as(demo.output()).isEqualTo(1);
    assertThat(demo.output()).contains("✘ 3 Core");
  }

  @Test
  void namesTheStepThatABrokenRecipeSpoils() {
    Ryegrass.Outcome demo =
        demo("--before", "4=sed -i 's/^Manifests:/Manifestos:/' $DEMO_DIR/recipes/recipe.yaml");

    assertThat(demo.exitCode()).as(demo.output()).isEqualTo(1);
    assertThat(demo.output()).contains("✘ 4 V2: a component").contains("Manifests");
  }

  private Ryegrass.Outcome demo(String... options) {
    String[] command = new String[options.length + 4];
    command[0] = "demo";
    command[1] = "--once";
    command[2] = "--dir";
    command[3] = folder.resolve("demo").toString();
    System.arraycopy(options, 0, command, 4, options.length);
    return Ryegrass.run(folder, DEADLINE, command);
  }
}

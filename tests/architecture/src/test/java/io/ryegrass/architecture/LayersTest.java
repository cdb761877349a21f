package io.ryegrass.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The layers point one way. Which package belongs to which layer is read from the tree itself: a
 * module's package follows from its folder, so a new module is held to the rules without an edit.
 */
class LayersTest {
  private static final Path HOME = Path.of("../..").toAbsolutePath().normalize();
  private static JavaClasses classes;

  @BeforeAll
  static void readClasses() {
    classes =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.ryegrass");
    assertThat(classes).hasSizeGreaterThan(200);
  }

  @Test
  void everyModuleIsOnTheClassPathOfThisTest() throws IOException {
    for (String layer : List.of("base", "protocol", "core", "cloud")) {
      for (String name : packagesOf(layer)) {
        assertThat(classes.stream().anyMatch(c -> c.getPackageName().startsWith(bare(name))))
            .as("classes of %s are checked; add the module to this test's pom.xml", name)
            .isTrue();
      }
    }
  }

  @Test
  void baseKnowsNobody() throws IOException {
    forbid("base", "protocol", "core", "cloud");
  }

  @Test
  void protocolKnowsBaseAlone() throws IOException {
    forbid("protocol", "core", "cloud");
  }

  @Test
  void coreAndCloudNeverSeeEachOther() throws IOException {
    forbid("core", "cloud");
    forbid("cloud", "core");
  }

  @Test
  void toolsAndDemoStayOutside() throws IOException {
    for (String layer : List.of("base", "protocol", "core", "cloud")) {
      noClasses()
          .that()
          .resideInAnyPackage(packagesOf(layer))
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.ryegrass.cli..", "io.ryegrass.demo..")
          .check(classes);
    }
  }

  @Test
  void modulesHaveNoCycles() {
    slices().matching("io.ryegrass.(*)..").should().beFreeOfCycles().check(classes);
  }

  private static void forbid(String layer, String... others) throws IOException {
    for (String other : others) {
      noClasses()
          .that()
          .resideInAnyPackage(packagesOf(layer))
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(packagesOf(other))
          .because(layer + " must not know " + other)
          .check(classes);
    }
  }

  private static String bare(String packagePattern) {
    return packagePattern.substring(0, packagePattern.length() - 2);
  }

  private static String[] packagesOf(String layer) throws IOException {
    try (var folders = Files.list(HOME.resolve(layer))) {
      return folders
          .filter(f -> Files.exists(f.resolve("pom.xml")))
          .map(f -> f.getFileName().toString())
          .map(f -> f.equals("app") ? layer + "app" : f.replace("-", ""))
          .map(f -> "io.ryegrass." + f + "..")
          .toArray(String[]::new);
    }
  }
}

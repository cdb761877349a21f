package io.ryegrass.nucleus.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.durable.crash.CrashDisk;
import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.NucleusException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ResourceLock("io.ryegrass.durable.DiskWatch") // which tells one test at a time
class ArtifactPreparerTest {

  /** "...zip" unpacks to "..": the folder with all versions of the component. */
  @ParameterizedTest
  @ValueSource(strings = {"...zip", "..zip", "..", "."})
  void anArtifactWhoseNameLeadsOutOfItsFolderIsRefusedBeforeAnythingIsTouched(
      String name, @TempDir Path root) throws Exception {
    ComponentStore store = new ComponentStore(root);
    Path neighbour = store.unarchived("com.example.A", "0.9.0").resolve("kept");
    Files.createDirectories(neighbour);
    ArtifactPreparer preparer =
        new ArtifactPreparer(
            store,
            (arn, artifact, target) -> {
              throw new AssertionError("nothing is to be downloaded");
            },
            Backoff.ordinary());
    assertThatThrownBy(
            () -> {
              Recipe recipe =
                  Recipe.parse(
                      """
            {"RecipeFormatVersion":"2020-01-25","ComponentName":"com.example.A","ComponentVersion":"1.0.0",
             "Manifests":[{"Lifecycle":{"Run":"x"},"Artifacts":[
               {"URI":"s3://bucket/%s","Unarchive":"ZIP","Digest":"AAAA","Algorithm":"SHA-256"}]}]}
            """
                          .formatted(name)
                          .getBytes(StandardCharsets.UTF_8));
              preparer.prepare(recipe, recipe.manifests().getFirst(), "arn:aws:x", null);
            })
        .as("by the recipe's reader or here")
        .isInstanceOfAny(NucleusException.class, InvalidDocumentException.class)
        .hasMessageMatching("(?s).*(has no file name|name of a file).*");
    assertThat(neighbour).isDirectory();
  }

  // ---- kill -9

  private static byte[] archive(String text) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (String name : NAMES) {
        ZipEntry entry = new ZipEntry(name);
        entry.setTime(1_700_000_000_000L); // the same bytes each time
        zip.putNextEntry(entry);
        zip.write((name + text).getBytes(StandardCharsets.UTF_8));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** The same version each time, as somebody who made it anew left it. */
  private static void prepare(Path root, String text) throws Exception {
    byte[] archive = archive(text);
    Recipe recipe =
        Recipe.parse(
            """
            {"RecipeFormatVersion":"2020-01-25","ComponentName":"com.example.A","ComponentVersion":"1.0.0",
             "Manifests":[{"Lifecycle":{"Run":"x"},"Artifacts":[
               {"URI":"s3://bucket/model.zip","Unarchive":"ZIP","Digest":"%s","Algorithm":"SHA-256"}]}]}
            """
                .formatted(
                    Base64.getEncoder()
                        .encodeToString(MessageDigest.getInstance("SHA-256").digest(archive)))
                .getBytes(StandardCharsets.UTF_8));
    new ArtifactPreparer(
            new ComponentStore(root),
            (arn, artifact, target) -> {
              try {
                Files.write(target, archive);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            },
            Backoff.ordinary())
        .prepare(recipe, recipe.manifests().getFirst(), "arn:aws:x", null);
    Path unpacked = new ComponentStore(root).unarchived("com.example.A", "1.0.0").resolve("model");
    for (String name : NAMES) {
      assertThat(unpacked.resolve(name)).hasContent(name + text);
    }
  }

  private static final List<String> NAMES = List.of("net", "d/labels", "d/e/more");

  /** Also when it ends between the new archive and what is unpacked of it. */
  @Test
  void aKillOrAPowerCutWhileUnpackingLeavesNothingThatIsTakenForWhole(@TempDir Path temp)
      throws Exception {
    Path root = Files.createDirectory(temp.resolve("root"));
    CrashDisk disk = CrashDisk.record(root);
    prepare(root, " of the first archive");
    prepare(root, " of the second");
    disk.close();
    int images =
        disk.forEachCrash(
            temp.resolve("image"),
            1,
            (image, cut, variant) -> {
              prepare(image, " of the second");
              prepare(image, " of the first archive");
            });
    assertThat(images).isGreaterThan(50);
  }
}

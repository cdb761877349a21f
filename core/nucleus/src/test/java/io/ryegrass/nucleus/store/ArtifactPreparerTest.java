package io.ryegrass.nucleus.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.NucleusException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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
}

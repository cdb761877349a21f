package io.ryegrass.nucleus.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.nucleus.DeploymentRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The records of deployments on disk; large documents lie beside them. */
final class LedgerTest {
  @TempDir Path folder;

  private static DeploymentRequest request(int kilobytes) {
    String json =
        """
        {"deploymentId":"d","configurationArn":"arn:aws:greengrass:us-east-1:123456789012:configuration:thinggroup/g:1",
         "creationTimestamp":7,"components":{"com.example.A":{"version":"1.0.0","configurationUpdate":{"merge":{"text":"%s"}}}}}
        """
            .formatted("x".repeat(kilobytes << 10));
    return new DeploymentRequest(DeploymentRequest.IOT_JOBS, "job", DeploymentDocument.parse(json));
  }

  private static Progress progress(int kilobytes) {
    return Progress.of(1, request(kilobytes), null, Instant.EPOCH);
  }

  private List<String> documents() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(p -> p.getFileName().toString())
          .filter(n -> n.contains("document"))
          .sorted()
          .toList();
    }
  }

  private static Object components(Progress p) {
    return p.request().document().components();
  }

  @Test
  void a_large_document_is_written_once_and_read_with_its_record() throws IOException {
    Ledger ledger = new Ledger(folder);
    Progress p = progress(100);
    ledger.save(p);
    Object written = Files.getAttribute(folder.resolve(documents().getFirst()), "unix:ino");
    ledger.save(p.begins());

    assertThat(Files.size(Progress.file(folder, 1))).isLessThan(4 << 10);
    assertThat(documents()).hasSize(1);
    assertThat(Files.getAttribute(folder.resolve(documents().getFirst()), "unix:ino"))
        .isEqualTo(written);
    Progress again = new Ledger(folder).all().getFirst();
    assertThat(again.begun()).isTrue();
    assertThat(components(again)).isEqualTo(components(p));
  }

  @Test
  void another_document_takes_the_place_of_the_first_also_in_another_process() throws IOException {
    new Ledger(folder).save(progress(100));
    Ledger next = new Ledger(folder);
    List<String> first = documents();
    Progress p = next.all().getFirst().with(request(200));
    next.save(p);

    assertThat(documents()).hasSize(1).isNotEqualTo(first);
    assertThat(components(new Ledger(folder).all().getFirst())).isEqualTo(components(p));
  }

  @Test
  void what_has_ended_keeps_no_document() throws IOException {
    Ledger ledger = new Ledger(folder);
    Progress p = progress(100);
    ledger.save(p);
    ledger.save(p.withoutComponents());

    assertThat(documents()).isEmpty();
    Progress again = new Ledger(folder).all().getFirst();
    assertThat(again.toStatus()).isEqualTo(p.toStatus());
    assertThat(again.request().document().groupKey()).isEqualTo("thinggroup/g");
  }

  @Test
  void a_document_that_no_record_names_goes_at_the_next_start() throws IOException {
    new Ledger(folder).save(progress(100));
    Files.writeString(folder.resolve("0000000001.document-b.json"), "half of");
    Files.writeString(folder.resolve("0000000002.document-a.json"), "of a record never written");

    assertThat(new Ledger(folder).all()).hasSize(1);
    assertThat(documents()).containsExactly("0000000001.document-a.json");
  }
}

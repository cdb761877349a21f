package io.ryegrass.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/** Copies of models and links to them, without any function. */
class ModelsTest {
  private static final String GROUP = Integer.toString(UserIds.own().gid());

  @TempDir Path root;
  private Path unpacked;
  private Path work;

  @BeforeEach
  void model() throws IOException {
    work = root.resolve("work/aws.greengrass.LambdaManager");
    unpacked = root.resolve("packages/artifacts-unarchived/model.m/1.2.3/model");
    Files.createDirectories(unpacked.resolve("net"));
    Files.writeString(unpacked.resolve("net/labels"), "cat, dog");
    Files.writeString(unpacked.resolve("net/weights"), "1, 2, 3");
  }

  private static FunctionConfiguration function(String name, String destination, String owner) {
    ObjectNode c =
        LambdaHarness.JSON
            .createObjectNode()
            .put("lambdaArn", LambdaHarness.arn(name))
            .put("handler", "a.b");
    c.putObject("mlResources")
        .putObject("0")
        .put("resourceId", "m")
        .put("component", "model.m")
        .put("version", "1.2.3")
        .put("artifact", "model.zip")
        .put("destinationPath", destination)
        .put("permission", "ro")
        .put("groupOwner", owner);
    return FunctionConfiguration.read(name, c);
  }

  /** A core that was killed while it copied for the owner of MLI-08. */
  @Test
  void aCopyThatWasCutOffIsNotTakenForTheModel() throws IOException {
    Path half = work.resolve("models/model.m/1.2.3/." + GROUP + "-ro.part");
    Files.createDirectories(half.resolve("net"));
    Files.writeString(half.resolve("net/labels"), "ca");
    Files.writeString(half.resolve("net/stray"), "of another try");

    FunctionConfiguration f = function("f", "/ml", GROUP);
    Path folder = new Models(root, work, true).folder(f, f.models().getFirst());

    assertThat(folder.resolve("net/labels")).hasContent("cat, dog");
    assertThat(folder.resolve("net/weights")).hasContent("1, 2, 3");
    assertThat(folder.resolve("net/stray")).doesNotExist();
    assertThat(half).doesNotExist();
    assertThat(Files.getPosixFilePermissions(folder.resolve("net/labels")))
        .isEqualTo(PosixFilePermissions.fromString("rw-r-----"));
  }

  /** MLI-02: the second function, and the next start of the core, find the copy of the first. */
  @Test
  void aModelThatDidNotChangeIsNotCopiedAgain() throws IOException {
    FunctionConfiguration f = function("f", "/ml", GROUP);
    Path copied = new Models(root, work, true).folder(f, f.models().getFirst());
    Object inode = Files.getAttribute(copied.resolve("net/labels"), "unix:ino");

    FunctionConfiguration g = function("g", "/elsewhere", GROUP);
    Path again = new Models(root, work, true).folder(g, g.models().getFirst());

    assertThat(again).isEqualTo(copied);
    assertThat(Files.getAttribute(again.resolve("net/labels"), "unix:ino")).isEqualTo(inode);
  }

  /** MLI-14. */
  @Test
  void workersThatStartAtTheSameTimeFindTheSameLink() throws Exception {
    Models models = new Models(root, work, false);
    int workers = 8;
    CyclicBarrier together = new CyclicBarrier(workers);
    try (ExecutorService threads = Executors.newFixedThreadPool(workers)) {
      for (int round = 0; round < 50; round++) {
        FunctionConfiguration f = function("f", "/ml/" + round, "");
        Callable<Path> start =
            () -> {
              together.await();
              return models.link(f, "f");
            };
        List<Future<Path>> all =
            IntStream.range(0, workers).mapToObj(i -> threads.submit(start)).toList();
        for (Future<Path> one : all) {
          assertThat(one.get().resolve("ml/" + round + "/net/labels")).hasContent("cat, dog");
        }
      }
    }
    try (var left = Files.list(work.resolve("ml/f/ml"))) {
      assertThat(left).as("links of destinations that are no more").hasSize(1);
    }
  }

  @Test
  void linksOfFunctionsThatAreGoneLeaveWithTheNextRunOfTheCore() {
    new Models(root, work, false).link(function("gone", "/ml", ""), "gone");
    Path prefix = new Models(root, work, false).link(function("here", "/ml", ""), "here");

    assertThat(prefix.resolve("ml/net/labels")).hasContent("cat, dog");
    assertThat(work.resolve("ml/gone")).doesNotExist();
    assertThat(unpacked.resolve("net/labels")).as("only the link is gone").hasContent("cat, dog");
  }
}

package io.ryegrass.bench.nucleus;

import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Goal;
import io.ryegrass.bench.report.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * What a million messages for a cloud that cannot be reached cost at the next start: the same core
 * is started without and with them, and the difference counts.
 */
final class SpoolCase {
  private static final int CONNECTIONS = 8;

  private final Report report;
  private final Options options;
  private final Path home;
  private final Path work;

  SpoolCase(Report report, Options options, Path home, Path work) {
    this.report = report;
    this.options = options;
    this.home = home;
    this.work = work;
  }

  void run() throws Exception {
    Path root = work.resolve("spool");
    identity(root);
    long messages = options.quick() ? 100_000 : 1_000_000;
    String token;
    try (CoreProgram core = CoreProgram.start(home, root)) {
      core.awaitReady();
      token = IpcCases.deployBench(core);
    }
    double without = starts(root);
    try (CoreProgram core = CoreProgram.start(home, root)) {
      core.awaitReady();
      token = Operator.token(root);
      long start = System.nanoTime();
      fill(core.socket(), token, messages);
      report.figure("spool_accepted", messages * 1e9 / (System.nanoTime() - start), "messages/s");
    }
    double with = starts(root);
    report.figure("spool_start_without", without, "ms");
    report.figure("spool_start_with_" + messages, with, "ms");
    report.figure("spool_open", Math.max(0, with - without), "ms", Goal.atMost(200));
  }

  /** Over several connections, since each message is answered when it is on the disk. */
  private static void fill(Path socket, String token, long messages) throws Exception {
    ExecutorService workers = Executors.newFixedThreadPool(CONNECTIONS);
    try {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < CONNECTIONS; i++) {
        all.add(
            workers.submit(
                () -> {
                  try (RawClient client = RawClient.connect(socket, token)) {
                    client.publishToCloud("bench/spooled", new byte[100], messages / CONNECTIONS);
                  }
                  return null;
                }));
      }
      for (Future<?> one : all) {
        one.get();
      }
    } finally {
      workers.shutdownNow();
    }
  }

  private double starts(Path root) {
    List<Double> all = new ArrayList<>();
    for (int i = 0; i < options.runs(); i++) {
      try (CoreProgram core = CoreProgram.start(home, root)) {
        all.add(core.awaitReady());
      }
    }
    return LifeCases.median(all);
  }

  /** An identity of which nobody knows, and endpoints at which nobody answers. */
  private static void identity(Path root) throws IOException, InterruptedException {
    Path certs = Files.createDirectories(root.resolve("certs"));
    Process openssl =
        new ProcessBuilder(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=bench",
                "-keyout",
                certs.resolve("key.pem").toString(),
                "-out",
                certs.resolve("cert.pem").toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (openssl.waitFor() != 0) {
      throw new BenchFailed("openssl made no certificate; is it installed?");
    }
    Files.createDirectories(root.resolve("config"));
    Files.writeString(
        root.resolve("config/config.yaml"),
        """
        system:
          thingName: bench
          certificateFilePath: %1$s/certs/cert.pem
          privateKeyPath: %1$s/certs/key.pem
          rootCaPath: %1$s/certs/cert.pem
          rootpath: %1$s
        services:
          aws.greengrass.Nucleus:
            componentType: NUCLEUS
            version: 2.15.0
            configuration:
              awsRegion: us-east-1
              iotRoleAlias: alias
              iotDataEndpoint: localhost
              iotCredEndpoint: localhost:1
              greengrassDataPlanePort: 1
              mqtt:
                port: 1
                spooler: {storageType: Disk, maxSizeInBytes: 2000000000}
        """
            .formatted(root));
  }
}

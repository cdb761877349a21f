package io.ryegrass.cli.device;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ArrayNode;

/** {@code doctor}: what keeps this core from working, and what to do about it. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description = {
      "Checks the root folder, certificate, key, clock, proxy, DNS, endpoints, disk, permissions",
      "and the running core. Each finding comes with its remedy. Works when the core does not."
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class DoctorCommand implements Callable<Integer> {
  @ParentCommand CliMain cli;
  @Spec CommandSpec spec;

  @Option(names = "--offline", description = "leave out what needs the network")
  boolean offline;

  @Override
  public Integer call() {
    List<Doctor.Finding> findings = new Doctor(cli.rootFolder(), !offline).examine();
    ArrayNode json = Result.JSON.createArrayNode();
    for (Doctor.Finding f : findings) {
      json.addObject()
          .put("check", f.check())
          .put("status", f.status().name())
          .put("finding", f.finding())
          .put("remedy", f.remedy());
    }
    Result.print(
        cli,
        spec.commandLine().getOut(),
        json,
        out -> {
          for (Doctor.Finding f : findings) {
            out.println(String.format("%-5s %-18s %s", f.status(), f.check(), f.finding()));
            if (!f.remedy().isEmpty()) {
              out.println("      -> " + f.remedy());
            }
          }
        });
    return findings.stream().anyMatch(f -> f.status() == Doctor.Status.FAIL) ? 1 : 0;
  }
}

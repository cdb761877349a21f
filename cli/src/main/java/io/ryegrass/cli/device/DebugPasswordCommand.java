package io.ryegrass.cli.device;

import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/** {@code get-debug-password} (CLI-25). */
@Command(
    name = "get-debug-password",
    mixinStandardHelpOptions = true,
    description = "Generates a password for the local debug console")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class DebugPasswordCommand implements Runnable {
  @ParentCommand CliMain cli;
  @Spec CommandSpec spec;

  @Override
  public void run() {
    ObjectNode answer = cli.core().call("CreateDebugPassword", CoreAccess.empty());
    Instant expires =
        Instant.ofEpochMilli(Math.round(answer.path("passwordExpiration").asDouble() * 1000));
    answer.put(
        "passwordExpiration",
        DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(expires.atZone(ZoneId.systemDefault())));
    Result.print(
        cli,
        spec.commandLine().getOut(),
        answer,
        out -> {
          out.println("Username: " + answer.path("username").asString(""));
          out.println("Password: " + answer.path("password").asString(""));
          out.println("Password expires at: " + answer.path("passwordExpiration").asString(""));
          if (answer.has("certificateSHA256Hash")) {
            out.println("The console's certificate has these fingerprints:");
            out.println("SHA-256: " + answer.path("certificateSHA256Hash").asString(""));
            out.println("SHA-1: " + answer.path("certificateSHA1Hash").asString(""));
          }
        });
  }
}

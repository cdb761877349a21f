package io.ryegrass.cli.v1;

import io.ryegrass.cli.CliException;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code ryegrass groups}: what groups of Greengrass V1 are in terms of V2. */
@Command(
    name = "ryegrass groups",
    mixinStandardHelpOptions = true,
    subcommands = GroupsMain.Explain.class,
    description = "Groups of Greengrass V1.")
public final class GroupsMain {

  /** {@code ryegrass groups explain}. */
  @Command(
      name = "explain",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = {
        "Says what each entry of a group version becomes when it is deployed, and what it needs",
        "that does not exist here. Deploys nothing."
      })
  static final class Explain implements Callable<Integer> {
    private static final Pattern ARN =
        Pattern.compile(
            "(?:arn:[^:]+:greengrass:[^:]*:[^:]*:/?greengrass/groups/)?([^/]+)(?:/versions/|/)([^/]+)");

    @Parameters(
        paramLabel = "GROUP_VERSION",
        description =
            "ARN of a group version, GROUP_ID/VERSION_ID, or a group's id or name (its latest)")
    private String version = "";

    @Mixin private CloudOption cloud = new CloudOption();

    @Option(
        names = "--components",
        description =
            "print the components as 'aws greengrassv2 create-deployment --components' takes them")
    private boolean components;

    @Override
    public Integer call() {
      try (AwsCalls calls = new AwsCalls(cloud.address())) {
        String path = path(calls);
        ObjectNode answer = calls.get("ryegrass", path);
        PrintStream out = System.out;
        if (components) {
          out.println(
              JsonMapper.shared()
                  .writerWithDefaultPrettyPrinter()
                  .writeValueAsString(
                      JsonMapper.shared().readTree(answer.path("components").asString("{}"))));
        } else {
          print(out, answer);
        }
        return answer.path("missing").isEmpty() ? 0 : 3;
      }
    }

    private static void print(PrintStream out, ObjectNode answer) {
      out.println(
          "group "
              + answer.path("groupName").asString("")
              + " on core "
              + answer.path("coreDeviceThingName").asString(""));
      for (JsonNode entry : answer.path("entries")) {
        out.println(
            "  "
                + entry.path("kind").asString("")
                + " "
                + entry.path("entry").asString("")
                + " -> "
                + entry.path("became").asString(""));
        String note = entry.path("note").asString("");
        if (!note.isEmpty()) {
          out.println("      " + note);
        }
      }
      for (JsonNode missing : answer.path("missing")) {
        out.println("missing: " + missing.asString(""));
      }
    }

    private String path(AwsCalls calls) {
      Matcher matcher = ARN.matcher(version);
      if (matcher.matches()) {
        return path(matcher.group(1), matcher.group(2));
      }
      String next = "";
      do {
        ObjectNode page =
            calls.get(
                "greengrass",
                "/greengrass/groups?MaxResults=200"
                    + (next.isEmpty() ? "" : "&NextToken=" + AwsCalls.segment(next)));
        for (JsonNode group : page.path("Groups")) {
          if (version.equals(group.path("Id").asString(""))
              || version.equals(group.path("Name").asString(""))) {
            return path(group.path("Id").asString(""), group.path("LatestVersion").asString(""));
          }
        }
        next = page.path("NextToken").asString("");
      } while (!next.isEmpty());
      throw new CliException("there is no group with the id or name " + version);
    }

    private static String path(String group, String version) {
      return "/ryegrass/groups/"
          + AwsCalls.segment(group)
          + "/versions/"
          + AwsCalls.segment(version)
          + "/explanation";
    }
  }

  /** Exit codes: 0 done, 1 failed, 2 wrong usage, 3 explained, and something is missing. */
  public static void main(String[] args) {
    System.exit(
        Failures.reported(new CommandLine(new GroupsMain()), "ryegrass groups").execute(args));
  }
}

package io.ryegrass.registry.job;

import static io.ryegrass.registry.job.JobAnswers.invalid;
import static io.ryegrass.registry.job.JobAnswers.missing;
import static io.ryegrass.registry.job.JobAnswers.object;
import static io.ryegrass.registry.job.JobAnswers.text;

import io.ryegrass.model.Arn;
import io.ryegrass.registry.Registry;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The templates that AWS gives to every account (developer guide, "Use AWS managed templates"): the
 * documents are the guide's; what a device does with them is the matter of its own handlers.
 */
final class ManagedTemplates {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final String VERSION = "1.0";
  private static final String RESOURCE = "jobtemplate/AWS-";

  private static final List<ManagedTemplate> ALL =
      List.of(
          new ManagedTemplate("AWS-Download-File", "download-file.sh", "downloading a file")
              .with("downloadUrl", "URL of file to download.")
              .with("filePath", "Path on the device where the file is written."),
          new ManagedTemplate(
                  "AWS-Install-Application",
                  "install-packages.sh",
                  "installing one or more applications")
              .with("packages", "A space-separated list of applications to install."),
          new ManagedTemplate("AWS-Reboot", "reboot.sh", "rebooting your device"),
          new ManagedTemplate(
                  "AWS-Remove-Application",
                  "remove-packages.sh",
                  "uninstalling one or more applications")
              .with("packages", "A space-separated list of applications to uninstall."),
          new ManagedTemplate(
                  "AWS-Restart-Application",
                  "restart-services.sh",
                  "stopping and restarting one or more services")
              .with("services", "A space-separated list of services to restart."),
          new ManagedTemplate(
                  "AWS-Start-Application", "start-services.sh", "starting one or more services")
              .with("services", "A space-separated list of services to start."),
          new ManagedTemplate(
                  "AWS-Stop-Application", "stop-services.sh", "stopping one or more services")
              .with("services", "A space-separated list of services to stop."));

  private ManagedTemplates() {}

  private record Parameter(String key, String description, boolean optional) {}

  private record ManagedTemplate(
      String name, String handler, String purpose, List<Parameter> required) {
    ManagedTemplate(String name, String handler, String purpose) {
      this(name, handler, purpose, List.of());
    }

    ManagedTemplate with(String key, String description) {
      List<Parameter> all = new ArrayList<>(required);
      all.add(new Parameter(key, description, false));
      return new ManagedTemplate(name, handler, purpose, List.copyOf(all));
    }

    List<Parameter> parameters() {
      List<Parameter> all = new ArrayList<>(required);
      all.add(new Parameter("pathToHandler", "Path to the handler on the device.", true));
      all.add(new Parameter("runAsUser", "User that runs the handler.", true));
      return all;
    }

    String document() {
      ObjectNode document = object().put("version", VERSION);
      ObjectNode action = document.putArray("steps").addObject().putObject("action");
      action.put("name", name.substring("AWS-".length())).put("type", "runHandler");
      ObjectNode input = action.putObject("input").put("handler", handler);
      if (!required.isEmpty()) {
        ArrayNode args = input.putArray("args");
        required.forEach(p -> args.add(placeholder(p.key())));
      }
      input.put("path", placeholder("pathToHandler"));
      action.put("runAsUser", placeholder("runAsUser"));
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(document);
    }
  }

  private static String placeholder(String key) {
    return "${aws:iot:parameter:" + key + "}";
  }

  static boolean isManaged(String arn) {
    return Arn.isArn(arn) && Arn.parse(arn).resource().startsWith(RESOURCE);
  }

  /** A template's document with the parameters' values in it; optional ones may be missing. */
  static String document(String arn, JsonNode values) {
    String resource = Arn.parse(arn).resource();
    String nameAndVersion = resource.substring("jobtemplate/".length());
    int colon = nameAndVersion.indexOf(':');
    ManagedTemplate template =
        find(
                colon < 0 ? nameAndVersion : nameAndVersion.substring(0, colon),
                colon < 0 ? "" : nameAndVersion.substring(colon + 1))
            .orElseThrow(() -> missing("Job template " + arn + " not found"));
    String document = template.document();
    List<String> known = template.parameters().stream().map(Parameter::key).toList();
    for (String key : values.propertyNames()) {
      if (!known.contains(key)) {
        throw invalid("Template " + template.name() + " has no parameter '" + key + "'");
      }
    }
    for (Parameter parameter : template.parameters()) {
      String value = values.path(parameter.key()).asString("");
      if (value.isEmpty() && !parameter.optional()) {
        throw invalid(
            "Template "
                + template.name()
                + " needs a value for '"
                + parameter.key()
                + "' in documentParameters");
      }
      String quoted = JSON.writeValueAsString(value);
      document =
          document.replaceAll(
              Pattern.quote(placeholder(parameter.key())),
              java.util.regex.Matcher.quoteReplacement(quoted.substring(1, quoted.length() - 1)));
    }
    return document;
  }

  private static Optional<ManagedTemplate> find(String name, String version) {
    return ALL.stream()
        .filter(t -> t.name().equals(name) && (version.isEmpty() || version.equals(VERSION)))
        .findFirst();
  }

  static ObjectNode list(Registry registry, ObjectNode in) {
    List<String> position = JobAnswers.position(in, 1);
    String after = position == null ? "" : position.getFirst();
    int size = JobAnswers.size(in);
    String wanted = text(in, "templateName");
    List<ManagedTemplate> found =
        ALL.stream()
            .filter(t -> wanted.isEmpty() || t.name().equals(wanted))
            .filter(t -> t.name().compareTo(after) > 0)
            .toList();
    ObjectNode out = object();
    ArrayNode list = out.putArray("managedJobTemplates");
    found.stream().limit(size).forEach(t -> list.add(summary(registry, t)));
    if (found.size() > size) {
      out.put("nextToken", JobAnswers.token(found.get(size - 1).name()));
    }
    return out;
  }

  static ObjectNode describe(Registry registry, ObjectNode in) {
    String name = text(in, "templateName");
    ManagedTemplate template =
        find(name, text(in, "templateVersion"))
            .orElseThrow(() -> missing("Managed job template " + name + " not found"));
    ObjectNode out = summary(registry, template);
    ArrayNode parameters = out.putArray("documentParameters");
    template
        .parameters()
        .forEach(
            p ->
                parameters
                    .addObject()
                    .put("key", p.key())
                    .put("description", p.description())
                    .put("optional", p.optional()));
    return out.put("document", template.document());
  }

  private static ObjectNode summary(Registry registry, ManagedTemplate template) {
    Arn own = Arn.parse(registry.arn("jobtemplate/" + template.name() + ":" + VERSION));
    ObjectNode node =
        object()
            .put("templateArn", "arn:aws:iot:" + own.region() + "::" + own.resource())
            .put("templateName", template.name())
            .put(
                "description", "A managed template provided by AWS for " + template.purpose() + ".")
            .put("templateVersion", VERSION);
    node.putArray("environments").add("LINUX");
    return node;
  }
}

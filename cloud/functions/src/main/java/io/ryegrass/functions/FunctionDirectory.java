package io.ryegrass.functions;

import static io.ryegrass.functions.FunctionName.LATEST;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.functions.FunctionTables.AliasRow;
import io.ryegrass.functions.FunctionTables.FunctionRow;
import io.ryegrass.functions.FunctionTables.VersionRow;
import io.ryegrass.store.Sql;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/** Finds functions and their versions by what callers name them, and shows them as Lambda does. */
final class FunctionDirectory {
  private final String region;
  private final String accountId;

  FunctionDirectory(String region, String accountId) {
    this.region = region;
    this.accountId = accountId;
  }

  String arn(String name, String qualifier) {
    return "arn:aws:lambda:"
        + region
        + ":"
        + accountId
        + ":function:"
        + name
        + (qualifier.isEmpty() ? "" : ":" + qualifier);
  }

  FunctionRow required(Sql sql, String name) {
    return FunctionTables.function(sql, name).orElseThrow(() -> notFound(name, ""));
  }

  /** A version by number, alias, {@code $LATEST}, or the latest when the qualifier is empty. */
  VersionRow requiredVersion(Sql sql, String name, String qualifier) {
    return version(sql, name, qualifier).orElseThrow(() -> notFound(name, qualifier));
  }

  AwsException notFound(String name, String qualifier) {
    return new AwsException(
        "ResourceNotFoundException", 404, "Function not found: " + arn(name, qualifier));
  }

  static Optional<VersionRow> version(Sql sql, String name, String qualifier) {
    if (qualifier.isEmpty() || qualifier.equals(LATEST)) {
      return FunctionTables.version(sql, name, 0);
    }
    String number = qualifier;
    if (!number.matches("\\d{1,9}")) {
      Optional<AliasRow> alias = FunctionTables.alias(sql, name, qualifier);
      if (alias.isEmpty() || alias.get().version().equals(LATEST)) {
        return alias.isEmpty() ? Optional.empty() : FunctionTables.version(sql, name, 0);
      }
      number = alias.get().version();
    }
    int version = Integer.parseInt(number);
    return version == 0 ? Optional.empty() : FunctionTables.version(sql, name, version);
  }

  VersionRow latest(Sql sql, String name) {
    return requiredVersion(sql, name, "");
  }

  static FunctionName name(ObjectNode in) {
    return FunctionName.parse(
        in.path("FunctionName").asString(""), in.path("Qualifier").asString(""));
  }

  static String unqualified(ObjectNode in) {
    FunctionName name = name(in);
    if (!name.qualifier().isEmpty() && !name.qualifier().equals(LATEST)) {
      throw Calls.invalid(
          "Published versions never change; leave the qualifier out to change $LATEST.");
    }
    return name.name();
  }

  /** With the ARN as asked: a qualifier that was given comes back in it. */
  ObjectNode configuration(VersionRow row, String qualifier) {
    ObjectNode out = configuration(row, false);
    out.put("FunctionArn", arn(row.name(), qualifier));
    return out;
  }

  /** Members of shape FunctionConfiguration. */
  ObjectNode configuration(VersionRow row, boolean qualified) {
    String version = row.version() == 0 ? LATEST : Integer.toString(row.version());
    ObjectNode out = row.configuration().deepCopy();
    out.put("FunctionName", row.name());
    out.put("FunctionArn", arn(row.name(), qualified ? version : ""));
    out.put("Version", version);
    out.put("State", "Active");
    out.put("LastUpdateStatus", "Successful");
    out.put("PackageType", "Zip");
    if (!out.has("TracingConfig")) {
      out.putObject("TracingConfig").put("Mode", "PassThrough");
    }
    if (!out.has("Architectures")) {
      out.putArray("Architectures").add("x86_64");
    }
    if (!out.has("EphemeralStorage")) {
      out.putObject("EphemeralStorage").put("Size", 512);
    }
    out.putObject("SnapStart").put("ApplyOn", "None").put("OptimizationStatus", "Off");
    return out;
  }
}

package io.ryegrass.cli.v1;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** What was found in the files, as the API's JSON, before anything of it is made. */
final class Rescue {

  /**
   * A definition with the version that counts.
   *
   * @param source what it was called where it comes from; the same at each import
   */
  record Definition(String source, V1Kind kind, String name, ObjectNode content) {}

  /**
   * A group.
   *
   * @param definitions source of the definition of each kind
   * @param roleArn group role, or null
   * @param expiryMillis life of the cores' server certificates, or null
   */
  record Group(
      String source,
      String name,
      Map<V1Kind, String> definitions,
      @Nullable String roleArn,
      @Nullable String expiryMillis) {}

  /**
   * A function version.
   *
   * @param arn qualified ARN where it comes from
   * @param zip its package
   */
  record Function(
      String arn,
      String name,
      String runtime,
      String handler,
      int timeout,
      int memory,
      Map<String, String> variables,
      byte[] zip) {}

  /** An alias: its ARN there, and the version that it means. */
  record Alias(String arn, String function, String name, String version) {}

  /** A certificate whose private key is where it always was. */
  record Certificate(String file, String pem, String thing) {}

  final List<Definition> definitions = new ArrayList<>();
  final List<Group> groups = new ArrayList<>();
  final List<Function> functions = new ArrayList<>();
  final List<Alias> aliases = new ArrayList<>();
  final List<String> things = new ArrayList<>();
  final List<Certificate> certificates = new ArrayList<>();

  /** Policies by name. */
  final Map<String, ObjectNode> policies = new LinkedHashMap<>();

  /** What stays behind, one sentence each. */
  final List<String> left = new ArrayList<>();

  void thing(String name) {
    if (!name.isEmpty() && !things.contains(name)) {
      things.add(name);
    }
  }

  boolean isEmpty() {
    return definitions.isEmpty()
        && groups.isEmpty()
        && functions.isEmpty()
        && certificates.isEmpty()
        && things.isEmpty()
        && policies.isEmpty();
  }
}

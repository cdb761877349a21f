package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import tools.jackson.databind.node.ObjectNode;

/** Things and groups that an operation takes by name or by ARN. */
final class Names {
  private Names() {}

  /**
   * The name that a request gives.
   *
   * @param prefix what ARNs of this kind begin with
   */
  static String of(ObjectNode in, String nameMember, String arnMember, String prefix) {
    String arn = text(in, arnMember);
    String name = text(in, nameMember);
    if (arn.isEmpty() && name.isEmpty()) {
      throw Answers.invalid(
          "Both "
              + arnMember
              + " and "
              + nameMember
              + " are empty. Need to specify at least one of them");
    }
    if (arn.isEmpty()) {
      return name;
    }
    if (!arn.startsWith(prefix)) {
      throw Answers.invalid(arnMember + " '" + arn + "' is not one of this account and Region");
    }
    String named = arn.substring(prefix.length());
    if (!name.isEmpty() && !name.equals(named)) {
      throw Answers.invalid(
          arnMember + " '" + arn + "' does not match " + nameMember + " '" + name + "'");
    }
    return named;
  }
}

package io.ryegrass.components;

import io.ryegrass.model.Arn;

/** The ARNs of this service. */
record Arns(String region, String account) {
  String component(String scopeAccount, String name) {
    return "arn:aws:greengrass:" + region + ":" + scopeAccount + ":components:" + name;
  }

  String version(String scopeAccount, String name, String version) {
    return component(scopeAccount, name) + ":versions:" + version;
  }

  String own(String resource) {
    return "arn:aws:greengrass:" + region + ":" + account + ":" + resource;
  }

  String job(String jobId) {
    return "arn:aws:iot:" + region + ":" + account + ":job/" + jobId;
  }

  /** Name and version out of a component version's ARN; version empty for a component's ARN. */
  static Name parse(String arn) {
    if (Arn.isArn(arn)) {
      Arn parsed = Arn.parse(arn);
      String[] parts = parsed.resource().split(":", 4);
      if (parts.length >= 2 && parts[0].equals("components")) {
        if (parts.length == 2) {
          return new Name(parsed.account(), parts[1], "");
        }
        if (parts.length == 4 && parts[2].equals("versions")) {
          return new Name(parsed.account(), parts[1], parts[3]);
        }
      }
    }
    throw Faults.validation("arn", "'" + arn + "' is not the ARN of a component or its version");
  }

  record Name(String account, String component, String version) {
    boolean isPublic() {
      return account.equals("aws");
    }
  }
}

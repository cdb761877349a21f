package io.ryegrass.lambda;

import io.ryegrass.nucleus.NucleusException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * V1's functions run as root only where the device allows it (LAM-30, CFG-29), whatever makes them
 * root: {@code RunAs} of the function or of its group, or the user under which the core runs
 * components (decision 049). Those of V2 run as the user whom their deployment names, as every
 * component does.
 */
final class RootPermission {
  private static final Logger LOG = LoggerFactory.getLogger(RootPermission.class);

  private RootPermission() {}

  /**
   * @param posixUser {@code user[:group]} of the component, or empty
   * @param manager configuration of aws.greengrass.LambdaManager
   * @throws NucleusException {@code ROOT_NOT_ALLOWED}, in V1's words and then with the remedies
   */
  static void check(FunctionConfiguration f, String posixUser, ObjectNode manager) {
    FunctionConfiguration.RunAs own = f.user();
    boolean ofV1 = own != null || !f.groupId().isEmpty();
    if (!ofV1 || manager.path("allowFunctionsToRunAsRoot").asString("no").equals("yes")) {
      return;
    }
    if (own != null && (own.uid() == 0 || own.gid() == 0)) {
      throw refused(f, "its RunAs says so", "give its RunAs other ids");
    }
    UserIds user = UserIds.of(own, posixUser);
    // A core that is not root has nothing of root to give away, whatever its own group is.
    if (UserIds.own().uid() == 0 && (user.uid() == 0 || user.gid() == 0)) {
      throw refused(
          f,
          "it runs as uid "
              + user.uid()
              + ", gid "
              + user.gid()
              + ", because components of this core run as "
              + posixUser,
          "name other ids in RunAs of the function or of the group's DefaultConfig, or another user"
              + " with --component-default-user");
    }
  }

  /** V1's words come first, for people and scripts that look for them. */
  private static NucleusException refused(FunctionConfiguration f, String why, String remedy) {
    String words =
        "lambda(s) ["
            + f.arn()
            + "] are configured to run as root while Greengrass is not configured to run lambdas"
            + " with root permissions";
    LOG.error("{} ({})", words, why);
    return new NucleusException(
        "ROOT_NOT_ALLOWED",
        words
            + " ("
            + why
            + "); set allowFunctionsToRunAsRoot to \"yes\" in the configuration of"
            + " aws.greengrass.LambdaManager (on a V1 core: in runtime of config.json, and restart),"
            + " or "
            + remedy
            + ".");
  }
}

package io.ryegrass.nucleus;

import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.DeploymentDocument.SystemResourceLimits;
import io.ryegrass.model.Recipe;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * One component version made ready to run on this core.
 *
 * @param lifecycle the selected life cycle with all variables replaced
 * @param configuration effective configuration when the body was created
 * @param work {@code work/<name>}, exists and belongs to the component's user
 * @param artifacts {@code packages/artifacts/<name>/<version>}
 * @param unarchived {@code packages/artifacts-unarchived/<name>/<version>}
 * @param posixUser {@code user[:group]} to run as, or null for the nucleus' own user
 * @param limits of its processes together, or null for none
 * @param environment a live view: variables of v2-ipc.md section 10 as they are when read
 * @param token the component's IPC token (SVCUID)
 */
public record ComponentInstance(
    String name,
    ComponentVersion version,
    Recipe recipe,
    ObjectNode lifecycle,
    ObjectNode configuration,
    Path work,
    Path artifacts,
    Path unarchived,
    @Nullable String posixUser,
    @Nullable SystemResourceLimits limits,
    Map<String, String> environment,
    String token,
    ComponentLog log) {

  /** Without limits. */
  public ComponentInstance(
      String name,
      ComponentVersion version,
      Recipe recipe,
      ObjectNode lifecycle,
      ObjectNode configuration,
      Path work,
      Path artifacts,
      Path unarchived,
      @Nullable String posixUser,
      Map<String, String> environment,
      String token,
      ComponentLog log) {
    this(
        name,
        version,
        recipe,
        lifecycle,
        configuration,
        work,
        artifacts,
        unarchived,
        posixUser,
        null,
        environment,
        token,
        log);
  }
}

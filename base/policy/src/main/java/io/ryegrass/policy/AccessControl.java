package io.ryegrass.policy;

import io.ryegrass.model.Json;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * The {@code accessControl} blocks of all components, merged: what each component may do over IPC.
 *
 * <p>Shape per component: {@code {service id: {policy id: {policyDescription, operations,
 * resources}}}}; an object, or a text holding that JSON. Keys are read without case. There is no
 * Deny: what no policy allows is denied. A policy without operations is skipped; an empty policy id
 * voids the service's block; a resource that is empty, has a bare {@code ?} or an unknown escape is
 * left out. {@link #problems()} tells what was left out. A policy without resources allows only
 * requests that name no resource.
 */
public final class AccessControl {
  /** How resources are compared. */
  public enum Style {
    /** {@code *} is the only wildcard; {@code +} and {@code #} are characters. */
    STANDARD,
    /** As STANDARD, and {@code +}, {@code #} as in MQTT filters: service mqttproxy. */
    MQTT
  }

  private record Key(String service, String component, String operation) {}

  private record Resource(Glob standard, Glob mqtt) {}

  private record Grant(boolean withoutResource, List<Resource> resources) {}

  private final Map<Key, List<Grant>> grants = new HashMap<>();
  private final Set<String> problems = new LinkedHashSet<>();

  private AccessControl() {}

  /** Reads the blocks of all components; never throws for their content. */
  public static AccessControl parse(Map<String, JsonNode> accessControlByComponent) {
    AccessControl result = new AccessControl();
    accessControlByComponent.forEach(result::component);
    return result;
  }

  /**
   * Whether a component may call an operation.
   *
   * @param service for example {@code aws.greengrass.ipc.pubsub}
   * @param operation for example {@code aws.greengrass#PublishToTopic}
   * @param resource the topic, shadow, secret …; empty for requests without one
   */
  public boolean allows(
      String service, String component, String operation, String resource, Style style) {
    return granted(service, component, operation, resource, style)
        || granted(service, component, "*", resource, style);
  }

  /** What was left out of the blocks and why, one sentence each, for the component's log. */
  public List<String> problems() {
    return List.copyOf(problems);
  }

  private boolean granted(
      String service, String component, String operation, String resource, Style style) {
    Key key = new Key(service.toLowerCase(Locale.ROOT), component, operation);
    for (Grant grant : grants.getOrDefault(key, List.of())) {
      if (resource.isEmpty() ? grant.withoutResource() : matches(grant, resource, style)) {
        return true;
      }
    }
    return false;
  }

  private static boolean matches(Grant grant, String resource, Style style) {
    for (Resource r : grant.resources()) {
      if ((style == Style.MQTT ? r.mqtt() : r.standard()).matches(resource)) {
        return true;
      }
    }
    return false;
  }

  private void component(String component, JsonNode given) {
    JsonNode block = given;
    if (given.isString()) {
      try {
        block = Json.read(given.stringValue());
      } catch (JacksonException e) {
        problems.add(
            "accessControl of " + component + " is a text that is not JSON; write it as an object");
        return;
      }
    }
    if (!block.isObject()) {
      problems.add("accessControl of " + component + " must be an object of services");
      return;
    }
    for (Map.Entry<String, JsonNode> service : block.properties()) {
      service(component, service.getKey(), service.getValue());
    }
  }

  private void service(String component, String service, JsonNode policies) {
    String where = "accessControl of " + component + ", " + service;
    if (!policies.isObject()) {
      problems.add(where + ": must be an object of policies");
      return;
    }
    for (String id : policies.propertyNames()) {
      if (id.isBlank()) {
        problems.add(where + ": has a policy without id; none of its policies counts");
        return;
      }
    }
    for (Map.Entry<String, JsonNode> policy : policies.properties()) {
      policy(component, service, where + ", " + policy.getKey(), policy.getValue());
    }
  }

  private void policy(String component, String service, String where, JsonNode policy) {
    List<String> operations = texts(field(policy, "operations"));
    if (operations.isEmpty()) {
      problems.add(where + ": has no operations and is skipped");
      return;
    }
    List<String> given = texts(field(policy, "resources"));
    List<Resource> resources = new ArrayList<>();
    for (String resource : given) {
      if (valid(resource)) {
        resources.add(new Resource(Glob.resource(resource, false), Glob.resource(resource, true)));
      } else {
        problems.add(where + ": resource '" + resource + "' is not valid; use * or ${*} ${?} ${$}");
      }
    }
    boolean withoutResource = given.isEmpty() || given.contains("*");
    Grant grant = new Grant(withoutResource, List.copyOf(resources));
    for (String operation : operations) {
      Key key = new Key(service.toLowerCase(Locale.ROOT), component, operation);
      grants.computeIfAbsent(key, k -> new ArrayList<>()).add(grant);
    }
  }

  private static boolean valid(String resource) {
    for (int i = 0; i < resource.length(); i++) {
      char c = resource.charAt(i);
      if (c == '?') {
        return false;
      }
      if (c == '$' && resource.startsWith("${", i)) {
        boolean escape = i + 3 < resource.length() && resource.charAt(i + 3) == '}';
        if (!escape || "*$?".indexOf(resource.charAt(i + 2)) < 0) {
          return false;
        }
        i += 3;
      }
    }
    return !resource.isEmpty();
  }

  private static @Nullable JsonNode field(JsonNode object, String name) {
    for (Map.Entry<String, JsonNode> entry : object.properties()) {
      if (entry.getKey().equalsIgnoreCase(name)) {
        return entry.getValue();
      }
    }
    return null;
  }

  private static List<String> texts(@Nullable JsonNode node) {
    List<String> found = new ArrayList<>();
    if (node != null && node.isArray()) {
      node.forEach(n -> found.add(n.asString("")));
    } else if (node != null && node.isString()) {
      found.add(node.stringValue());
    }
    return found;
  }
}

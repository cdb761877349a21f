package io.ryegrass.lambda;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The functions that run on this core, by qualified ARN and by alias ARN. */
final class Functions {
  private final Map<String, FunctionPool> byArn = new ConcurrentHashMap<>();
  private final Map<String, String> aliases = new ConcurrentHashMap<>();

  void add(FunctionPool pool, List<String> aliasArns) {
    byArn.put(pool.arn(), pool);
    aliasArns.forEach(alias -> aliases.put(alias, pool.arn()));
  }

  void remove(FunctionPool pool) {
    byArn.remove(pool.arn(), pool);
    aliases.values().removeIf(arn -> arn.equals(pool.arn()) && !byArn.containsKey(arn));
  }

  /**
   * Finds by version or alias; an ARN without either finds the function if only one version of it
   * is deployed.
   */
  Optional<FunctionPool> find(String arn) {
    FunctionPool pool = byArn.get(aliases.getOrDefault(arn, arn));
    if (pool != null) {
      return Optional.of(pool);
    }
    String prefix =
        arn.endsWith(":$LATEST") ? arn.substring(0, arn.lastIndexOf(':') + 1) : arn + ":";
    List<FunctionPool> versions =
        byArn.values().stream().filter(p -> p.arn().startsWith(prefix)).limit(2).toList();
    return versions.size() == 1 ? Optional.of(versions.getFirst()) : Optional.empty();
  }

  List<FunctionPool> all() {
    return List.copyOf(byArn.values());
  }
}

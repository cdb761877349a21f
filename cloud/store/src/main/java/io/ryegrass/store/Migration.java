package io.ryegrass.store;

/**
 * One step of one module's schema. Steps of a module are applied once each, in order of {@code
 * version}, all pending steps of a start in one transaction.
 *
 * @param module short name of the owner, for example {@code registry}
 * @param version 1, 2, 3 … without gaps; a published step is never edited, a new one is added
 * @param sql statements separated by {@code ;}, in portable SQL
 */
public record Migration(String module, int version, String sql) {
  public Migration {
    if (module.isBlank() || version < 1) {
      throw new IllegalArgumentException("A migration needs a module name and a version from 1 on");
    }
  }
}

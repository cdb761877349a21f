/**
 * {@code ryegrass install} and {@code ryegrass uninstall}: a core's root folder, its identity, its
 * user and its service, with the arguments and the messages of the installer that the contract
 * describes (catalogue INS, PRV; v2-recipes-config.md section 10).
 *
 * <p>What it does not do: it runs no core (the loader does) and knows none of the core's inner
 * types; it talks to a cloud through the public AWS APIs only. Credentials are used and never
 * stored.
 *
 * <p>When it is cut off at any moment: it may be run again with the same arguments. The
 * configuration that names an identity is written after the files it names, each in one step, so a
 * core's root is either as it was or whole. An uninstallation that was cut off leaves a folder that
 * it still recognises.
 */
@NullMarked
package io.ryegrass.cli.install;

import org.jspecify.annotations.NullMarked;

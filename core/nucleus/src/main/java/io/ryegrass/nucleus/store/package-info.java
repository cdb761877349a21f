/**
 * The component store: recipes and artifacts on disk, which versions a set of root components
 * needs, and the unpacking of archives that nobody has looked at before.
 *
 * <p>It asks the cloud only through {@link io.ryegrass.nucleus.ComponentCatalog} and {@link
 * io.ryegrass.nucleus.ArtifactSource}; it starts nothing and decides nothing about configuration.
 * The deployment engine calls it; the life cycle reads the paths.
 *
 * <p>When the process dies, a half-downloaded file has a name of its own and is continued or
 * replaced by the next attempt; a file under its final name has had its digest checked and was
 * fsynced. A half-unpacked archive lies in a folder of its own name that the next attempt removes.
 */
@NullMarked
package io.ryegrass.nucleus.store;

import org.jspecify.annotations.NullMarked;

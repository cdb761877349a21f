package io.ryegrass.objects;

import java.nio.file.Path;

/**
 * A body that was received whole into the staging folder but is no object yet. Either it is put, or
 * {@link Staging#discard(StagedObject)} removes it; a start of the process removes what was left.
 */
record StagedObject(Path file, long size, Checksums.Result checksums) {}

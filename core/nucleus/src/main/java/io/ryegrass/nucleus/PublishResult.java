package io.ryegrass.nucleus;

import org.jspecify.annotations.Nullable;

/**
 * What became of one message.
 *
 * @param targets how many targets the routes named
 * @param delivered how many took it: their queue has it, or a direct receiver returned normally
 * @param droppedFull how many had a full queue
 * @param failed how many direct receivers refused it (for example the spool for the cloud was full)
 *     or were not there
 * @param failure the first refusal, for the sender's error
 */
public record PublishResult(
    int targets, int delivered, int droppedFull, int failed, @Nullable RuntimeException failure) {}

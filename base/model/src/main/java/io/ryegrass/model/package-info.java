/**
 * The words that every part of Ryegrass shares, as pure values with their parsers: ARNs, component
 * versions and requirements, recipes, deployment documents, topic filters and shadow documents.
 *
 * <p>Nothing here reads a file, a socket or a clock, so nothing here can be lost when the process
 * dies. Parsers refuse bad input with {@link io.ryegrass.model.InvalidDocumentException}, which
 * names the field and the remedy. Both halves of the system, core and cloud, use the same classes,
 * so that a document means the same on both sides of the wire.
 */
@NullMarked
package io.ryegrass.model;

import org.jspecify.annotations.NullMarked;

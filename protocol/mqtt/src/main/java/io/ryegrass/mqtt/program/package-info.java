/**
 * {@code ./ryegrass mqtt}: the engine as a small broker of its own, for tests, benchmarks and
 * plants that need nothing else.
 *
 * <p>Reads its options, lets in who has a client certificate ({@code --ca}), a name and password
 * ({@code --users}) or anybody ({@code --anonymous}), and reads certificate and password files anew
 * when they change or SIGHUP comes. Whoever is in may publish and subscribe to everything: there
 * are no rules per topic here.
 *
 * <p>When it dies at any moment, the engine's promises hold for what is in {@code --data}; nothing
 * of its own is written.
 */
@NullMarked
package io.ryegrass.mqtt.program;

import org.jspecify.annotations.NullMarked;

/**
 * The core program: puts the parts of a core device together, starts them and stops them in order.
 *
 * <p>{@link io.ryegrass.coreapp.CoreMain} is told a root folder and nothing else; all that a core
 * is stands in {@code <root>/config/config.yaml}, and a core without that file or without an
 * identity in it lives without a cloud. {@code Core} is the list of parts, {@code CoreLog} says
 * where the log goes.
 *
 * <p>What it does not do: it decides nothing, runs no component and knows no protocol; all of that
 * is in the modules it puts together.
 *
 * <p>Who calls: the launcher ({@code ./ryegrass core}), a service manager, the demo and the tests.
 *
 * <p>When the process dies at any moment: nothing of this package's own is lost, it keeps nothing.
 * The locks end with the process, so the next one starts at once.
 */
@NullMarked
package io.ryegrass.coreapp;

import org.jspecify.annotations.NullMarked;

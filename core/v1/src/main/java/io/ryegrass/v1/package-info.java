/**
 * The V1 face of a core: a device that ran AWS IoT Greengrass V1 goes on with its own {@code
 * config.json}, {@code greengrassd}, folders and logs (catalogue CFG, DIR, LOG, INS, RST).
 *
 * <p>A core that is started on a folder with {@code config/config.json} and without {@code
 * config/config.yaml} gets one {@link io.ryegrass.v1.V1Face}. It reads and checks the file, gives
 * the nucleus its configuration in the form of V2, and stands at the doors of the nucleus: built-in
 * components, functions, deployments and certificates pass through it on their way, and it writes
 * down what V1's users look for. {@link io.ryegrass.v1.V1Key} is the list of everything that such a
 * file may say, and of what becomes of it.
 *
 * <p>What it does not do: there is no second engine behind it. What runs, and how it is deployed,
 * is the nucleus' business, which does not know this package (decision 042).
 *
 * <p>Who calls: core/app, which loads this package for a V1 folder only.
 *
 * <p>When the process dies at any moment: all that is written here ({@code group.json}, {@code
 * server.crt}, links to code) is a picture of what the nucleus keeps, and is made again when a
 * deployment ends and at the next start. Log lines are in the file when they were written.
 */
@NullMarked
package io.ryegrass.v1;

import org.jspecify.annotations.NullMarked;

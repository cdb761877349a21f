/**
 * The cloud as a program: {@link io.ryegrass.cloudapp.CloudMain} reads the options, {@link
 * io.ryegrass.cloudapp.Cloud} is the list of what starts, in order.
 *
 * <p>One process, one data folder: {@code cloud.db} and what lies beside it (objects, MQTT
 * sessions, certificate authority). It is locked while the program runs. When the cloud is ready it
 * writes {@code endpoints.json} (where it listens), {@code credentials} (access key of the
 * account's root, in the form of AWS's tools, for the owner's eyes only) and one line on standard
 * output.
 *
 * <p>Nothing decides anything here: domain rules live in the modules that are assembled. When the
 * process dies at any moment, the next start opens the same folder and goes on; {@code
 * endpoints.json} may then name ports of the dead process until the new one is ready.
 *
 * <p>Exit codes: 0 after an orderly stop, 1 when it cannot start or go on, 2 for wrong usage.
 * Errors that people can mend are one sentence on standard error.
 */
@NullMarked
package io.ryegrass.cloudapp;

import org.jspecify.annotations.NullMarked;

/**
 * {@code ryegrass cli}: the command line of a core, with the commands, flags and output of AWS's
 * {@code greengrass-cli} (CLI-07 to CLI-26) and some of ours: plan, doctor, config explain, topic,
 * support-bundle.
 *
 * <p>It speaks to the core over the IPC socket with a token that it finds in {@code
 * <root>/cli_ipc_info}: who may read the file may use the command line. Nothing here decides about
 * a core; what it shows is what the core answers, except for logs, doctor and support-bundle, which
 * read the root folder, so that they work when the core does not.
 *
 * <p>Each command puts its result together as JSON and then prints it, as text or with {@code
 * --output json}. Exit codes: 0 done, 1 the core said no or something failed, 2 wrong usage; in
 * both cases one sentence on standard error.
 *
 * <p>State: none. When the process dies, nothing is left behind; a support bundle is complete or
 * not there.
 */
@NullMarked
package io.ryegrass.cli.device;

import org.jspecify.annotations.NullMarked;

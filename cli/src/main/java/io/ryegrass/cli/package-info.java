/**
 * The tools of the operator that talk to a cloud through its public AWS APIs: today {@code ryegrass
 * provision}, which makes what a core or a client device needs and writes its folder.
 *
 * <p>It knows no inner type of the cloud or of the core; the AWS SDK is its only way in, so the
 * same command would provision against any endpoint that speaks these APIs. Files are written
 * durably, private keys with mode 0600, and the configuration file last: a folder that has one is
 * complete, and a run that was cut off may simply be run again.
 */
@NullMarked
package io.ryegrass.cli;

import org.jspecify.annotations.NullMarked;

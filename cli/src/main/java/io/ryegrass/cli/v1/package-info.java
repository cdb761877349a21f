/**
 * Greengrass V1 on the command line: {@code ryegrass import}, which brings back what people saved
 * of their groups, and {@code ryegrass groups explain}, which shows what a group version becomes.
 *
 * <p>Readers ({@link io.ryegrass.cli.v1.DumpReader}, {@link io.ryegrass.cli.v1.TemplateReader},
 * {@link io.ryegrass.cli.v1.CoreFolderReader}) turn files into one {@link
 * io.ryegrass.cli.v1.Rescue}; {@link io.ryegrass.cli.v1.Importer} makes it through the public APIs,
 * signed with the AWS SDK's signer. Nothing is deployed by an import.
 *
 * <p>Every object that an import makes carries its source as a tag, so that a second run finds it:
 * what did not change is kept, what did gets a new version. When the process dies in between, run
 * it again.
 */
@NullMarked
package io.ryegrass.cli.v1;

import org.jspecify.annotations.NullMarked;

/**
 * The part of AWS Lambda that Greengrass needs: a registry of functions, their published versions
 * and aliases, with their packages. It runs no function; cores do.
 *
 * <p>{@link io.ryegrass.functions.FunctionService#lambda} describes the operations of the Lambda
 * API; {@link io.ryegrass.functions.FunctionService#resolve} is what the V1 group compiler and
 * CreateComponentVersion use to turn a version or alias ARN into a package. Tags, aliases with
 * weights (a core gets the version the alias itself points to) and the statements of functions'
 * policies are kept and shown; nothing asks the policies, for nothing is invoked here.
 *
 * <p>Not here, and refused: invoking, event source mappings, layers, reserved and provisioned
 * concurrency, code signing, function URLs, container images. Who reads such settings is told that
 * there are none.
 *
 * <p>Configurations are kept as the JSON trees the API returns, one row for {@code $LATEST} and one
 * for each published version; a published version never changes. Packages are objects of the
 * program's own bucket {@code .lambda}, written before the row that names them is committed: when
 * the process dies in between, an object without a row stays behind, never a row without its
 * object.
 */
@NullMarked
package io.ryegrass.functions;

import org.jspecify.annotations.NullMarked;

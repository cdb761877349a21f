/** For the tests of modules that serve an AWS API: the engine behind a real port. */
@NullMarked
package io.ryegrass.awsapi.testing;

import org.jspecify.annotations.NullMarked;

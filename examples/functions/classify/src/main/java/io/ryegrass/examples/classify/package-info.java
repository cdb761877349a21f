/**
 * A V1 function that says which way up the text in an image is: a neural network from a
 * machine-learning resource, run by ONNX Runtime.
 *
 * <p>{@link io.ryegrass.examples.classify.Classify} is the handler, {@link
 * io.ryegrass.examples.classify.Pixels} makes an image into what the network takes. How it is built
 * and deployed: README.md beside the POM.
 */
@NullMarked
package io.ryegrass.examples.classify;

import org.jspecify.annotations.NullMarked;

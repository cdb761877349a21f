/**
 * The story that {@code ./ryegrass demo} tells: one cloud, one core and one client device, as
 * separate processes, seen only through their public doors (the AWS CLI, HTTPS, MQTT, the printed
 * ready lines).
 *
 * <p>{@link io.ryegrass.demo.DemoMain} reads the options, {@link io.ryegrass.demo.Story} holds the
 * nine steps in order, and each step observes what it claims or throws {@link
 * io.ryegrass.demo.StepFailed} with what it saw instead. Everything lives in one folder; programs
 * that the demo started end with it.
 */
@NullMarked
package io.ryegrass.demo;

import org.jspecify.annotations.NullMarked;

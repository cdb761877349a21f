/**
 * Moquette as a program of its own that the MQTT benchmark starts beside the engine: a black box with its
 * documented settings, on a class path that the product never sees. It keeps nothing on the disk.
 */
package io.ryegrass.bench.peer;

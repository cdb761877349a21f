package io.ryegrass.nucleus;

/**
 * A number that a component of AWS's namespace has put (PutComponentMetric, v2-ipc.md section
 * 7.10): the sum since it was asked for before.
 *
 * @param unit as the operation has it, {@code BYTES} for example
 */
public record ComponentMetric(String component, String name, String unit, double value) {}

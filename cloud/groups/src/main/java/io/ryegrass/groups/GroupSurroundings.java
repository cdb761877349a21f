package io.ryegrass.groups;

/**
 * What the compiler looks up outside of the group version; everything else it knows from the group.
 */
public record GroupSurroundings(
    FunctionLookup functions, ComponentLookup components, ModelLookup models) {}

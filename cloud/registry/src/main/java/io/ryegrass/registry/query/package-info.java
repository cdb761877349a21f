/**
 * Queries of fleet indexing: {@link io.ryegrass.registry.query.IndexQuery} reads the query language
 * of {@code SearchIndex} and of dynamic thing groups, and tells whether the fields of a thing or of
 * a group fulfil a query.
 *
 * <p>Source: developer guide, "Query syntax" and "Example thing queries". It knows terms, phrases,
 * fields, prefixes ({@code ab*}), {@code ?}, comparisons, ranges, {@code AND}, {@code OR}, {@code
 * NOT}, {@code -}, groups and groups of a field. It does not know geographical queries.
 *
 * <p>Nothing is kept and nothing is read here; a query is immutable. Reading takes time in
 * proportion to the query, which has at most {@value
 * io.ryegrass.registry.query.IndexQuery#MAX_LENGTH} characters, and matching takes time in
 * proportion to query times fields.
 */
@NullMarked
package io.ryegrass.registry.query;

import org.jspecify.annotations.NullMarked;

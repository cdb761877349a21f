/**
 * Both databases for the tests of every module of the cloud: a class marked {@link
 * io.ryegrass.store.testing.OnBothDatabases} runs on SQLite and on PostgreSQL, and opens its store
 * with {@link io.ryegrass.store.testing.TestDatabase#open}.
 *
 * <p>PostgreSQL is a child of the test's process on a free port of 127.0.0.1, with its data in a
 * temporary folder; it starts when the first test asks for it and ends with the process, also when
 * that is killed. Where PostgreSQL is not installed, its half of the tests is skipped and says so.
 */
@NullMarked
package io.ryegrass.store.testing;

import org.jspecify.annotations.NullMarked;

/**
 * The cloud's relational store: one SQLite file or one PostgreSQL database, one writer, many
 * readers.
 *
 * <p>What it does: opens the database of a data folder (write-ahead log, {@code synchronous=FULL})
 * or a PostgreSQL database ({@code synchronous_commit} not off), brings each module's tables to the
 * version the program knows, and runs functions inside transactions: writes one after the other,
 * reads on one snapshot each. A module's code never sees JDBC, nor which of the two it is.
 *
 * <p>What it does not do: no mapping of objects, no query builder, no lazy loading. SQL is written
 * by the modules in the part that SQLite and PostgreSQL share: {@code TEXT}, {@code BIGINT}, {@code
 * INTEGER}, {@code BLOB}, {@code ON CONFLICT … DO UPDATE}; no {@code AUTOINCREMENT}, no {@code
 * rowid}, no {@code REPLACE}, no {@code LIKE} (SQLite's ignores case). A text holds no NUL. After a
 * statement that failed, a transaction can only be undone: whoever wants to go on wraps it in a
 * {@code write} of its own.
 *
 * <p>Who calls it: every service of the cloud. {@link io.ryegrass.store.CloudStore#afterCommit} is
 * how a change of state becomes a message: it goes out only if, and only after, the state is on
 * disk, and in the order of the commits.
 *
 * <p>What is guaranteed when the process dies: a {@code write} that returned is on disk; one that
 * did not return is there whole or not at all. Writes of several threads may share a commit, and
 * none of them returns before it. Actions given to {@code afterCommit} are lost in a crash between
 * commit and action: whoever depends on them must be able to ask for the state.
 */
@NullMarked
package io.ryegrass.store;

import org.jspecify.annotations.NullMarked;

/**
 * The bucket store: objects in a local folder or on another S3-compatible server, and the part of
 * the S3 API that Greengrass tools, the AWS CLI, SDKs and devices use.
 *
 * <p>{@link io.ryegrass.objects.ObjectStore} is what the cloud's other services see. In a local
 * folder each version of an object is a file (its data first, its description behind), and a SQLite
 * file beside them is the index. A put returns after file, folder and row are on the disk; when the
 * process dies earlier the old object, or none, is there, never half of one. What a dead process
 * left without a row is removed at the next start; an index that was lost is made again from the
 * files (without the marks of deletions). Parts of multipart uploads survive a restart. With
 * another server nothing is kept here: callers are judged here, then their requests go on with the
 * cloud's own signature.
 *
 * <p>{@link io.ryegrass.objects.S3Api} is the HTTP face: path-style (and {@code bucket.localhost})
 * requests, Signature Version 4 by header and by presigned URL, {@code aws-chunked} bodies with
 * chunk signatures and trailing checksums, decisions by the policies of users, roles and buckets,
 * versions, tags, conditional requests, copies, XML errors with AWS's codes. The device HTTPS
 * listener may hand it presigned requests, too. Bodies and listings are never in memory whole.
 *
 * <p>Not here: requests without a signature (so nothing is public, and no upload by HTML form),
 * ACLs (buckets are BucketOwnerEnforced, as new ones at AWS), encryption by the server, object
 * lock, CORS and life cycle rules, notifications, replication, websites. To set them is refused. On
 * another server also bucket policies, ownership and public access blocks are refused.
 */
@NullMarked
package io.ryegrass.objects;

import org.jspecify.annotations.NullMarked;

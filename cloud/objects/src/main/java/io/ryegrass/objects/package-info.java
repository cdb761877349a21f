/**
 * The bucket store: objects in a local folder, and the part of the S3 API that Greengrass tools,
 * the AWS CLI and devices use.
 *
 * <p>{@link io.ryegrass.objects.ObjectStore} keeps one file per object, its data first and its
 * description (key, ETag, type, checksums) behind, so that one rename makes both visible. A put
 * returns after file and folder are on the disk; when the process dies earlier the old object, or
 * none, is there, never half of one. Unfinished uploads live in a staging folder that is emptied at
 * the next start; multipart uploads survive it.
 *
 * <p>{@link io.ryegrass.objects.S3Api} is the HTTP face: path-style (and {@code bucket.localhost})
 * requests, Signature Version 4 by header and by presigned URL, {@code aws-chunked} bodies with
 * chunk signatures and trailing checksums, IAM decisions per bucket and object, XML errors with
 * AWS's codes. The device HTTPS listener may hand it presigned requests, too.
 *
 * <p>Not here: versioning, object ACLs, bucket policies, tagging, encryption settings, life cycles.
 * They are answered as NotImplemented.
 */
@NullMarked
package io.ryegrass.objects;

import org.jspecify.annotations.NullMarked;

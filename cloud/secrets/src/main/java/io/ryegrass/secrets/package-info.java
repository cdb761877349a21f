/**
 * AWS Secrets Manager as cores, the AWS CLI and the SDKs use it: secrets with versions and staging
 * labels, deletion with a recovery window, policies on secrets.
 *
 * <p>{@link io.ryegrass.secrets.SecretsService} describes the operations and tells the authoriser
 * the ARN, tags and policy of the secret that a request names, so that IAM policies with a full ARN
 * work for names and partial ARNs as well. Cores come with the temporary credentials of their role
 * alias.
 *
 * <p>Values are encrypted at rest in envelopes (decision 026): each version has a data key of its
 * own, AES-256-GCM, and that key is wrapped by a master key that stands in a file outside the
 * database (mode 0600). A copy of the database alone opens nothing. Values are in no log line and
 * in no error message. Whoever loses the key file loses the values, not the names.
 *
 * <p>Not here: rotation functions (rotate by PutSecretValue, or by a version under AWSPENDING whose
 * label AWSCURRENT is then moved), other regions, KMS: a {@code KmsKeyId} is kept and shown, and
 * encrypts nothing.
 *
 * <p>When the process dies: what was answered is on disk, with its labels; each operation is one
 * transaction. A change of the master key that was cut off is finished by the next start; both keys
 * stand in the file until every data key is wrapped by the new one.
 */
@NullMarked
package io.ryegrass.secrets;

import org.jspecify.annotations.NullMarked;

package io.ryegrass.objects;

/** Answers a call whose signature is good. */
@FunctionalInterface
interface S3Backend {
  S3Response answer(S3Call call);
}

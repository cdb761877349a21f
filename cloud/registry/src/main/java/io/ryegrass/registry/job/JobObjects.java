package io.ryegrass.registry.job;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The way to objects in S3, for documents of jobs and for the files that they name. */
public interface JobObjects {
  /** No objects: {@code documentSource} and placeholders of URLs are refused. */
  JobObjects NONE =
      new JobObjects() {
        @Override
        public Optional<byte[]> read(@Nullable Object caller, String bucket, String key) {
          return Optional.empty();
        }

        @Override
        public Optional<String> presign(
            String roleArn, String bucket, String key, Duration validity) {
          return Optional.empty();
        }
      };

  /**
   * An object's content; empty when there is none or the caller may not read it.
   *
   * @param caller identity of the API call
   */
  Optional<byte[]> read(@Nullable Object caller, String bucket, String key);

  /** A URL that gives a device the object; empty when the role may not read it. */
  Optional<String> presign(String roleArn, String bucket, String key, Duration validity);
}

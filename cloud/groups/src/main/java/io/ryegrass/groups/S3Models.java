package io.ryegrass.groups;

import io.ryegrass.objects.ObjectStore;
import java.util.Base64;
import java.util.Optional;

/** Archives of models in the cloud's buckets; a dot in front marks those of the program itself. */
final class S3Models implements ModelLookup {
  private final ObjectStore objects;

  S3Models(ObjectStore objects) {
    this.objects = objects;
  }

  @Override
  public Optional<Model> find(String s3Uri) {
    return S3Address.parse(s3Uri)
        .filter(address -> !address.bucket().startsWith("."))
        .flatMap(
            address ->
                objects
                    .sha256(address.bucket(), address.key())
                    .map(
                        digest ->
                            new Model(
                                Base64.getEncoder().encodeToString(digest),
                                () -> content(address))));
  }

  private byte[] content(S3Address address) {
    return objects
        .read(address.bucket(), address.key())
        .orElseThrow(
            () -> new GroupCompilationException("The model " + address + " was deleted just now."));
  }
}

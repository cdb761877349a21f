package io.ryegrass.nucleus;

import java.util.Optional;

/** Who this core is to registries of container images. */
@FunctionalInterface
public interface RegistryLogins {
  /**
   * A user and a password for a registry.
   *
   * @param password never in {@link #toString}
   */
  record Login(String user, String password) {
    @Override
    public String toString() {
      return user;
    }
  }

  /**
   * The login for an image's registry; empty when there is none, and the image must be public.
   *
   * @throws CloudUnavailableException when trying again later may help
   * @throws NucleusException GET_ECR_CREDENTIAL_ERROR or another code when it does not
   */
  Optional<Login> find(ImageReference image);
}

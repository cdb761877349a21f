package io.ryegrass.mqtt.program;

import io.ryegrass.mqtt.AuthenticationResult;
import io.ryegrass.mqtt.Authenticator;
import io.ryegrass.mqtt.ConnectRequest;
import io.ryegrass.mqtt.ReturnCode;
import org.jspecify.annotations.Nullable;

/** Who may connect: a proven certificate, else name and password, else anybody if that was said. */
final class Admission implements Authenticator {
  private final boolean anonymous;
  private volatile @Nullable Users users;

  Admission(boolean anonymous, @Nullable Users users) {
    this.anonymous = anonymous;
    this.users = users;
  }

  void replace(Users fresh) {
    users = fresh;
  }

  @Override
  public AuthenticationResult authenticate(ConnectRequest request) {
    if (!request.certificates().isEmpty()) {
      return new AuthenticationResult.Accepted(
          request.certificates().getFirst().getSubjectX500Principal().getName());
    }
    Users known = users;
    String name = request.userName();
    byte[] password = request.password();
    // Whoever gives a name must be it, also where nobody has to.
    if (known != null && name != null && password != null) {
      try {
        return known.admits(name, password)
            ? new AuthenticationResult.Accepted(name)
            : new AuthenticationResult.Refused(
                ReturnCode.BAD_USER_NAME_OR_PASSWORD, "wrong name or password for " + name);
      } catch (Users.BusyException e) {
        return new AuthenticationResult.Refused(
            ReturnCode.SERVER_UNAVAILABLE, String.valueOf(e.getMessage()));
      }
    }
    return anonymous
        ? new AuthenticationResult.Accepted(request.clientId())
        : new AuthenticationResult.Refused(
            ReturnCode.NOT_AUTHORISED, "neither certificate nor name and password");
  }
}

package io.ryegrass.registry;

/** What a device is told on a {@code …/rejected} topic of fleet provisioning. */
final class ProvisioningException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private final int status;
  private final String code;

  ProvisioningException(int status, String code, String message) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** As of HTTP. */
  int status() {
    return status;
  }

  String code() {
    return code;
  }

  static ProvisioningException invalid(String message) {
    return new ProvisioningException(400, "InvalidParameters", message);
  }
}

package io.ryegrass.awssignature;

/**
 * A request that is not signed well. Carries what is wrong as a {@link Reason} and speaks three
 * dialects of AWS's error codes, because S3, the JSON services and the query services (STS, IAM)
 * name the same fault differently.
 */
public final class SignatureException extends RuntimeException {

  private static final long serialVersionUID = 1;

  /** What is wrong with the signature. */
  public enum Reason {
    MISSING,
    MALFORMED,
    WRONG_SCOPE,
    UNKNOWN_KEY,
    MISMATCH,
    CLOCK_SKEW,
    URL_EXPIRED,
    WRONG_TOKEN,
    TOKEN_EXPIRED,
    BODY_MISMATCH
  }

  /** Whose error codes to speak. */
  public enum Dialect {
    JSON,
    QUERY,
    S3
  }

  private final Reason reason;
  private final Dialect dialect;

  SignatureException(Reason reason, Dialect dialect, String message) {
    super(message);
    this.reason = reason;
    this.dialect = dialect;
  }

  /** What is wrong. */
  public Reason reason() {
    return reason;
  }

  /** The AWS error code, in the dialect of the service named by the credential scope. */
  public String awsCode() {
    return awsCode(dialect);
  }

  /** The AWS error code in a given dialect. */
  public String awsCode(Dialect of) {
    return switch (of) {
      case JSON ->
          switch (reason) {
            case MISSING -> "MissingAuthenticationTokenException";
            case MALFORMED -> "IncompleteSignatureException";
            case UNKNOWN_KEY, WRONG_TOKEN -> "UnrecognizedClientException";
            case MISMATCH, WRONG_SCOPE, CLOCK_SKEW, URL_EXPIRED, BODY_MISMATCH ->
                "InvalidSignatureException";
            case TOKEN_EXPIRED -> "ExpiredTokenException";
          };
      case QUERY ->
          switch (reason) {
            case MISSING -> "MissingAuthenticationToken";
            case MALFORMED -> "IncompleteSignature";
            case UNKNOWN_KEY, WRONG_TOKEN -> "InvalidClientTokenId";
            case MISMATCH, WRONG_SCOPE, CLOCK_SKEW, URL_EXPIRED, BODY_MISMATCH ->
                "SignatureDoesNotMatch";
            case TOKEN_EXPIRED -> "ExpiredToken";
          };
      case S3 ->
          switch (reason) {
            case MISSING, URL_EXPIRED -> "AccessDenied";
            case MALFORMED, WRONG_SCOPE -> "AuthorizationHeaderMalformed";
            case UNKNOWN_KEY -> "InvalidAccessKeyId";
            case MISMATCH -> "SignatureDoesNotMatch";
            case CLOCK_SKEW -> "RequestTimeTooSkewed";
            case WRONG_TOKEN -> "InvalidToken";
            case TOKEN_EXPIRED -> "ExpiredToken";
            case BODY_MISMATCH -> "XAmzContentSHA256Mismatch";
          };
    };
  }

  /** What AWS says, in a given dialect. */
  public String awsMessage(Dialect of) {
    return switch (reason) {
      case MISSING ->
          switch (of) {
            case JSON -> "Missing Authentication Token";
            case QUERY -> "Request is missing Authentication Token";
            case S3 -> "Access Denied";
          };
      case UNKNOWN_KEY ->
          of == Dialect.S3
              ? "The AWS Access Key Id you provided does not exist in our records."
              : "The security token included in the request is invalid.";
      case WRONG_TOKEN ->
          of == Dialect.S3
              ? "The provided token is malformed or otherwise invalid."
              : "The security token included in the request is invalid.";
      case TOKEN_EXPIRED ->
          of == Dialect.S3
              ? "The provided token has expired."
              : "The security token included in the request is expired";
      case CLOCK_SKEW ->
          of == Dialect.S3
              ? "The difference between the request time and the current time is too large."
              : text();
      default -> text();
    };
  }

  private String text() {
    return String.valueOf(getMessage());
  }

  /** The HTTP status that goes with the fault. */
  public int status() {
    return switch (reason) {
      case MALFORMED -> 400;
      case WRONG_SCOPE -> dialect == Dialect.S3 ? 400 : 403;
      case WRONG_TOKEN, TOKEN_EXPIRED, BODY_MISMATCH -> dialect == Dialect.S3 ? 400 : 403;
      default -> 403;
    };
  }
}

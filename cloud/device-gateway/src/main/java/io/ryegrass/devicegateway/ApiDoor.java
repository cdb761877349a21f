package io.ryegrass.devicegateway;

import io.ryegrass.awsapi.ApiRequest;
import io.ryegrass.awsapi.ApiResponse;
import io.ryegrass.objects.S3Request;
import io.ryegrass.objects.S3Response;
import java.io.IOException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Signed requests: S3 streams through, all other services get their body whole and bounded. */
final class ApiDoor {

  /**
   * A body is in memory up to three times on its way (bytes, text, decoded). Only Lambda packages
   * come near the bound; larger ones go through S3, as AWS advises above 50 MB.
   */
  private static final int MAX_BODY_BYTES = 24 << 20;

  private static final int MAX_UNSIGNED_BYTES = 128 << 10;
  private static final int LARGE_BODY_BYTES = 2 << 20;
  private static final long LARGE_BODY_WAIT_SECONDS = 60;

  /** One large body at a time, so that a few of them do not fill the heap. */
  private static final Semaphore LARGE_BODY = new Semaphore(1, true);

  private ApiDoor() {}

  /** Whether a request bears a signature of an access key, by header or in the URL. */
  static boolean isSigned(HttpCall call) {
    String authorization = call.header("authorization");
    return (authorization != null && authorization.startsWith("AWS"))
        || call.rawQuery().contains("X-Amz-Signature=")
        || call.rawQuery().contains("AWSAccessKeyId=");
  }

  static void answer(HttpCall call, CloudServices services) throws IOException {
    if (services.objects().claims(call.method(), call.rawPath(), call.rawQuery(), call.headers())) {
      try (S3Response response =
          services
              .objects()
              .handle(
                  new S3Request(
                      call.method(),
                      call.rawPath(),
                      call.rawQuery(),
                      call.headers(),
                      call.body()))) {
        Witness.s3(services, call, response.status());
        call.answer(
            response.status(),
            response.headers(),
            response.contentLength(),
            out -> response.body().writeTo(out));
      }
      return;
    }
    if (!isSigned(call)) {
      // Refused whatever the body says; to wait for a stranger's body would let him hold the place
      // of the large ones. Only the small forms of STS for web identities come without signature.
      String type = call.header("content-type");
      boolean form = type != null && type.startsWith("application/x-www-form-urlencoded");
      byte[] body =
          form && bodyLength(call) <= MAX_UNSIGNED_BYTES ? call.body(MAX_UNSIGNED_BYTES) : null;
      answer(call, services, body == null ? new byte[0] : body);
      return;
    }
    if (bodyLength(call) <= LARGE_BODY_BYTES) {
      answerInMemory(call, services);
      return;
    }
    boolean mine = false;
    try {
      mine = LARGE_BODY.tryAcquire(LARGE_BODY_WAIT_SECONDS, TimeUnit.SECONDS);
      if (mine) {
        answerInMemory(call, services);
      } else {
        call.error(503, "ServiceUnavailableException", "Other large requests are under way.");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      call.error(503, "ServiceUnavailableException", "The cloud is stopping.");
    } finally {
      if (mine) {
        LARGE_BODY.release();
      }
    }
  }

  /** The announced length; a body of unannounced length counts as large. */
  private static long bodyLength(HttpCall call) {
    String length = call.header("content-length");
    try {
      return length != null
          ? Long.parseLong(length.strip())
          : call.header("transfer-encoding") == null ? 0 : Long.MAX_VALUE;
    } catch (NumberFormatException e) {
      return Long.MAX_VALUE;
    }
  }

  private static void answerInMemory(HttpCall call, CloudServices services) throws IOException {
    byte[] body =
        bodyLength(call) > MAX_BODY_BYTES && call.header("content-length") != null
            ? null
            : call.body(MAX_BODY_BYTES);
    if (body == null) {
      call.error(
          413,
          "RequestEntityTooLargeException",
          "The request is larger than "
              + MAX_BODY_BYTES
              + " bytes; put large packages into a bucket and name bucket and key instead.");
      return;
    }
    answer(call, services, body);
  }

  private static void answer(HttpCall call, CloudServices services, byte[] body) {
    ApiResponse response =
        services
            .api()
            .handle(
                new ApiRequest(
                    call.method(),
                    call.rawPath(),
                    call.rawQuery(),
                    call.headers(),
                    body,
                    call.peer()));
    call.answer(response.status(), response.headers(), response.body());
  }
}

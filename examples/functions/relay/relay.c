/*
 * A function in C: asks another function to answer each message, and publishes what it says.
 * Environment: TARGET, the ARN of the other function. Pack the executable "relay" at the root of a ZIP.
 */
#include <stdio.h>
#include <string.h>

#include "greengrasssdk.h"

#define MOST 65536

static size_t read_input(char *buffer, size_t size) {
  size_t length = 0, n = 0;
  do {
    if (gg_lambda_handler_read(buffer + length, size - length, &n) != GGE_SUCCESS) {
      return 0;
    }
    length += n;
  } while (n > 0);
  return length;
}

static size_t read_answer(gg_request request, char *buffer, size_t size) {
  size_t length = 0, n = 0;
  do {
    if (gg_request_read(request, buffer + length, size - length, &n) != GGE_SUCCESS) {
      return 0;
    }
    length += n;
  } while (n > 0);
  return length;
}

static void handle(const gg_lambda_context *context) {
  static char text[MOST];
  size_t length = read_input(text, sizeof text);
  gg_log(GG_LOG_INFO, "%zu bytes, context %s", length, context->client_context);

  gg_request request = NULL;
  gg_request_result result;
  if (gg_request_init(&request) != GGE_SUCCESS) {
    gg_lambda_handler_write_error("no memory");
    return;
  }
  gg_invoke_options ask = {.function_arn = getenv("TARGET"),
                           .type = GG_INVOKE_REQUEST_RESPONSE,
                           .payload = text,
                           .payload_size = length};
  gg_error error = gg_invoke(request, &ask, &result);
  if (error == GGE_SUCCESS) {
    length = read_answer(request, text, sizeof text);
  }
  if (error != GGE_SUCCESS || result.request_status != GG_REQUEST_SUCCESS) {
    gg_log(GG_LOG_ERROR, "the other function did not answer: %d %d %.*s", error, result.request_status, (int)length, text);
    gg_lambda_handler_write_error("the other function did not answer");
  } else {
    error = gg_publish(request, "relay/answer", text, length, &result);
    gg_log(GG_LOG_INFO, "published: %d %d", error, result.request_status);
    gg_lambda_handler_write_response(text, length);
  }
  gg_request_close(request);
}

int main(void) {
  if (gg_global_init(0) != GGE_SUCCESS) {
    return 1;
  }
  return gg_runtime_start(handle, 0) == GGE_TERMINATE ? 0 : 1;
}

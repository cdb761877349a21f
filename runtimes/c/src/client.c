/* The caller's side of the API: requests, invoke, publish, shadows, secrets, log. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

struct core core;

struct _gg_request {
  char *body;
  size_t length;
  size_t at;
};

struct _gg_publish_options {
  const char *policy;
};

/* ---- log: lines that begin with their level, which the core reads */

static void write_all(const char *data, size_t length) {
  while (length > 0) {
    ssize_t n = write(STDOUT_FILENO, data, length);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return; /* nobody reads the log any more */
    }
    data += n;
    length -= (size_t)n;
  }
}

static gg_error log_line(gg_log_level level, const char *format, va_list arguments) {
  static const char *const PREFIX[] = {"", "[DEBUG]-", "[INFO]-", "[WARN]-", "[ERROR]-", "[FATAL]-"};
  char *message = NULL;
  if (vasprintf(&message, format, arguments) < 0) {
    return GGE_OUT_OF_MEMORY;
  }
  struct text lines = EMPTY_TEXT;
  for (char *rest = message, *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
    if (*line != 0 || line == message) {
      text_add(&lines, PREFIX[level]);
      text_add(&lines, line);
      text_add(&lines, "\n");
    }
  }
  free(message);
  if (lines.failed) {
    text_free(&lines);
    return GGE_OUT_OF_MEMORY;
  }
  write_all(lines.data, lines.length);
  text_free(&lines);
  return GGE_SUCCESS;
}

gg_error gg_log(gg_log_level level, const char *format, ...) {
  if (level <= GG_LOG_RESERVED_NOTSET || level >= GG_LOG_RESERVED_MAX || format == NULL) {
    return GGE_INVALID_PARAMETER;
  }
  va_list arguments;
  va_start(arguments, format);
  gg_error error = log_line(level, format, arguments);
  va_end(arguments);
  return error;
}

void say(gg_log_level level, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  log_line(level, format, arguments);
  va_end(arguments);
}

/* ---- requests */

gg_error gg_request_init(gg_request *ggreq) {
  if (ggreq == NULL) {
    return GGE_INVALID_PARAMETER;
  }
  *ggreq = NULL;
  if (!core.ready) {
    return GGE_INVALID_STATE;
  }
  *ggreq = calloc(1, sizeof **ggreq);
  return *ggreq == NULL ? GGE_OUT_OF_MEMORY : GGE_SUCCESS;
}

gg_error gg_request_reuse(gg_request ggreq) {
  if (ggreq == NULL) {
    return GGE_INVALID_PARAMETER;
  }
  free(ggreq->body);
  memset(ggreq, 0, sizeof *ggreq);
  return GGE_SUCCESS;
}

gg_error gg_request_close(gg_request ggreq) {
  gg_error error = gg_request_reuse(ggreq);
  free(ggreq);
  return error;
}

gg_error gg_request_read(gg_request ggreq, void *buffer, size_t buffer_size, size_t *amount_read) {
  if (ggreq == NULL || amount_read == NULL || (buffer == NULL && buffer_size > 0)) {
    return GGE_INVALID_PARAMETER;
  }
  size_t n = ggreq->length - ggreq->at;
  if (n > buffer_size) {
    n = buffer_size;
  }
  if (n > 0) {
    memcpy(buffer, ggreq->body + ggreq->at, n);
  }
  ggreq->at += n;
  *amount_read = n;
  return GGE_SUCCESS;
}

/* ---- work for others */

static bool refused(const struct answer *a, const char *what, gg_request_result *result) {
  if (a->status >= 200 && a->status < 300) {
    return false;
  }
  result->request_status = a->status == 429 ? GG_REQUEST_AGAIN : GG_REQUEST_UNKNOWN;
  say(a->status == 429 ? GG_LOG_WARN : GG_LOG_ERROR, "The core refused work for %s with status %d: %.*s", what, a->status,
      (int)(a->length > 500 ? 500 : a->length), a->body == NULL ? "" : a->body);
  return true;
}

/* Posts work and, when it waits, fetches the result into the request. */
static gg_error call(gg_request ggreq, const char *arn, const char *client_context, const void *payload, size_t size,
                     bool waits, gg_request_result *result) {
  struct answer answer;
  struct text headers = EMPTY_TEXT;
  gg_error error = gg_request_reuse(ggreq);
  if (error != GGE_SUCCESS) {
    return error;
  }
  result->request_status = GG_REQUEST_UNKNOWN;
  if (runtime_stopping_here()) {
    return GGE_TERMINATE;
  }
  text_add(&headers, waits ? "X-Amz-Invocation-Type: RequestResponse\r\n" : "X-Amz-Invocation-Type: Event\r\n");
  if (client_context != NULL && *client_context != 0) {
    text_add(&headers, "X-Amz-Client-Context: ");
    text_add(&headers, client_context);
    text_add(&headers, "\r\n");
  }
  if (headers.failed) {
    text_free(&headers);
    return GGE_OUT_OF_MEMORY;
  }
  struct request post = {"POST", arn, "", headers.data, payload == NULL ? "" : payload, size};
  error = exchange(&post, &answer);
  text_free(&headers);
  if (error != GGE_SUCCESS) {
    return error;
  }
  if (refused(&answer, arn, result) || !waits) {
    if (answer.status < 300) {
      result->request_status = GG_REQUEST_SUCCESS;
    }
    answer_free(&answer);
    return GGE_SUCCESS;
  }
  char which[sizeof answer.invocation_id + 32];
  snprintf(which, sizeof which, "X-Amz-InvocationId: %s\r\n", answer.invocation_id);
  answer_free(&answer);
  struct request get = {"GET", arn, "", which, NULL, 0};
  error = exchange(&get, &answer);
  if (error != GGE_SUCCESS) {
    return error;
  }
  if (!refused(&answer, arn, result)) {
    result->request_status = strcmp(answer.function_error, "Handled") == 0 ? GG_REQUEST_HANDLED
                             : *answer.function_error != 0                ? GG_REQUEST_UNHANDLED
                                                                          : GG_REQUEST_SUCCESS;
  }
  ggreq->body = answer.body;
  ggreq->length = answer.length;
  answer.body = NULL;
  answer_free(&answer);
  return GGE_SUCCESS;
}

static gg_error check(gg_request ggreq, const gg_request_result *result) {
  return ggreq == NULL || result == NULL ? GGE_INVALID_PARAMETER : core.ready ? GGE_SUCCESS : GGE_INVALID_STATE;
}

/* Nothing that would end a request line or a header. */
static bool is_plain(const char *s) {
  for (; *s != 0; s++) {
    if ((unsigned char)*s <= ' ' || *s == 0x7f) {
      return false;
    }
  }
  return true;
}

static int fields_of(const char *arn) {
  int fields = 1;
  for (; *arn != 0; arn++) {
    fields += *arn == ':';
  }
  return fields;
}

gg_error gg_invoke(gg_request ggreq, const gg_invoke_options *opts, gg_request_result *result) {
  gg_error error = check(ggreq, result);
  if (error != GGE_SUCCESS) {
    return error;
  }
  if (opts == NULL || opts->function_arn == NULL || strncmp(opts->function_arn, "arn:", 4) != 0 ||
      !is_plain(opts->function_arn) || (opts->payload == NULL && opts->payload_size > 0) ||
      (opts->type != GG_INVOKE_EVENT && opts->type != GG_INVOKE_REQUEST_RESPONSE) ||
      (opts->customer_context != NULL && !is_base64(opts->customer_context))) {
    return GGE_INVALID_PARAMETER;
  }
  int fields = fields_of(opts->function_arn);
  bool qualified = opts->qualifier != NULL && *opts->qualifier != 0;
  if (fields < 7 || fields > 8 || (qualified && !is_plain(opts->qualifier)) ||
      (qualified && fields == 8 && strcmp(strrchr(opts->function_arn, ':') + 1, opts->qualifier) != 0)) {
    return GGE_INVALID_PARAMETER;
  }
  struct text arn = EMPTY_TEXT;
  text_add(&arn, opts->function_arn);
  if (qualified && fields == 7) {
    text_add(&arn, ":");
    text_add(&arn, opts->qualifier);
  }
  error = arn.failed ? GGE_OUT_OF_MEMORY
                     : call(ggreq, arn.data, opts->customer_context, opts->payload, opts->payload_size,
                            opts->type == GG_INVOKE_REQUEST_RESPONSE, result);
  text_free(&arn);
  return error;
}

/* base64 of {"custom":{"source":…,"subject":…,"queueFullPolicy":…}}; source and policy may be NULL. */
static gg_error subject_context(struct text *base64, const char *source, const char *subject, const char *policy) {
  struct text json = EMPTY_TEXT;
  text_add(&json, "{\"custom\":{");
  if (source != NULL) {
    text_add(&json, "\"source\":");
    text_add_json_string(&json, source);
    text_add(&json, ",");
  }
  text_add(&json, "\"subject\":");
  text_add_json_string(&json, subject);
  if (policy != NULL) {
    text_add(&json, ",\"queueFullPolicy\":");
    text_add_json_string(&json, policy);
  }
  text_add(&json, "}}");
  if (!json.failed) {
    text_add_base64(base64, json.data, json.length);
  }
  bool failed = json.failed || base64->failed;
  text_free(&json);
  return failed ? GGE_OUT_OF_MEMORY : GGE_SUCCESS;
}

gg_error gg_publish_options_init(gg_publish_options *opts) {
  if (opts == NULL) {
    return GGE_INVALID_PARAMETER;
  }
  *opts = calloc(1, sizeof **opts);
  if (*opts == NULL) {
    return GGE_OUT_OF_MEMORY;
  }
  (*opts)->policy = "";
  return GGE_SUCCESS;
}

gg_error gg_publish_options_free(gg_publish_options opts) {
  if (opts == NULL) {
    return GGE_INVALID_PARAMETER;
  }
  free(opts);
  return GGE_SUCCESS;
}

gg_error gg_publish_options_set_queue_full_policy(gg_publish_options opts, gg_queue_full_policy_options policy) {
  if (opts == NULL || (policy != GG_QUEUE_FULL_POLICY_BEST_EFFORT && policy != GG_QUEUE_FULL_POLICY_ALL_OR_ERROR)) {
    return GGE_INVALID_PARAMETER;
  }
  opts->policy = policy == GG_QUEUE_FULL_POLICY_ALL_OR_ERROR ? "AllOrError" : "BestEffort";
  return GGE_SUCCESS;
}

gg_error gg_publish_with_options(gg_request ggreq, const char *topic, const void *payload, size_t payload_size,
                                 const gg_publish_options opts, gg_request_result *result) {
  gg_error error = check(ggreq, result);
  if (error != GGE_SUCCESS) {
    return error;
  }
  if (topic == NULL || *topic == 0 || (payload == NULL && payload_size > 0)) {
    return GGE_INVALID_PARAMETER;
  }
  struct text context = EMPTY_TEXT;
  error = subject_context(&context, core.my_arn, topic, opts == NULL ? "" : opts->policy);
  if (error == GGE_SUCCESS) {
    error = call(ggreq, core.router_arn, context.data, payload, payload_size, false, result);
  }
  text_free(&context);
  return error;
}

gg_error gg_publish(gg_request ggreq, const char *topic, const void *payload, size_t payload_size,
                    gg_request_result *result) {
  return gg_publish_with_options(ggreq, topic, payload, payload_size, NULL, result);
}

/* The core's services answer an error of theirs as a document with two members. */
static void judge(gg_request ggreq, const char *first, const char *second, gg_request_result *result) {
  if (result->request_status == GG_REQUEST_SUCCESS && json_object_has(ggreq->body, ggreq->length, first, second)) {
    result->request_status = GG_REQUEST_HANDLED;
  }
}

static gg_error shadow(gg_request ggreq, const char *operation, const char *thing, const char *payload,
                       gg_request_result *result) {
  gg_error error = check(ggreq, result);
  if (error != GGE_SUCCESS) {
    return error;
  }
  if (thing == NULL || *thing == 0 || payload == NULL) {
    return GGE_INVALID_PARAMETER;
  }
  struct text subject = EMPTY_TEXT;
  struct text context = EMPTY_TEXT;
  text_add(&subject, "$aws/things/");
  text_add(&subject, thing);
  text_add(&subject, "/shadow/");
  text_add(&subject, operation);
  error = subject.failed ? GGE_OUT_OF_MEMORY : subject_context(&context, NULL, subject.data, NULL);
  if (error == GGE_SUCCESS) {
    error = call(ggreq, core.shadow_arn, context.data, payload, strlen(payload), true, result);
  }
  if (error == GGE_SUCCESS) {
    judge(ggreq, "code", "message", result);
  }
  text_free(&subject);
  text_free(&context);
  return error;
}

gg_error gg_get_thing_shadow(gg_request ggreq, const char *thing_name, gg_request_result *result) {
  return shadow(ggreq, "get", thing_name, "", result);
}

gg_error gg_update_thing_shadow(gg_request ggreq, const char *thing_name, const char *update_payload,
                                gg_request_result *result) {
  return shadow(ggreq, "update", thing_name, update_payload, result);
}

gg_error gg_delete_thing_shadow(gg_request ggreq, const char *thing_name, gg_request_result *result) {
  return shadow(ggreq, "delete", thing_name, "", result);
}

gg_error gg_get_secret_value(gg_request ggreq, const char *secret_id, const char *version_id,
                             const char *version_stage, gg_request_result *result) {
  gg_error error = check(ggreq, result);
  if (error != GGE_SUCCESS) {
    return error;
  }
  if (secret_id == NULL || *secret_id == 0) {
    return GGE_INVALID_PARAMETER;
  }
  struct text json = EMPTY_TEXT;
  text_add(&json, "{\"SecretId\":");
  text_add_json_string(&json, secret_id);
  if (version_id != NULL) {
    text_add(&json, ",\"VersionId\":");
    text_add_json_string(&json, version_id);
  }
  if (version_stage != NULL) {
    text_add(&json, ",\"VersionStage\":");
    text_add_json_string(&json, version_stage);
  }
  text_add(&json, "}");
  error = json.failed ? GGE_OUT_OF_MEMORY : call(ggreq, core.secrets_arn, NULL, json.data, json.length, true, result);
  if (error == GGE_SUCCESS) {
    judge(ggreq, "Status", "Message", result);
  }
  text_free(&json);
  return error;
}

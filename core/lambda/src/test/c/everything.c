/* A function with every call of the API: the first word of its input says which one to make. */
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "greengrasssdk.h"

#define MOST (8 * 1024 * 1024)

static int calls = 0;

static void answer(const char *text) { gg_lambda_handler_write_response(text, strlen(text)); }

/* STATUS:BODY, read in small pieces. */
static void tell(gg_request request, gg_error error, gg_request_result result) {
  char text[4096];
  int length = snprintf(text, sizeof text, "%d/%d:", (int)error, (int)result.request_status);
  size_t n = 1;
  while (n > 0 && gg_request_read(request, text + length, sizeof text - (size_t)length < 7 ? 0 : 7, &n) == GGE_SUCCESS) {
    length += (int)n;
  }
  gg_lambda_handler_write_response(text, (size_t)length);
}

static void invoke(gg_request request, char *arguments, gg_invoke_type type) {
  char *qualifier = strsep(&arguments, " ");
  char *arn = strsep(&arguments, " ");
  gg_invoke_options options = {.function_arn = arn,
                               .customer_context = "eyJjdXN0b20iOiB7InN1YmplY3QiOiAiZnJvbS9DIn19",
                               .qualifier = *qualifier == '-' ? NULL : qualifier,
                               .type = type,
                               .payload = arguments,
                               .payload_size = strlen(arguments)};
  gg_request_result result = {GG_REQUEST_UNKNOWN};
  gg_error error = gg_invoke(request, &options, &result);
  tell(request, error, result);
}

static void publish(gg_request request, char *arguments, const char *policy) {
  char *topic = strsep(&arguments, " ");
  gg_request_result result = {GG_REQUEST_UNKNOWN};
  gg_error error;
  if (policy == NULL) {
    error = gg_publish(request, topic, arguments, strlen(arguments), &result);
  } else {
    gg_publish_options options;
    gg_publish_options_init(&options);
    gg_publish_options_set_queue_full_policy(options, GG_QUEUE_FULL_POLICY_ALL_OR_ERROR);
    error = gg_publish_with_options(request, topic, arguments, strlen(arguments), options, &result);
    gg_publish_options_free(options);
  }
  tell(request, error, result);
}

/* A child that is told to end does, and its parent goes on. */
static void forks(gg_request request) {
  int ready[2];
  char byte;
  int status;
  if (pipe(ready) != 0) {
    return;
  }
  pid_t child = fork();
  if (child == 0) {
    gg_request_result result = {GG_REQUEST_UNKNOWN};
    gg_publish(request, "from/the/child", "x", 1, &result);
    if (write(ready[1], "!", 1) == 1) {
      sleep(20);
    }
    _exit(9);
  }
  if (read(ready[0], &byte, 1) == 1) {
    kill(child, 15);
  }
  waitpid(child, &status, 0);
  answer(WIFSIGNALED(status) ? "child ended by the signal" : "child went on");
}

static void handle(const gg_lambda_context *context) {
  static char input[MOST + 1];
  size_t length = 0, n = 0;
  do {
    if (gg_lambda_handler_read(input + length, MOST - length < 1000 ? MOST - length : 1000, &n) != GGE_SUCCESS) {
      return;
    }
    length += n;
  } while (n > 0);
  input[length] = 0;
  calls++;
  char *rest = input;
  char *what = strsep(&rest, " ");
  rest = rest == NULL ? "" : rest;
  gg_request request = NULL;
  gg_request_result result = {GG_REQUEST_UNKNOWN};
  gg_error error;
  gg_request_init(&request);
  if (strcmp(what, "echo") == 0) {
    gg_lambda_handler_write_response(rest, length - 5);
  } else if (strcmp(what, "context") == 0) {
    char text[2048];
    snprintf(text, sizeof text, "%s|%s|%d", context->function_arn, context->client_context, calls);
    answer(text);
  } else if (strcmp(what, "publish") == 0) {
    publish(request, rest, NULL);
  } else if (strcmp(what, "publish-all") == 0) {
    publish(request, rest, "AllOrError");
  } else if (strcmp(what, "invoke") == 0) {
    invoke(request, rest, GG_INVOKE_REQUEST_RESPONSE);
  } else if (strcmp(what, "event") == 0) {
    invoke(request, rest, GG_INVOKE_EVENT);
  } else if (strcmp(what, "get") == 0) {
    error = gg_get_thing_shadow(request, rest, &result);
    tell(request, error, result);
  } else if (strcmp(what, "update") == 0) {
    error = gg_update_thing_shadow(request, rest, "{\"state\":{\"reported\":{\"on\":true}}}", &result);
    tell(request, error, result);
  } else if (strcmp(what, "delete") == 0) {
    error = gg_delete_thing_shadow(request, rest, &result);
    tell(request, error, result);
  } else if (strcmp(what, "secret") == 0) {
    error = gg_get_secret_value(request, rest, NULL, "AWSCURRENT", &result);
    tell(request, error, result);
  } else if (strcmp(what, "error") == 0) {
    gg_lambda_handler_write_error(rest);
  } else if (strcmp(what, "twice") == 0) {
    answer("first");
    if (gg_lambda_handler_write_response("second", 6) != GGE_INVALID_STATE) {
      gg_log(GG_LOG_ERROR, "a second answer was taken");
    }
  } else if (strcmp(what, "log") == 0) {
    gg_log(GG_LOG_DEBUG, "a %s line", "debug");
    gg_log(GG_LOG_WARN, "warned %d times\nand more", 2);
    gg_log(GG_LOG_FATAL, "fatal");
    fprintf(stderr, "on stderr\n");
  } else if (strcmp(what, "forks") == 0) {
    forks(request);
  } else if (strcmp(what, "crash") == 0) {
    abort();
  }
  gg_request_close(request);
}

int main(int argc, char **argv) {
  gg_request request = NULL;
  gg_request_result result;
  if (gg_request_init(&request) != GGE_INVALID_STATE || gg_runtime_start(handle, 0) != GGE_INVALID_STATE) {
    return 3; /* nothing goes before gg_global_init */
  }
  if (gg_global_init(0) != GGE_SUCCESS) {
    return 4;
  }
  if (argc < 2 || strcmp(argv[1], "async") != 0) {
    gg_error error = gg_runtime_start(handle, 0);
    gg_log(GG_LOG_INFO, "the runtime ended with %d", (int)error);
    return 0;
  }
  gg_runtime_start(handle, GG_RT_OPT_ASYNC);
  gg_request_init(&request);
  gg_error error;
  while ((error = gg_publish(request, "tick", "!", 1, &result)) != GGE_TERMINATE) {
    struct timespec pause = {0, 50 * 1000 * 1000};
    nanosleep(&pause, NULL);
  }
  gg_log(GG_LOG_INFO, "cleaning up");
  gg_request_close(request);
  return 0;
}

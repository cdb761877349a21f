/* The function's side: asks for work, calls the handler, gives the answer, until SIGTERM. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define CORE_GONE_ATTEMPTS 4

/* The work that the handler on this thread was called for. */
struct work {
  struct answer in;
  size_t at;
  bool answered;
  bool failed;
  struct text out;
};
static __thread struct work *current;

static gg_lambda_handler the_handler;
static atomic_bool started;
static atomic_bool stopping;
static int wake = -1;
static pid_t owner;

bool runtime_stopping_here(void) { return atomic_load(&stopping) && current == NULL; }

static const char *environment(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value == NULL || *value == 0 ? otherwise : value;
}

gg_error gg_global_init(uint32_t opt) {
  if (opt != 0) {
    return GGE_INVALID_PARAMETER;
  }
  if (core.ready) {
    return GGE_SUCCESS;
  }
  /* Copies: the function may change its environment. */
  const char *arn = getenv("MY_FUNCTION_ARN");
  const char *token = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (arn == NULL || token == NULL) {
    say(GG_LOG_ERROR, "This program is a function of a Greengrass core and was not started by one: "
                      "MY_FUNCTION_ARN or AWS_CONTAINER_AUTHORIZATION_TOKEN is not set.");
    return GGE_INVALID_STATE;
  }
  int port = atoi(environment("GG_DAEMON_PORT", "8000"));
  core.my_arn = strdup(arn);
  core.token = strdup(token);
  core.router_arn = strdup(environment("ROUTER_FUNCTION_ARN", "arn:aws:lambda:::function:GGRouter"));
  core.shadow_arn = strdup(environment("SHADOW_FUNCTION_ARN", "arn:aws:lambda:::function:GGShadowService"));
  core.secrets_arn = strdup(environment("SECRETS_MANAGER_FUNCTION_ARN", "arn:aws:lambda:::function:GGSecretManager:1"));
  core.port = port;
  wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (core.my_arn == NULL || core.token == NULL || core.router_arn == NULL || core.shadow_arn == NULL ||
      core.secrets_arn == NULL) {
    return GGE_OUT_OF_MEMORY;
  }
  if (wake < 0 || port <= 0 || port > 65535) {
    say(GG_LOG_ERROR, wake < 0 ? "No eventfd is to be had." : "GG_DAEMON_PORT is not a port.");
    return GGE_INTERNAL_FAILURE;
  }
  core.ready = true;
  return GGE_SUCCESS;
}

static void on_sigterm(int signal_number) {
  int before = errno;
  if (getpid() != owner) {
    /* A child that the function forked ends as any other process. */
    signal(signal_number, SIG_DFL);
    raise(signal_number);
    return;
  }
  uint64_t one = 1;
  atomic_store(&stopping, true);
  ssize_t ignored = write(wake, &one, sizeof one);
  (void)ignored;
  errno = before;
}

/* ---- inside a handler */

gg_error gg_lambda_handler_read(void *buffer, size_t buffer_size, size_t *amount_read) {
  if (amount_read == NULL || (buffer == NULL && buffer_size > 0)) {
    return GGE_INVALID_PARAMETER;
  }
  struct work *w = current;
  if (w == NULL) {
    return GGE_INVALID_STATE;
  }
  size_t n = w->in.length - w->at;
  if (n > buffer_size) {
    n = buffer_size;
  }
  if (n > 0) {
    memcpy(buffer, w->in.body + w->at, n);
  }
  w->at += n;
  *amount_read = n;
  return GGE_SUCCESS;
}

static gg_error keep(struct work *w, bool failed) {
  if (w->out.failed) {
    text_free(&w->out);
    return GGE_OUT_OF_MEMORY;
  }
  w->answered = true;
  w->failed = failed;
  return GGE_SUCCESS;
}

gg_error gg_lambda_handler_write_response(const void *response, size_t response_size) {
  if (response == NULL && response_size > 0) {
    return GGE_INVALID_PARAMETER;
  }
  struct work *w = current;
  if (w == NULL || w->answered) {
    return GGE_INVALID_STATE;
  }
  text_append(&w->out, response, response_size);
  return keep(w, false);
}

gg_error gg_lambda_handler_write_error(const char *error_message) {
  if (error_message == NULL) {
    return GGE_INVALID_PARAMETER;
  }
  struct work *w = current;
  if (w == NULL || w->answered) {
    return GGE_INVALID_STATE;
  }
  text_add(&w->out, "{\"errorMessage\":");
  text_add_json_string(&w->out, error_message);
  text_add(&w->out, "}");
  return keep(w, true);
}

/* ---- the loop */

static void pause_ms(long ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&t, NULL);
}

/* Waits for work. The answer's status is 200; GGE_TERMINATE when told to stop, or when the core wants no more. */
static gg_error get_work(struct connection *c, struct answer *a, bool asked_already) {
  const struct request question = {"GET", core.my_arn, "/work", "", NULL, 0};
  int attempt = 0;
  for (;;) {
    gg_error error = GGE_SUCCESS;
    if (atomic_load(&stopping)) {
      return GGE_TERMINATE;
    }
    bool fresh = asked_already || wire_is_fresh(c);
    if (!asked_already) {
      error = wire_send(c, &question, 1);
    }
    asked_already = false;
    if (error == GGE_SUCCESS) {
      error = wire_receive(c, a, wake);
    }
    if (error == GGE_INTERNAL_FAILURE) {
      if (fresh && ++attempt == CORE_GONE_ATTEMPTS) {
        say(GG_LOG_ERROR, "The core does not answer any more; this worker ends.");
        return error;
      }
      if (fresh) {
        pause_ms((150 + getpid() % 50) << attempt);
      }
      continue;
    }
    if (error != GGE_SUCCESS) {
      return error;
    }
    if (a->status == 200) {
      return GGE_SUCCESS;
    }
    int status = a->status;
    if (status != 204) {
      say(GG_LOG_ERROR, "The core gives this worker no more work (status %d); it ends.", status);
    }
    answer_free(a);
    if (status != 204) {
      return GGE_INTERNAL_FAILURE;
    }
    attempt = 0;
  }
}

static void run_handler(struct work *w) {
  struct text json = EMPTY_TEXT;
  if (w->in.client_context != NULL && !text_from_base64(&json, w->in.client_context)) {
    say(GG_LOG_WARN, "The client context of this call is not base64; it is left out.");
  }
  gg_lambda_context context = {core.my_arn, json.data == NULL ? "" : json.data};
  current = w;
  the_handler(&context);
  current = NULL;
  text_free(&json);
}

/* Gives the answer; asks for more in the same packet unless this is the last. False: ask again. */
static bool give(struct connection *c, struct work *w, bool last) {
  char headers[sizeof w->in.invocation_id + 80];
  snprintf(headers, sizeof headers, "X-Amz-InvocationId: %s\r\n%s", w->in.invocation_id,
           w->failed ? "X-Amz-Function-Error: Handled\r\n" : "");
  const struct request both[2] = {{"POST", core.my_arn, "/work", headers, w->out.data == NULL ? "" : w->out.data, w->out.length},
                                  {"GET", core.my_arn, "/work", "", NULL, 0}};
  for (int attempt = 1; attempt <= CORE_GONE_ATTEMPTS; attempt++) {
    struct answer taken;
    gg_error error = wire_send(c, both, last ? 1 : 2);
    if (error == GGE_SUCCESS) {
      error = wire_receive(c, &taken, -1);
    }
    if (error == GGE_SUCCESS) {
      if (taken.status >= 300) {
        /* Its caller no longer waits, or the answer is too large: the core has told the caller. */
        say(GG_LOG_WARN, "The core did not take the answer: status %d: %.*s", taken.status,
            (int)(taken.length > 500 ? 500 : taken.length), taken.body == NULL ? "" : taken.body);
      }
      answer_free(&taken);
      return !last && c->socket >= 0;
    }
    pause_ms(150 << attempt);
  }
  return false;
}

static gg_error initialised(struct connection *c) {
  const char *yes = "{\"Success\": true, \"Response\": \"\"}";
  struct request put = {"PUT", core.my_arn, "/initialized", "", yes, strlen(yes)};
  struct answer a;
  gg_error error = wire_send(c, &put, 1);
  if (error == GGE_SUCCESS) {
    error = wire_receive(c, &a, -1);
  }
  if (error != GGE_SUCCESS) {
    say(GG_LOG_ERROR, "The core does not answer on 127.0.0.1:%d.", core.port);
    return error;
  }
  if (a.status >= 300) {
    say(GG_LOG_ERROR, "The core does not know this worker: status %d: %.*s", a.status, (int)a.length,
        a.body == NULL ? "" : a.body);
    error = GGE_INTERNAL_FAILURE;
  }
  answer_free(&a);
  return error;
}

static gg_error work_until_told(void) {
  struct connection c = NO_CONNECTION;
  gg_error error = initialised(&c);
  bool asked = false;
  while (error == GGE_SUCCESS) {
    struct work w;
    memset(&w, 0, sizeof w);
    error = get_work(&c, &w.in, asked);
    if (error == GGE_SUCCESS) {
      run_handler(&w);
      asked = give(&c, &w, atomic_load(&stopping));
    }
    answer_free(&w.in);
    text_free(&w.out);
  }
  wire_close(&c);
  return error;
}

static void *work_on_a_thread(void *nothing) {
  (void)nothing;
  gg_error error = work_until_told();
  if (error == GGE_TERMINATE) {
    pause_ms(1000); /* for main, which sees GGE_TERMINATE from its own calls */
    exit(0);
  }
  exit(1);
}

gg_error gg_runtime_start(gg_lambda_handler handler, uint32_t opt) {
  if (handler == NULL || (opt & ~(uint32_t)GG_RT_OPT_ASYNC) != 0) {
    return GGE_INVALID_PARAMETER;
  }
  if (!core.ready || atomic_exchange(&started, true)) {
    return GGE_INVALID_STATE;
  }
  the_handler = handler;
  owner = getpid();
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_sigterm;
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, NULL);
  if ((opt & GG_RT_OPT_ASYNC) == 0) {
    return work_until_told();
  }
  pthread_t thread;
  int failure = pthread_create(&thread, NULL, work_on_a_thread, NULL);
  if (failure != 0) {
    say(GG_LOG_ERROR, "No thread for the runtime: %s", strerror(failure));
    return GGE_INTERNAL_FAILURE;
  }
  pthread_detach(thread);
  return GGE_SUCCESS;
}

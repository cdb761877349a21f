/* What the parts of the library share. text.c: growing texts, JSON, base64; wire.c: HTTP; client.c, runtime.c: the API. */
#ifndef RYEGRASS_C_INTERNAL_H
#define RYEGRASS_C_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "greengrasssdk.h"

/* A growing text with a zero behind it. Once memory ran out it stays failed, so one look at the end is enough. */
struct text {
  char *data;
  size_t length;
  size_t capacity;
  bool failed;
};

#define EMPTY_TEXT {NULL, 0, 0, false}

void text_append(struct text *t, const char *data, size_t length);
void text_add(struct text *t, const char *s);
void text_add_json_string(struct text *t, const char *s);
void text_add_base64(struct text *t, const char *data, size_t length);
bool text_from_base64(struct text *t, const char *base64);
void text_free(struct text *t);

bool is_base64(const char *s);
/* Whether the text is a JSON object with both members at its top level. */
bool json_object_has(const char *json, size_t length, const char *first, const char *second);

/* What the core answered. */
struct answer {
  int status;
  char *body; /* malloc'ed, or NULL when it is empty */
  size_t length;
  char invocation_id[128];
  char function_error[32];
  char *client_context; /* malloc'ed base64, or NULL */
};

void answer_free(struct answer *a);

struct connection {
  int socket;
  pid_t owner; /* a fork does not inherit it */
  long long used_ms;
  char *rest; /* bytes of the next answer that came with the last */
  size_t rest_length;
};

#define NO_CONNECTION {-1, 0, 0, NULL, 0}

struct request {
  const char *method;
  const char *arn;
  const char *rest;    /* behind the ARN: "", "/work", "/initialized" */
  const char *headers; /* further lines, each with its line break */
  const void *body;    /* NULL: none */
  size_t length;
};

/* How the core is reached; set once by gg_global_init. */
struct core {
  const char *my_arn;
  const char *router_arn;
  const char *shadow_arn;
  const char *secrets_arn;
  const char *token;
  int port;
  bool ready;
};
extern struct core core;

/* One after the other in one packet, answered in this order. */
gg_error wire_send(struct connection *c, const struct request *requests, int count);
/* wake: a descriptor that ends the wait for the answer's first byte with GGE_TERMINATE when it is readable; or -1. */
gg_error wire_receive(struct connection *c, struct answer *a, int wake);
void wire_close(struct connection *c);
bool wire_is_fresh(struct connection *c); /* closes what stood idle for too long, or is the parent's */

/* A connection for one exchange of any thread. */
gg_error exchange(const struct request *r, struct answer *a);

/* What the runtime tells the rest. */
bool runtime_stopping_here(void); /* told to end, and not inside a handler */

void say(gg_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

/*
 * HTTP/1.1 to the core's port on loopback, as little of it as the work protocol needs: a status line, headers, a body of
 * a stated length. Everything that comes from the other side has a bound. Waits have none of their own: the core answers
 * a question for work within its long poll and ends a function that takes too long, and when it dies the connection breaks.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define LARGEST_HEAD (256 * 1024)         /* client contexts travel in headers */
#define LARGEST_BODY (64UL * 1024 * 1024) /* the core's own limit is far below */
#define CHUNK (16 * 1024)

/* The core closes a connection that is idle for longer: a request on it could be lost after it was sent. */
#define REUSABLE_FOR_MS 10000

#define POOLED 8
static struct connection pool[POOLED];
static int pooled = 0;
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;

static long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void answer_free(struct answer *a) {
  free(a->body);
  free(a->client_context);
  memset(a, 0, sizeof *a);
}

void wire_close(struct connection *c) {
  if (c->socket >= 0) {
    close(c->socket);
  }
  free(c->rest);
  struct connection none = NO_CONNECTION;
  *c = none;
}

bool wire_is_fresh(struct connection *c) {
  if (c->socket >= 0 && (c->owner != getpid() || now_ms() - c->used_ms > REUSABLE_FOR_MS)) {
    wire_close(c);
  }
  return c->socket < 0;
}

static gg_error wire_open(struct connection *c) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)core.port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s < 0) {
    say(GG_LOG_ERROR, "No socket to reach the core: %s", strerror(errno));
    return GGE_INTERNAL_FAILURE;
  }
  int on = 1;
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int done;
  do {
    done = connect(s, (struct sockaddr *)&address, sizeof address);
  } while (done < 0 && errno == EINTR);
  if (done < 0 && errno != EISCONN) {
    say(GG_LOG_ERROR, "The core does not answer on 127.0.0.1:%d: %s", core.port, strerror(errno));
    close(s);
    return GGE_INTERNAL_FAILURE;
  }
  struct connection fresh = {s, getpid(), now_ms(), NULL, 0};
  *c = fresh;
  return GGE_SUCCESS;
}

gg_error wire_send(struct connection *c, const struct request *requests, int count) {
  struct text head[2] = {EMPTY_TEXT, EMPTY_TEXT};
  struct iovec parts[4];
  int n = 0;
  gg_error error = GGE_SUCCESS;
  if (wire_is_fresh(c) && (error = wire_open(c)) != GGE_SUCCESS) {
    return error;
  }
  for (int i = 0; i < count; i++) {
    const struct request *r = &requests[i];
    struct text *h = &head[i];
    text_add(h, r->method);
    text_add(h, " /2016-11-01/functions/");
    text_add(h, r->arn);
    text_add(h, r->rest);
    text_add(h, " HTTP/1.1\r\nHost: localhost\r\nAuthorization: ");
    text_add(h, core.token);
    text_add(h, "\r\n");
    text_add(h, r->headers);
    if (r->body != NULL) {
      char length[48];
      int written = snprintf(length, sizeof length, "Content-Length: %zu\r\n", r->length);
      text_append(h, length, (size_t)written);
    }
    text_add(h, "\r\n");
    if (h->failed) {
      error = GGE_OUT_OF_MEMORY;
      goto done;
    }
    parts[n].iov_base = h->data;
    parts[n++].iov_len = h->length;
    if (r->body != NULL && r->length > 0) {
      parts[n].iov_base = (void *)r->body;
      parts[n++].iov_len = r->length;
    }
  }
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)n};
  while (message.msg_iovlen > 0) {
    ssize_t sent = sendmsg(c->socket, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) {
        continue;
      }
      wire_close(c);
      error = GGE_INTERNAL_FAILURE;
      goto done;
    }
    while (message.msg_iovlen > 0 && (size_t)sent >= message.msg_iov->iov_len) {
      sent -= (ssize_t)message.msg_iov->iov_len;
      message.msg_iov++;
      message.msg_iovlen--;
    }
    if (message.msg_iovlen > 0) {
      message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + sent;
      message.msg_iov->iov_len -= (size_t)sent;
    }
  }
done:
  text_free(&head[0]);
  text_free(&head[1]);
  return error;
}

/* The value of a header line when it has this name. */
static const char *value_of(const char *line, const char *name) {
  size_t n = strlen(name);
  if (strncasecmp(line, name, n) != 0 || line[n] != ':') {
    return NULL;
  }
  line += n + 1;
  while (*line == ' ' || *line == '\t') {
    line++;
  }
  return line;
}

static void copy(char *to, size_t size, const char *value) {
  size_t n = strlen(value);
  if (n >= size) {
    n = size - 1;
  }
  memcpy(to, value, n);
  to[n] = 0;
}

/* Reads more behind the text; wake as in wire_receive. */
static gg_error more(struct connection *c, struct text *in, int wake) {
  if (wake >= 0) {
    struct pollfd both[2] = {{c->socket, POLLIN, 0}, {wake, POLLIN, 0}};
    int ready;
    do {
      ready = poll(both, 2, -1);
    } while (ready < 0 && errno == EINTR);
    if (ready > 0 && (both[0].revents == 0) && both[1].revents != 0) {
      return GGE_TERMINATE;
    }
  }
  char chunk[CHUNK];
  ssize_t got;
  do {
    got = recv(c->socket, chunk, sizeof chunk, 0);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) {
    return GGE_INTERNAL_FAILURE;
  }
  text_append(in, chunk, (size_t)got);
  return in->failed ? GGE_OUT_OF_MEMORY : GGE_SUCCESS;
}

static gg_error receive(struct connection *c, struct answer *a, int wake, struct text *in, bool *closes) {
  gg_error error;
  char *end;
  if (c->rest != NULL) {
    text_append(in, c->rest, c->rest_length);
    free(c->rest);
    c->rest = NULL;
    c->rest_length = 0;
  }
  while (in->length == 0 || (end = memmem(in->data, in->length, "\r\n\r\n", 4)) == NULL) {
    if (in->failed) {
      return GGE_OUT_OF_MEMORY;
    }
    if (in->length > LARGEST_HEAD) {
      say(GG_LOG_ERROR, "An answer of the core has headers that do not end.");
      return GGE_INTERNAL_FAILURE;
    }
    if ((error = more(c, in, in->length == 0 ? wake : -1)) != GGE_SUCCESS) {
      return error;
    }
  }
  size_t body_at = (size_t)(end - in->data) + 4;
  end[2] = 0;
  if (strncmp(in->data, "HTTP/1.", 7) != 0 || (a->status = atoi(in->data + 9)) < 100) {
    say(GG_LOG_ERROR, "What answers on 127.0.0.1:%d does not speak HTTP.", core.port);
    return GGE_INTERNAL_FAILURE;
  }
  size_t length = 0;
  for (char *line = in->data, *next; *line != 0; line = next + 2) {
    next = strstr(line, "\r\n");
    if (next == NULL) {
      say(GG_LOG_ERROR, "An answer of the core has a zero byte in its headers.");
      return GGE_INTERNAL_FAILURE;
    }
    *next = 0;
    const char *value;
    if ((value = value_of(line, "Content-Length")) != NULL) {
      length = strtoul(value, NULL, 10);
    } else if ((value = value_of(line, "Transfer-Encoding")) != NULL) {
      say(GG_LOG_ERROR, "An answer of the core has no stated length.");
      return GGE_INTERNAL_FAILURE;
    } else if ((value = value_of(line, "X-Amz-InvocationId")) != NULL) {
      copy(a->invocation_id, sizeof a->invocation_id, value);
    } else if ((value = value_of(line, "X-Amz-Function-Error")) != NULL) {
      copy(a->function_error, sizeof a->function_error, value);
    } else if ((value = value_of(line, "X-Amz-Client-Context")) != NULL && a->client_context == NULL) {
      a->client_context = strdup(value);
    } else if ((value = value_of(line, "Connection")) != NULL) {
      *closes = strcasecmp(value, "close") == 0;
    }
  }
  if (a->status == 204 || a->status == 304) {
    length = 0;
  }
  if (length > LARGEST_BODY) {
    say(GG_LOG_ERROR, "An answer of the core has %zu bytes, which is too much.", length);
    return GGE_INTERNAL_FAILURE;
  }
  while (in->length - body_at < length) {
    if ((error = more(c, in, -1)) != GGE_SUCCESS) {
      return error;
    }
  }
  size_t behind = in->length - body_at - length;
  if (behind > 0) {
    c->rest = malloc(behind);
    if (c->rest == NULL) {
      return GGE_OUT_OF_MEMORY;
    }
    memcpy(c->rest, in->data + body_at + length, behind);
    c->rest_length = behind;
  }
  if (length > 0) {
    memmove(in->data, in->data + body_at, length);
    in->data[length] = 0;
    a->body = in->data;
    a->length = length;
    in->data = NULL;
  }
  return GGE_SUCCESS;
}

gg_error wire_receive(struct connection *c, struct answer *a, int wake) {
  struct text in = EMPTY_TEXT;
  bool closes = false;
  memset(a, 0, sizeof *a);
  gg_error error = receive(c, a, wake, &in, &closes);
  text_free(&in);
  if (error != GGE_SUCCESS) {
    answer_free(a);
    wire_close(c);
  } else if (closes) {
    wire_close(c);
  } else {
    c->used_ms = now_ms();
  }
  return error;
}

static struct connection from_pool(void) {
  struct connection c = NO_CONNECTION;
  pthread_mutex_lock(&pool_lock);
  if (pooled > 0) {
    c = pool[--pooled];
  }
  pthread_mutex_unlock(&pool_lock);
  return c;
}

static void to_pool(struct connection c) {
  if (c.socket < 0) {
    return;
  }
  pthread_mutex_lock(&pool_lock);
  bool kept = pooled < POOLED;
  if (kept) {
    pool[pooled++] = c;
  }
  pthread_mutex_unlock(&pool_lock);
  if (!kept) {
    wire_close(&c);
  }
}

gg_error exchange(const struct request *r, struct answer *a) {
  struct connection c = from_pool();
  gg_error error;
  for (;;) {
    bool fresh = wire_is_fresh(&c);
    error = wire_send(&c, r, 1);
    if (error == GGE_SUCCESS) {
      error = wire_receive(&c, a, -1);
    }
    /* A stale connection says nothing about the core; a question can be asked again, a message would come twice. */
    if (error == GGE_INTERNAL_FAILURE && !fresh && strcmp(r->method, "GET") == 0) {
      continue;
    }
    break;
  }
  to_pool(c);
  return error;
}

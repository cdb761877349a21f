/* A static program that speaks the Lambda Runtime API over one connection, as those of Go do. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static char in[65536], out[70000], path[512];

/* The body of the answer; *id is the request's id when the answer has one. */
static char *receive(int s, char *id) {
  size_t n = 0;
  char *body = NULL;
  size_t length = 0;
  while (body == NULL || n < (size_t)(body - in) + length) {
    ssize_t got = recv(s, in + n, sizeof in - 1 - n, 0);
    if (got <= 0) {
      exit(1);
    }
    n += (size_t)got;
    in[n] = 0;
    if (body == NULL && (body = strstr(in, "\r\n\r\n")) != NULL) {
      body += 4;
      for (char *line = in; line < body - 2; line = strstr(line, "\r\n") + 2) {
        if (strncasecmp(line, "Content-Length:", 15) == 0) {
          length = strtoul(line + 15, NULL, 10);
        } else if (strncasecmp(line, "Lambda-Runtime-Aws-Request-Id: ", 31) == 0) {
          sscanf(line + 31, "%100s", id);
        }
      }
    }
  }
  body[length] = 0;
  return body;
}

int main(void) {
  const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
  const char *colon = strchr(api, ':');
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(colon + 1))};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  snprintf(path, sizeof path, "%s/2018-06-01/runtime/invocation", strchr(api, '/'));
  int s = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(s, (struct sockaddr *)&to, sizeof to) != 0) {
    return 2;
  }
  for (;;) {
    char id[128] = "", ignored[128];
    int n = snprintf(out, sizeof out, "GET %s/next HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    if (send(s, out, (size_t)n, 0) != n) {
      return 3;
    }
    char *body = receive(s, id);
    int length = (int)(strlen(body) + strlen(getenv("_HANDLER")) + 5);
    n = snprintf(out, sizeof out, "POST %s/%s/response HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n[%s,\"%s\"]",
                 path, id, length, body, getenv("_HANDLER"));
    if (send(s, out, (size_t)n, 0) != n) {
      return 3;
    }
    receive(s, ignored);
  }
}

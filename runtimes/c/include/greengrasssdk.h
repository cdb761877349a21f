/*
 * The API of functions that are C programs: names, values and types of the public Greengrass Core SDK for C, so that
 * a program written for it compiles with this header and a program linked with it runs with our library.
 *
 * A program calls gg_global_init(0) first, while it has one thread, and then gg_runtime_start(handler, options).
 * All other calls may be made from any thread. Linked with -laws-greengrass-core-sdk-c; the core puts the library first
 * on the path of the function's process.
 */
#ifndef RYEGRASS_GREENGRASSSDK_H
#define RYEGRASS_GREENGRASSSDK_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whether a call was made. What became of it on the other side is in gg_request_result. */
typedef enum gg_error {
  GGE_SUCCESS = 0,
  GGE_OUT_OF_MEMORY = 1,
  GGE_INVALID_PARAMETER = 2,
  GGE_INVALID_STATE = 3,    /* before gg_global_init, or outside a handler */
  GGE_INTERNAL_FAILURE = 4, /* the core did not answer; the function's log tells more */
  GGE_TERMINATE = 5,        /* the core told this process to end (SIGTERM) */
  GGE_RESERVED_MAX,
  GGE_RESERVED_PAD = 0x7FFFFFFF /* 32 bits wide */
} gg_error;

/* What became of a request. */
typedef enum gg_request_status {
  GG_REQUEST_SUCCESS = 0,
  GG_REQUEST_HANDLED = 1,   /* the function, or the service, answered with an error: read it */
  GG_REQUEST_UNHANDLED = 2, /* the function ended without an answer: read why */
  GG_REQUEST_UNKNOWN = 3,   /* the core refused; the function's log tells more */
  GG_REQUEST_AGAIN = 4,     /* a queue was full: try again */
  GG_REQUEST_RESERVED_MAX,
  GG_REQUEST_RESERVED_PAD = 0x7FFFFFFF
} gg_request_status;

typedef struct gg_request_result {
  gg_request_status request_status;
} gg_request_result;

/* Why a handler was called. Valid until it returns. */
typedef struct gg_lambda_context {
  const char *function_arn;   /* of this function, with its version */
  const char *client_context; /* JSON; of a routed message {"custom":{"subject":TOPIC}}; "" when the caller gave none */
} gg_lambda_context;

typedef enum gg_invoke_type {
  GG_INVOKE_EVENT = 0,
  GG_INVOKE_REQUEST_RESPONSE = 1,
  GG_INVOKE_RESERVED_MAX,
  GG_INVOKE_RESERVED_PAD = 0x7FFFFFFF
} gg_invoke_type;

typedef enum gg_runtime_opt {
  GG_RT_OPT_ASYNC = 0x1, /* work is done on a thread of its own and gg_runtime_start returns at once */
  GG_RT_OPT_RESERVED_PAD = 0x7FFFFFFF
} gg_runtime_opt;

typedef struct gg_invoke_options {
  const char *function_arn;
  const char *customer_context; /* base64 of JSON, or NULL */
  const char *qualifier;        /* version or alias where the ARN has none, or NULL */
  gg_invoke_type type;
  const void *payload;
  size_t payload_size;
} gg_invoke_options;

typedef enum gg_queue_full_policy_options {
  GG_QUEUE_FULL_POLICY_BEST_EFFORT = 0,
  GG_QUEUE_FULL_POLICY_ALL_OR_ERROR = 1, /* to all targets, or to none and GG_REQUEST_AGAIN */
  GG_QUEUE_FULL_POLICY_RESERVED_MAX,
  GG_QUEUE_FULL_POLICY_RESERVED_PAD = 0x7FFFFFFF
} gg_queue_full_policy_options;

typedef enum gg_log_level {
  GG_LOG_RESERVED_NOTSET = 0,
  GG_LOG_DEBUG = 1,
  GG_LOG_INFO = 2,
  GG_LOG_WARN = 3,
  GG_LOG_ERROR = 4,
  GG_LOG_FATAL = 5,
  GG_LOG_RESERVED_MAX,
  GG_LOG_RESERVED_PAD = 0x7FFFFFFF
} gg_log_level;

typedef struct _gg_request *gg_request;
typedef struct _gg_publish_options *gg_publish_options;
typedef void (*gg_lambda_handler)(const gg_lambda_context *cxt);

/* opt is 0. GGE_INVALID_STATE where no core started this process. */
gg_error gg_global_init(uint32_t opt);

/* A line in the function's log; format as printf has it. */
gg_error gg_log(gg_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A request holds what the last call that it was given to answered. Read it until amount_read is 0. It can be given to
 * one call after another, and belongs to one thread at a time.
 */
gg_error gg_request_init(gg_request *ggreq);
gg_error gg_request_reuse(gg_request ggreq); /* forgets what it holds */
gg_error gg_request_close(gg_request ggreq);
gg_error gg_request_read(gg_request ggreq, void *buffer, size_t buffer_size, size_t *amount_read);

/*
 * Tells the core that this process can work, and calls the handler for each piece of work. Takes SIGTERM over: without
 * options it then returns GGE_TERMINATE, when the handler that runs has returned; with GG_RT_OPT_ASYNC calls outside
 * a handler return GGE_TERMINATE from then on, and a process that has not ended a second later ends by exit(0).
 */
gg_error gg_runtime_start(gg_lambda_handler handler, uint32_t opt);

/* For the thread that a handler was called on. An answer is given once; none is an empty one. */
gg_error gg_lambda_handler_read(void *buffer, size_t buffer_size, size_t *amount_read);
gg_error gg_lambda_handler_write_response(const void *response, size_t response_size);
gg_error gg_lambda_handler_write_error(const char *error_message); /* the caller sees GG_REQUEST_HANDLED */

gg_error gg_invoke(gg_request ggreq, const gg_invoke_options *opts, gg_request_result *result);

gg_error gg_publish_options_init(gg_publish_options *opts);
gg_error gg_publish_options_free(gg_publish_options opts);
gg_error gg_publish_options_set_queue_full_policy(gg_publish_options opts, gg_queue_full_policy_options policy);
gg_error gg_publish_with_options(gg_request ggreq, const char *topic, const void *payload, size_t payload_size,
                                 const gg_publish_options opts, gg_request_result *result);
gg_error gg_publish(gg_request ggreq, const char *topic, const void *payload, size_t payload_size,
                    gg_request_result *result);

/* The answer is the shadow's document, or with GG_REQUEST_HANDLED {"code":…,"message":…}. */
gg_error gg_get_thing_shadow(gg_request ggreq, const char *thing_name, gg_request_result *result);
gg_error gg_update_thing_shadow(gg_request ggreq, const char *thing_name, const char *update_payload,
                                gg_request_result *result);
gg_error gg_delete_thing_shadow(gg_request ggreq, const char *thing_name, gg_request_result *result);

/* version_id and version_stage may be NULL. With GG_REQUEST_HANDLED the answer is {"Status":…,"Message":…}. */
gg_error gg_get_secret_value(gg_request ggreq, const char *secret_id, const char *version_id,
                             const char *version_stage, gg_request_result *result);

#ifdef __cplusplus
}
#endif

#endif

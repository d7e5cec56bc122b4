/*
 * Requests to an inference endpoint: what a suite says about them (`struct prompt_template`, one
 * per check), one prompt of it (`struct prompt_input`), and the HTTP request both make.
 *
 * Strings inside `body`, `input` and `messages` may hold variables: "{{prompt}}", "{{system}}",
 * "{{model}}", "{{max_tokens}}", "{{temperature}}", "{{id}}" and the keys of `vars`. A string that
 * is one variable and nothing else becomes the variable's value with its type.
 *
 * Pure: nothing is sent, no environment is read. Secrets come in through `struct prompt_place`.
 */
#ifndef PROMPT_REQUEST_H
#define PROMPT_REQUEST_H

#include "base/arena.h"
#include "base/err.h"
#include "base/field.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROMPT_BODY_BYTES_MAX ((size_t)32 * 1024 * 1024)    /* of a request's body */
#define PROMPT_RUN_BYTES_MAX ((size_t)10 * 1024 * 1024)	    /* RunPod documentation: /run */
#define PROMPT_RUNSYNC_BYTES_MAX ((size_t)20 * 1024 * 1024) /* RunPod documentation: /runsync */

/* How requests are put and answers are read; the order of "template" in suites. */
enum prompt_format {
	PROMPT_FASTAPI,	    /* POST /prompt {"prompt": …}, answer {"output": …} and kin */
	PROMPT_OPENAI_CHAT, /* POST /v1/chat/completions */
	PROMPT_OPENAI_COMPLETIONS, /* POST /v1/completions */
	PROMPT_RUNPOD_SYNC,	   /* POST /runsync {"input": …}, polled when it is not done */
	PROMPT_RUNPOD_ASYNC,	   /* POST /run, then GET /status/ID */
	PROMPT_JSON,		   /* any body, any answer */
};
#define PROMPT_FORMATS (PROMPT_JSON + 1)
extern const char *const prompt_format_names[]; /* NULL-terminated */

struct prompt_auth {
	const char *env;    /* name of the variable that holds the secret; never the secret */
	const char *header; /* default "Authorization" */
	const char *scheme; /* before the secret, default "Bearer"; "" for none */
};

struct prompt_tls {
	const char *ca;	  /* file of authorities, NULL: the system's */
	const char *cert; /* our certificate and its key, both or none */
	const char *key;
	bool insecure; /* take any certificate */
};

struct prompt_template {
	int format;	    /* enum prompt_format */
	const char *url;    /* base, NULL: the suite's service */
	const char *path;   /* NULL: the format's own */
	const char *method; /* NULL: POST */
	struct pairs headers;
	struct prompt_auth *auth; /* NULL: none */
	struct prompt_tls *tls;	  /* NULL: as the system has it */
	const char *proxy;	  /* URL, "" for none; NULL: the environment's */
	const char *model;
	const char *system;
	int64_t max_tokens; /* FIELD_ABSENT_INT: not sent */
	double temperature; /* NAN: not sent */
	int64_t seed;	    /* FIELD_ABSENT_INT: not sent */
	bool stream;	    /* ask for server-sent events */
	const struct json
		*body;	  /* PROMPT_JSON: the body; else its keys are added or replace ours */
	const char *text; /* JSON path of what was generated, NULL: the format's own */
};
/* Suite table of a template: the key "request" of the check kinds `prompt` and `load`. */
extern const struct field prompt_template_fields[];
extern const struct prompt_template prompt_template_plain; /* when a suite says nothing */

struct prompt_input {
	const char *prompt;	     /* NULL: none */
	const struct json *messages; /* OpenAI chat: instead of PROMPT */
	const struct json *input;    /* RunPod: the job's input, instead of {"prompt": …} */
	const struct json *vars;     /* object; NULL: none */
	int64_t max_tokens;	     /* FIELD_ABSENT_INT: the template's */
};
/* Rows for a struct that holds a prompt_input at offset BASE. */
#define PROMPT_INPUT_FIELDS(BASE)                                                                  \
	{.name = "prompt",                                                                         \
	 .type = FIELD_STRING,                                                                     \
	 .offset = (BASE) + offsetof(struct prompt_input, prompt),                                 \
	 .help = "text of the prompt"},                                                            \
		{.name = "messages",                                                               \
		 .type = FIELD_JSON,                                                               \
		 .offset = (BASE) + offsetof(struct prompt_input, messages),                       \
		 .help = "openai-chat: list of messages, instead of prompt"},                      \
		{.name = "input",                                                                  \
		 .type = FIELD_JSON,                                                               \
		 .offset = (BASE) + offsetof(struct prompt_input, input),                          \
		 .help = "runpod: the job's input, instead of {\"prompt\": …}"},                   \
		{.name = "vars",                                                                   \
		 .type = FIELD_JSON,                                                               \
		 .offset = (BASE) + offsetof(struct prompt_input, vars),                           \
		 .help = "object: values of {{NAME}} in body, input and texts"},                   \
	{                                                                                          \
		.name = "max_tokens", .type = FIELD_INT,                                           \
		.offset = (BASE) + offsetof(struct prompt_input, max_tokens), .min = 1,            \
		.max = 10000000, .help = "most tokens to generate, instead of the request's"       \
	}

/* The row of how prompts are put, for a struct that holds a prompt_template at OFFSET. */
#define PROMPT_REQUEST_FIELD(OFFSET, HELP)                                                         \
	{                                                                                          \
		.name = "request", .type = FIELD_OBJECT, .offset = (OFFSET),                       \
		.fields = prompt_template_fields, .size = sizeof(struct prompt_template),          \
		.help = (HELP)                                                                     \
	}

/* TEMPLATE alone is sound: keys fit the format, url and path are well formed. ERR_USAGE. */
int prompt_template_validate(const struct prompt_template *tmpl, struct err *err);

/* INPUT fits TEMPLATE: it has something to send, every variable is known. ERR_USAGE. */
int prompt_input_validate(const struct prompt_template *tmpl, const struct prompt_input *input,
			  struct err *err);

/* What only the run knows. */
struct prompt_place {
	const char *base;   /* of the service, "http://127.0.0.1:8000"; NULL: the template's url */
	const char *secret; /* value of auth.env; NULL when the template has no auth */
	const char *id;	    /* value of {{id}}; NULL: "" */
};

/* An HTTP request; strings are the arena's. */
struct prompt_request {
	const char *method;
	const char *url;	    /* absolute: ORIGIN and PATH */
	const char *origin;	    /* "http://host:port" */
	const char *path;	    /* "/v1/…", with query */
	const char *const *headers; /* "Name: value", NULL-terminated; may hold the secret */
	const char *body;	    /* NULL: none */
	size_t body_len;
	enum prompt_format format;
	bool stream; /* an event stream is wanted */
};

/*
 * Make the request of INPUT. Both have been validated. ERR_USAGE: no base URL, auth without
 * secret, a secret that cannot stand in a header; ERR_LIMIT: the body is larger than the format
 * allows, with both numbers.
 */
int prompt_request_make(const struct prompt_template *tmpl, const struct prompt_input *input,
			const struct prompt_place *place, struct arena *arena,
			struct prompt_request *out, struct err *err);

#endif

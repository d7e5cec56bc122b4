/*
 * A suite: how to build, which targets, which checks. Loaded from JSONC, validated against field
 * tables, with every error located. The room does not know the check kinds: the caller passes a
 * lookup.
 */
#ifndef SUITE_SUITE_H
#define SUITE_SUITE_H

#include "base/field.h"
#include "base/file.h"
#include "prompt/expect.h"

#define SUITE_BYTES_MAX ((size_t)1024 * 1024)
#define SUITE_CHECKS_MAX 10000
#define SUITE_VERSION 1
#define SUITE_RERUNS_MAX 20

struct suite_image {
	const char *dockerfile; /* path in the repository, default "Dockerfile" */
	const char *context;	/* folder in the repository, default "." */
	struct pairs args;	/* build arguments */
	struct pairs labels;
	const char *target;	/* stage, NULL: the last */
	const char *network;	/* "none" (default), "host", "default" or a network's name */
	int builder;		/* enum suite_builder */
	uint64_t timeout_ns;	/* default 1h */
	struct strings secrets; /* "id=NAME,env=VAR" or "id=NAME,src=FILE": BuildKit only */
	bool pull;		/* ask the registry for newer bases */
};

enum suite_builder { SUITE_BUILDER_AUTO, SUITE_BUILDER_CLASSIC, SUITE_BUILDER_BUILDKIT };

struct suite_mount {
	const char *source; /* absolute, or relative to the current folder */
	const char *target; /* absolute, in the container */
	bool writable;
};

/* A prompt whose good answer proves that the service serves. */
struct suite_ready {
	struct prompt_template *request; /* never NULL after loading */
	struct prompt_input input;
	struct expect *expect; /* NULL: status 2xx, no error, and a text that is not empty */
	uint64_t timeout_ns;   /* from the start, default 5m */
	uint64_t interval_ns;  /* between two attempts, default 250ms */
	uint64_t answer_ns;    /* of one attempt, default 30s */
};

/* The image under test as a service, or one that runs already. Either URL, or the container. */
struct suite_service {
	const char *url;
	struct strings entrypoint; /* empty: the image's */
	struct strings command;	   /* empty: the image's */
	int64_t port;		   /* inside; 0 with network host: a free one, {{port}} below */
	int network;		   /* enum suite_network */
	struct pairs env;	   /* values may hold {{port}}, as the command's words may */
	struct strings secrets;	   /* names of variables that are passed on */
	struct objects mounts;	   /* struct suite_mount */
	bool gpu;
	const char *user;
	const char *workdir;
	uint64_t memory_bytes;	   /* 0: no limit */
	uint64_t shm_bytes;	   /* 0: the engine's default */
	struct suite_ready *ready; /* never NULL with a container */
};

enum suite_network { SUITE_NETWORK_PUBLISHED, SUITE_NETWORK_HOST };

/* A check that is known to fail. */
struct suite_expect {
	const char *reason;
	struct strings labels;	/* only failures with one of these; empty: any */
	struct strings targets; /* only on these of the suite's; empty: on all */
	const char *until;	/* the last day, "2026-12-31", or a time; NULL: no end */
};

#define SUITE_REFERENCES_MAX 1000 /* of a check */

/* What a metric is known to be. */
struct suite_reference {
	const char *cell; /* as the metric's, "*": any */
	const char *metric;
	double value; /* finite, not 0 */
	double lower,
		upper;	  /* allowed distance in percent of it: at most and at least 0; NAN: any */
	const char *unit; /* "" none */
};

struct suite_references {
	struct suite_reference *items;
	size_t count;
};

struct suite_check {
	const char *name;
	const char *kind;
	struct strings tags;
	struct strings targets; /* empty: once, whatever the suite's targets */
	struct strings needs;	/* "gpu": skipped with a reason where it is missing */
	uint64_t timeout_ns;	/* default 60s */
	uint64_t output_max;	/* default 1MiB per stream */
	bool isolated;		/* own container with a writable root */
	bool optional;		/* a skip of it does not make the run inconclusive */
	int64_t reruns;		/* of a failure, at most; FIELD_ABSENT_INT: see rerun_failures */
	struct suite_expect *expect_failure; /* NULL: it should pass */
	const struct json *references_json;
	struct suite_references references;
	/* Hash of all that decides what it asserts: its text with the variables put in, the files
	 * that it names, the suite's targets and service. */
	const char *definition;
	const void *spec; /* filled by the kind's table */
	const char *path; /* "checks[3]" */
};

struct suite {
	struct arena *arena;
	struct json *document; /* what FIELD_JSON values point into */
	const char *file;
	const char *name;
	const char *description;
	struct strings targets;
	struct suite_image *image;     /* never NULL after loading */
	struct suite_service *service; /* NULL: none */
	bool rerun_failures;	       /* as often as the history of a check asks for */
	struct suite_check *checks;
	size_t check_count;
	char hash[65]; /* SHA-256 of the bytes and the variables used */
};

/* What a kind brings to loading; NULL fields: unknown kind. */
struct suite_kind {
	const struct field *fields;
	size_t spec_size;
	int (*validate)(const void *spec, struct err *err);
	/* Optional: read files that the spec names into it, with memory of ARENA. Their content
	 * becomes part of the suite's hash. ERR_USAGE; the loader adds the check's place. */
	int (*load)(void *spec, const struct file_reader *files, struct arena *arena,
		    struct err *err);
};
typedef bool suite_kind_lookup(const char *kind, struct suite_kind *out, void *payload);

/*
 * Parse LEN bytes of TEXT named FILE. VARS (may be NULL) are `--var` values; "${NAME}" in any
 * string is replaced from VARS, then the environment; "$${" is a literal "${"; an unset name is an
 * error. Files that checks name are read by FILES (NULL: naming one is an error), with paths
 * relative to the suite's folder. Kinds come from LOOKUP; KINDS lists their names for "did you
 * mean". Every error is ERR_USAGE "FILE:LINE:COL: …". The caller frees with suite_free.
 */
int suite_parse(const char *file, const char *text, size_t len, const struct pairs *vars,
		const struct file_reader *files, suite_kind_lookup *lookup,
		const char *const *kinds, void *payload, struct suite **out, struct err *err);
void suite_free(struct suite *suite);
void suite_freep(struct suite **suite);

/* Keep the checks whose name or a tag equals one of NAMES (shell wildcards * and ? allowed).
 * Returns the number kept. */
size_t suite_select(struct suite *suite, const char *const *names, size_t count);

/* The JSON Schema (draft 2020-12) of suites for the kinds given; caller frees. */
struct json *suite_schema(suite_kind_lookup *lookup, const char *const *kinds, void *payload);

/* Tables, for help and the man page. */
extern const struct field suite_fields[];
extern const struct field suite_image_fields[];
extern const struct field suite_service_fields[];
extern const struct field suite_check_fields[];

#endif

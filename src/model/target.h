/*
 * What a check looks at: an image, and ways to look inside. `deploy` fills one from an engine;
 * tests fill one from recorded data. All calls may come from several threads at once.
 */
#ifndef MODEL_TARGET_H
#define MODEL_TARGET_H

#include "base/arena.h"
#include "base/err.h"
#include "base/field.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image_config {
	const char *id;	    /* "sha256:…" */
	struct strings env; /* "KEY=value" */
	struct strings entrypoint;
	struct strings cmd;
	const char *user;
	const char *workdir;
	struct pairs labels;
	struct strings ports; /* "8000/tcp" */
	struct strings volumes;
	struct strings healthcheck; /* Test as stored: {"CMD-SHELL", "…"}; empty: none */
	const char *os;
	const char *arch;
	uint64_t size_bytes;
};

struct command {
	struct strings argv; /* no shell: argv[0] is found in the image's PATH */
	struct pairs env;    /* added to the image's */
	const char *workdir; /* NULL: the image's */
	const char *user;    /* NULL: the image's; "uid[:gid]" or a name */
	const char *input;   /* standard input, NULL: empty */
	bool isolated;	     /* own container with a writable root */
	bool network;	     /* needs a network: own container */
	uint64_t timeout_ns;
	size_t output_max; /* bytes kept of each stream */
	/* Only with ISOLATED: command lines run first, in the same container, with the same user
	 * and variables, whatever their exit codes. */
	const struct strings *before;
	size_t before_count;
};

struct command_result {
	int exit_code; /* 0-255; 128 + signal when killed by one */
	bool timed_out;
	bool not_found;	    /* argv[0] does not exist or cannot be executed in the image */
	bool before_failed; /* with not_found or timed_out: it was one of `before` */
	const char *out;    /* NUL-terminated, at most output_max bytes */
	size_t out_len;
	bool out_truncated;
	const char *errout;
	size_t errout_len;
	bool errout_truncated;
	uint64_t duration_ns;
};

enum file_type { FILE_REGULAR, FILE_FOLDER, FILE_SYMLINK, FILE_OTHER };

struct file_info {
	enum file_type type;
	uint32_t mode; /* permission bits, 07777 */
	uint32_t uid, gid;
	uint64_t size_bytes;
	const char *link;    /* of a symlink */
	const char *content; /* regular files, at most the bytes asked for; NULL: not asked */
	size_t content_len;
	bool content_truncated;
	const char *sha256; /* of the whole content, when content was asked for */
};

/* The service that prompts are sent to. */
struct target_service {
	const char *url;	/* base, "http://127.0.0.1:8000" */
	bool started;		/* from the image under test, by us; else it ran already */
	uint64_t cold_start_ns; /* from the start to the first good answer, when STARTED */
	struct strings secrets; /* values that were handed to it: never to be shown */
	/* It did not become ready: what check_trial_fail takes. NULL LABEL: it is ready. */
	const char *label;
	const char *expected;
	const char *actual;
};

/* How a service that was started is doing now. */
struct target_service_state {
	bool running;
	bool out_of_memory;
	int exit_code;	       /* when it no longer runs */
	uint64_t memory_bytes; /* in use, 0: not asked, or not known */
	const char *log; /* what it printed since the last case looked: raw, may hold secrets */
	size_t log_len;
};

/* A run of assay-gpu (src/gpu), the program that calls kernels on the card. */
struct gpu_request {
	struct strings args; /* of the program */
	const char *device;  /* by the Container Device Interface, "vendor.com/class=name"; NULL:
				every GPU, by the engine's own way */
	bool host;	     /* on this machine, not in a container of the image */
	uint64_t timeout_ns;
	size_t output_max; /* bytes kept of each stream */
};

struct rule_input; /* rules/rules.h */

struct target_ops {
	/* Run a command in the image. 0 also when the command fails or times out; -1 when it could
	 * not be run at all (engine gone: ERR_INFRA). */
	int (*run)(void *target, const struct command *command, struct arena *arena,
		   struct command_result *out, struct err *err);
	/* Look at PATH without running anything in the image; symlinks are followed when FOLLOW.
	 * CONTENT_MAX 0 does not read content. A missing path is ERR_NOTFOUND. */
	int (*file)(void *target, const char *path, bool follow, size_t content_max,
		    struct arena *arena, struct file_info *out, struct err *err);
	/* Facts of the image and of the baseline's, and the files of the commit, as rules want
	 * them; without targets. Read once, when first asked for; borrowed from the target. Hold no
	 * other call of it: image_read on what it points to is for one thread at a time, between
	 * inspect and inspect_end. */
	int (*inspect)(void *target, const struct rule_input **out, struct err *err);
	void (*inspect_end)(void *target);
	/* Optional, NULL where no service can run. The suite's service, started when first asked
	 * for; OUT is borrowed. The caller has it for itself until service_end: answers that are
	 * compared or timed are made one case at a time. 0 also when it did not become ready.
	 * ERR_USAGE: the suite has no service. After a failure nothing is held. */
	int (*service)(void *target, const struct target_service **out, struct err *err);
	void (*service_end)(void *target);
	/* Between service and service_end, of a service that was started. MEMORY costs a second
	 * with some engines. */
	int (*service_state)(void *target, bool memory, struct arena *arena,
			     struct target_service_state *out, struct err *err);
	/* A value that a case sends to the service: hidden in whatever is kept of its output. */
	void (*service_hide)(void *target, const char *secret);
	/* Optional, NULL where nothing can be run. Run assay-gpu, nothing else of ours on the card
	 * beside it; equal requests are run once and share the answer. 0 with *MISSING: there is no
	 * GPU, and why; else OUT is the program's. Both are ARENA's. */
	int (*gpu)(void *target, const struct gpu_request *request, struct arena *arena,
		   struct command_result *out, const char **missing, struct err *err);
};

struct target {
	const char *name; /* GPU class, "rtx5090"; NULL when the suite names none */
	const struct image_config *image;
	const struct target_ops *ops;
	void *self;
};

#endif

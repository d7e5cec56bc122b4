/*
 * Parts of the kind `structure`: tests written for container-structure-test, schema versions 1.0.0
 * and 2.0.0. structure_load.c reads files, the others judge. What the tool was seen to do decides,
 * not what its manual says.
 */
#ifndef CHECK_STRUCTURE_PRIVATE_H
#define CHECK_STRUCTURE_PRIVATE_H

#include "check/trial.h"

#define STRUCTURE_TESTS_MAX 5000 /* of one file */

struct env_var {
	const char *key;
	const char *value;
	bool is_regex;
};

struct command_test {
	const char *name;
	const char *program; /* 2.0.0; in 1.0.0 the first of ARGS */
	struct strings args;
	const struct json *setup_json, *teardown_json; /* while loading */
	struct strings *setup;			       /* command lines */
	size_t setup_count;
	struct objects env; /* struct env_var */
	int64_t exit_code;
	struct strings out, no_out, errout, no_errout;
};

enum executable_by { EXECUTABLE_OWNER, EXECUTABLE_GROUP, EXECUTABLE_OTHER, EXECUTABLE_ANY };

struct existence_test {
	const char *name;
	const char *path;
	int should_exist;
	const char *permissions;
	int64_t uid, gid;  /* FIELD_ABSENT_INT or negative: any */
	int executable_by; /* enum executable_by; others: no matter */
};

struct content_test {
	const char *name;
	const char *path;
	struct strings expected, excluded;
};

struct license_test {
	bool debian;
	struct strings files;
};

struct metadata_test {
	struct objects env, labels, unset_env; /* struct env_var */
	struct strings ports, unset_ports, volumes, unset_volumes;
	struct strings entrypoint, cmd;
	bool has_entrypoint, has_cmd; /* an empty list asserts that there is none */
	const char *workdir, *user;   /* "" as good as absent */
};

struct run_options {
	const char *user;
	bool allocate_tty, privileged;
	struct strings env, capabilities, mounts;
	const char *env_file;
};

struct structure_file {
	const char *path;
	int version; /* 1 or 2 */
	const char *schema;
	struct objects globals; /* struct env_var */
	struct objects commands, contents, existences, licenses;
	struct metadata_test *metadata; /* NULL: none, or it asserts nothing */
	struct run_options *options;	/* NULL: none */
	struct pairs file_env;		/* of options->env_file */
};

/* Read the file PATH. ERR_USAGE "PATH:L:C: …"; malformed tests, which the tool fails one by one,
 * are refused here. */
int structure_load(const char *path, const struct file_reader *files, struct arena *arena,
		   struct structure_file *out, struct err *err);

/* One file while it is judged. */
struct structure_run {
	struct trial *trial;
	const struct structure_file *file;
	struct strings image_env; /* "KEY=value", with the file's variables */
	struct pairs set_env;	  /* what of it the image itself does not say */
	bool network;
	uint64_t end_ns;   /* deadline of the case */
	struct buf *log;   /* every test with PASS or FAIL, as the tool prints them; not redacted */
	const char *title; /* of the test at hand, "Command Test: version" */
	size_t passed, failed;
	size_t mismatches; /* of the test at hand */
};

/* A test begins, fails as often as it has to, and ends. */
void structure_begin(struct structure_run *run, const char *title);
void structure_mismatch(struct structure_run *run, const char *label, const char *expected,
			const char *actual);
void structure_end(struct structure_run *run);

/* Each judges one test; -1 when it could not be made. */
int structure_command(struct structure_run *run, const struct command_test *test, struct err *err);
int structure_content(struct structure_run *run, const struct content_test *test, struct err *err);
int structure_existence(struct structure_run *run, const struct existence_test *test,
			struct err *err);
int structure_license(struct structure_run *run, const struct license_test *test, struct err *err);
int structure_metadata(struct structure_run *run, const struct metadata_test *test,
		       struct err *err);

/* Text that some of EXPECTED or EXCLUDED may be patterns of. */
struct structure_text {
	const char *text;
	size_t len;
	bool cut;
	const char *name; /* "stdout" */
	const char *label;
};
int structure_patterns(struct structure_run *run, const struct structure_text *text,
		       const struct strings *expected, const struct strings *excluded,
		       struct err *err);

/* "$NAME" and "${NAME}" in TEXT as Go's os.Expand replaces them; ENV holds "KEY=value", a name
 * that it does not have is nothing. */
const char *structure_expand(const char *text, const struct strings *env, struct arena *arena);

/* Permission bits and type as Go writes them: "-rw-r--r--", "drwxr-xr-x", "Lrwxrwxrwx". NULL: a
 * special file, whose kind is not known. */
const char *structure_mode(const struct file_info *info, struct arena *arena);

#endif

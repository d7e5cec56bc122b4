/* What the subcommands share: exit codes, where state lives, how errors reach the user. */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include "base/err.h"
#include "cmd/options.h"
#include "model/run.h"
#include "source/source.h"
#include "store/store_ops.h"
#include "suite/suite.h"

/* DESIGN section 3. */
enum exit_code {
	EXIT_PASS = 0,
	EXIT_FAIL = 1,
	EXIT_USAGE = 2,
	EXIT_BUILD = 3,
	EXIT_INFRA = 4,
	EXIT_INCONCLUSIVE = 5,
	EXIT_EMPTY = 6,
	EXIT_INTERRUPTED = 130,
};

enum exit_style { EXIT_STYLE_PLAIN, EXIT_STYLE_BISECT };

struct subcommand {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv); /* argv[0] is the subcommand's name */
	const struct command_help *help;
};

extern const struct subcommand subcommands[]; /* ends with a NULL name */

int cmd_gate(int argc, char **argv);
int cmd_key(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_scan(int argc, char **argv);
int cmd_bisect(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_history(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_suite(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_init(int argc, char **argv);
int cmd_help(int argc, char **argv);

extern const struct command_help help_gate, help_key, help_run, help_scan, help_bisect,
	help_compare, help_history, help_report, help_suite, help_doctor, help_init, help_help;

int exit_of_error(const struct err *err);
int exit_of_run(const struct run *run);
/* For `git bisect run`: 0 good, 1 bad, 125 cannot tell, 128 stop. */
int exit_as_bisect(int code, bool build_failure_is_bad);

/* "assay: MESSAGE" on standard error; returns the exit code that belongs to ERR. */
int cmd_fail(const struct err *err);
/* Colour on standard output: a terminal, and nothing said against it. */
bool cmd_color(const struct common_options *common);
/* Print JSON and free it. */
void cmd_print_json(struct json *json);

/* Folder for runs and history: ASSAY_STATE, else .assay in the repository (for a bare one, in
 * the current folder). */
const char *cmd_state_dir(const struct source *source, struct arena *arena);
/* URL is --history or NULL: STATE/history.db. Failures are ERR_INFRA, whoever is to blame: without
 * its history a run proves nothing. */
int cmd_history_open(const char *url, const char *state, struct store **out, struct err *err);

/* WORD of --since as a time that runs compare with: a date or RFC 3339 time as it is, a revision by
 * its commit's time; NULL stays NULL. SOURCE may be NULL: then only dates. ERR_USAGE. */
int cmd_since(const char *word, struct source *source, struct arena *arena, const char **out,
	      struct err *err);

/* TEXT of the option --NAME as a share, 0 to 1; NULL leaves OUT as it is. ERR_USAGE. */
int cmd_parse_share(const char *name, const char *text, double *out, struct err *err);

/* Flush standard output. What could not be written was not said, and a full disk must not look like
 * a pass: returns CODE, or EXIT_INFRA instead of a pass. */
int cmd_finish_output(int code);

/* "NAME=VALUE" words of --var as pairs; memory is ARENA's. ERR_USAGE. */
int cmd_parse_vars(const struct strings *words, struct arena *arena, struct pairs *out,
		   struct err *err);

/* Files beside the file at PATH, which is borrowed. */
struct file_reader cmd_files_beside(const char *path);

/* The check kinds as the suite room wants them. */
bool cmd_kind_lookup(const char *kind, struct suite_kind *out, void *payload);
const char *const *cmd_kind_names(void);

#endif

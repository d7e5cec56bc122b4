/* Reports of a command: the one on standard output, and each -o FORMAT=FILE. */
#ifndef CMD_OUTPUT_H
#define CMD_OUTPUT_H

#include "cmd/cmd.h"
#include "report/report_ops.h"

/* Split FORMAT=FILE. OPS is the report format; NULL when FORMAT is one of EXTRA (NULL-terminated,
 * may be NULL), whose name then is in *EXTRA_OUT. ERR_USAGE lists the formats. */
int output_find(const char *word, const char *const *extra, const struct report_ops **ops,
		const char **extra_out, const char **file, struct err *err);
/* Before any work is done: every word must name a format. */
int output_check(const struct strings *words, const char *const *extra, struct err *err);

/* TEXT to FILE, "-" being standard output. */
int output_text(const char *file, const struct buf *text, struct err *err);
int output_json(const char *file, const struct json *json, struct err *err);
/* RUN as OPS to FILE; the format github also appends to the summary that GitHub asks for. */
int output_run(const struct run *run, const struct report_ops *ops, const char *file,
	       const struct report_options *options, struct err *err);

/* Columns of the terminal on standard output, 0: none. */
unsigned output_width(void);

#endif

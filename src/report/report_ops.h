/*
 * Report formats: a run in, text out. One file src/report/<format>.c and one line in kinds.def
 * add one. Formats are pure: they see the struct, never text of another format, and do no I/O.
 */
#ifndef REPORT_REPORT_OPS_H
#define REPORT_REPORT_OPS_H

#include "base/buf.h"
#include "model/run.h"

#define REPORT_BYTES_MAX ((size_t)256 * 1024 * 1024)

struct report_options {
	bool color;
	bool quiet;	  /* text: the summary line only */
	unsigned width;	  /* columns of the terminal, 0: do not cut */
	bool show_output; /* text: captured output of failures */
};

struct report_ops {
	const char *format;  /* "junit": the word in -o FORMAT=FILE */
	const char *summary; /* one line for --help */
	/* Required. Append the report of RUN to OUT. */
	void (*write)(const struct run *run, const struct report_options *options, struct buf *out);
};

extern const struct report_ops *const report_kinds[];
const struct report_ops *report_find(const char *format);

#define KIND(name) extern const struct report_ops report_##name;
#include "report/kinds.def"
#undef KIND

#endif

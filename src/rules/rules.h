/*
 * Rules: findings about an image and about the files of the commit that built it. A family: one
 * file per topic and one line in kinds.def. Rules assert properties against targets ("this image
 * has code for this GPU"), never proxies ("CUDA is 12.4"). Pure: facts in, findings out.
 */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "base/arena.h"
#include "base/field.h"
#include "base/json.h"
#include "facts/facts.h"
#include "model/gpu.h"
#include "model/run.h"

#include <stdbool.h>
#include <stddef.h>

enum severity {
	SEVERITY_NOTE,	  /* worth knowing; never fails */
	SEVERITY_WARNING, /* likely wrong, or wrong elsewhere; fails only when asked */
	SEVERITY_ERROR,	  /* this image will not work as meant, or is not what it says */
};
const char *severity_name(enum severity severity);

/* A file of the commit: Dockerfile, requirements, constraints, and sources for context. */
struct repo_file {
	const char *path; /* relative to the repository */
	const char *text;
	size_t len;
};

struct rule_input {
	const struct facts *facts;	  /* NULL: only the repository is judged */
	struct image *image;		  /* NULL when facts come from a file */
	const struct facts *before;	  /* of the baseline, NULL: none */
	const struct gpu *const *targets; /* may be empty: nothing about GPUs is judged */
	size_t target_count;
	unsigned driver;	       /* of the fleet, major ("570"); 0 unknown */
	const struct repo_file *files; /* of the commit */
	size_t file_count;
	const struct repo_file *before_files; /* the same of the baseline commit */
	size_t before_file_count;
	const char *dockerfile; /* path of the Dockerfile among FILES, NULL: none */
};

struct finding {
	const char *label; /* of model/labels.def */
	enum severity severity;
	const char *target;   /* GPU it concerns, NULL: all */
	const char *subject;  /* what it is about, short: "torch", "libbitsandbytes_cuda126.so" */
	const char *expected; /* one line each */
	const char *actual;
	const char *where;  /* path, layer and step, or file:line; "" unknown */
	const char *advice; /* what to do here; NULL: the label's */
};

struct findings {
	struct arena *arena; /* strings may be this arena's */
	struct finding *items;
	size_t count;
};

struct rule_label {
	const char *label;
	enum severity severity;
};

struct rule_ops {
	const char *topic;		 /* "arch": equals the file */
	const char *summary;		 /* one line */
	const struct rule_label *labels; /* every label it may give, ends with NULL */
	void (*run)(const struct rule_input *input, struct findings *out);
};

/* Every topic, sorted, NULL-terminated. */
extern const struct rule_ops *const rule_topics[];
const struct rule_ops *rule_topic_of(const char *label); /* NULL: no rule's label */
enum severity rule_severity(const char *label);

/* Add a finding with printf-made texts already in OUT->arena; LABEL's severity is looked up. */
struct finding *finding_add(struct findings *out, const char *label, const char *subject,
			    const char *expected, const char *actual, const char *where);

/* Which findings are wanted, as a linter: labels or their first part ("arch"), SELECT empty: all;
 * IGNORE wins. A word that matches no label is ERR_USAGE with the nearest. */
struct rule_filter {
	struct strings select;
	struct strings ignore;
};
int rule_filter_check(const struct rule_filter *filter, struct err *err);

/* Run every topic. Findings are sorted by severity (worst first), label, subject, target;
 * equal ones (same label, subject, actual) of several targets stay apart. */
int rules_run(const struct rule_input *input, const struct rule_filter *filter, struct arena *arena,
	      struct findings *out, struct err *err);

#define KIND(name) extern const struct rule_ops rule_##name;
#include "rules/kinds.def"
#undef KIND

#endif

/* Facts for the kinds that judge what is inside an image. Not a kind. */
#ifndef CHECK_FACTS_H
#define CHECK_FACTS_H

#include "check/trial.h"
#include "rules/rules.h"

#define CHECK_TARGETS_MAX 32
#define CHECK_FINDINGS_MAX 20 /* named in one case */

/*
 * Facts with the case's targets, until check_facts_end. -1: no facts can be had (ERR_INFRA), or a
 * target has no row in the table of GPUs (ERR_USAGE).
 */
int check_facts_begin(struct check_ctx *ctx, struct rule_input *out, struct err *err);
void check_facts_end(struct check_ctx *ctx);

/* Run the rules that FILTER keeps; findings of SEVERITY and worse fail TRIAL, at most
 * CHECK_FINDINGS_MAX of them one by one. *COUNT_OUT is how many there were. */
int check_facts_rules(struct trial *trial, const struct rule_input *input,
		      const struct rule_filter *filter, enum severity severity, size_t *count_out,
		      struct err *err);

/* A file of the commit; ERR_USAGE when it is not among those that were read. */
int check_facts_file(const struct rule_input *input, const char *path, const struct repo_file **out,
		     struct err *err);

#endif

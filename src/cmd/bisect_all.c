/* --all: what a confirmed culprit leaves to be explained is asked about next, as a question of its
 * own. */
#include "cmd/bisect_private.h"

#include <string.h>

static struct bisect_options *add(struct hunt *hunt, struct questions *list, const char *good,
				  const char *bad)
{
	struct bisect_options *next;

	if (list->count >= QUESTIONS_MAX || strcmp(good, bad) == 0)
		return NULL;
	next = arena_push(hunt->arena, &list->items, &list->count, sizeof(*next));
	*next = *hunt->options;
	next->good = good;
	next->bad = bad;
	next->suite = hunt->suite_path; /* whatever the commits have of their own */
	next->outputs.count = 0;
	return next;
}

/* The name of a check, without the target that a case of it is for. */
static const char *check_name(struct hunt *hunt, const char *name)
{
	return arena_strndup(hunt->arena, name, strcspn(name, "@"));
}

static void ask_for_other_checks(struct hunt *hunt, const char *witness, const struct cause *cause,
				 struct questions *list)
{
	struct bisect_options *next;

	if (!cause->elsewhere.count)
		return;
	next = add(hunt, list, witness, hunt->bad.hash);
	if (!next)
		return;
	next->only = (struct strings){0};
	for (size_t i = 0; i < cause->elsewhere.count; i++) {
		const char **item = arena_push(hunt->arena, &next->only.items, &next->only.count,
					       sizeof(*item));

		*item = check_name(hunt, cause->elsewhere.items[i]);
	}
}

/* A check that still passes at the culprit was broken later. What is measured may have become worse
 * in several steps: the ranges before and after the culprit may hold others. */
void bisect__ask_further(struct hunt *hunt, const struct verdict_of_search *answer,
			 const struct cause *cause, struct questions *list)
{
	const char *witness, *before;

	if (answer->ending != ENDING_CULPRIT || !answer->confirmed || cause->external)
		return;
	witness = bisect__hash_at(hunt, answer->witness);
	if (!hunt->options->metric) {
		ask_for_other_checks(hunt, witness, cause, list);
		return;
	}
	before = bisect__hash_at(hunt, answer->parents[0]);
	(void)add(hunt, list, hunt->good.hash, before);
	(void)add(hunt, list, witness, hunt->bad.hash);
}

/* The facts of an image, read when first asked for and then shared. */
#ifndef DEPLOY_INSPECT_H
#define DEPLOY_INSPECT_H

#include "engine/engine.h"
#include "rules/rules.h"

struct inspect_spec {
	struct engine *engine;
	const char *image_id;
	const char *cache; /* folder for layer indexes, NULL: none */
	/* Called once, before the first answer: fill what lies beside the image (before, files,
	 * before_files, dockerfile); memory must outlive the inspection. May be NULL. */
	int (*prepare)(void *payload, struct rule_input *input, struct err *err);
	void *payload;
};

struct inspection;

/* Reads nothing yet. SPEC is copied, what it points to is borrowed. */
struct inspection *inspection_new(const struct inspect_spec *spec);
void inspection_free(struct inspection *inspection); /* NULL is allowed */

/* The image's facts, without targets. Thread safe: the caller has them for itself until
 * inspection_end. A failure is kept and given again: no lock is then held. */
int inspection_begin(struct inspection *inspection, const struct rule_input **out, struct err *err);
void inspection_end(struct inspection *inspection);

/* Facts, when they have been read, else NULL; not while others may be asking. */
const struct facts *inspection_facts(const struct inspection *inspection);

#endif

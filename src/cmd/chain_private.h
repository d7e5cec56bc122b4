/* Friends of the chain only: its state, shared by chain.c (the story) and chain_past.c (what
 * earlier runs and the image's facts add to it). */
#ifndef CMD_CHAIN_PRIVATE_H
#define CMD_CHAIN_PRIVATE_H

#include "cmd/chain.h"
#include "deploy/deploy.h"
#include "deploy/inspect.h"
#include "deploy/repo.h"

struct chain {
	const struct chain_request *request;
	struct arena *arena;
	struct run *run;
	struct source *source;
	struct suite *suite;
	struct store *store;
	struct engine *engine;
	struct context *context;
	struct rundir *dir;
	struct deployed *deployed;
	struct inspection *inspection; /* of the image, or of a failed build's last good step */
	struct inspection *earlier;    /* of the baseline's image */
	struct facts *kept;	       /* of the baseline, from its run directory */
	struct repo_files files, earlier_files;
	const char *state;
	struct strings ancestors; /* first parents, nearest first */
	bool shallow;
	const char *baseline;	  /* commit that the user named, NULL: look for one */
	struct run *typical;	  /* newest run of the suite that built, NULL: none or not asked */
	struct run *baseline_run; /* NULL: none; looked for once */
	struct run *imaged_run;	  /* where that built no image: the nearest older run that did */
	bool baseline_known;
};

void chain__say(const struct chain *chain, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
bool chain__engine_has(struct chain *chain, const char *image_id);

/* Fills the run's baseline and chain->baseline_run, once. */
int chain__find_baseline(struct chain *chain, struct err *err);
/* An earlier run to estimate by, when somebody wants to know. */
void chain__find_typical(struct chain *chain);
/* Facts of IMAGE_ID, read when a check or an explanation wants them. */
void chain__inspect(struct chain *chain, const char *image_id);
/* Notes for a failed build or a regression. */
void chain__explain(struct chain *chain);
/* facts.json of the run directory, when facts were read. */
int chain__keep_facts(struct chain *chain, struct err *err);

#endif

/* Friends of the chain only: its state, shared by chain.c (the story) and chain_past.c (what
 * earlier runs and the image's facts add to it). */
#ifndef CMD_CHAIN_PRIVATE_H
#define CMD_CHAIN_PRIVATE_H

#include "cmd/chain.h"
#include "deploy/deploy.h"
#include "deploy/inspect.h"
#include "deploy/repo.h"
#include "stats/gate.h"
#include "stats/summary.h"

struct against_image {
	const char *name;	 /* as people know it */
	const char *commit;	 /* NULL: an image without one */
	struct context *context; /* of the commit */
	const char *image_id;	 /* NULL: not found or built yet */
	const char *fault;	 /* why there is none */
};

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
	struct image_config cache_from; /* of the request; no id: none */
	unsigned *reruns;		/* of each case when it fails; NULL: none */
	struct against_image against;
};

void chain__say(const struct chain *chain, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
bool chain__engine_has(struct chain *chain, const char *image_id);

/* The image that an earlier run made of inputs with HASH, if the engine still has it; else NULL. */
int chain__image_of_inputs(struct chain *chain, const char *hash, const char **image_id,
			   struct err *err);

/* Whatever --against names, before anything is built: a wrong name must not cost a build. */
int chain__resolve_against(struct chain *chain, struct err *err);
/* Measure against it what the run's cases measured; adds a case for each metric, and its trial. */
int chain__against(struct chain *chain, struct err *err);

/* Mark the cases that the history has in quarantine, and those whose quarantine has ended. */
int chain__quarantine(struct chain *chain, struct err *err);

/* Fills chain->reruns, where failed checks are to be made again. */
int chain__learn_flakes(struct chain *chain, struct err *err);
/* Of struct exec_options; the payload is the chain. */
unsigned chain__reruns(void *payload, const struct case_result *result);

/* Fills the run's baseline and chain->baseline_run, once. */
int chain__find_baseline(struct chain *chain, struct err *err);
/* An earlier run to estimate by, when somebody wants to know. */
void chain__find_typical(struct chain *chain);
/* Facts of IMAGE_ID, read when a check or an explanation wants them. */
void chain__inspect(struct chain *chain, const char *image_id);
/* Notes for a failed build or a regression. */
void chain__explain(struct chain *chain);
/* Alarms of what this run measured: warnings, which decide nothing. */
void chain__watch(struct chain *chain);
/* facts.json of the run directory, when facts were read. */
int chain__keep_facts(struct chain *chain, struct err *err);

#endif

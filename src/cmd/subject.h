/* What scan and compare look at: an image from wherever it lies, or facts that were kept. */
#ifndef CMD_SUBJECT_H
#define CMD_SUBJECT_H

#include "deploy/repo.h"
#include "engine/engine.h"
#include "facts/facts.h"
#include "image/image.h"

enum subject_kind {
	SUBJECT_GUESS,	/* whatever the word names: see subject_open */
	SUBJECT_ENGINE, /* image of the container engine */
	SUBJECT_TAR,
	SUBJECT_OCI,
	SUBJECT_ROOT,
};

struct subject_request {
	enum subject_kind kind;
	const char *word;
	const char *config; /* for a root folder, NULL: none */
	const char *repo;   /* folder whose Dockerfile and requirements are read, NULL: none */
	const char *engine; /* host of the engine, NULL: the usual */
	const char *state;  /* folder with runs/, NULL: none; for SUBJECT_GUESS */
	bool no_storage;
	bool no_cache;
	void (*progress)(void *payload, uint64_t done_bytes, uint64_t total_bytes);
	void *payload;
};

struct subject {
	struct arena *arena;
	struct engine *engine; /* NULL unless asked */
	struct image *image;   /* NULL: facts were kept in a file */
	struct facts *facts;
	struct repo_files repo;
};

/*
 * SUBJECT_GUESS takes WORD for, in this order: a file of facts (facts.json) or an archive; a folder
 * that is an OCI layout, a bundle (root/ or oci/, with config.json and repo/), or a root file
 * system; a run of REQUEST->state; an image of the engine. ERR_USAGE when it is none of them.
 */
int subject_open(const struct subject_request *request, struct subject *out, struct err *err);
void subject_close(struct subject *subject);

/* Facts that a run kept in facts.json. ERR_NOTFOUND: no such file. */
int subject_read_facts(const char *path, struct facts **out, struct err *err);

/* Folder for what is known of layers: ASSAY_CACHE, else assay/ in XDG_CACHE_HOME or ~/.cache. */
const char *subject_cache_dir(struct arena *arena);

#endif

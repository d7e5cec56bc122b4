#include "cmd/subject.h"

#include "base/file.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *subject_cache_dir(struct arena *arena)
{
	const char *own = getenv("ASSAY_CACHE");
	const char *xdg = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");

	if (own && *own)
		return arena_strdup(arena, own);
	if (xdg && *xdg == '/')
		return arena_printf(arena, "%s/assay", xdg);
	if (home && *home == '/')
		return arena_printf(arena, "%s/.cache/assay", home);
	return NULL;
}

static bool exists(struct arena *arena, const char *folder, const char *name)
{
	return access(arena_printf(arena, "%s/%s", folder, name), F_OK) == 0;
}

int subject_read_facts(const char *path, struct facts **out, struct err *err)
{
	struct json *json = NULL;
	struct buf text;
	int rc;

	buf_init(&text, JSON_BYTES_MAX);
	rc = file_read(path, &text, err);
	if (rc == 0)
		rc = json_parse_file(path, buf_str(&text), text.len, false, &json, err);
	if (rc == 0)
		rc = facts_load(json, out, err);
	json_free(json);
	buf_done(&text);
	return rc;
}

static bool is_json(const char *path)
{
	char head = '\0';
	FILE *file = fopen(path, "re");

	if (!file)
		return false;
	if (fread(&head, 1, 1, file) != 1)
		head = '\0';
	fclose(file);
	return head == '{';
}

/* Decide what REQUEST->word is; fills kind, word, config and repo. False: a file of facts. */
static bool guess(struct subject_request *request, struct arena *arena)
{
	const char *word = request->word;
	struct stat info;

	if (stat(word, &info) == 0 && S_ISREG(info.st_mode)) {
		request->kind = SUBJECT_TAR;
		return !is_json(word);
	}
	if (stat(word, &info) == 0 && S_ISDIR(info.st_mode)) {
		bool root = exists(arena, word, "root") && exists(arena, word, "config.json");
		bool oci = exists(arena, word, "oci/oci-layout");

		if ((root || oci) && !request->repo && exists(arena, word, "repo"))
			request->repo = arena_printf(arena, "%s/repo", word);
		if (root && !request->config)
			request->config = arena_printf(arena, "%s/config.json", word);
		request->kind =
			oci || exists(arena, word, "oci-layout") ? SUBJECT_OCI : SUBJECT_ROOT;
		request->word = oci    ? arena_printf(arena, "%s/oci", word)
				: root ? arena_printf(arena, "%s/root", word)
				       : word;
		return true;
	}
	if (request->state && !strchr(word, '/')) {
		const char *facts =
			arena_printf(arena, "%s/runs/%s/facts.json", request->state, word);

		if (access(facts, R_OK) == 0) {
			request->word = facts;
			return false;
		}
	}
	request->kind = SUBJECT_ENGINE;
	return true;
}

static int open_image(const struct subject_request *request, struct subject *subject,
		      struct err *err)
{
	const struct image_options options = {
		.cache = request->no_cache ? NULL : subject_cache_dir(subject->arena),
		.config = request->config,
		.no_storage = request->no_storage,
		.progress = request->progress,
		.payload = request->payload,
	};

	if (request->config && request->kind != SUBJECT_ROOT)
		return err_set(err, ERR_USAGE,
			       "--config is for --rootfs: every other source has its own "
			       "configuration");
	switch (request->kind) {
	case SUBJECT_TAR:
		return image_open_archive(request->word, NULL, &options, &subject->image, err);
	case SUBJECT_OCI:
		return image_open_layout(request->word, NULL, &options, &subject->image, err);
	case SUBJECT_ROOT:
		return image_open_root(request->word, &options, &subject->image, err);
	case SUBJECT_GUESS:
	case SUBJECT_ENGINE:
		break;
	}
	if (engine_open(request->engine, &subject->engine, err) < 0)
		return err_wrap(err, "image %s", request->word);
	if (image_open_engine(subject->engine, request->word, &options, &subject->image, err) == 0)
		return 0;
	if (err->code == ERR_NOTFOUND)
		err_set(err, ERR_USAGE,
			"image %s: the engine at %s has no such image; `docker pull` it, or give "
			"--tar, --oci or --rootfs",
			request->word, engine_info(subject->engine)->host);
	return -1;
}

int subject_open(const struct subject_request *request, struct subject *out, struct err *err)
{
	struct subject_request wanted = *request;
	struct subject subject = {.arena = arena_new()};
	bool image = true;
	int rc;

	if (wanted.kind == SUBJECT_GUESS)
		image = guess(&wanted, subject.arena);
	if (image) {
		rc = open_image(&wanted, &subject, err);
		if (rc == 0)
			rc = facts_collect(subject.image, &subject.facts, err);
	} else {
		rc = subject_read_facts(wanted.word, &subject.facts, err);
	}
	if (rc == 0 && wanted.repo)
		rc = repo_read_folder(wanted.repo, subject.arena, &subject.repo, err);
	if (rc < 0) {
		subject_close(&subject);
		return -1;
	}
	*out = subject;
	return 0;
}

void subject_close(struct subject *subject)
{
	facts_free(subject->facts);
	image_close(subject->image);
	engine_close(subject->engine);
	arena_free(subject->arena);
	*subject = (struct subject){0};
}

/* The input hash: two commits with the same hash make the same image, as far as a builder that is
 * given the same bytes makes the same image. Made of blob ids; no content is read. */
#include "base/digest.h"
#include "deploy/context_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_VERSION "assay-context-1" /* counts up when what is hashed changes */

static const char *find(const struct pairs *pairs, const char *key)
{
	for (size_t i = 0; i < pairs->count; i++)
		if (strcmp(pairs->items[i].key, key) == 0)
			return pairs->items[i].value;
	return NULL;
}

static void add_number(struct digest *digest, size_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%zu", number);
	digest_add_field(digest, text);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

/* Arguments and labels have no order. */
static void add_pairs(struct digest *digest, const struct pairs *pairs)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct pair *sorted = arena_alloc(arena, (pairs->count + 1) * sizeof(*sorted));

	add_number(digest, pairs->count);
	if (!pairs->count)
		return;
	memcpy(sorted, pairs->items, pairs->count * sizeof(*sorted));
	qsort(sorted, pairs->count, sizeof(*sorted), by_key);
	for (size_t i = 0; i < pairs->count; i++) {
		digest_add_field(digest, sorted[i].key);
		digest_add_field(digest, sorted[i].value);
	}
}

static const char *kind_of(const struct member *member)
{
	if (member->mode == MODE_LINK)
		return "link";
	if (member->mode == MODE_SUBMODULE)
		return "folder"; /* empty in the context: which commit it names changes nothing */
	return member->mode & 0100 ? "program" : "file";
}

/* Folders follow from what is below them, and what only the builder sees is in no image. */
static void add_members(struct digest *digest, const struct context *context)
{
	for (size_t i = 0; i < context->count; i++) {
		const struct member *member = &context->members[i];

		if (member->mode == MODE_FOLDER || member->builder_only)
			continue;
		digest_add_field(digest, member->path);
		digest_add_field(digest, kind_of(member));
		digest_add_field(digest, member->mode == MODE_SUBMODULE ? "" : member->oid);
	}
}

int context_hash(const struct context *context, const struct pairs *bases, char out[65],
		 struct err *err)
{
	const struct suite_image *image = context->image;
	const struct strings *refs = &context->parsed.bases;
	struct digest *digest;

	for (size_t i = 0; i < refs->count; i++)
		if (!find(bases, refs->items[i]))
			return err_set(err, ERR_NOTFOUND, "base image %s is not on this engine",
				       refs->items[i]);
	digest = digest_new();
	digest_add_field(digest, HASH_VERSION);
	digest_add_field(digest, context->name);
	digest_add_field(digest, buf_str(&context->text));
	add_pairs(digest, &image->args);
	add_pairs(digest, &image->labels);
	digest_add_field(digest, image->target);
	digest_add_field(digest, image->network ? image->network : "none");
	add_number(digest, refs->count);
	for (size_t i = 0; i < refs->count; i++) {
		digest_add_field(digest, refs->items[i]);
		digest_add_field(digest, find(bases, refs->items[i]));
	}
	add_members(digest, context);
	digest_final(digest, out);
	return 0;
}

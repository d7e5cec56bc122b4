/* From a context to a build: which builder, and why it has to be that one. */
#include "deploy/context_private.h"

#include <string.h>

/* --- what only BuildKit builds --------------------------------------------------------------- */

static bool has_flag(const char *text, const char *flag)
{
	const char *at = strstr(text, flag);

	return at && (at[-1] == ' ' || at[-1] == '\t');
}

static const char *construct_of(const struct instruction *instruction)
{
	static const struct {
		const char *name;
		const char *flag;
	} known[] = {
		{"RUN", "--mount"},
		{"RUN", "--network"},
		{"RUN", "--security"},
		{"COPY", "--link"},
		{"COPY", "--chmod"},
		{"COPY", "--parents"},
		{"COPY", "--exclude"},
		{"ADD", "--link"},
		{"ADD", "--chmod"},
		{"ADD", "--checksum"},
		{"ADD", "--keep-git-dir"},
		{"RUN", "<<"},
		{"COPY", "<<"},
		{"ADD", "<<"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(instruction->name, known[i].name) == 0 &&
		    has_flag(instruction->text, known[i].flag))
			return known[i].flag;
	return NULL;
}

const char *context_buildkit_reason(const struct context *context, struct arena *arena)
{
	const struct dockerfile *parsed = &context->parsed;

	if (!parsed->needs_buildkit)
		return NULL;
	for (size_t i = 0; i < parsed->count; i++) {
		const char *construct = construct_of(&parsed->instructions[i]);

		if (construct)
			return arena_printf(arena, "%s:%u: %s %s%s", context->dockerfile,
					    parsed->instructions[i].line,
					    parsed->instructions[i].name, construct,
					    construct[0] == '<' ? " (here-document)" : "");
	}
	return arena_printf(arena, "%s:1: # syntax= directive", context->dockerfile);
}

/* --- the build ------------------------------------------------------------------------------- */

static int no_buildkit(const char *reason, struct err *err)
{
	return err_set(err, ERR_USAGE,
		       "%s needs BuildKit, which is not here: install the docker-buildx plugin",
		       reason);
}

static int choose_builder(struct engine *engine, const struct context *context,
			  const struct suite_image *image, bool *out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *reason = context_buildkit_reason(context, arena);

	if (image->builder == SUITE_BUILDER_CLASSIC && image->secrets.count)
		return err_set(err, ERR_USAGE,
			       "image.secrets need BuildKit: image.builder may not be \"classic\"");
	if (image->builder == SUITE_BUILDER_CLASSIC) {
		*out = false;
		return 0;
	}
	if (!reason && image->secrets.count)
		reason = "image.secrets";
	if (!reason && image->builder == SUITE_BUILDER_BUILDKIT)
		reason = "image.builder \"buildkit\"";
	if (reason && !engine_has_buildkit(engine))
		return no_buildkit(reason, err);
	*out = reason != NULL;
	return 0;
}

struct relay {
	struct context *context;
	const struct deploy_callbacks *callbacks;
};

static ssize_t relay_read(void *payload, void *data, size_t len, struct err *err)
{
	struct relay *relay = payload;

	return context_read(relay->context, data, len, err);
}

static void relay_log(void *payload, const char *data, size_t len)
{
	struct relay *relay = payload;

	if (relay->callbacks && relay->callbacks->log)
		relay->callbacks->log(relay->callbacks->payload, data, len);
}

static void relay_step(void *payload, const struct step *step)
{
	struct relay *relay = payload;

	if (relay->callbacks && relay->callbacks->step)
		relay->callbacks->step(relay->callbacks->payload, step);
}

static void describe(const struct context *context, const struct suite_image *image,
		     struct relay *relay, struct build_request *out)
{
	*out = (struct build_request){
		.dockerfile = context_dockerfile_name(context),
		.args = image->args,
		.labels = image->labels,
		.target = image->target,
		.network = image->network ? image->network : "none",
		.secrets = image->secrets,
		.timeout_ns = image->timeout_ns,
		.dockerfile_text = context_dockerfile_text(context),
		.read = relay_read,
		.log = relay_log,
		.progress = relay_step,
		.payload = relay,
	};
}

int deploy_build(struct engine *engine, struct context *context, const struct suite_image *image,
		 const struct deploy_options *options, const struct deploy_callbacks *callbacks,
		 struct arena *arena, struct build *out, struct err *err)
{
	struct relay relay = {context, callbacks};
	struct build_request request;

	describe(context, image, &relay, &request);
	request.tag = options->tag;
	request.no_cache = options->no_cache;
	request.cache_from = options->cache_from;
	request.pull = image->pull;
	if (choose_builder(engine, context, image, &request.buildkit, err) < 0)
		return -1;
	context__begin(context, request.buildkit);
	if (engine_build(engine, &request, arena, out, err) < 0)
		return -1;
	out->dockerfile = arena_strdup(arena, context->dockerfile);
	return 0;
}

/* Bytes of TEXT before its line LINE, counted from 1. */
static size_t bytes_before(const char *text, unsigned line)
{
	const char *at = text, *end;

	while (--line && (end = strchr(at, '\n')))
		at = end + 1;
	return (size_t)(at - text);
}

static struct member *dockerfile_member(const struct context *context)
{
	for (size_t i = 0; i < context->count; i++)
		if (strcmp(context->members[i].path, context->name) == 0)
			return &context->members[i];
	return NULL;
}

int deploy_build_before(struct engine *engine, struct context *context,
			const struct suite_image *image, unsigned line, const char *tag,
			struct arena *arena, const char **image_id, struct err *err)
{
	struct member *member = dockerfile_member(context), kept;
	struct relay relay = {context, NULL};
	struct build_request request;
	struct build build = {0};
	int rc;

	if (!member || line < 2)
		return err_set(err, ERR_NOTFOUND, "no step before line %u", line);
	kept = *member;
	member->oid = NULL;
	member->text_len = bytes_before(buf_str(&context->text), line);
	member->text = arena_strndup(arena, buf_str(&context->text), member->text_len);
	describe(context, image, &relay, &request);
	request.dockerfile_text = member->text;
	request.tag = tag;
	request.target = NULL; /* the last stage left is the one that failed */
	request.buildkit = true;
	context__begin(context, true);
	rc = engine_build(engine, &request, arena, &build, err);
	*member = kept;
	if (rc == 0 && !build.image_id)
		rc = err_set(err, ERR_NOTFOUND, "the steps before line %u failed too", line);
	if (rc == 0)
		*image_id = build.image_id;
	return rc;
}

int deploy_bases(struct engine *engine, const struct strings *refs, struct arena *arena,
		 struct pairs *out, struct err *err)
{
	struct pairs found = {0};

	for (size_t i = 0; i < refs->count; i++) {
		struct image_config config = {0};
		struct pair *pair;
		struct err why;

		if (engine_image(engine, refs->items[i], arena, &config, &why) < 0) {
			if (why.code == ERR_NOTFOUND)
				continue;
			return err_set(err, why.code, "base image %s: %s", refs->items[i], why.msg);
		}
		pair = arena_push(arena, &found.items, &found.count, sizeof(*pair));
		pair->key = arena_strdup(arena, refs->items[i]);
		pair->value = arena_strdup(arena, config.id);
	}
	*out = found;
	return 0;
}

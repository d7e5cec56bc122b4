#include "deploy/context_private.h"

#include <string.h>

int deploy_bases(struct engine *engine, const struct strings *refs, struct arena *arena,
		 struct pairs *out, struct err *err)
{
	for (size_t i = 0; i < refs->count; i++) {
		struct image_config config;
		struct pair *pair;

		if (engine_image(engine, refs->items[i], arena, &config, err) < 0) {
			if (err->code == ERR_NOTFOUND)
				continue;
			return -1;
		}
		pair = arena_push(arena, &out->items, &out->count, sizeof(*pair));
		pair->key = arena_strdup(arena, refs->items[i]);
		pair->value = config.id;
	}
	return 0;
}

struct feed {
	struct context *context;
	const struct deploy_callbacks *callbacks;
};

static ssize_t feed_read(void *payload, void *data, size_t len, struct err *err)
{
	const struct feed *feed = payload;

	return context_read(feed->context, data, len, err);
}

static void feed_log(void *payload, const char *data, size_t len)
{
	const struct feed *feed = payload;

	feed->callbacks->log(feed->callbacks->payload, data, len);
}

static void feed_progress(void *payload, const struct step *step)
{
	const struct feed *feed = payload;

	feed->callbacks->progress(feed->callbacks->payload, step);
}

static int choose_builder(struct engine *engine, const struct context *context,
			  const struct suite_image *image, bool *buildkit, struct err *err)
{
	*buildkit = image->builder == SUITE_BUILDER_BUILDKIT ||
		    (image->builder == SUITE_BUILDER_AUTO && context_needs_buildkit(context));
	if (!*buildkit || engine_info(engine)->buildkit)
		return 0;
	return err_set(err, ERR_USAGE,
		       "%s needs BuildKit (RUN --mount, a heredoc, secrets or a syntax line), and "
		       "there is no docker buildx here: install docker-buildx",
		       context->dockerfile_path);
}

int deploy_build(struct engine *engine, struct context *context, const struct suite_image *image,
		 const struct deploy_options *options, const struct deploy_callbacks *callbacks,
		 struct arena *arena, struct build *out, struct err *err)
{
	struct feed feed = { context, callbacks };
	struct build_request request = {
		.dockerfile = context->dockerfile_name,
		.tag = options->tag,
		.args = image->args,
		.labels = image->labels,
		.target = image->target,
		.network = image->network,
		.pull = image->pull,
		.no_cache = options->no_cache,
		.secrets = image->secrets,
		.timeout_ns = image->timeout_ns,
		.dockerfile_text = context->dockerfile_text,
		.read = feed_read,
		.log = feed_log,
		.progress = feed_progress,
		.payload = &feed,
	};

	if (choose_builder(engine, context, image, &request.buildkit, err) < 0)
		return -1;
	out->dockerfile = arena_strdup(arena, context->dockerfile_path);
	return engine_build(engine, &request, arena, out, err);
}

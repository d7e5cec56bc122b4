#include "deploy/inspect.h"

#include <pthread.h>
#include <stdlib.h>

struct inspection {
	struct arena *arena;
	struct inspect_spec spec;
	pthread_mutex_t mutex;
	bool tried;
	struct err failure; /* of the one try */
	struct image *image;
	struct facts *facts;
	struct rule_input input;
};

struct inspection *inspection_new(const struct inspect_spec *spec)
{
	struct arena *arena = arena_new();
	struct inspection *inspection = arena_alloc(arena, sizeof(*inspection));

	inspection->arena = arena;
	inspection->spec = *spec;
	inspection->spec.image_id = arena_strdup(arena, spec->image_id);
	pthread_mutex_init(&inspection->mutex, NULL);
	return inspection;
}

void inspection_free(struct inspection *inspection)
{
	if (!inspection)
		return;
	facts_free(inspection->facts);
	image_close(inspection->image);
	pthread_mutex_destroy(&inspection->mutex);
	arena_free(inspection->arena);
}

static int read_image(struct inspection *inspection, struct err *err)
{
	const struct inspect_spec *spec = &inspection->spec;
	const struct image_options options = {.cache = spec->cache};

	if (image_open_engine(spec->engine, spec->image_id, &options, &inspection->image, err) < 0)
		return -1;
	if (facts_collect(inspection->image, &inspection->facts, err) < 0)
		return -1;
	inspection->input.facts = inspection->facts;
	inspection->input.image = inspection->image;
	return spec->prepare ? spec->prepare(spec->payload, &inspection->input, err) : 0;
}

int inspection_begin(struct inspection *inspection, const struct rule_input **out, struct err *err)
{
	pthread_mutex_lock(&inspection->mutex);
	if (!inspection->tried && read_image(inspection, &inspection->failure) < 0)
		err_wrap(&inspection->failure, "reading image %.19s", inspection->spec.image_id);
	inspection->tried = true;
	if (inspection->failure.code) {
		*err = inspection->failure;
		pthread_mutex_unlock(&inspection->mutex);
		return -1;
	}
	*out = &inspection->input;
	return 0;
}

void inspection_end(struct inspection *inspection)
{
	pthread_mutex_unlock(&inspection->mutex);
}

const struct facts *inspection_facts(const struct inspection *inspection)
{
	return inspection->failure.code ? NULL : inspection->facts;
}

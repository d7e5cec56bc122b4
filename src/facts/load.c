/* Facts from facts.json: what a comparison needs. */
#include "facts/facts_private.h"

#include <stdlib.h>
#include <string.h>

struct loader {
	struct arena *arena;
	struct facts *facts;
	struct image_config *config;
};

static const char *text(const struct loader *loader, const struct json *object, const char *key)
{
	return object ? arena_strdup(loader->arena, json_str(object, key, NULL)) : NULL;
}

static uint64_t number(const struct json *object, const char *key)
{
	int64_t value = object ? json_int(object, key, 0) : 0;

	return value > 0 ? (uint64_t)value : 0;
}

static void strings(const struct loader *loader, const struct json *object, const char *key,
		    struct strings *out)
{
	const struct json *list = object ? json_get(object, key) : NULL;

	for (const struct json *item = list ? json_first(list) : NULL; item;
	     item = json_next(item)) {
		const char **slot =
			arena_push(loader->arena, &out->items, &out->count, sizeof(*slot));

		*slot = arena_strdup(loader->arena, json_text(item) ? json_text(item) : "");
	}
}

static struct origin origin(const struct loader *loader, const struct json *object, const char *key)
{
	const struct json *from = object ? json_get(object, key) : NULL;

	return (struct origin){(unsigned)number(from, "layer"),
			       (unsigned)number(from, "step_number"), text(loader, from, "step")};
}

static void load_config(struct loader *loader, const struct json *from)
{
	struct image_config *config = loader->config;
	const struct json *labels = from ? json_get(from, "labels") : NULL;

	strings(loader, from, "env", &config->env);
	strings(loader, from, "entrypoint", &config->entrypoint);
	strings(loader, from, "cmd", &config->cmd);
	strings(loader, from, "ports", &config->ports);
	strings(loader, from, "volumes", &config->volumes);
	strings(loader, from, "healthcheck", &config->healthcheck);
	config->user = text(loader, from, "user");
	config->workdir = text(loader, from, "workdir");
	config->os = text(loader, from, "os");
	config->arch = text(loader, from, "arch");
	for (const struct json *item = labels ? json_first(labels) : NULL; item;
	     item = json_next(item)) {
		struct pair *pair = arena_push(loader->arena, &config->labels.items,
					       &config->labels.count, sizeof(*pair));

		pair->key = arena_strdup(loader->arena, json_key(item));
		pair->value = arena_strdup(loader->arena, json_text(item));
	}
}

static void load_dists(struct loader *loader, const struct json *list)
{
	struct facts *facts = loader->facts;

	for (const struct json *item = list ? json_first(list) : NULL; item;
	     item = json_next(item)) {
		const char *name = text(loader, item, "name");
		struct dist *dist;

		if (!name)
			continue;
		dist = arena_push(loader->arena, &facts->dists, &facts->dist_count, sizeof(*dist));
		dist->name = name;
		dist->normalised = py_normalise(name, loader->arena);
		dist->version = text(loader, item, "version");
		dist->path = text(loader, item, "path");
		dist->site = text(loader, item, "site");
		dist->direct_url = text(loader, item, "direct_url");
		dist->installer = text(loader, item, "installer");
		dist->license = text(loader, item, "license");
		dist->requested = json_bool(item, "requested", false);
		dist->shadowed = json_bool(item, "shadowed", false);
		dist->duplicate_of = FACTS_NONE;
		dist->origin = origin(loader, item, "origin");
		dist->files.size_bytes = number(item, "size_bytes");
		dist->files.known = json_get(item, "files") != NULL;
		dist->files.listed = (size_t)number(item, "files");
		dist->files.missing = (size_t)number(item, "missing");
		dist->files.resized = (size_t)number(item, "resized");
		dist->files.orphans = (size_t)number(item, "orphans");
		strings(loader, item, "requires", &dist->requires);
	}
}

static void load_packages(struct loader *loader, const struct json *list)
{
	struct facts *facts = loader->facts;

	for (const struct json *item = list ? json_first(list) : NULL; item;
	     item = json_next(item)) {
		struct package *package = arena_push(loader->arena, &facts->packages,
						     &facts->package_count, sizeof(*package));

		package->name = text(loader, item, "name");
		package->name = package->name ? package->name : "";
		package->version = text(loader, item, "version");
		package->arch = text(loader, item, "arch");
		package->source = text(loader, item, "source");
		package->size_bytes = number(item, "size_bytes");
		package->origin = origin(loader, item, "origin");
	}
}

static void load_device(struct loader *loader, const struct json *item,
			struct fatbin_summary *device)
{
	const struct json *list = json_get(item, "device");

	for (const struct json *from = list ? json_first(list) : NULL; from;
	     from = json_next(from)) {
		struct fatbin_arch *arch = arena_push(loader->arena, &device->archs,
						      &device->arch_count, sizeof(*arch));

		arch->cc = (unsigned)number(from, "cc");
		arch->suffix = *json_str(from, "suffix", "");
		arch->kind = strcmp(json_str(from, "kind", "sass"), "ptx") == 0 ? FATBIN_PTX
										: FATBIN_SASS;
		arch->entries = number(from, "entries");
		arch->fatbins = number(from, "fatbins");
		arch->bytes = number(from, "bytes");
	}
	device->fatbin_count = number(item, "fatbins");
	device->zstd = json_bool(item, "zstd", false);
}

static void load_libraries(struct loader *loader, const struct json *list)
{
	struct facts *facts = loader->facts;

	for (const struct json *item = list ? json_first(list) : NULL; item;
	     item = json_next(item)) {
		struct binary *binary = arena_alloc(loader->arena, sizeof(*binary));
		const char *path = text(loader, item, "path");
		struct library *library;

		if (!path)
			continue;
		library = arena_push(loader->arena, &facts->libraries, &facts->library_count,
				     sizeof(*library));
		library->path = path;
		library->binary = binary;
		library->dist = FACTS_NONE;
		library->package = text(loader, item, "package");
		library->origin = origin(loader, item, "origin");
		binary->soname = text(loader, item, "soname");
		binary->machine = text(loader, item, "machine");
		load_device(loader, item, &binary->device);
	}
}

static void load_torch(struct loader *loader, const struct json *from)
{
	struct torch_facts *torch = &loader->facts->torch;
	const struct library *library;

	if (!from)
		return;
	torch->present = true;
	torch->path = text(loader, from, "path");
	torch->version = text(loader, from, "version");
	torch->cuda = text(loader, from, "cuda");
	torch->metadata_version = text(loader, from, "metadata_version");
	strings(loader, from, "metadata_versions", &torch->metadata_versions);
	torch->arch_list = text(loader, from, "arch_list");
	torch->cudart_dist = text(loader, from, "cudart_dist");
	torch->cudart_needed = text(loader, from, "cudart_needed");
	torch->cuda_library_path = text(loader, from, "cuda_library");
	torch->index = text(loader, from, "index");
	torch->replaced_version = text(loader, from, "replaced_version");
	torch->origin = origin(loader, from, "origin");
	torch->replaced = origin(loader, from, "replaced");
	library = torch->cuda_library_path ? facts_library(loader->facts, torch->cuda_library_path)
					   : NULL;
	torch->cuda_library = library ? library->binary : NULL;
}

static void load_bnb(struct loader *loader, const struct json *from)
{
	struct bnb_facts *bnb = &loader->facts->bnb;

	if (!from)
		return;
	bnb->present = true;
	bnb->path = text(loader, from, "path");
	bnb->version = text(loader, from, "version");
	bnb->override_value = text(loader, from, "override");
	bnb->wanted = text(loader, from, "wanted");
	bnb->chosen = text(loader, from, "chosen");
	bnb->rule = text(loader, from, "rule");
}

static void load_layers(struct loader *loader, const struct json *list)
{
	struct facts *facts = loader->facts;

	for (const struct json *item = list ? json_first(list) : NULL; item;
	     item = json_next(item)) {
		struct layer_size *layer = arena_push(loader->arena, &facts->layers,
						      &facts->layer_count, sizeof(*layer));

		layer->origin = origin(loader, item, "origin");
		layer->size_bytes = number(item, "size_bytes");
		layer->hidden_bytes = number(item, "hidden_bytes");
	}
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct library *)a)->path, ((const struct library *)b)->path);
}

static void load_all(struct loader *loader, const struct json *root)
{
	struct facts *facts = loader->facts;
	const struct json *os = json_get(root, "os"), *python = json_get(root, "python");
	const struct json *triton = json_get(root, "triton");

	facts->image = text(loader, root, "image");
	facts->image = facts->image ? facts->image : "unknown image";
	facts->image_id = text(loader, root, "image_id");
	facts->size_bytes = number(root, "size_bytes");
	facts->file_count = (size_t)number(root, "file_count");
	load_config(loader, json_get(root, "config"));
	facts->os.id = text(loader, os, "id");
	facts->os.version = text(loader, os, "version");
	facts->os.pretty = text(loader, os, "pretty");
	facts->os.glibc = text(loader, os, "glibc");
	facts->os.glibcxx = text(loader, os, "glibcxx");
	facts->os.unread = text(loader, os, "unread");
	facts->os.cxxabi = text(loader, os, "cxxabi");
	facts->python.version = text(loader, python, "version");
	facts->python.path = text(loader, python, "path");
	strings(loader, python, "sites", &facts->python.sites);
	load_dists(loader, json_get(root, "dists"));
	load_packages(loader, json_get(root, "packages"));
	load_libraries(loader, json_get(root, "libraries"));
	if (facts->library_count)
		qsort(facts->libraries, facts->library_count, sizeof(*facts->libraries), by_path);
	load_layers(loader, json_get(root, "layers"));
	load_torch(loader, json_get(root, "torch"));
	load_bnb(loader, json_get(root, "bitsandbytes"));
	facts->triton.present = triton != NULL;
	facts->triton.version = text(loader, triton, "version");
	strings(loader, triton, "ptxas", &facts->triton.ptxas);
	strings(loader, triton, "targets", &facts->triton.targets);
}

int facts_load(const struct json *json, struct facts **out, struct err *err)
{
	struct arena *arena;
	struct loader loader;

	if (json_type(json) != JSON_OBJECT || json_int(json, "assay_facts", 0) != FACTS_VERSION)
		return err_set(err, ERR_USAGE,
			       "no facts of this version: assay_facts is %lld, wanted %d",
			       (long long)json_int(json, "assay_facts", 0), FACTS_VERSION);
	arena = arena_new();
	loader = (struct loader){.arena = arena,
				 .facts = arena_alloc(arena, sizeof(*loader.facts)),
				 .config = arena_alloc(arena, sizeof(*loader.config))};
	loader.facts->arena = arena;
	loader.facts->config = loader.config;
	load_all(&loader, json);
	*out = loader.facts;
	return 0;
}

/* facts.json: everything that a person or facts_diff wants to know of an image without the image.
 */
#include "facts/facts_private.h"

#include "model/secret.h"

#include <string.h>

/* --- out ------------------------------------------------------------------------------------- */

static void put_strings(struct json *out, const char *key, const struct strings *list)
{
	struct json *items = json_add_array(out, key);

	for (size_t i = 0; i < list->count; i++)
		json_add_str(items, NULL, list->items[i]);
}

static void put_origin(struct json *out, const char *key, const struct origin *origin)
{
	struct json *item;

	if (!origin->layer)
		return;
	item = json_add_object(out, key);
	json_add_int(item, "layer", origin->layer);
	json_add_int(item, "step_number", origin->step_number);
	json_add_str(item, "step", origin->step);
}

/* Values of secrets are never kept; that a variable is set is no secret. */
static void put_env(struct json *out, const struct strings *env)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct json *list = json_add_array(out, "env");

	for (size_t i = 0; i < env->count; i++) {
		const char *item = env->items[i];
		size_t len = strcspn(item, "=");
		const char *name = arena_strndup(arena, item, len);

		if (secret_pair(name, item[len] ? item + len + 1 : ""))
			item = arena_printf(arena, "%s=***", name);
		json_add_str(list, NULL, item);
	}
}

static void put_config(struct json *out, const struct image_config *config)
{
	struct json *labels;

	put_env(out, &config->env);
	put_strings(out, "entrypoint", &config->entrypoint);
	put_strings(out, "cmd", &config->cmd);
	put_strings(out, "ports", &config->ports);
	put_strings(out, "volumes", &config->volumes);
	put_strings(out, "healthcheck", &config->healthcheck);
	json_add_str(out, "user", config->user);
	json_add_str(out, "workdir", config->workdir);
	json_add_str(out, "os", config->os);
	json_add_str(out, "arch", config->arch);
	labels = json_add_object(out, "labels");
	for (size_t i = 0; i < config->labels.count; i++)
		if (!secret_pair(config->labels.items[i].key, config->labels.items[i].value))
			json_add_str(labels, config->labels.items[i].key,
				     config->labels.items[i].value);
}

static void put_device(struct json *out, const struct fatbin_summary *device)
{
	struct json *list;

	if (!device->arch_count)
		return;
	list = json_add_array(out, "device");
	for (size_t i = 0; i < device->arch_count; i++) {
		const struct fatbin_arch *arch = &device->archs[i];
		const char suffix[2] = {arch->suffix, '\0'};
		struct json *item = json_add_object(list, NULL);

		json_add_int(item, "cc", arch->cc);
		json_add_str(item, "suffix", suffix);
		json_add_str(item, "kind", arch->kind == FATBIN_PTX ? "ptx" : "sass");
		json_add_int(item, "entries", (int64_t)arch->entries);
		json_add_int(item, "fatbins", (int64_t)arch->fatbins);
		json_add_int(item, "bytes", (int64_t)arch->bytes);
	}
	json_add_int(out, "fatbins", (int64_t)device->fatbin_count);
	json_add_bool(out, "zstd", device->zstd);
}

static void put_dists(struct json *out, const struct facts *facts)
{
	struct json *list = json_add_array(out, "dists");

	for (size_t i = 0; i < facts->dist_count; i++) {
		const struct dist *dist = &facts->dists[i];
		struct json *item = json_add_object(list, NULL);

		json_add_str(item, "name", dist->name);
		json_add_str(item, "version", dist->version);
		json_add_str(item, "path", dist->path);
		json_add_str(item, "site", dist->site);
		json_add_str(item, "direct_url", dist->direct_url);
		json_add_str(item, "installer", dist->installer);
		json_add_str(item, "license", dist->license);
		json_add_bool(item, "requested", dist->requested);
		json_add_bool(item, "shadowed", dist->shadowed);
		put_strings(item, "requires", &dist->requires);
		put_origin(item, "origin", &dist->origin);
		json_add_int(item, "size_bytes", (int64_t)dist->files.size_bytes);
		if (dist->files.known) {
			json_add_int(item, "files", (int64_t)dist->files.listed);
			json_add_int(item, "missing", (int64_t)dist->files.missing);
			json_add_int(item, "resized", (int64_t)dist->files.resized);
			json_add_int(item, "orphans", (int64_t)dist->files.orphans);
		}
	}
	list = json_add_array(out, "broken_requirements");
	for (size_t i = 0; i < facts->broken_count; i++) {
		struct json *item = json_add_object(list, NULL);

		json_add_str(item, "dist", facts->dists[facts->broken[i].dist].name);
		json_add_str(item, "requirement", facts->broken[i].requirement);
		json_add_str(item, "found", facts->broken[i].found);
	}
}

static void put_packages(struct json *out, const struct facts *facts)
{
	struct json *list = json_add_array(out, "packages");

	for (size_t i = 0; i < facts->package_count; i++) {
		const struct package *package = &facts->packages[i];
		struct json *item = json_add_object(list, NULL);

		json_add_str(item, "name", package->name);
		json_add_str(item, "version", package->version);
		json_add_str(item, "arch", package->arch);
		json_add_str(item, "source", package->source);
		json_add_int(item, "size_bytes", (int64_t)package->size_bytes);
		put_origin(item, "origin", &package->origin);
	}
}

static void put_torch(struct json *out, const struct torch_facts *torch)
{
	json_add_str(out, "path", torch->path);
	json_add_str(out, "version", torch->version);
	json_add_str(out, "cuda", torch->cuda);
	json_add_str(out, "metadata_version", torch->metadata_version);
	put_strings(out, "metadata_versions", &torch->metadata_versions);
	json_add_str(out, "arch_list", torch->arch_list);
	json_add_str(out, "cudart_dist", torch->cudart_dist);
	json_add_str(out, "cudart_needed", torch->cudart_needed);
	json_add_str(out, "cuda_library", torch->cuda_library_path);
	json_add_str(out, "index", torch->index);
	json_add_str(out, "replaced_version", torch->replaced_version);
	put_origin(out, "origin", &torch->origin);
	put_origin(out, "replaced", &torch->replaced);
}

static void put_bnb(struct json *out, const struct bnb_facts *bnb)
{
	struct json *list;

	json_add_str(out, "path", bnb->path);
	json_add_str(out, "version", bnb->version);
	json_add_str(out, "override", bnb->override_value);
	json_add_str(out, "wanted", bnb->wanted);
	json_add_str(out, "chosen", bnb->chosen);
	json_add_str(out, "rule", bnb->rule);
	list = json_add_array(out, "variants");
	for (size_t i = 0; i < bnb->library_count; i++)
		json_add_str(list, NULL, bnb->libraries[i].variant);
}

static void put_libraries(struct json *out, const struct facts *facts)
{
	struct json *list = json_add_array(out, "libraries");

	for (size_t i = 0; i < facts->library_count; i++) {
		const struct library *library = &facts->libraries[i];
		struct json *item = json_add_object(list, NULL), *needed;

		json_add_str(item, "path", library->path);
		json_add_str(item, "soname", library->binary->soname);
		json_add_str(item, "machine", library->binary->machine);
		if (library->dist != FACTS_NONE)
			json_add_str(item, "dist", facts->dists[library->dist].name);
		json_add_str(item, "package", library->package);
		json_add_str(item, "malformed", library->binary->malformed);
		put_device(item, &library->binary->device);
		put_origin(item, "origin", &library->origin);
		needed = json_add_object(item, "needed");
		for (size_t n = 0; n < library->needed_count; n++)
			json_add_str(needed, library->needed[n].soname,
				     library->needed[n].path  ? library->needed[n].path
				     : library->needed[n].how ? library->needed[n].how
							      : "not found");
	}
}

static void put_layers(struct json *out, const struct facts *facts)
{
	struct json *list = json_add_array(out, "layers");

	for (size_t i = 0; i < facts->layer_count; i++) {
		struct json *item = json_add_object(list, NULL);

		put_origin(item, "origin", &facts->layers[i].origin);
		json_add_int(item, "size_bytes", (int64_t)facts->layers[i].size_bytes);
		json_add_int(item, "hidden_bytes", (int64_t)facts->layers[i].hidden_bytes);
	}
}

struct json *facts_json(const struct facts *facts)
{
	struct json *root = json_new_object(), *part;

	json_add_int(root, "assay_facts", FACTS_VERSION);
	json_add_str(root, "image", facts->image);
	json_add_str(root, "image_id", facts->image_id);
	json_add_int(root, "size_bytes", (int64_t)facts->size_bytes);
	json_add_int(root, "file_count", (int64_t)facts->file_count);
	put_config(json_add_object(root, "config"), facts->config);
	part = json_add_object(root, "os");
	json_add_str(part, "id", facts->os.id);
	json_add_str(part, "version", facts->os.version);
	json_add_str(part, "pretty", facts->os.pretty);
	json_add_str(part, "glibc", facts->os.glibc);
	json_add_str(part, "glibcxx", facts->os.glibcxx);
	json_add_str(part, "unread", facts->os.unread);
	json_add_str(part, "cxxabi", facts->os.cxxabi);
	part = json_add_object(root, "python");
	json_add_str(part, "version", facts->python.version);
	json_add_str(part, "path", facts->python.path);
	put_strings(part, "sites", &facts->python.sites);
	if (facts->torch.present)
		put_torch(json_add_object(root, "torch"), &facts->torch);
	if (facts->bnb.present)
		put_bnb(json_add_object(root, "bitsandbytes"), &facts->bnb);
	if (facts->triton.present) {
		part = json_add_object(root, "triton");
		json_add_str(part, "version", facts->triton.version);
		put_strings(part, "ptxas", &facts->triton.ptxas);
		put_strings(part, "targets", &facts->triton.targets);
	}
	put_dists(root, facts);
	put_packages(root, facts);
	put_libraries(root, facts);
	put_layers(root, facts);
	return root;
}

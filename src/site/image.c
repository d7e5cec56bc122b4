/* The page of an image: layers, packages by the step that brought them, GPU code by library. */
#include "site/site_private.h"

#include "model/secret.h"

#include <string.h>

#define PACKAGES_MAX 8000
#define LIBRARIES_MAX 2000
#define LAYERS_MAX 500
#define LINES_MAX 300

static void put_origin(const struct origin *origin, struct json *out)
{
	if (!origin->layer)
		return;
	json_add_int(out, "layer", origin->layer);
	if (origin->step_number)
		json_add_int(out, "step", origin->step_number);
}

static void put_layers(const struct facts *facts, struct json *out)
{
	struct json *list = json_add_array(out, "layers");

	for (size_t i = 0; i < facts->layer_count && i < LAYERS_MAX; i++) {
		const struct layer_size *layer = &facts->layers[i];
		struct json *item = json_add_object(list, NULL);

		put_origin(&layer->origin, item);
		site_add_text(item, "instruction", layer->origin.step, SITE_FIELD_MAX);
		json_add_int(item, "size_bytes", (int64_t)layer->size_bytes);
		json_add_int(item, "hidden_bytes", (int64_t)layer->hidden_bytes);
	}
}

static void put_package(const struct package *package, struct json *out)
{
	json_add_str(out, "from", package->source);
	site_add_text(out, "name", package->name, SITE_FIELD_MAX);
	site_add_text(out, "version", package->version, SITE_FIELD_MAX);
	json_add_int(out, "size_bytes", (int64_t)package->size_bytes);
	put_origin(&package->origin, out);
}

static void put_dist(const struct facts *facts, const struct dist *dist, struct json *out)
{
	const char *version = facts_version(facts, dist);

	json_add_str(out, "from", "python");
	site_add_text(out, "name", dist->name, SITE_FIELD_MAX);
	site_add_text(out, "version", version, SITE_FIELD_MAX);
	if (version && dist->version && strcmp(version, dist->version) != 0)
		site_add_text(out, "metadata_version", dist->version, SITE_FIELD_MAX);
	json_add_int(out, "size_bytes", (int64_t)dist->files.size_bytes);
	if (dist->shadowed)
		json_add_bool(out, "shadowed", true);
	if (dist->files.missing || dist->files.resized)
		json_add_int(out, "damaged", (int64_t)(dist->files.missing + dist->files.resized));
	put_origin(&dist->origin, out);
}

static void put_packages(const struct facts *facts, struct json *out)
{
	struct json *list = json_add_array(out, "packages");
	size_t total = facts->dist_count + facts->package_count, count = 0;

	for (size_t i = 0; i < facts->dist_count && count < PACKAGES_MAX; i++, count++)
		put_dist(facts, &facts->dists[i], json_add_object(list, NULL));
	for (size_t i = 0; i < facts->package_count && count < PACKAGES_MAX; i++, count++)
		put_package(&facts->packages[i], json_add_object(list, NULL));
	if (count < total)
		json_add_int(out, "packages_left_out", (int64_t)(total - count));
}

/* --- GPU code -------------------------------------------------------------------------------- */

static void put_archs(const struct fatbin_summary *device, struct json *out)
{
	struct json *list = json_add_array(out, "archs");

	for (size_t i = 0; i < device->arch_count; i++) {
		const struct fatbin_arch *arch = &device->archs[i];
		const char suffix[] = {arch->suffix, '\0'};
		struct json *item = json_add_object(list, NULL);

		json_add_int(item, "cc", arch->cc);
		if (arch->suffix)
			json_add_str(item, "suffix", suffix);
		json_add_str(item, "kind", arch->kind == FATBIN_PTX ? "ptx" : "sass");
		json_add_int(item, "bytes", (int64_t)arch->bytes);
	}
}

static void put_libraries(const struct facts *facts, struct json *out)
{
	struct json *list = json_add_array(out, "libraries");
	size_t shown = 0, with_code = 0;

	for (size_t i = 0; i < facts->library_count; i++) {
		const struct library *library = &facts->libraries[i];
		struct json *item;

		if (!library->binary->device.arch_count)
			continue;
		if (++with_code > LIBRARIES_MAX)
			continue;
		shown++;
		item = json_add_object(list, NULL);
		site_add_text(item, "path", library->path, SITE_FIELD_MAX);
		if (library->dist < facts->dist_count)
			site_add_text(item, "owner", facts->dists[library->dist].name,
				      SITE_FIELD_MAX);
		else
			site_add_text(item, "owner", library->package, SITE_FIELD_MAX);
		put_origin(&library->origin, item);
		put_archs(&library->binary->device, item);
	}
	json_add_int(out, "library_count", (int64_t)facts->library_count);
	if (shown < with_code)
		json_add_int(out, "libraries_left_out", (int64_t)(with_code - shown));
}

/* --- what runs ------------------------------------------------------------------------------- */

static void put_strings(struct json *out, const char *key, const struct strings *list)
{
	struct json *items = json_add_array(out, key);

	for (size_t i = 0; i < list->count && i < LINES_MAX; i++)
		site_add_text(items, NULL, list->items[i], SITE_FIELD_MAX);
}

/* Facts that were kept have no secrets any more; those just read may. */
static void put_env(const struct strings *env, struct arena *arena, struct json *out)
{
	struct json *items = json_add_array(out, "env");

	for (size_t i = 0; i < env->count && i < LINES_MAX; i++) {
		const char *line = env->items[i];
		size_t len = strcspn(line, "=");
		const char *name = arena_strndup(arena, line, len);
		const char *value = line[len] ? line + len + 1 : "";

		site_add_text(items, NULL,
			      secret_pair(name, value) ? arena_printf(arena, "%s=***", name) : line,
			      SITE_FIELD_MAX);
	}
}

static void put_config(const struct image_config *config, struct arena *arena, struct json *out)
{
	if (!config)
		return;
	put_strings(out, "entrypoint", &config->entrypoint);
	put_strings(out, "cmd", &config->cmd);
	put_strings(out, "ports", &config->ports);
	site_add_text(out, "user", config->user, SITE_FIELD_MAX);
	site_add_text(out, "workdir", config->workdir, SITE_FIELD_MAX);
	site_add_text(out, "arch", config->arch, SITE_FIELD_MAX);
	put_env(&config->env, arena, out);
}

static void put_torch(const struct torch_facts *torch, struct json *out)
{
	site_add_text(out, "version", torch->version, SITE_FIELD_MAX);
	site_add_text(out, "cuda", torch->cuda, SITE_FIELD_MAX);
	site_add_text(out, "metadata_version", torch->metadata_version, SITE_FIELD_MAX);
	site_add_text(out, "index", torch->index, SITE_FIELD_MAX);
	site_add_text(out, "arch_list", torch->arch_list, SITE_FIELD_MAX);
	site_add_text(out, "replaced_version", torch->replaced_version, SITE_FIELD_MAX);
	put_origin(&torch->origin, out);
	put_origin(&torch->replaced, json_add_object(out, "replaced"));
}

static void put_system(const struct facts *facts, struct json *out)
{
	site_add_text(out, "os", facts->os.pretty, SITE_FIELD_MAX);
	site_add_text(out, "glibc", facts->os.glibc, SITE_FIELD_MAX);
	site_add_text(out, "python", facts->python.version, SITE_FIELD_MAX);
	if (facts->torch.present)
		put_torch(&facts->torch, json_add_object(out, "torch"));
	if (facts->bnb.present) {
		struct json *bnb = json_add_object(out, "bitsandbytes");

		site_add_text(bnb, "version", facts->bnb.version, SITE_FIELD_MAX);
		site_add_text(bnb, "chosen", facts->bnb.chosen, SITE_FIELD_MAX);
		site_add_text(bnb, "wanted", facts->bnb.wanted, SITE_FIELD_MAX);
		site_add_text(bnb, "rule", facts->bnb.rule, SITE_FIELD_MAX);
		site_add_text(bnb, "override", facts->bnb.override_value, SITE_FIELD_MAX);
	}
	if (facts->triton.present) {
		struct json *triton = json_add_object(out, "triton");

		site_add_text(triton, "version", facts->triton.version, SITE_FIELD_MAX);
		put_strings(triton, "targets", &facts->triton.targets);
	}
}

static void put_runs(const struct site_image *page, struct arena *arena, struct json *out)
{
	struct json *list = json_add_array(out, "runs");

	for (size_t i = 0; i < page->run_count && i < LINES_MAX; i++) {
		struct json *item = json_add_object(list, NULL);

		json_add_str(item, "page", site_run_path(page->runs[i].id, arena));
		json_add_str(item, "commit", page->runs[i].commit);
		site_add_text(item, "subject", page->runs[i].subject, SITE_FIELD_MAX);
		json_add_str(item, "verdict", verdict_name(page->runs[i].verdict));
	}
	json_add_int(out, "run_count", (int64_t)page->run_count);
}

void site_image_write(const struct site_image *page, const struct site_frame *frame,
		      struct buf *out)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct facts *facts = page->facts;
	struct site_page frame_page = {.kind = "image", .root = "../"};
	struct json *data = json_new_object();

	site_add_text(data, "id", page->id, SITE_FIELD_MAX);
	site_add_text(data, "name", facts->image, SITE_FIELD_MAX);
	json_add_int(data, "size_bytes", (int64_t)facts->size_bytes);
	json_add_int(data, "file_count", (int64_t)facts->file_count);
	put_system(facts, data);
	put_config(facts->config, arena, json_add_object(data, "config"));
	put_runs(page, arena, data);
	put_layers(facts, data);
	put_packages(facts, data);
	put_libraries(facts, data);
	frame_page.title = arena_printf(arena, "Image %.19s – %s", page->id, frame->title);
	frame_page.data = data;
	site_page_write(&frame_page, frame, out);
}

void site_images_write(const struct site_image_row *rows, size_t count,
		       const struct site_frame *frame, struct buf *out)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct site_page frame_page = {.kind = "images", .root = ""};
	struct json *data = json_new_object(), *list = json_add_array(data, "images");

	for (size_t i = 0; i < count; i++) {
		struct json *item = json_add_object(list, NULL);

		site_add_text(item, "id", rows[i].id, SITE_FIELD_MAX);
		json_add_str(item, "page", site_image_path(rows[i].id, arena));
		json_add_int(item, "size_bytes", (int64_t)rows[i].size_bytes);
		json_add_int(item, "layer_count", (int64_t)rows[i].layer_count);
		site_add_text(item, "torch", rows[i].torch, SITE_FIELD_MAX);
		json_add_str(item, "commit", rows[i].commit);
		site_add_text(item, "subject", rows[i].subject, SITE_FIELD_MAX);
		json_add_int(item, "run_count", (int64_t)rows[i].run_count);
	}
	frame_page.title = arena_printf(arena, "Images – %s", frame->title);
	frame_page.data = data;
	site_page_write(&frame_page, frame, out);
}

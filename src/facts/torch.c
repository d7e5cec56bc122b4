/* What torch really is: version.py is what `import torch` reports; metadata is what pip reports. */
#include "facts/facts_private.h"

#include <string.h>

/* Highest first: the version.py that the first site of sys.path holds. */
static const struct image_file *find_version(struct collector *collector)
{
	const struct python_facts *python = &collector->facts->python;

	for (size_t i = 0; i < python->sites.count; i++) {
		const struct image_file *file =
			image_find(collector->image,
				   arena_printf(collector->arena, "%s/torch/version.py",
						python->sites.items[i]),
				   true);

		if (file)
			return file;
	}
	for (size_t i = 0; i < collector->file_count; i++) {
		const char *path = collector->files[i].path;
		size_t len = strlen(path);

		if (len > 17 && strcmp(path + len - 17, "/torch/version.py") == 0 &&
		    strstr(path, "-packages/torch/version.py"))
			return &collector->files[i];
	}
	return NULL;
}

static void read_replaced(struct collector *collector, const struct image_file *file,
			  struct torch_facts *torch)
{
	struct torch_version version;
	size_t len = 0;

	for (file = file->replaced; file; file = file->replaced) {
		const char *text = facts__text(collector, file, &len);

		if (!text)
			continue;
		torch_version_parse(text, len, collector->arena, &version);
		if (!version.version ||
		    (torch->version && strcmp(version.version, torch->version) == 0))
			continue;
		torch->replaced_version = version.version;
		torch->replaced = facts__origin(collector->facts, file);
		return;
	}
}

/* One step may remove what another brought and a third bring it anew: then nothing is replaced in
 * place, but a lower layer still holds the other version. */
static void read_hidden(struct collector *collector, const char *path, struct torch_facts *torch)
{
	size_t count = 0, len = 0;
	const struct image_file *hidden = image_hidden(collector->image, &count);
	struct torch_version version;

	for (size_t i = count; i > 0 && !torch->replaced_version; i--) {
		const char *text;

		if (strcmp(hidden[i - 1].path, path) != 0)
			continue;
		text = facts__text(collector, &hidden[i - 1], &len);
		if (!text)
			continue;
		torch_version_parse(text, len, collector->arena, &version);
		if (!version.version || !torch->version ||
		    strcmp(version.version, torch->version) == 0)
			continue;
		torch->replaced_version = version.version;
		torch->replaced = facts__origin(collector->facts, &hidden[i - 1]);
	}
}

/* As importlib.metadata: the first metadata folder of the site. The order of a real folder is not
 * the order of names; the lowest layer's comes first on overlay file systems. */
static void read_metadata(struct collector *collector, struct torch_facts *torch, const char *site)
{
	const struct facts *facts = collector->facts;
	unsigned lowest = 0;

	for (size_t i = 0; i < facts->dist_count; i++) {
		const struct dist *dist = &facts->dists[i];

		if (strcmp(dist->normalised, "torch") != 0 || strcmp(dist->site, site) != 0)
			continue;
		facts__push(collector, &torch->metadata_versions, dist->version);
		if (!torch->metadata_version || dist->origin.layer < lowest) {
			torch->metadata_version = dist->version;
			lowest = dist->origin.layer;
		}
	}
}

static void read_index(struct collector *collector, struct torch_facts *torch, const char *site)
{
	const struct facts *facts = collector->facts;

	torch->index = "unknown";
	for (size_t i = 0; i < facts->dist_count; i++) {
		const struct dist *dist = &facts->dists[i];

		if (strcmp(dist->normalised, "torch") != 0 || strcmp(dist->site, site) != 0 ||
		    dist->shadowed || !dist->version || !torch->version)
			continue;
		if (dist->direct_url)
			torch->index = dist->direct_url;
		else if (dist->local)
			torch->index = "download.pytorch.org";
		else if (strchr(torch->version, '+'))
			torch->index = "pypi"; /* its wheels carry no local part */
	}
}

static void read_cudart(struct collector *collector, struct torch_facts *torch)
{
	const struct facts *facts = collector->facts;
	const struct binary *binary = torch->cuda_library;

	for (size_t i = 0; i < facts->dist_count; i++)
		if (strncmp(facts->dists[i].normalised, "nvidia", 6) == 0 &&
		    strstr(facts->dists[i].normalised, "cuda-runtime") && !facts->dists[i].shadowed)
			torch->cudart_dist = facts->dists[i].version;
	for (size_t i = 0; binary && i < binary->needed.count; i++)
		if (strncmp(binary->needed.items[i], "libcudart.so", 12) == 0)
			torch->cudart_needed = binary->needed.items[i];
}

void facts__torch(struct collector *collector)
{
	struct torch_facts *torch = &collector->facts->torch;
	const struct image_file *file = find_version(collector);
	const struct library *library;
	struct torch_version version;
	const char *folder, *site, *text;
	size_t len = 0;

	if (!file)
		return;
	torch->present = true;
	folder = arena_strndup(collector->arena, file->path,
			       (size_t)(strrchr(file->path, '/') - file->path));
	site = arena_strndup(collector->arena, folder, (size_t)(strrchr(folder, '/') - folder));
	torch->path = folder;
	torch->origin = facts__origin(collector->facts, file);
	text = facts__text(collector, file, &len);
	if (text) {
		torch_version_parse(text, len, collector->arena, &version);
		torch->version = version.version;
		torch->cuda = version.cuda;
	}
	library =
		facts_library(collector->facts,
			      arena_printf(collector->arena, "%s/lib/libtorch_python.so", folder));
	torch->arch_list = library ? library->binary->arch_list : NULL;
	library = facts_library(collector->facts,
				arena_printf(collector->arena, "%s/lib/libtorch_cuda.so", folder));
	torch->cuda_library = library ? library->binary : NULL;
	torch->cuda_library_path = library ? library->path : NULL;
	read_metadata(collector, torch, site);
	read_index(collector, torch, site);
	read_cudart(collector, torch);
	read_replaced(collector, file, torch);
	if (!torch->replaced_version)
		read_hidden(collector, file->path, torch);
}

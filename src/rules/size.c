/* Why is the image larger than the baseline's, and what is in it for nothing? */
#include "rules/rules_private.h"

#include "base/units.h"

#include <string.h>

#define SIZE_TEXT 32
#define GROWN_PERCENT 30 /* more than this against the baseline is a jump */
#define GROWN_LEAST                                                                                \
	((uint64_t)64 * 1024 * 1024) /* unless GPU packages came, smaller is daily work */
#define HIDDEN_PERCENT 10
#define HIDDEN_LEAST ((uint64_t)64 * 1024 * 1024)

static bool is_gpu_package(const char *name)
{
	return strcmp(name, "torch") == 0 || strcmp(name, "triton") == 0 ||
	       rules__begins(name, "nvidia-") || rules__begins(name, "cuda-");
}

static const struct dist *in_baseline(const struct rule_input *input, const struct dist *dist)
{
	return facts_dist(input->before, dist->normalised);
}

/* The five packages that grew most, "torch +1.6 GiB". */
static const char *growth(const struct rule_input *input, struct findings *out)
{
	struct strings words = {0};
	char text[SIZE_TEXT];
	uint64_t last = UINT64_MAX;

	while (words.count < 5) {
		const struct dist *most = NULL;
		uint64_t grown = 0;

		for (size_t i = 0; i < input->facts->dist_count; i++) {
			const struct dist *dist = &input->facts->dists[i];
			const struct dist *old = in_baseline(input, dist);
			uint64_t was = old ? old->files.size_bytes : 0;
			uint64_t by =
				dist->files.size_bytes > was ? dist->files.size_bytes - was : 0;

			if (by > grown && by < last) {
				grown = by;
				most = dist;
			}
		}
		if (!most)
			break;
		rules__push(&words,
			    TEXT("%s +%s", most->name, units_size(grown, text, sizeof(text))),
			    out->arena);
		last = grown;
	}
	return words.count ? rules__join(&words, 5, out->arena) : "no Python package";
}

static const struct dist *new_gpu_package(const struct rule_input *input)
{
	const struct dist *largest = NULL;

	for (size_t i = 0; i < input->before->dist_count; i++)
		if (is_gpu_package(input->before->dists[i].normalised))
			return NULL;
	for (size_t i = 0; i < input->facts->dist_count; i++) {
		const struct dist *dist = &input->facts->dists[i];

		if (rules__begins(dist->normalised, "nvidia-") &&
		    (!largest || dist->files.size_bytes > largest->files.size_bytes))
			largest = dist;
	}
	return largest;
}

static void judge_growth(const struct rule_input *input, struct findings *out)
{
	uint64_t was = input->before->size_bytes, is = input->facts->size_bytes;
	const struct dist *gpu = new_gpu_package(input);
	char old[SIZE_TEXT], new[SIZE_TEXT];

	if (gpu)
		finding_add(out, "size/gpu-packages", gpu->name,
			    "no CUDA libraries, as in the baseline",
			    TEXT("a dependency began to bring them: %s", growth(input, out)),
			    rules__place(gpu->path, &gpu->origin, out->arena));
	if (!was || is <= was || is - was < GROWN_LEAST || (is - was) * 100 / was <= GROWN_PERCENT)
		return;
	finding_add(out, "size/grown", "image",
		    TEXT("about %s, as the baseline", units_size(was, old, sizeof(old))),
		    TEXT("%s: %s", units_size(is, new, sizeof(new)), growth(input, out)), "");
}

static void judge_hidden(const struct facts *facts, struct findings *out)
{
	uint64_t hidden = 0;
	const struct layer_size *worst = NULL;
	char text[SIZE_TEXT];

	for (size_t i = 0; i < facts->layer_count; i++) {
		hidden += facts->layers[i].hidden_bytes;
		if (!worst || facts->layers[i].hidden_bytes > worst->hidden_bytes)
			worst = &facts->layers[i];
	}
	if (!worst || hidden < HIDDEN_LEAST || !facts->size_bytes ||
	    hidden * 100 / facts->size_bytes < HIDDEN_PERCENT)
		return;
	finding_add(out, "size/hidden", "layers", "no bytes that later layers replace or remove",
		    TEXT("%s that nobody can see", units_size(hidden, text, sizeof(text))),
		    rules__place("", &worst->origin, out->arena));
}

static void judge_caches(const struct rule_input *input, struct findings *out)
{
	static const char *const folders[] = {"/root/.cache/pip", "/root/.cache/uv",
					      "/opt/conda/pkgs", "/var/cache/apt/archives", NULL};

	for (size_t i = 0; input->image && folders[i]; i++) {
		size_t count = 0;
		const struct image_file *files = image_under(input->image, folders[i], &count);
		uint64_t bytes = 0;
		char text[SIZE_TEXT];

		for (size_t k = 0; k < count; k++)
			bytes += files[k].type == FILE_REGULAR ? files[k].size_bytes : 0;
		if (bytes < 1024 * 1024)
			continue;
		finding_add(out, "size/cache", folders[i], "no installer's cache in the image",
			    units_size(bytes, text, sizeof(text))[0] ? TEXT("%s", text) : "",
			    folders[i]);
	}
}

static void run(const struct rule_input *input, struct findings *out)
{
	if (!input->facts)
		return;
	if (input->before)
		judge_growth(input, out);
	judge_hidden(input->facts, out);
	judge_caches(input, out);
}

static const struct rule_label labels[] = {
	{"size/cache", SEVERITY_NOTE},
	{"size/gpu-packages", SEVERITY_WARNING},
	{"size/grown", SEVERITY_WARNING},
	{"size/hidden", SEVERITY_NOTE},
	{NULL, SEVERITY_NOTE},
};

const struct rule_ops rule_size = {
	.topic = "size",
	.summary = "growth against the baseline, and bytes that nobody uses",
	.labels = labels,
	.run = run,
};

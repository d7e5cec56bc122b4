/*
 * bitsandbytes: which of its libraries will be loaded. The name comes from torch's CUDA version or
 * from BNB_CUDA_VERSION; what happens when that file is not there depends on the release.
 */
#include "facts/facts_private.h"

#include "base/units.h"
#include "parse/version.h"

#include <string.h>

#define PREFIX "libbitsandbytes_"

/* Releases by what they do about a missing file. */
enum release {
	RELEASE_FALLS_TO_CPU, /* before 0.46 */
	RELEASE_FAILS,	      /* 0.46 to 0.49 */
	RELEASE_FINDS_NEAREST /* 0.50 on; an empty override is an error there */
};

static enum release release_of(const char *version)
{
	struct err ignored;
	int order;

	if (!version ||
	    version_compare(VERSION_PEP440, version, "0.50.0.dev0", &order, &ignored) < 0)
		return RELEASE_FAILS;
	if (order >= 0)
		return RELEASE_FINDS_NEAREST;
	(void)version_compare(VERSION_PEP440, version, "0.46.0.dev0", &order, &ignored);
	return order >= 0 ? RELEASE_FAILS : RELEASE_FALLS_TO_CPU;
}

static const char *find(const struct bnb_facts *bnb, const char *variant)
{
	for (size_t i = 0; i < bnb->library_count; i++)
		if (strcmp(bnb->libraries[i].variant, variant) == 0)
			return bnb->libraries[i].path;
	return NULL;
}

static int64_t cuda_number(const char *variant)
{
	int64_t number;

	if (strncmp(variant, "cuda", 4) != 0 ||
	    units_parse_int(variant + 4, 0, 100000, &number) < 0)
		return -1;
	return number;
}

/* The highest build below WANTED of the same CUDA major, else the lowest above it. */
static const char *nearest(const struct bnb_facts *bnb, int64_t wanted, const char **rule)
{
	int64_t lower = -1, higher = INT64_MAX;
	const char *low = NULL, *high = NULL;

	for (size_t i = 0; i < bnb->library_count; i++) {
		int64_t number = cuda_number(bnb->libraries[i].variant);

		if (number < 0 || number / 10 != wanted / 10)
			continue;
		if (number < wanted && number > lower) {
			lower = number;
			low = bnb->libraries[i].path;
		} else if (number > wanted && number < higher) {
			higher = number;
			high = bnb->libraries[i].path;
		}
	}
	*rule = low ? "nearest-lower" : high ? "nearest-higher" : "missing";
	return low ? low : high;
}

static void choose(struct collector *collector, struct bnb_facts *bnb)
{
	const char *override_value = bnb->override_value, *cuda = collector->facts->torch.cuda;
	enum release release = release_of(bnb->version);
	const char *digits, *dot, *variant;
	int64_t number = -1;

	if (override_value && release == RELEASE_FINDS_NEAREST &&
	    (!*override_value || strspn(override_value, "0123456789") != strlen(override_value))) {
		bnb->rule = "bad-override";
		return;
	}
	if (!cuda) {
		bnb->rule = "cpu";
		bnb->chosen = find(bnb, "cpu");
		return;
	}
	dot = strchr(cuda, '.');
	digits = dot ? arena_printf(collector->arena, "%.*s%s", (int)(dot - cuda), cuda, dot + 1)
		     : cuda;
	if (override_value && *override_value)
		digits = override_value;
	variant = arena_printf(collector->arena, "cuda%s", digits);
	number = cuda_number(variant);
	bnb->wanted = arena_printf(collector->arena, PREFIX "%s.so", variant);
	bnb->chosen = find(bnb, variant);
	bnb->rule = override_value && *override_value ? "override" : "exact";
	if (bnb->chosen)
		return;
	bnb->rule = "missing";
	if (release == RELEASE_FALLS_TO_CPU) {
		bnb->rule = "cpu-fallback";
		bnb->chosen = find(bnb, "cpu");
	} else if (release == RELEASE_FINDS_NEAREST && !(override_value && *override_value)) {
		bnb->chosen = nearest(bnb, number, &bnb->rule);
	}
}

static void list_libraries(struct collector *collector, struct bnb_facts *bnb)
{
	const struct facts *facts = collector->facts;
	size_t head = strlen(bnb->path);

	for (size_t i = 0; i < facts->library_count; i++) {
		const char *path = facts->libraries[i].path, *base = facts__base(path);
		size_t len = strlen(base);
		struct bnb_library *library;

		if (strncmp(path, bnb->path, head) != 0 || path[head] != '/' ||
		    strncmp(base, PREFIX, strlen(PREFIX)) != 0 || len < 4 ||
		    strcmp(base + len - 3, ".so") != 0)
			continue;
		library = arena_push(collector->arena, &bnb->libraries, &bnb->library_count,
				     sizeof(*library));
		library->path = path;
		library->binary = facts->libraries[i].binary;
		library->variant = arena_strndup(collector->arena, base + strlen(PREFIX),
						 len - strlen(PREFIX) - 3);
	}
}

void facts__bnb(struct collector *collector)
{
	struct bnb_facts *bnb = &collector->facts->bnb;
	const struct dist *dist = facts_dist(collector->facts, "bitsandbytes");
	const char *path;
	const struct image_file *folder;

	if (!dist)
		return;
	path = arena_printf(collector->arena, "%s/bitsandbytes", dist->site);
	folder = image_find(collector->image, path, true);
	if (!folder || folder->type != FILE_FOLDER)
		return;
	bnb->present = true;
	bnb->path = folder->path;
	bnb->version = dist->version;
	bnb->override_value = facts_env(collector->facts, "BNB_CUDA_VERSION");
	list_libraries(collector, bnb);
	choose(collector, bnb);
}

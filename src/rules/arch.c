/* Has what this image will load code for every GPU it is meant for? Judged on the device code of
 * its libraries, one distribution at a time: a package may well bring files for other cards. */
#include "rules/rules_private.h"

#include <string.h>

/* What nvcc leaves in .nv_fatbin of a library that has no kernel there takes 352 bytes; cuFFT of
 * CUDA 12 is such, and loads its kernels from data that only it reads. */
#define STUB_BYTES_MAX 1024
#define ZSTD_DRIVER 550 /* fatbins packed with zstd: 550.54.14, rapids-cmake's manual */

/* NVIDIA's own libraries bring code per feature and per card; of these alone every fatbin that a
 * deployment launches must be there. */
static const char *const always_used[] = {"libcublas.so", "libcublasLt.so", NULL};

struct group { /* device libraries of one distribution, or of one folder outside of any */
	const char *name;
	const struct library *main; /* that serves best; of equals, the one with most code */
	enum fatbin_fit fit;
	size_t count;
};

static bool is_closed(const struct facts *facts, const struct library *library)
{
	static const char *const stems[] = {"libcu",	 "libnccl", "libnv",	  "libnpp",
					    "libcaffe2", "libtrt",  "libnvinfer", NULL};
	const struct dist *dist = rules__dist_of(facts, library);
	const char *base = rules__base(library->path);

	if (dist && (rules__begins(dist->normalised, "nvidia-") ||
		     strcmp(dist->normalised, "cuda-toolkit") == 0))
		return true;
	if (dist)
		return false;
	for (size_t i = 0; stems[i]; i++)
		if (rules__begins(base, stems[i]))
			return true;
	return false;
}

/* Nothing to judge by: the library keeps its code elsewhere. */
static bool is_stub(const struct fatbin_summary *device)
{
	return device->fatbin_count == 1 && device->arch_count == 1 &&
	       device->archs[0].bytes <= STUB_BYTES_MAX;
}

static bool is_always_used(const struct library *library)
{
	for (size_t i = 0; always_used[i]; i++)
		if (rules__begins(rules__base(library->path), always_used[i]))
			return true;
	return false;
}

static bool under(const char *path, const char *folder)
{
	size_t len = folder ? strlen(folder) : 0;

	return len && strncmp(path, folder, len) == 0 && path[len] == '/';
}

/* One file of bitsandbytes is loaded, the rest lies there. */
static bool is_unused_bnb(const struct facts *facts, const char *path)
{
	return facts->bnb.present && under(path, facts->bnb.path) &&
	       (!facts->bnb.chosen || strcmp(facts->bnb.chosen, path) != 0);
}

/* Of torch, libtorch_cuda.so decides: others of its libraries serve single features. */
static bool is_side_torch(const struct facts *facts, const char *path)
{
	return facts->torch.present && facts->torch.cuda_library_path &&
	       under(path, facts->torch.path) && strcmp(facts->torch.cuda_library_path, path) != 0;
}

static const char *gpu_code(const struct gpu *gpu, struct arena *arena)
{
	return arena_printf(arena, "code for sm_%u (%s)", gpu->cc, gpu->title);
}

/* Fatbins that certainly have nothing for CC, code for single cards ("90a") left out: a fatbin of
 * such code alone is a feature that other cards do without. */
static uint64_t unserved(const struct fatbin_summary *device, unsigned cc)
{
	uint64_t served = 0;

	for (size_t i = 0; i < device->arch_count; i++) {
		const struct fatbin_arch *arch = &device->archs[i];

		if (fatbin_fits(arch, cc) != FATBIN_NONE || arch->suffix)
			served += arch->fatbins;
	}
	return served < device->fatbin_count ? device->fatbin_count - served : 0;
}

static enum fatbin_fit best(const struct fatbin_summary *device, unsigned cc)
{
	enum fatbin_fit fit = FATBIN_NONE;

	for (size_t i = 0; i < device->arch_count; i++) {
		enum fatbin_fit one = fatbin_fits(&device->archs[i], cc);

		fit = one > fit ? one : fit;
	}
	return fit;
}

static void add(struct findings *out, const char *label, const struct gpu *gpu,
		const struct library *library, const char *subject, const char *actual)
{
	struct finding *finding =
		finding_add(out, label, subject, gpu_code(gpu, out->arena), actual,
			    rules__place(library->path, &library->origin, out->arena));

	finding->target = gpu->name;
}

static void judge_group(const struct facts *facts, const struct group *group, const struct gpu *gpu,
			struct findings *out)
{
	const struct library *library = group->main;
	const struct fatbin_summary *device = &library->binary->device;
	const char *archs = fatbin_text(device, out->arena);
	bool closed = is_closed(facts, library);
	uint64_t lacking = unserved(device, gpu->cc);

	if (closed && !is_always_used(library) && is_stub(device))
		return;
	if (group->fit == FATBIN_NONE)
		add(out,
		    closed && !is_always_used(library) ? "arch/library-lacks" : "arch/missing-sm",
		    gpu, library, group->name,
		    TEXT("%s has %s: no machine code that runs there, no PTX to compile from",
			 rules__base(library->path), archs));
	else if (group->fit == FATBIN_JIT && !closed)
		add(out, "arch/jit-only", gpu, library, group->name,
		    TEXT("%s has %s: only PTX, compiled by the driver at first use",
			 rules__base(library->path), archs));
	else if (!closed && lacking)
		add(out, "arch/partial", gpu, library, group->name,
		    TEXT("%s has %s: at least %llu of %llu fatbins have nothing for it",
			 rules__base(library->path), archs, (unsigned long long)lacking,
			 (unsigned long long)device->fatbin_count));
}

static const char *group_name(const struct facts *facts, const struct library *library,
			      struct arena *arena)
{
	const struct dist *dist = rules__dist_of(facts, library);

	if (facts->torch.present && under(library->path, facts->torch.path))
		return "torch";
	if (is_closed(facts, library) || !dist)
		return rules__base(library->path);
	return arena_strdup(arena, dist->normalised);
}

static struct group *group_of(struct group **groups, size_t *count, const char *name,
			      struct arena *arena)
{
	struct group *group;

	for (size_t i = 0; i < *count; i++)
		if (strcmp((*groups)[i].name, name) == 0)
			return &(*groups)[i];
	group = arena_push(arena, groups, count, sizeof(*group));
	group->name = name;
	return group;
}

static void judge_target(const struct facts *facts, const struct gpu *gpu, struct findings *out)
{
	struct group *groups = NULL;
	size_t count = 0;

	for (size_t i = 0; i < facts->library_count; i++) {
		const struct library *library = &facts->libraries[i];
		struct group *group;
		enum fatbin_fit fit;

		if (!library->binary || !library->binary->device.arch_count ||
		    library->binary->kind == BINARY_CUBIN || is_unused_bnb(facts, library->path) ||
		    is_side_torch(facts, library->path))
			continue;
		fit = best(&library->binary->device, gpu->cc);
		group = group_of(&groups, &count, group_name(facts, library, out->arena),
				 out->arena);
		if (!group->count++ || fit > group->fit ||
		    (fit == group->fit && library->binary->device.fatbin_count >
						  group->main->binary->device.fatbin_count)) {
			group->fit = fit;
			group->main = library;
		}
	}
	for (size_t i = 0; i < count; i++)
		judge_group(facts, &groups[i], gpu, out);
}

/* The highest compute capability among "sm_90", "sm_120a", …; 0 none. */
static unsigned highest_target(const struct strings *targets)
{
	unsigned highest = 0, cc, minor;

	for (size_t i = 0; i < targets->count; i++)
		if (rules__begins(targets->items[i], "sm_") &&
		    rules__numbers(targets->items[i] + strlen("sm_"), &cc, &minor) && cc > highest)
			highest = cc;
	return highest;
}

/* Triton compiles at run time with the ptxas it brings. Its names are found as strings, of which
 * linkers may keep one inside another: only a card above all of them is surely unknown. */
static void judge_ptxas(const struct facts *facts, const struct gpu *gpu, struct findings *out)
{
	const struct dist *dist = facts_dist(facts, "triton");
	unsigned highest = highest_target(&facts->triton.targets);
	struct finding *finding;

	if (!facts->triton.present || !highest || gpu->cc <= highest)
		return;
	finding = finding_add(
		out, "arch/ptxas-lacks", "triton", TEXT("a ptxas that can target sm_%u", gpu->cc),
		TEXT("ptxas of triton %s ends at sm_%u",
		     facts->triton.version ? facts->triton.version : "of unknown version", highest),
		rules__place(facts->triton.ptxas.count ? facts->triton.ptxas.items[0] : NULL,
			     dist ? &dist->origin : NULL, out->arena));
	finding->target = gpu->name;
}

/* Does LIST ("sm_75 sm_90a compute_90") name CC of KIND? */
static bool list_names(const char *list, enum fatbin_kind kind, unsigned cc, struct arena *arena)
{
	const char *word = arena_printf(arena, "%s_%u", kind == FATBIN_SASS ? "sm" : "compute", cc);
	size_t len = strlen(word);

	for (const char *at = strstr(list, word); at; at = strstr(at + 1, word))
		if (at[len] < '0' || at[len] > '9')
			return true;
	return false;
}

/* The list that torch prints was compiled into another library than the code it tells of: both
 * agree unless files of two builds lie in one folder. */
static void judge_list(const struct facts *facts, struct findings *out)
{
	const struct torch_facts *torch = &facts->torch;
	const struct fatbin_summary *device;
	struct strings extra = {0}, absent = {0};

	if (!torch->arch_list || !torch->cuda_library || !torch->cuda_library->device.arch_count)
		return;
	device = &torch->cuda_library->device;
	for (size_t i = 0; i < device->arch_count; i++) {
		const struct fatbin_arch *arch = &device->archs[i];

		if (!arch->suffix && arch->kind == FATBIN_SASS &&
		    arch->fatbins == device->fatbin_count &&
		    !list_names(torch->arch_list, arch->kind, arch->cc, out->arena))
			rules__push(&extra, TEXT("sm_%u", arch->cc), out->arena);
	}
	for (const struct gpu *gpu = gpu_table; gpu->name; gpu++) {
		const char *name = TEXT("sm_%u", gpu->cc);
		bool found = rules__has(&absent, name) ||
			     !list_names(torch->arch_list, FATBIN_SASS, gpu->cc, out->arena);

		for (size_t i = 0; i < device->arch_count && !found; i++)
			found = device->archs[i].cc == gpu->cc;
		if (!found)
			rules__push(&absent, name, out->arena);
	}
	if (extra.count || absent.count)
		finding_add(out, "arch/list-disagrees", "torch",
			    TEXT("code for what torch.cuda.get_arch_list() names: %s",
				 torch->arch_list),
			    TEXT("libtorch_cuda.so has %s", fatbin_text(device, out->arena)),
			    rules__place(torch->cuda_library_path, &torch->origin, out->arena));
}

static void judge_zstd(const struct rule_input *input, struct findings *out)
{
	const struct facts *facts = input->facts;

	if (!input->driver || input->driver >= ZSTD_DRIVER)
		return;
	for (size_t i = 0; i < facts->library_count; i++) {
		const struct library *library = &facts->libraries[i];

		if (library->binary && library->binary->device.zstd &&
		    !is_unused_bnb(facts, library->path))
			finding_add(out, "arch/zstd-driver", rules__base(library->path),
				    TEXT("code that driver %u can unpack", input->driver),
				    "code packed with zstd, which needs driver 550.54.14",
				    rules__place(library->path, &library->origin, out->arena));
	}
}

static void run(const struct rule_input *input, struct findings *out)
{
	if (!input->facts)
		return;
	for (size_t i = 0; i < input->target_count; i++) {
		judge_target(input->facts, input->targets[i], out);
		judge_ptxas(input->facts, input->targets[i], out);
	}
	judge_list(input->facts, out);
	judge_zstd(input, out);
}

static const struct rule_label labels[] = {
	{"arch/jit-only", SEVERITY_WARNING},	   {"arch/library-lacks", SEVERITY_NOTE},
	{"arch/list-disagrees", SEVERITY_WARNING}, {"arch/missing-sm", SEVERITY_ERROR},
	{"arch/partial", SEVERITY_WARNING},	   {"arch/ptxas-lacks", SEVERITY_ERROR},
	{"arch/zstd-driver", SEVERITY_ERROR},	   {NULL, SEVERITY_NOTE},
};

const struct rule_ops rule_arch = {
	.topic = "arch",
	.summary = "device code of libraries against the GPUs they must run on",
	.labels = labels,
	.run = run,
};

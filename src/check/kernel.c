/*
 * The 4-bit kernels of the bitsandbytes that the image would load, on the card that is there: right
 * against arithmetic, and fast as a share of what the same card does in the same process.
 */
#include "check/gpu_private.h"

#include "model/gpu.h"
#include "stats/summary.h"

#include <fnmatch.h>
#include <string.h>

#define SHARE "share-of-ceiling" /* the metric that limits are for */
#define RELEASE_MAX 99
#define REPEAT_MAX 50 /* assay-gpu's own */

struct limit { /* an element of "limits" */
	const char *cases;
	double share;
	struct strings targets;
};

struct spec {
	struct gpu_place place;
	const char *library;
	const char *rootfs;
	const char *checkpoint;
	int64_t release;
	struct strings cases;
	int64_t repeat;
	struct objects limits;
};

static const struct field limit_fields[] = {
	{.name = "cases",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct limit, cases),
	 .required = true,
	 .nonempty = true,
	 .help = "pattern of timed cases, such as \"bench/gemv/*\""},
	{.name = "share",
	 .type = FIELD_NUMBER,
	 .offset = offsetof(struct limit, share),
	 .required = true,
	 .max = 1,
	 .help = "least share of the ceiling measured beside it: read bandwidth, or matrix "
		 "product"},
	{.name = "targets",
	 .type = FIELD_STRINGS,
	 .offset = offsetof(struct limit, targets),
	 .help = "targets the limit is for; all when left out"},
	{.name = NULL},
};

#define AT(member) offsetof(struct spec, member)
static const struct field fields[] = {
	GPU_PLACE_FIELDS(AT(place)),
	{.name = "library",
	 .type = FIELD_STRING,
	 .offset = AT(library),
	 .nonempty = true,
	 .help = "the libbitsandbytes_cuda*.so under test; the one that the image would load when "
		 "left out"},
	{.name = "rootfs",
	 .type = FIELD_STRING,
	 .offset = AT(rootfs),
	 .nonempty = true,
	 .help = "with \"host\": folder that holds the image's files"},
	{.name = "checkpoint",
	 .type = FIELD_STRING,
	 .offset = AT(checkpoint),
	 .nonempty = true,
	 .help = "safetensors file of bitsandbytes' 4-bit weights, read and multiplied too"},
	{.name = "release",
	 .type = FIELD_INT,
	 .offset = AT(release),
	 .min = 1,
	 .max = RELEASE_MAX,
	 .help = "N of bitsandbytes 0.N, where the files do not say it"},
	{.name = "cases",
	 .type = FIELD_STRINGS,
	 .offset = AT(cases),
	 .nonempty = true,
	 .help = "patterns of assay-gpu's cases; loading and correctness of all when left out"},
	{.name = "repeat",
	 .type = FIELD_INT,
	 .offset = AT(repeat),
	 .def = "1",
	 .min = 1,
	 .max = REPEAT_MAX,
	 .help = "processes for each case; figures need five"},
	{.name = "limits",
	 .type = FIELD_OBJECTS,
	 .offset = AT(limits),
	 .fields = limit_fields,
	 .size = sizeof(struct limit),
	 .nonempty = true,
	 .help = "how fast timed cases must be, as a share of what the card can do"},
	{.name = NULL},
};
#undef AT

static int validate(const void *data, struct err *err)
{
	const struct spec *spec = data;
	const struct limit *limits = spec->limits.items;

	if (check_gpu_place_validate(&spec->place, err) < 0)
		return -1;
	if (spec->rootfs && (!spec->place.host || spec->library))
		return err_set(err, ERR_USAGE,
			       "\"rootfs\" needs \"host\": true, and no \"library\" beside it");
	if (spec->place.host && !spec->rootfs && !spec->library)
		return err_set(err, ERR_USAGE,
			       "on this machine there is no image: give \"library\" or \"rootfs\"");
	if (spec->limits.count && !spec->cases.count)
		return err_set(err, ERR_USAGE, "\"limits\" need \"cases\" that are timed: bench/*");
	for (size_t i = 0; i < spec->limits.count; i++)
		if (limits[i].share <= 0)
			return err_set(err, ERR_USAGE, "limits[%zu] asserts nothing: give a share",
				       i);
	return 0;
}

static void add_word(struct strings *args, const char *word, struct arena *arena)
{
	const char **slot = arena_push(arena, &args->items, &args->count, sizeof(*slot));

	*slot = word;
}

static struct strings arguments(const struct spec *spec, struct arena *arena)
{
	struct strings args = {0};

	add_word(&args, "--json", arena);
	add_word(&args, spec->library ? "--library" : "--rootfs", arena);
	add_word(&args, spec->library ? spec->library : spec->rootfs ? spec->rootfs : "/", arena);
	if (spec->checkpoint) {
		add_word(&args, "--checkpoint", arena);
		add_word(&args, spec->checkpoint, arena);
	}
	if (spec->release != FIELD_ABSENT_INT) {
		add_word(&args, "--release", arena);
		add_word(&args, arena_printf(arena, "%lld", (long long)spec->release), arena);
	}
	if (spec->repeat > 1) {
		add_word(&args, "--repeat", arena);
		add_word(&args, arena_printf(arena, "%lld", (long long)spec->repeat), arena);
	}
	for (size_t i = 0; i < spec->cases.count; i++) {
		if (i == 0) { /* the gate before any number */
			add_word(&args, "--cases", arena);
			add_word(&args, "health/*", arena);
		}
		add_word(&args, "--cases", arena);
		add_word(&args, spec->cases.items[i], arena);
	}
	return args;
}

/* --- judging --------------------------------------------------------------------------------- */

/* The shares of every line named NAME. */
static size_t collect(const struct gpu_lines *lines, const char *name, double *out)
{
	size_t count = 0;

	for (size_t i = 0; i < lines->count; i++) {
		const struct gpu_line *line = &lines->items[i];

		if (strcmp(line->name, name) != 0)
			continue;
		for (size_t m = 0; m < line->metric_count; m++)
			if (strcmp(line->metrics[m].name, SHARE) == 0 &&
			    line->metrics[m].sample_count)
				out[count++] = stats_summarise(line->metrics[m].samples,
							       line->metrics[m].sample_count)
						       .median;
	}
	return count;
}

static bool is_first(const struct gpu_lines *lines, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(lines->items[i].name, lines->items[at].name) == 0)
			return false;
	return true;
}

static void judge_share(struct trial *trial, const struct limit *limit, const char *name,
			double share, size_t processes)
{
	struct arena *arena = trial->ctx->arena;

	if (share >= limit->share)
		return;
	check_trial_fail(trial, "kernel/below-roofline", name,
			 arena_printf(arena, "%.4g %% of the card's ceiling", limit->share * 100),
			 arena_printf(arena, "%s: %.4g %%, median of %zu process%s", name,
				      share * 100, processes, processes == 1 ? "" : "es"));
}

static int judge_limit(struct trial *trial, const struct limit *limit,
		       const struct gpu_lines *lines, struct err *err)
{
	double *values =
		arena_alloc(trial->ctx->arena, GPU_LINES_MAX * GPU_METRICS_MAX * sizeof(*values));
	bool timed = false;

	for (size_t i = 0; i < lines->count; i++) {
		const char *name = lines->items[i].name;
		size_t count;

		if (fnmatch(limit->cases, name, 0) != 0 || !is_first(lines, i))
			continue;
		count = collect(lines, name, values);
		if (count)
			judge_share(trial, limit, name, stats_summarise(values, count).median,
				    count);
		timed |= count > 0;
	}
	return timed ? 0
		     : err_set(err, ERR_USAGE, "no case that was timed matches \"%s\"",
			       limit->cases);
}

static bool is_for(const struct limit *limit, const char *target)
{
	for (size_t i = 0; i < limit->targets.count; i++)
		if (target && strcmp(limit->targets.items[i], target) == 0)
			return true;
	return limit->targets.count == 0;
}

struct counts {
	size_t passed, failed;
	const struct gpu_line *skipped, *lost; /* the first */
	size_t skip_count, lost_count;
};

static struct counts count_lines(struct trial *trial, const struct gpu_lines *lines)
{
	struct counts counts = {0};

	for (size_t i = 0; i < lines->count; i++) {
		const struct gpu_line *line = &lines->items[i];

		if (check_gpu_is_health(line))
			continue;
		if (line->outcome == OUTCOME_PASS) {
			counts.passed++;
		} else if (line->outcome == OUTCOME_FAIL) {
			counts.failed++;
			check_trial_fail(trial, line->label->name, line->name, line->expected,
					 arena_printf(trial->ctx->arena, "%s: %s", line->name,
						      line->actual));
		} else if (line->outcome == OUTCOME_SKIP) {
			counts.skipped = counts.skipped ? counts.skipped : line;
			counts.skip_count++;
		} else {
			counts.lost = counts.lost ? counts.lost : line;
			counts.lost_count++;
		}
	}
	return counts;
}

/* The card's name is what stands before the first comma. */
static const char *card_of(const struct gpu_lines *lines, struct arena *arena)
{
	const char *cell = check_gpu_cell(lines);

	return arena_strndup(arena, cell, strcspn(cell, ","));
}

/* What another card shows is kept, and decides nothing for the target. */
static bool is_other_card(const struct trial *trial, const char *card)
{
	const char *target = trial->ctx->target->name;
	const struct gpu *wanted = target ? gpu_find(target) : NULL;

	return *card && wanted && gpu_find(card) != wanted;
}

static void judge_counts(struct trial *trial, const struct counts *counts, struct gpu_open *open)
{
	struct arena *arena = trial->ctx->arena;

	if (counts->lost)
		*open = (struct gpu_open){
			.reason = arena_printf(arena, "%zu cases could not be made, first %s: %s",
					       counts->lost_count, counts->lost->name,
					       counts->lost->reason),
			.broken = true,
			.label = counts->lost->label ? counts->lost->label->name : NULL};
	else if (!counts->passed && counts->skipped)
		open->reason = counts->skipped->reason;
	else if (!counts->passed && !counts->failed)
		*open = (struct gpu_open){.reason = "no case of assay-gpu matches", .broken = true};
}

static const char *summarise(const struct counts *counts, const char *card, struct arena *arena)
{
	if (!counts->skipped)
		return arena_printf(arena, "%zu cases pass on %s", counts->passed, card);
	return arena_printf(arena, "%zu cases pass on %s; %zu do not apply, first %s: %s",
			    counts->passed, card, counts->skip_count, counts->skipped->name,
			    counts->skipped->reason);
}

static int judge(struct trial *trial, const struct spec *spec, const struct gpu_lines *lines,
		 const char **actual, struct gpu_open *open, struct err *err)
{
	struct arena *arena = trial->ctx->arena;
	const struct limit *limits = spec->limits.items;
	const char *card = card_of(lines, arena);
	const char *target = trial->ctx->target->name;
	struct counts counts;

	check_gpu_health_judge(lines, arena, open);
	if (open->reason)
		return 0;
	counts = count_lines(trial, lines);
	if (is_other_card(trial, card)) {
		open->reason = arena_printf(
			arena,
			"this is %s, so nothing is shown for %s; here %zu cases pass, %zu fail%s%s",
			card, target, counts.passed, counts.failed, trial->label ? ", first " : "",
			trial->label ? trial->label : "");
		trial->label = NULL; /* a finding about a card that nobody asked for */
		return 0;
	}
	judge_counts(trial, &counts, open);
	for (size_t i = 0; i < spec->limits.count && !open->reason; i++)
		if (is_for(&limits[i], target) && judge_limit(trial, &limits[i], lines, err) < 0)
			return -1;
	*actual = summarise(&counts, card, arena);
	return 0;
}

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	const struct spec *spec = data;
	const struct strings args = arguments(spec, ctx->arena);
	struct gpu_lines lines = {0};
	struct gpu_open open = {0};
	const char *actual = "";
	struct trial trial;
	int rc;

	check_trial_begin(&trial, ctx, NULL, out);
	rc = check_gpu_ask(&trial, &spec->place, &args, &lines, &open, err);
	if (rc == 0 && !open.reason)
		rc = judge(&trial, spec, &lines, &actual, &open, err);
	if (rc == 0)
		rc = check_gpu_measure(&lines, ctx->arena, out, err);
	return check_gpu_end(&trial, rc, check_gpu_cell(&lines), actual, &open, err);
}

const struct check_ops check_kernel = {
	.kind = "kernel",
	.summary = "4-bit kernels of the library that ships, on the GPU: right, and fast",
	.needs = NEED_GPU,
	.per_target = true,
	.fields = fields,
	.spec_size = sizeof(struct spec),
	.validate = validate,
	.run = run,
};

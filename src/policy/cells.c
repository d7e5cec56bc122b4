/* Where and when a result was made. */
#include "policy/policy_private.h"

#include "base/clock.h"
#include "base/units.h"
#include "model/gpu.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define AGE_ENDPOINT_NS                                                                            \
	(24 * 3600 * NS_PER_S)		   /* what an endpoint does today it may not tomorrow      \
					    */
#define AGE_NS (30 * 24 * 3600 * NS_PER_S) /* an image and its kernels stay the same */

bool policy__names(const char *pattern, const struct case_result *result)
{
	const char *at = strrchr(result->name, '@');
	char bare[256];

	if (fnmatch(pattern, result->name, 0) == 0)
		return true;
	if (!at || (size_t)(at - result->name) >= sizeof(bare))
		return false;
	(void)snprintf(bare, sizeof(bare), "%.*s", (int)(at - result->name), result->name);
	return fnmatch(pattern, bare, 0) == 0;
}

/* The run that made RESULT, which RUN has; NULL: it is not among the records. */
static const struct run *maker_of(const struct judge *judge, const struct run *run,
				  const struct case_result *result)
{
	const struct policy_input *input = judge->input;

	if (!result->reused_from)
		return run;
	for (size_t i = 0; i < input->record_count; i++) {
		const struct run *other = input->records[i].run;

		if (other && !input->records[i].fault && other->id &&
		    strcmp(other->id, result->reused_from) == 0)
			return other;
	}
	return NULL;
}

const char *policy__environment(const struct judge *judge, const struct run *run,
				const struct case_result *result, const char *key)
{
	const struct run *maker = maker_of(judge, run, result);

	for (size_t i = 0; maker && i < maker->environment.count; i++)
		if (strcmp(maker->environment.items[i].key, key) == 0)
			return maker->environment.items[i].value;
	return NULL;
}

/* These show what one card does; all others say the same of every card. */
static bool is_of_a_card(const struct case_result *result)
{
	static const char *const kinds[] = {"gpu-health", "kernel", "load", "prompt"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (result->kind && strcmp(result->kind, kinds[i]) == 0)
			return true;
	return false;
}

static bool is_of_class(const struct judge *judge, const char *target,
			const struct standing *standing)
{
	const struct case_result *result = standing->result;
	const struct gpu *wanted;
	const char *card;

	if (result->target)
		return strcmp(target, result->target) == 0;
	if (!is_of_a_card(result))
		return true;
	wanted = gpu_find(target);
	card = policy__environment(judge, standing->run, result, "gpu");
	return wanted && card && gpu_find(card) == wanted;
}

bool policy__in_cell(const struct judge *judge, const struct policy_cell *cell,
		     const struct standing *standing)
{
	const char *driver = standing->driver;
	char major[32];
	int len;

	if (cell->target && !is_of_class(judge, cell->target, standing))
		return false;
	if (cell->driver == FIELD_ABSENT_INT)
		return true;
	len = snprintf(major, sizeof(major), "%lld", (long long)cell->driver);
	return strncmp(driver, major, (size_t)len) == 0 && (driver[len] == '.' || !driver[len]);
}

const char *policy__cell_name(const struct policy_cell *cell, struct arena *arena)
{
	const char *target = cell->target ? cell->target : "any GPU";

	if (cell->driver == FIELD_ABSENT_INT)
		return target;
	return arena_printf(arena, "%s, driver %lld", target, (long long)cell->driver);
}

static const char *age_of(const struct policy *policy, const char *kind)
{
	for (size_t i = 0; i < policy->max_age.count; i++)
		if (strcmp(policy->max_age.items[i].key, kind) == 0)
			return policy->max_age.items[i].value;
	return NULL;
}

int64_t policy__max_age_ms(const struct policy *policy, const struct policy_require *require,
			   const char *kind)
{
	bool endpoint = strcmp(kind, "prompt") == 0 || strcmp(kind, "load") == 0;
	uint64_t ns = endpoint ? AGE_ENDPOINT_NS : AGE_NS;
	const char *text = age_of(policy, kind);

	if (!text && !endpoint)
		text = age_of(policy, "*");
	if (require->max_age_ns)
		ns = require->max_age_ns;
	else if (text)
		(void)units_parse_duration(text, &ns); /* proved when the policy was loaded */
	return (int64_t)(ns / NS_PER_MS);
}

/* The time in a run's id, "20261123T055100123Z-1f0c9a3b". */
static int id_ms(const char *id, int64_t *ms)
{
	char text[CLOCK_TEXT];
	int len;

	if (strnlen(id, 20) < 20)
		return -1;
	len = snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s.%.3sZ", id, id + 4,
		       id + 6, id + 9, id + 11, id + 13, id + 15);
	if (len != CLOCK_TEXT - 1 || id[8] != 'T' || id[18] != 'Z')
		return -1;
	return clock_parse_rfc3339(text, ms);
}

int policy__made_ms(const struct run *run, const struct case_result *result, int64_t *ms)
{
	if (result && result->reused_from)
		return id_ms(result->reused_from, ms);
	return run->started_at ? clock_parse_rfc3339(run->started_at, ms) : -1;
}

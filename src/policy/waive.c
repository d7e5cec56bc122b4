#include "policy/policy_private.h"

#include "base/clock.h"

#include <string.h>

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* Does WAIVER name this failure of this image? Whether it counts is another matter. */
static bool fits(const struct judge *judge, const struct policy_waiver *waiver,
		 const struct case_result *result, const char *metric)
{
	const struct policy_input *input = judge->input;

	if (!waiver->check || !waiver->image || !policy__names(waiver->check, result))
		return false;
	if (metric ? !same(waiver->metric, metric) : waiver->metric != NULL)
		return false;
	if (waiver->label && !same(waiver->label, result->label))
		return false;
	return same(waiver->image, judge->image_id) || same(waiver->image, input->digest);
}

static const char *why_not(const struct judge *judge, const struct policy_waiver *waiver)
{
	char text[CLOCK_TEXT];

	if (waiver->fault)
		return waiver->fault;
	if (!waiver->signer)
		return "nobody signed it";
	if (!waiver->reason || !*waiver->reason)
		return "it gives no reason";
	if (waiver->made_ms > judge->input->now_ms + POLICY_SKEW_MS)
		return "it was made in the future";
	if (waiver->expires_ms <= judge->input->now_ms)
		return arena_printf(judge->arena, "it expired at %s",
				    clock_rfc3339(waiver->expires_ms, text, sizeof(text)));
	return NULL;
}

const struct policy_waiver *policy__waiver(const struct judge *judge,
					   const struct case_result *result, const char *metric,
					   const char **note)
{
	*note = "";
	for (size_t i = 0; i < judge->input->waiver_count; i++) {
		const struct policy_waiver *waiver = &judge->input->waivers[i];
		const char *why;

		if (!fits(judge, waiver, result, metric))
			continue;
		why = why_not(judge, waiver);
		if (!why)
			return waiver;
		*note = arena_printf(judge->arena, "; a waiver does not count: %s", why);
	}
	return NULL;
}

void policy__waived(const struct judge *judge, const struct policy_waiver *waiver, const char *what)
{
	struct strings *list = &judge->out->waived;
	char text[CLOCK_TEXT];
	const char *line =
		arena_printf(judge->arena, "%s: %s (until %s, by %s)", what, waiver->reason,
			     clock_rfc3339(waiver->expires_ms, text, sizeof(text)), waiver->signer);

	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], line) == 0)
			return;
	*(const char **)arena_push(judge->arena, &list->items, &list->count, sizeof(char *)) = line;
}

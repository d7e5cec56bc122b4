/* The registry of topics, the filter, and the order of what they found. */
#include "rules/rules.h"

#include "rules/rules_private.h"

#include <stdlib.h>
#include <string.h>

#define LABELS_MAX 512 /* labels and topics a filter can name */

const struct rule_ops *const rule_topics[] = {
#define KIND(name) &rule_##name,
#include "rules/kinds.def"
#undef KIND
	NULL,
};

const char *severity_name(enum severity severity)
{
	static const char *const names[] = {"note", "warning", "error"};

	return names[severity];
}

static const struct rule_label *label_of(const char *label, const struct rule_ops **topic)
{
	for (size_t i = 0; rule_topics[i]; i++)
		for (const struct rule_label *row = rule_topics[i]->labels; row->label; row++)
			if (strcmp(row->label, label) == 0) {
				*topic = rule_topics[i];
				return row;
			}
	return NULL;
}

const struct rule_ops *rule_topic_of(const char *label)
{
	const struct rule_ops *topic = NULL;

	(void)label_of(label, &topic);
	return topic;
}

enum severity rule_severity(const char *label)
{
	const struct rule_ops *topic;
	const struct rule_label *row = label_of(label, &topic);

	return row ? row->severity : SEVERITY_NOTE;
}

struct finding *finding_add(struct findings *out, const char *label, const char *subject,
			    const char *expected, const char *actual, const char *where)
{
	struct finding *finding =
		arena_push(out->arena, &out->items, &out->count, sizeof(*finding));

	finding->label = label;
	finding->severity = rule_severity(label);
	finding->subject = subject ? subject : "";
	finding->expected = expected;
	finding->actual = actual;
	finding->where = where ? where : "";
	return finding;
}

/* Is LABEL the word itself, or of the topic that the word names? */
static bool is_meant(const char *word, const char *label)
{
	size_t len = strlen(word);

	return strcmp(word, label) == 0 || (strncmp(word, label, len) == 0 && label[len] == '/');
}

static bool is_wanted(const struct rule_filter *filter, const char *label)
{
	bool wanted = !filter || !filter->select.count;

	if (!filter)
		return true;
	for (size_t i = 0; i < filter->select.count && !wanted; i++)
		wanted = is_meant(filter->select.items[i], label);
	for (size_t i = 0; i < filter->ignore.count && wanted; i++)
		wanted = !is_meant(filter->ignore.items[i], label);
	return wanted;
}

static int check_words(const struct strings *words, const char *const *known, struct err *err)
{
	for (size_t i = 0; i < words->count; i++) {
		const char *nearest;

		if (rules__is_one_of(words->items[i], known))
			continue;
		nearest = field_nearest(words->items[i], known);
		return err_set(err, ERR_USAGE, "no rule has the label \"%s\"%s%s%s",
			       words->items[i], nearest ? "; did you mean \"" : "",
			       nearest ? nearest : "", nearest ? "\"?" : "");
	}
	return 0;
}

int rule_filter_check(const struct rule_filter *filter, struct err *err)
{
	const char *known[LABELS_MAX];
	size_t count = 0;

	for (size_t i = 0; rule_topics[i]; i++) {
		if (count < LABELS_MAX - 1)
			known[count++] = rule_topics[i]->topic;
		for (const struct rule_label *row = rule_topics[i]->labels; row->label; row++)
			if (count < LABELS_MAX - 1)
				known[count++] = row->label;
	}
	known[count] = NULL;
	if (check_words(&filter->select, known, err) != 0)
		return -1;
	return check_words(&filter->ignore, known, err);
}

static int compare_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare(const void *left, const void *right)
{
	const struct finding *a = left, *b = right;
	int order = (int)b->severity - (int)a->severity;

	if (!order)
		order = strcmp(a->label, b->label);
	if (!order)
		order = compare_text(a->subject, b->subject);
	if (!order)
		order = compare_text(a->target, b->target);
	if (!order)
		order = compare_text(a->actual, b->actual);
	if (!order)
		order = compare_text(a->where, b->where);
	return order;
}

/* Keep what is wanted, in order, each once. */
static void tidy(const struct rule_filter *filter, struct findings *all)
{
	size_t kept = 0;

	for (size_t i = 0; i < all->count; i++)
		if (is_wanted(filter, all->items[i].label))
			all->items[kept++] = all->items[i];
	all->count = kept;
	if (!kept)
		return;
	qsort(all->items, kept, sizeof(*all->items), compare);
	kept = 1;
	for (size_t i = 1; i < all->count; i++)
		if (compare(&all->items[kept - 1], &all->items[i]) != 0)
			all->items[kept++] = all->items[i];
	all->count = kept;
}

int rules_run(const struct rule_input *input, const struct rule_filter *filter, struct arena *arena,
	      struct findings *out, struct err *err)
{
	struct findings all = {.arena = arena};

	if (filter && rule_filter_check(filter, err) != 0)
		return -1;
	for (size_t i = 0; rule_topics[i]; i++)
		rule_topics[i]->run(input, &all);
	tidy(filter, &all);
	rules__redact(input, &all);
	*out = all;
	return 0;
}

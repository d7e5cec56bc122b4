#include "check/text.h"

#include "base/pattern.h"

#include <string.h>

#define AT(member) offsetof(struct text_spec, member)
const struct field check_text_fields[] = {
	{.name = "equals",
	 .type = FIELD_STRING,
	 .offset = AT(equals),
	 .help = "the whole text, white space at the end aside"},
	{.name = "contains",
	 .type = FIELD_STRINGS,
	 .offset = AT(contains),
	 .nonempty = true,
	 .help = "texts that must all occur"},
	{.name = "matches",
	 .type = FIELD_STRINGS,
	 .offset = AT(matches),
	 .nonempty = true,
	 .pattern = true,
	 .help = "patterns (PCRE2, ^ and $ at lines) that must all match"},
	{.name = "not_contains",
	 .type = FIELD_STRINGS,
	 .offset = AT(not_contains),
	 .nonempty = true,
	 .help = "texts that must not occur"},
	{.name = "not_matches",
	 .type = FIELD_STRINGS,
	 .offset = AT(not_matches),
	 .nonempty = true,
	 .pattern = true,
	 .help = "patterns that must not match"},
	{.name = "empty",
	 .type = FIELD_TRISTATE,
	 .offset = AT(empty),
	 .help = "true: there must be no text, false: there must be some"},
	{.name = NULL},
};
#undef AT

static size_t trimmed(const char *text, size_t len)
{
	while (len && text[len - 1] && strchr(" \t\r\n", text[len - 1]))
		len--;
	return len;
}

/* --- specs ----------------------------------------------------------------------------------- */

bool check_text_asserts(const struct text_spec *spec)
{
	return spec->equals || spec->contains.count || spec->matches.count ||
	       spec->not_contains.count || spec->not_matches.count || spec->empty >= 0;
}

/* Can a text that EQUALS fixes still have what CONTAINS asks for? */
static int check_fixed(const struct text_spec *spec, const char *what, struct err *err)
{
	for (size_t i = 0; i < spec->contains.count; i++)
		if (!strstr(spec->equals, spec->contains.items[i]))
			return err_set(err, ERR_USAGE,
				       "%s contradicts itself: \"equals\" does not contain \"%s\"",
				       what, spec->contains.items[i]);
	for (size_t i = 0; i < spec->not_contains.count; i++)
		if (strstr(spec->equals, spec->not_contains.items[i]))
			return err_set(err, ERR_USAGE,
				       "%s contradicts itself: \"equals\" contains \"%s\"", what,
				       spec->not_contains.items[i]);
	return 0;
}

int check_text_validate(const struct text_spec *spec, const char *what, struct err *err)
{
	bool some = spec->contains.count || spec->matches.count ||
		    (spec->equals && trimmed(spec->equals, strlen(spec->equals)));
	bool none = spec->equals && !trimmed(spec->equals, strlen(spec->equals));

	if (!check_text_asserts(spec))
		return err_set(err, ERR_USAGE,
			       "%s asserts nothing: give at least one key such as "
			       "contains",
			       what);
	if ((spec->empty == 1 && some) || (spec->empty == 0 && none))
		return err_set(err, ERR_USAGE, "%s contradicts itself: \"empty\" is %s, yet %s",
			       what, spec->empty ? "true" : "false",
			       spec->empty ? "text is asserted" : "\"equals\" is blank");
	for (size_t i = 0; i < spec->contains.count; i++)
		for (size_t j = 0; j < spec->not_contains.count; j++)
			if (strstr(spec->contains.items[i], spec->not_contains.items[j]))
				return err_set(err, ERR_USAGE,
					       "%s contradicts itself: it must contain \"%s\" and "
					       "must not contain \"%s\"",
					       what, spec->contains.items[i],
					       spec->not_contains.items[j]);
	return spec->equals ? check_fixed(spec, what, err) : 0;
}

/* --- judging --------------------------------------------------------------------------------- */

struct judge {
	struct trial *trial;
	const struct text_view *view;
	const char *label, *where;
	const char *undecided; /* what the unseen rest could change, NULL: nothing */
};

static void fail(struct judge *judge, const char *expected, const char *actual)
{
	struct arena *arena = judge->trial->ctx->arena;

	check_trial_fail(judge->trial, judge->label, judge->where,
			 arena_printf(arena, "%s in %s", expected, judge->view->name),
			 judge->view->cut ? arena_printf(arena, "%s (cut at %zu bytes)", actual,
							 judge->view->len)
					  : actual);
}

static const char *whole(const struct judge *judge)
{
	return check_trial_quote(judge->trial, judge->view->text, judge->view->len);
}

/* The line around AT, which is what a reader looks for in long output; from its beginning, since a
 * secret is only known whole. */
static const char *line_at(const struct judge *judge, const char *at)
{
	const char *text = judge->view->text, *end = text + judge->view->len;
	const char *start = at > text ? memrchr(text, '\n', (size_t)(at - text)) : NULL;
	const char *stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;

	start = start ? start + 1 : text;
	return check_trial_quote(judge->trial, start, (size_t)((stop ? stop : end) - start));
}

/* What KEY expects did not occur as far as the text was read. */
static void missing(struct judge *judge, const char *key, const char *expected)
{
	if (judge->view->cut && judge->view->open)
		judge->undecided = key;
	else
		fail(judge, expected, whole(judge));
}

static void judge_whole(struct judge *judge, const struct text_spec *spec)
{
	const struct text_view *view = judge->view;
	size_t want = spec->equals ? trimmed(spec->equals, strlen(spec->equals)) : 0;
	size_t have = trimmed(view->text, view->len);

	if (spec->empty == 1 && have)
		fail(judge, "no text", whole(judge));
	if (spec->empty == 0 && !have && !view->cut)
		fail(judge, "some text", "nothing");
	if (!spec->equals)
		return;
	if (want != have || memcmp(spec->equals, view->text, want) != 0)
		fail(judge,
		     arena_printf(judge->trial->ctx->arena, "exactly %s",
				  check_trial_quote(judge->trial, spec->equals, want)),
		     whole(judge));
	else if (view->cut)
		judge->undecided = "equals";
}

static void judge_words(struct judge *judge, const struct text_spec *spec)
{
	const struct text_view *view = judge->view;
	struct arena *arena = judge->trial->ctx->arena;

	for (size_t i = 0; i < spec->contains.count; i++) {
		const char *word = spec->contains.items[i];

		if (!memmem(view->text, view->len, word, strlen(word)))
			missing(judge, "contains", arena_printf(arena, "a text with '%s'", word));
	}
	for (size_t i = 0; i < spec->not_contains.count; i++) {
		const char *word = spec->not_contains.items[i];
		const char *at = memmem(view->text, view->len, word, strlen(word));

		if (at)
			fail(judge, arena_printf(arena, "a text without '%s'", word),
			     line_at(judge, at));
		else if (view->cut)
			judge->undecided = "not_contains";
	}
}

static int judge_patterns(struct judge *judge, const struct text_spec *spec, struct err *err)
{
	const struct text_view *view = judge->view;
	struct arena *arena = judge->trial->ctx->arena;

	for (size_t i = 0; i < spec->matches.count; i++) {
		const char *pattern = spec->matches.items[i];
		int found = pattern_find(pattern, view->text, view->len, NULL, NULL, err);

		if (found < 0)
			return -1;
		if (!found)
			missing(judge, "matches", arena_printf(arena, "a match of /%s/", pattern));
	}
	for (size_t i = 0; i < spec->not_matches.count; i++) {
		const char *pattern = spec->not_matches.items[i], *at = view->text;
		size_t len = 0;
		int found = pattern_find(pattern, view->text, view->len, &at, &len, err);

		if (found < 0)
			return -1;
		if (found)
			fail(judge, arena_printf(arena, "no match of /%s/", pattern),
			     line_at(judge, at));
		else if (view->cut)
			judge->undecided = "not_matches";
	}
	return 0;
}

int check_text_judge(struct trial *trial, const struct text_spec *spec,
		     const struct text_view *view, const char *label, const char *where,
		     struct err *err)
{
	struct text_view seen = *view;
	struct judge judge = {.trial = trial, .view = &seen, .label = label, .where = where};

	seen.text = seen.text ? seen.text : "";
	seen.len = view->text ? view->len : 0;
	judge_whole(&judge, spec);
	judge_words(&judge, spec);
	if (judge_patterns(&judge, spec, err) < 0)
		return -1;
	if (judge.undecided && !trial->label)
		return err_set(err, ERR_LIMIT,
			       "%s was cut at %zu bytes, so \"%s\" cannot be decided: %s",
			       seen.name, seen.len, judge.undecided, seen.advice);
	return 0;
}

#include "cmd/options.h"

#include "base/units.h"

#include <stdio.h>
#include <string.h>

#define OPTION_ROWS_MAX 64

static int unknown_option(const struct option_row *rows, const char *name, struct err *err)
{
	const char *names[OPTION_ROWS_MAX] = {NULL};
	size_t count = 0;
	const char *near;

	for (; rows->name && count < OPTION_ROWS_MAX - 1; rows++)
		names[count++] = rows->name;
	near = field_nearest(name, names);
	if (near)
		return err_set(err, ERR_USAGE, "unknown option --%s, did you mean --%s?", name,
			       near);
	return err_set(err, ERR_USAGE, "unknown option --%s (see --help)", name);
}

static int set_choice(const struct option_row *row, const char *value, int *out, struct err *err)
{
	char known[200] = "";
	size_t used = 0;

	for (int i = 0; row->choices[i]; i++) {
		if (strcmp(row->choices[i], value) == 0) {
			*out = i;
			return 0;
		}
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
					 row->choices[i]);
	}
	return err_set(err, ERR_USAGE, "--%s: '%s' is none of %s", row->name, value, known);
}

static int set_option(const struct option_row *row, const char *value, struct arena *arena,
		      void *out, struct err *err)
{
	void *slot = (char *)out + row->offset;
	struct strings *list = slot;
	const char **item;

	switch (row->type) {
	case OPTION_FLAG:
		*(bool *)slot = true;
		return 0;
	case OPTION_STRING:
		*(const char **)slot = value;
		return 0;
	case OPTION_LIST:
		item = arena_push(arena, &list->items, &list->count, sizeof(*item));
		*item = value;
		return 0;
	case OPTION_COUNT:
		if (units_parse_int(value, 1, 1000000, slot) == 0)
			return 0;
		return err_set(err, ERR_USAGE, "--%s: '%s' is not a whole number from 1", row->name,
			       value);
	case OPTION_CHOICE:
		return set_choice(row, value, slot, err);
	}
	return err_set(err, ERR_BUG, "option table: --%s", row->name);
}

static const struct option_row *find_row(const struct option_row *rows, const char *word,
					 size_t len)
{
	bool is_long = strncmp(word, "--", 2) == 0;

	for (; rows->name; rows++) {
		if (is_long ? strlen(rows->name) == len - 2 &&
				      strncmp(rows->name, word + 2, len - 2) == 0
			    : rows->letter && rows->letter == word[1])
			return rows;
	}
	return NULL;
}

int options_parse(const struct option_row *rows, int argc, char **argv, struct arena *arena,
		  void *out, struct strings *words, struct err *err)
{
	bool ended = false;

	for (int i = 1; i < argc; i++) {
		const char *word = argv[i], *value = NULL;
		bool is_long = strncmp(word, "--", 2) == 0;
		size_t len = is_long ? strcspn(word, "=") : 2;
		const struct option_row *row;

		if (ended || word[0] != '-' || !word[1]) {
			const char **item =
				arena_push(arena, &words->items, &words->count, sizeof(*item));

			*item = word;
			continue;
		}
		if (strcmp(word, "--") == 0) {
			ended = true;
			continue;
		}
		row = find_row(rows, word, len);
		if (!row)
			return is_long ? unknown_option(
						 rows, arena_strndup(arena, word + 2, len - 2), err)
				       : err_set(err, ERR_USAGE, "unknown option %s (see --help)",
						 word);
		if (word[len])
			value = word + len + (is_long ? 1 : 0);
		if (row->type == OPTION_FLAG && value)
			return err_set(err, ERR_USAGE, "--%s takes no value", row->name);
		if (row->type != OPTION_FLAG && !value) {
			if (i + 1 >= argc)
				return err_set(err, ERR_USAGE, "--%s needs a value: %s", row->name,
					       row->arg);
			value = argv[++i];
		}
		if (set_option(row, value, arena, out, err) < 0)
			return -1;
	}
	return 0;
}

void options_help(const struct command_help *help)
{
	printf("Usage: assay %s\n\n%s\n\nOptions:\n", help->usage, help->summary);
	for (const struct option_row *rows = help->rows; rows->name; rows++) {
		char left[80];

		(void)snprintf(left, sizeof(left), "%c%c%s --%s%s%s", rows->letter ? '-' : ' ',
			       rows->letter ? rows->letter : ' ', rows->letter ? "," : " ",
			       rows->name, rows->arg ? " " : "", rows->arg ? rows->arg : "");
		printf("  %-34s %s\n", left, rows->help);
	}
}

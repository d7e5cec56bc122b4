/* Input: a requirements file. Each line is also read as one requirement and as a marker. */
#include "fuzzer.h"

#include "base/arena.h"
#include "pydist/requirement.h"

#include <stdlib.h>
#include <string.h>

/* What one line was read as reads back as the same. */
static void read_again(const struct requirement *first, struct arena *arena)
{
	struct requirement second;
	const char *text;
	struct err err;

	if (first->url || !*first->name)
		return;
	text = arena_printf(arena, "%s%s", first->name, first->specifier);
	if (requirement_parse(text, arena, &second, &err) < 0 ||
	    strcmp(second.normalised, first->normalised) != 0 ||
	    strcmp(second.specifier, first->specifier) != 0)
		abort();
}

static void judge(const char *marker)
{
	static const struct py_environment environment = {"3.11", "3.11.2", "x86_64", "linux",
							  "gpu"};
	bool known = true;

	if (requirement_applies(marker, &environment, &known) && !known)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	char *text = arena_strndup(arena, (const char *)data, size), *rest = text, *line;
	struct requirements file;
	struct requirement one;
	struct err err;

	requirements_parse((const char *)data, size, arena, &file);
	for (size_t i = 0; i < file.count; i++) {
		judge(file.items[i].marker);
		read_again(&file.items[i], arena);
	}
	while ((line = strsep(&rest, "\n")) != NULL) {
		judge(line);
		if (requirement_parse(line, arena, &one, &err) == 0)
			read_again(&one, arena);
	}
	arena_free(arena);
	return 0;
}

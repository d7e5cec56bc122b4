/*
 * Strong undefined symbols of Python extensions and other libraries that no package manager vouches
 * for, against everything that will be loaded beside them: what they need, the interpreter, and the
 * libraries of their distribution and of those it requires, whose Python code is imported first.
 */
#include "facts/facts_private.h"

#include <string.h>

#define REACH_MAX 4096 /* libraries looked at for one */

struct reach {
	const struct library *items[REACH_MAX];
	size_t count;
	bool complete; /* every needed library was found */
	bool driver;   /* some come with the GPU driver */
};

/* The loader takes what is loaded already for every later library of the same soname. */
static void add(struct reach *reach, const struct library *library)
{
	const char *soname = library ? library->binary->soname : NULL;

	for (size_t i = 0; i < reach->count; i++) {
		const char *other = reach->items[i]->binary->soname;

		if (reach->items[i] == library || (soname && other && strcmp(soname, other) == 0))
			return;
	}
	if (library && reach->count < REACH_MAX)
		reach->items[reach->count++] = library;
}

/* Breadth first, as the loader goes. */
static void close_needed(const struct facts *facts, struct reach *reach)
{
	for (size_t i = 0; i < reach->count; i++) {
		const struct library *library = reach->items[i];

		for (size_t n = 0; n < library->needed_count; n++) {
			const struct resolved *needed = &library->needed[n];

			if (needed->path)
				add(reach, facts_library(facts, needed->path));
			else if (needed->how)
				reach->driver = true;
			else
				reach->complete = false;
		}
	}
}

/* --- distributions --------------------------------------------------------------------------- */

static void add_dists(struct collector *collector, size_t dist, struct reach *reach)
{
	struct facts *facts = collector->facts;
	size_t list[FACTS_CLOSURE_MAX], count = facts__closure(collector, dist, list);

	for (size_t i = 0; i < facts->library_count; i++)
		for (size_t d = 0; d < count; d++)
			if (facts->libraries[i].dist == list[d])
				add(reach, &facts->libraries[i]);
}

static void add_interpreter(struct collector *collector, struct reach *reach)
{
	struct facts *facts = collector->facts;
	const char *path = facts->python.path;
	const struct image_file *file = path ? image_find(collector->image, path, true) : NULL;

	if (file)
		add(reach, facts_library(facts, file->path));
}

/* --- symbols --------------------------------------------------------------------------------- */

static bool is_drivers(const char *name)
{
	return strncmp(name, "cu", 2) == 0 || strncmp(name, "nv", 2) == 0;
}

static bool is_python(const char *name)
{
	return strncmp(name, "Py", 2) == 0 || strncmp(name, "_Py", 3) == 0;
}

static bool is_defined(const struct facts *facts, const struct reach *reach,
		       const struct binary_symbol *symbol)
{
	for (size_t i = 0; i < reach->count; i++)
		if (binary_defines(reach->items[i]->binary, symbol->name))
			return true;
	return (reach->driver && is_drivers(symbol->name)) ||
	       (!facts->python.path && is_python(symbol->name));
}

static void judge(struct collector *collector, size_t which, const struct reach *reach)
{
	struct facts *facts = collector->facts;
	const struct library *library = &facts->libraries[which];
	struct missing_symbols missing = {.library = which}, *slot;

	for (size_t i = 0; i < library->binary->undefined_count; i++) {
		const struct binary_symbol *symbol = &library->binary->undefined[i];

		if (symbol->weak || is_defined(facts, reach, symbol))
			continue;
		missing.count++;
		if (missing.first.count < FACTS_SAMPLE)
			facts__push(collector, &missing.first, symbol->name);
	}
	if (!missing.count)
		return;
	slot = arena_push(collector->arena, &facts->missing_symbols, &facts->missing_symbols_count,
			  sizeof(*slot));
	*slot = missing;
}

void facts__symbols(struct collector *collector)
{
	struct facts *facts = collector->facts;
	struct reach *reach = arena_alloc(collector->arena, sizeof(*reach));

	for (size_t i = 0; i < facts->library_count; i++) {
		const struct library *library = &facts->libraries[i];

		if (library->package || library->dist == FACTS_NONE ||
		    library->binary->kind != BINARY_SHARED || !library->binary->undefined_count)
			continue;
		reach->count = 0;
		reach->complete = true;
		reach->driver = false;
		add(reach, library);
		close_needed(facts, reach);
		add_interpreter(collector, reach);
		add_dists(collector, library->dist, reach);
		close_needed(facts, reach);
		if (reach->complete)
			judge(collector, i, reach);
	}
}

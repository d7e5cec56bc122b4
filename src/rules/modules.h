/*
 * Finding Python modules in an image by the rules of its import machinery, from the files alone.
 * Friends of the topic imports only.
 */
#ifndef RULES_MODULES_H
#define RULES_MODULES_H

#include "rules/rules.h"

#include <stdbool.h>
#include <stddef.h>

enum module_kind {
	MODULE_MISSING,
	MODULE_SOURCE, /* a .py file that was read */
	MODULE_FOLDER, /* a folder without __init__: part of a namespace */
	MODULE_OPAQUE, /* there, but nothing can be said: an extension, byte code, built in */
};

struct module {
	enum module_kind kind;
	const struct image_file *file; /* of MODULE_SOURCE */
	const char *folder;	       /* where its submodules are; NULL: it is no package */
};

struct modules {
	struct image *image;
	struct arena *arena;
	struct strings path;   /* folders, as in sys.path, without the program's own */
	struct strings opaque; /* "FOLDER/NAME" of extensions and lone byte code, sorted */
	const char *library;   /* folder of the standard library, NULL: not found */
	bool open;	       /* something that runs at start may find more modules */
};

/* Where the interpreter of FACTS looks. False: the image has none that is understood. */
bool modules_init(struct modules *modules, const struct rule_input *input, struct arena *arena);

/* The submodule or module NAME of FOLDER. */
struct module modules_in(const struct modules *modules, const char *folder, const char *name);

/* A top-level module, looked for in FIRST (the program's folder, NULL: none) before the path. */
struct module modules_top(const struct modules *modules, const char *first, const char *name);

#endif

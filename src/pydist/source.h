/*
 * A Python source file as imports and definitions: enough to tell whether an import can work,
 * without running it. A line scanner that knows strings, brackets, comments and indentation; not a
 * parser. Pure.
 */
#ifndef PYDIST_SOURCE_H
#define PYDIST_SOURCE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/field.h"

#include <stdbool.h>
#include <stddef.h>

#define PY_SOURCE_MAX ((size_t)4 * 1024 * 1024) /* larger files are not read */
#define PY_IMPORTS_MAX 4096
#define PY_NAMES_MAX 65536

enum py_guard {
	PY_GUARD_NONE,	   /* module level: runs at import */
	PY_GUARD_TRY,	   /* inside try: or with suppress(...) */
	PY_GUARD_IF,	   /* inside if/else: may not run here */
	PY_GUARD_FUNCTION, /* inside a def: runs later, or never */
};

struct py_import {
	unsigned line;
	unsigned dots;	      /* of a relative import: "from ..x import y" has 2 */
	const char *module;   /* "a.b", "" for "from . import y" */
	struct strings names; /* of from-imports, before "as"; empty for "import a.b"; {"*"} */
	enum py_guard guard;
};

struct py_source {
	struct py_import *imports;
	size_t import_count;
	/* Names that the module may have after import: def, class, assignments (also inside if/try
	 * at module level), imported names as they are bound, and what functions declare global.
	 * Sorted, each once. */
	struct strings defines;
	bool dynamic; /* has a module __getattr__, a star import, globals()/vars()/sys.modules
			 tricks, or exec at module level: names cannot be told */
	/* Why it is dynamic. */
	bool star;   /* a star import outside functions */
	bool opaque; /* globals(), sys.modules, exec, __path__, import hooks and the like */
	bool hooks;  /* one of them may make modules that no file shows: sys.modules["x"] = y,
			__path__, import hooks */
	bool paths;  /* changes sys.path */
	bool lazy;   /* a module __getattr__ */
	bool closed; /* lazy, and each __getattr__ here compares the name with a table and ends in
			raise AttributeError or ImportError */
	/* Of a lazy module: names that stand as string literals in this file, sorted, each once.
	 * A closed table can answer for no others, unless other modules feed it. */
	struct strings texts;
	struct strings environment; /* names read with os.environ[...], .get("X"), os.getenv, or
				       assigned: "X" or "X=value" when a literal is assigned */
	bool main;		    /* has `if __name__ == "__main__"` */
};

/* TEXT need not be valid Python: what cannot be understood is left out. */
void py_source_read(const char *text, size_t len, struct arena *arena, struct py_source *out);

/* As bytes for the layer index, and back; other formats are ERR_NOTFOUND. */
#define PY_SOURCE_FORMAT 2
void py_source_save(const struct py_source *source, struct buf *out);
int py_source_load(const void *data, size_t len, struct arena *arena, struct py_source *out,
		   struct err *err);

#endif

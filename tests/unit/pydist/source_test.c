#include "pydist/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;
static struct py_source source;

static void scan(const char *text)
{
	py_source_read(text, strlen(text), arena, &source);
}

static int setup(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static bool has(const struct strings *list, const char *word)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->items[i], word))
			return true;
	return false;
}

static void assert_list(const struct strings *list, const char *const *words)
{
	for (size_t i = 0; i < list->count; i++) {
		assert_non_null(words[i]);
		assert_string_equal(list->items[i], words[i]);
	}
	assert_null(words[list->count]);
}

#define LIST(list, ...) assert_list(&(list), (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void assert_import(size_t at, const char *module, unsigned line, unsigned dots,
			  enum py_guard guard)
{
	assert_true(at < source.import_count);
	assert_string_equal(source.imports[at].module, module);
	assert_int_equal(source.imports[at].line, line);
	assert_int_equal(source.imports[at].dots, dots);
	assert_int_equal(source.imports[at].guard, guard);
}

static void reads_plain_imports(void **state)
{
	(void)state;
	scan("import os, a.b.c as d ; import e\nfrom x.y import (z as w,  # why\n  v,\n)\n");
	assert_int_equal(source.import_count, 4);
	assert_import(0, "os", 1, 0, PY_GUARD_NONE);
	assert_import(1, "a.b.c", 1, 0, PY_GUARD_NONE);
	assert_import(2, "e", 1, 0, PY_GUARD_NONE);
	assert_import(3, "x.y", 2, 0, PY_GUARD_NONE);
	LIST(source.imports[3].names, "z", "v");
	LIST(source.defines, "d", "e", "os", "v", "w");
	assert_false(source.dynamic);
}

static void reads_relative_imports(void **state)
{
	(void)state;
	scan("from . import a\nfrom ...b import c\nfrom .import d\nfrom .e import *\n");
	assert_import(0, "", 1, 1, PY_GUARD_NONE);
	assert_import(1, "b", 2, 3, PY_GUARD_NONE);
	assert_import(2, "", 3, 1, PY_GUARD_NONE);
	assert_import(3, "e", 4, 1, PY_GUARD_NONE);
	LIST(source.imports[3].names, "*");
	assert_true(source.star && source.dynamic);
}

static void tells_guards_apart(void **state)
{
	(void)state;
	scan("try:\n    import a\nexcept ImportError:\n    import b\nelse:\n    import c\n"
	     "finally:\n    import d\n"
	     "if TYPE_CHECKING: import e\n"
	     "with suppress(ImportError):\n\timport f\n"
	     "def g(x=lambda: 1) -> 'y':\n    if x: import h\n    try:\n        import i\n"
	     "class J:\n    import k\n    def m(self): import n\n"
	     "import o\n");
	assert_import(0, "a", 2, 0, PY_GUARD_TRY);
	assert_import(1, "b", 4, 0, PY_GUARD_IF);
	assert_import(2, "c", 6, 0, PY_GUARD_IF);
	assert_import(3, "d", 8, 0, PY_GUARD_NONE);
	assert_import(4, "e", 9, 0, PY_GUARD_IF);
	assert_import(5, "f", 11, 0, PY_GUARD_TRY);
	assert_import(6, "h", 13, 0, PY_GUARD_FUNCTION);
	assert_import(7, "i", 15, 0, PY_GUARD_FUNCTION);
	assert_import(8, "k", 17, 0, PY_GUARD_NONE);
	assert_import(9, "n", 18, 0, PY_GUARD_FUNCTION);
	assert_import(10, "o", 19, 0, PY_GUARD_NONE);
	LIST(source.defines, "J", "a", "b", "c", "d", "e", "f", "g", "o");
}

static void passes_over_strings_and_comments(void **state)
{
	(void)state;
	scan("'''\nimport a\n''' # import b\n"
	     "x = 'it\\'s' \\\n  \"\"\"\nimport c\n\"\"\"\n"
	     "y = rb'\\\\' ; import d\n"
	     "z = f'{n!r:{\"w\"}}' f\"{m[\"import e\"]:'>3}\"\n"
	     "t = f'''{\n  {'k': 1}['k']\n}'''\n"
	     "import g\n");
	assert_int_equal(source.import_count, 2);
	assert_import(0, "d", 8, 0, PY_GUARD_NONE);
	assert_import(1, "g", 13, 0, PY_GUARD_NONE);
	LIST(source.defines, "d", "g", "t", "x", "y", "z");
}

static void finds_what_a_module_defines(void **state)
{
	(void)state;
	scan("a = b, (c, *d) = 1, (2, 3)\n"
	     "e.f = g[h] = i = 1\nj: int = 1\nk: int\nl += 1\n"
	     "for m, (n, o) in p: q = 1\n"
	     "with r() as s, t as (u, v): pass\n"
	     "while (w := x()): pass\n"
	     "async def y(): z = 1; global A\n"
	     "B = lambda C=1: C\nD == 1\nE(F=1)\n"
	     "type G[T] = int\nif x:\n  H = 1\n");
	LIST(source.defines, "A", "B", "G", "H", "a", "b", "c", "d", "i", "j", "m", "n", "o", "q",
	     "s", "u", "v", "w", "y");
}

static void knows_modules_whose_names_cannot_be_told(void **state)
{
	static const char *const opaque[] = {"globals()['x'] = 1\n",
					     "def f():\n    globals().update(a)\n",
					     "import sys\nsys.modules[__name__] = X()\n",
					     "exec('x = 1')\n",
					     "__path__ = extend_path(__path__, __name__)\n",
					     "vars().update(x=1)\n",
					     NULL};
	static const char *const plain[] = {"def f():\n    exec('x')\n", "re.exec(x)\n",
					    "# globals()\nx = 'sys.modules'\n",
					    "def f():\n    return 'x' in sys.modules\n", NULL};

	(void)state;
	for (size_t i = 0; opaque[i]; i++) {
		scan(opaque[i]);
		assert_true(source.opaque && source.dynamic);
	}
	for (size_t i = 0; plain[i]; i++) {
		scan(plain[i]);
		assert_false(source.dynamic);
	}
}

static void knows_files_that_make_modules(void **state)
{
	static const char *const hooks[] = {"import sys\nsys.modules['a.b'] = c\n",
					    "sys.modules.setdefault('a', b)\n",
					    "def f():\n    sys.modules[name] = x\n",
					    "sys.meta_path.append(Finder())\n",
					    "__path__ = []\n",
					    NULL};
	static const char *const plain[] = {"globals()['a'] = 1\n", "a = sys.modules[__name__]\n",
					    "if 'a' in sys.modules: pass\n", NULL};

	(void)state;
	for (size_t i = 0; hooks[i]; i++) {
		scan(hooks[i]);
		assert_true(source.hooks && source.dynamic);
	}
	for (size_t i = 0; plain[i]; i++) {
		scan(plain[i]);
		assert_false(source.hooks);
	}
}

static void knows_files_that_change_the_path(void **state)
{
	(void)state;
	scan("def f():\n    sys.path.insert(0, x)\n");
	assert_true(source.paths && !source.dynamic);
	scan("sys.path[:0] = x\n");
	assert_true(source.paths);
	scan("sys.path += x\n");
	assert_true(source.paths);
	scan("for p in sys.path: pass\nsys.path[0]\nos.path.append(1)\n");
	assert_false(source.paths);
}

static void tells_a_closed_table_of_lazy_names(void **state)
{
	static const char table[] =
		"def _attach(package, names):\n"
		"    def __getattr__(name):\n"
		"        if name in names:\n"
		"            return getattr(importlib.import_module(package), name)\n"
		"        else:\n"
		"            raise AttributeError(name)\n"
		"    return __getattr__\n"
		"__getattr__ = _attach(__name__, {'file_download': ['hf_url']})\n";
	static const char refusal[] = "def __getattr__(name):\n"
				      "    if name not in T: raise AttributeError(name)\n"
				      "    return getattr(other, name)\n";
	static const char open[] = "def __getattr__(name):\n"
				   "    if name == '__path__':\n"
				   "        raise AttributeError(name)\n"
				   "    return getattr(other, name)\n";

	(void)state;
	scan(table);
	assert_true(source.lazy && source.dynamic && source.closed);
	LIST(source.texts, "file_download", "hf_url");
	scan(refusal);
	assert_true(source.lazy && source.closed);
	scan(open);
	assert_true(source.lazy && !source.closed);
	scan("class A:\n    def __getattr__(self, name):\n        raise AttributeError\n");
	assert_false(source.lazy);
}

static void reads_environment_variables(void **state)
{
	(void)state;
	scan("import os\nos.environ['A'] = '124'\nx = os.environ.get('B', '1') or "
	     "os.getenv(\"C\")\n"
	     "def f():\n    os.environ.setdefault('D', '2')\n    os.environ['E'] = '1' + x\n"
	     "# os.environ['F']\n");
	assert_true(has(&source.environment, "A=124"));
	assert_true(has(&source.environment, "B"));
	assert_true(has(&source.environment, "C"));
	assert_true(has(&source.environment, "D=2"));
	assert_true(has(&source.environment, "E"));
	assert_int_equal(source.environment.count, 5);
}

static void knows_a_program(void **state)
{
	(void)state;
	scan("if __name__ == '__main__':\n    main()\n");
	assert_true(source.main);
	scan("if '__main__' == __name__: main()\n");
	assert_true(source.main);
	scan("if __name__ == 'x': main()\n");
	assert_false(source.main);
}

static void survives_what_is_no_python(void **state)
{
	static const char *const texts[] = {"",
					    "(",
					    "'''",
					    "\\",
					    "f'{",
					    "from",
					    "import",
					    "from . x",
					    "def",
					    "class",
					    "if x:",
					    ")]}",
					    "import a as",
					    "from a import (",
					    "f'{f\"{f'''{",
					    "os.environ[",
					    "x = 'a\n",
					    "\xef\xbb\xbf",
					    "def __getattr__",
					    "type",
					    NULL};

	(void)state;
	for (size_t i = 0; texts[i]; i++)
		scan(texts[i]);
	scan("x = 'unfinished\nimport a\r\nimport b\rimport c");
	assert_int_equal(source.import_count, 3);
	assert_import(2, "c", 4, 0, PY_GUARD_NONE);
}

static void saves_and_loads(void **state)
{
	static const char text[] = "from ..a import b, c\nimport d\nif x: from e import *\n"
				   "os.environ['F'] = 'g'\ndef __getattr__(n): raise 'h'\n";
	struct py_source back;
	struct buf once, twice;
	struct err err;

	(void)state;
	buf_init(&once, 1 << 20);
	buf_init(&twice, 1 << 20);
	scan(text);
	py_source_save(&source, &once);
	assert_int_equal(py_source_load(once.data, once.len, arena, &back, &err), 0);
	py_source_save(&back, &twice);
	assert_int_equal(once.len, twice.len);
	assert_memory_equal(once.data, twice.data, once.len);
	assert_int_equal(back.import_count, 3);
	assert_true(back.lazy && back.star && back.dynamic);
	for (size_t len = 0; len < once.len; len++)
		assert_int_equal(py_source_load(once.data, len, arena, &back, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	once.data[0] = PY_SOURCE_FORMAT + 1;
	assert_int_equal(py_source_load(once.data, once.len, arena, &back, &err), -1);
	buf_done(&once);
	buf_done(&twice);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(reads_plain_imports),
		ROW(reads_relative_imports),
		ROW(tells_guards_apart),
		ROW(passes_over_strings_and_comments),
		ROW(finds_what_a_module_defines),
		ROW(knows_modules_whose_names_cannot_be_told),
		ROW(knows_files_that_make_modules),
		ROW(knows_files_that_change_the_path),
		ROW(tells_a_closed_table_of_lazy_names),
		ROW(reads_environment_variables),
		ROW(knows_a_program),
		ROW(survives_what_is_no_python),
		ROW(saves_and_loads),
	};

	return cmocka_run_group_tests_name("pydist/source", tests, NULL, NULL);
}

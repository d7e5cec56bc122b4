#include "rules/modules.h"

#include "rules/rules_private.h"

#include <stdlib.h>
#include <string.h>

#define PATH_MAX_FOLDERS 256

static const char *const library_names[] = {
#define STDLIB(name) name,
#include "rules/stdlib.def"
#undef STDLIB
};

/* Written in C and linked into some interpreters: no file to be found. */
static const char *const builtin[] = {
	"__main__",  "array",	     "atexit",	 "audioop", "binascii", "builtins",  "cmath",
	"errno",     "faulthandler", "fcntl",	 "gc",	    "grp",	"itertools", "marshal",
	"math",	     "mmap",	     "operator", "posix",   "pwd",	"pyexpat",   "resource",
	"select",    "spwd",	     "sys",	 "syslog",  "termios",	"time",	     "unicodedata",
	"xxsubtype", "zlib",	     NULL,
};

static int compare(const void *key, const void *row)
{
	return strcmp(key, *(const char *const *)row);
}

static bool is_library_name(const char *name)
{
	return bsearch(name, library_names, sizeof(library_names) / sizeof(library_names[0]),
		       sizeof(library_names[0]), compare) != NULL;
}

static const struct image_file *folder_at(struct image *image, const char *path)
{
	const struct image_file *file = image_find(image, path, true);

	return file && file->type == FILE_FOLDER ? file : NULL;
}

static bool is_file(struct image *image, const char *path)
{
	const struct image_file *file = image_find(image, path, true);

	return file && file->type == FILE_REGULAR;
}

static void add_folder(struct modules *modules, const char *path)
{
	const struct image_file *folder = folder_at(modules->image, path);

	if (folder && !rules__has(&modules->path, folder->path) &&
	    modules->path.count < PATH_MAX_FOLDERS)
		rules__push(&modules->path, folder->path, modules->arena);
}

static void add_path_list(struct modules *modules, const char *list)
{
	while (list && *list) {
		size_t len = strcspn(list, ":");

		if (len)
			add_folder(modules, arena_strndup(modules->arena, list, len));
		list += len + (list[len] == ':');
	}
}

static void add_library(struct modules *modules, const char *prefix, const char *version)
{
	const char *lib = arena_printf(modules->arena, "%s/lib/python%s", prefix, version);

	if (modules->library ||
	    !is_file(modules->image, arena_printf(modules->arena, "%s/os.py", lib)))
		return;
	modules->library = lib;
	add_folder(modules, lib);
	add_folder(modules, arena_printf(modules->arena, "%s/lib-dynload", lib));
}

/* "PREFIX" of "PREFIX/bin/python3.11"; "" at the root or where the path is another. */
static const char *prefix_of(const char *interpreter, struct arena *arena)
{
	return rules__folder(rules__folder(interpreter, arena), arena);
}

/* The library lies below the interpreter's prefix, or below that of the one which a virtual
 * environment is made from. */
static void find_library(struct modules *modules, const struct python_facts *python)
{
	static const char *const usual[] = {"/usr/local", "/usr", "/opt/conda", NULL};
	const struct image_file *file;
	const char *prefix = prefix_of(python->path, modules->arena), *home;

	file = image_find(modules->image, arena_printf(modules->arena, "%s/pyvenv.cfg", prefix),
			  true);
	home = file ? rules__capture("(?m)^home\\s*=\\s*(\\S+?)/*\\s*$", file->text, modules->arena)
		    : NULL;
	if (home)
		prefix = rules__folder(home, modules->arena);
	add_library(modules, prefix, python->version);
	if (!file || !home)
		file = image_find(modules->image, python->path, true);
	if (file)
		add_library(modules, prefix_of(file->path, modules->arena), python->version);
	for (size_t i = 0; usual[i]; i++)
		add_library(modules, usual[i], python->version);
}

/* Lines of a .pth file: folders, or code that runs when Python starts. */
static void read_pth(struct modules *modules, const char *site, const struct image_file *file)
{
	/* these find nothing that a file does not show */
	static const char *const harmless[] = {"distutils-precedence.pth", "_virtualenv.pth",
					       "a1_coverage.pth", NULL};
	const char *at = file->text;

	if (!at) {
		modules->open = true;
		return;
	}
	while (*at) {
		size_t len = strcspn(at, "\r\n");
		const char *line = arena_strndup(modules->arena, at, len);

		if (rules__begins(line, "import ") || rules__begins(line, "import\t"))
			modules->open |= !rules__is_one_of(rules__base(file->path), harmless) &&
					 !rules__ends(file->path, "-nspkg.pth");
		else if (*line == '/')
			add_folder(modules, line);
		else if (*line && *line != '#')
			add_folder(modules, arena_printf(modules->arena, "%s/%s", site, line));
		at += len + strspn(at + len, "\r\n");
	}
}

static void read_pths(struct modules *modules, const char *site)
{
	size_t count, len = strlen(site);
	const struct image_file *files = image_under(modules->image, site, &count);

	for (size_t i = 0; i < count; i++)
		if (files[i].type == FILE_REGULAR && rules__ends(files[i].path, ".pth") &&
		    strlen(files[i].path) > len && !strchr(files[i].path + len + 1, '/'))
			read_pth(modules, site, &files[i]);
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "FOLDER/NAME" of "NAME.cpython-311-x86_64-linux-gnu.so", "NAME.so", and of byte code that lies
 * where a source would. */
static void list_opaque(struct modules *modules)
{
	struct strings *list = &modules->opaque;
	size_t count;
	const struct image_file *files = image_files(modules->image, &count);

	for (size_t i = 0; i < count; i++) {
		const char *path = files[i].path, *base = rules__base(path);

		if ((rules__ends(path, ".so") || rules__ends(path, ".pyc")) &&
		    !strstr(path, "/__pycache__/"))
			rules__push(list,
				    arena_strndup(modules->arena, path,
						  (size_t)(base - path) + strcspn(base, ".")),
				    modules->arena);
	}
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare_paths);
}

static bool is_opaque(const struct modules *modules, const char *path)
{
	const struct strings *list = &modules->opaque;

	return list->count &&
	       bsearch(&path, list->items, list->count, sizeof(*list->items), compare_paths);
}

bool modules_init(struct modules *modules, const struct rule_input *input, struct arena *arena)
{
	const struct python_facts *python = &input->facts->python;

	*modules = (struct modules){.image = input->image, .arena = arena};
	if (!input->image || !python->version || !python->path || !python->sites.count)
		return false;
	add_path_list(modules, facts_env(input->facts, "PYTHONPATH"));
	find_library(modules, python);
	for (size_t i = 0; i < python->sites.count; i++)
		add_folder(modules, python->sites.items[i]);
	for (size_t i = 0; i < python->sites.count; i++)
		read_pths(modules, python->sites.items[i]);
	list_opaque(modules);
	return true;
}

static struct module source_or_opaque(const struct image_file *file, const char *folder)
{
	enum module_kind kind = file->source ? MODULE_SOURCE : MODULE_OPAQUE;

	return (struct module){kind, file, folder};
}

static const struct image_file *regular(const struct modules *modules, const char *path)
{
	const struct image_file *file = image_find(modules->image, path, true);

	return file && file->type == FILE_REGULAR ? file : NULL;
}

struct module modules_in(const struct modules *modules, const char *folder, const char *name)
{
	struct arena *arena = modules->arena;
	const char *path = arena_printf(arena, "%s/%s", folder, name);
	const struct image_file *inner = folder_at(modules->image, path), *file;

	if (inner) {
		path = inner->path;
		file = regular(modules, arena_printf(arena, "%s/__init__.py", path));
		if (file)
			return source_or_opaque(file, path);
		if (is_opaque(modules, arena_printf(arena, "%s/__init__", path)))
			return (struct module){MODULE_OPAQUE, NULL, path};
	}
	path = arena_printf(arena, "%s/%s", folder, name);
	if (is_opaque(modules, path))
		return (struct module){MODULE_OPAQUE, NULL, NULL};
	file = regular(modules, arena_printf(arena, "%s.py", path));
	if (file)
		return source_or_opaque(file, NULL);
	return (struct module){inner ? MODULE_FOLDER : MODULE_MISSING, NULL,
			       inner ? inner->path : NULL};
}

/* setuptools stands in for what Python 3.12 took away. */
static bool is_stand_in(const struct modules *modules, const char *name)
{
	bool found = false;

	for (size_t i = 0; i < modules->path.count && strcmp(name, "distutils") == 0; i++)
		found |=
			folder_at(modules->image, arena_printf(modules->arena, "%s/_distutils_hack",
							       modules->path.items[i])) != NULL;
	return found;
}

struct module modules_top(const struct modules *modules, const char *first, const char *name)
{
	struct module found = {0}, part;

	if (rules__is_one_of(name, builtin) || (*name == '_' && is_library_name(name)) ||
	    (!modules->library && is_library_name(name)))
		return (struct module){MODULE_OPAQUE, NULL, NULL};
	for (size_t i = 0; i <= modules->path.count; i++) {
		const char *folder = i ? modules->path.items[i - 1] : first;

		part = folder ? modules_in(modules, folder, name) : (struct module){0};
		if (part.kind == MODULE_SOURCE || part.kind == MODULE_OPAQUE)
			return part;
		/* a namespace: its parts in several folders are not joined here */
		if (part.kind == MODULE_FOLDER)
			found = found.kind ? (struct module){MODULE_OPAQUE, NULL, NULL} : part;
	}
	if (!found.kind && (modules->open || is_stand_in(modules, name)))
		return (struct module){MODULE_OPAQUE, NULL, NULL};
	return found;
}

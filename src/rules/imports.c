/*
 * Imports that must fail: a walk over the modules that the image's program loads when it starts,
 * along imports that nothing guards. Where anything may make a module or a name that no file
 * shows, nothing is said.
 */
#include "rules/modules.h"
#include "rules/rules_private.h"

#include <stdlib.h>
#include <string.h>

#define FINDINGS_MAX 20	    /* of one image: the first failure hides the others anyway */
#define CHAIN_MAX 8	    /* files named in a chain, its first and last ones */
#define STARS_DEPTH_MAX 8   /* star imports of star imports */
#define SCRIPTS_DEPTH_MAX 4 /* scripts that start scripts */

/* Texts of the walk; what is found is copied at its end. */
#define SAY(...) arena_printf(walk->arena, __VA_ARGS__)

/* A file that is loaded, and the import that loads it. */
struct node {
	const struct image_file *file;
	size_t from;   /* node that imports it, SIZE_MAX: a program */
	unsigned line; /* there */
	bool script;   /* run by its path: a program, in no package */
};

/* A finding that is kept until the whole walk is known. */
struct pending {
	bool top;
	const char *label, *subject, *expected, *actual, *where;
};

struct walk {
	const struct rule_input *input;
	struct findings *out;
	struct arena *arena;
	struct modules modules;
	const char *first; /* folder of the program */
	struct node *nodes;
	size_t node_count;
	const struct image_file *files;
	unsigned char *seen; /* one per file of the image */
	struct pending *pending;
	size_t pending_count;
	bool paths; /* something that is loaded changes sys.path */
};

static size_t load(struct walk *walk, const struct image_file *file, size_t from, unsigned line)
{
	struct node *node;

	if (!file || walk->seen[file - walk->files])
		return SIZE_MAX;
	walk->seen[file - walk->files] = 1;
	node = arena_push(walk->arena, &walk->nodes, &walk->node_count, sizeof(*node));
	*node = (struct node){file, from, line, false};
	return walk->node_count - 1;
}

/* As people say it: "bitsandbytes/nn/modules.py", "/app/handler.py". */
static const char *short_path(const struct walk *walk, const char *path)
{
	size_t longest = 0;

	for (size_t i = 0; i < walk->modules.path.count; i++) {
		const char *folder = walk->modules.path.items[i];
		size_t len = strlen(folder);

		if (strncmp(path, folder, len) == 0 && path[len] == '/' && len >= longest)
			longest = len + 1;
	}
	return path + longest;
}

/* "/app/handler.py:3 → bitsandbytes/__init__.py:6". */
static const char *chain(const struct walk *walk, size_t at, unsigned line)
{
	const char *text = "";
	size_t steps = 0;

	for (; at != SIZE_MAX; at = walk->nodes[at].from, steps++) {
		const struct node *node = &walk->nodes[at];

		if (steps < CHAIN_MAX - 1 || node->from == SIZE_MAX)
			text = arena_printf(walk->arena, "%s:%u%s%s",
					    short_path(walk, node->file->path), line,
					    *text ? " → " : "", text);
		else if (steps == CHAIN_MAX - 1)
			text = arena_printf(walk->arena, "… → %s", text);
		line = node->line;
	}
	return text;
}

/* The distribution that installed PATH; NULL: none, or not known. */
static const struct dist *owner_of(const struct walk *walk, const char *path)
{
	const struct facts *facts = walk->input->facts;

	for (size_t i = 0; i < facts->dist_count; i++) {
		const struct dist *dist = &facts->dists[i];
		size_t len = strlen(dist->site), name;

		if (dist->shadowed || strncmp(path, dist->site, len) != 0 || path[len] != '/')
			continue;
		name = strcspn(path + len + 1, "/");
		if (name > 3 && !path[len + 1 + name] && rules__ends(path, ".py"))
			name -= 3;
		for (size_t k = 0; k < dist->packages.count; k++)
			if (strlen(dist->packages.items[k]) == name &&
			    strncmp(dist->packages.items[k], path + len + 1, name) == 0)
				return dist;
	}
	return NULL;
}

static const char *version_text(const struct walk *walk, const struct image_file *file)
{
	const struct dist *dist = file ? owner_of(walk, file->path) : NULL;

	return dist ? arena_printf(walk->arena, " of %s %s", dist->name, dist->version) : "";
}

/* TOP: about a top-level module, which a changed sys.path may hold. */
static void report(struct walk *walk, bool top, const char *label, const char *subject,
		   const char *expected, const char *actual, size_t at, unsigned line)
{
	const struct image_file *file = walk->nodes[at].file;
	struct origin origin = facts_origin(walk->input->facts, file);
	struct pending *pending;

	for (size_t i = 0; i < walk->pending_count; i++)
		if (strcmp(walk->pending[i].subject, subject) == 0)
			return;
	pending = arena_push(walk->arena, &walk->pending, &walk->pending_count, sizeof(*pending));
	*pending = (struct pending){
		top,	  label,  subject,
		expected, actual, rules__place(chain(walk, at, line), &origin, walk->arena)};
}

static bool strings_hold(const struct strings *sorted, const char *word)
{
	size_t low = 0, high = sorted->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(sorted->items[mid], word);

		if (order == 0)
			return true;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

/* The package that FILE is in, outermost: "/s/a" of "/s/a/b/c.py". NULL: it is in none. */
static const char *package_of(const struct walk *walk, const struct image_file *file)
{
	const char *at = short_path(walk, file->path), *slash = strchr(at, '/');

	return at != file->path && slash
		       ? arena_strndup(walk->arena, file->path, (size_t)(slash - file->path))
		       : NULL;
}

/* May a file of the package that FILE is in make modules that no file shows? */
static bool package_hooks(const struct walk *walk, const struct image_file *file)
{
	const char *package = package_of(walk, file);
	size_t count = 0;
	const struct image_file *files;

	if (!package)
		return file->source->hooks;
	files = image_under(walk->input->image, package, &count);
	for (size_t i = 0; i < count; i++)
		if (files[i].source && files[i].source->hooks)
			return true;
	return false;
}

/* Does any file of the package that FILE is in define NAME, or has it another way to have it? */
static bool package_defines(const struct walk *walk, const struct image_file *file,
			    const char *name)
{
	const char *package = package_of(walk, file), *stem;
	size_t count = 0;
	const struct image_file *files;

	if (!package)
		return true;
	files = image_under(walk->input->image, package, &count);
	for (size_t i = 0; i < count; i++) {
		stem = rules__base(files[i].path);
		if (strncmp(stem, name, strlen(name)) == 0)
			return true;
		if (files[i].source && (strings_hold(&files[i].source->defines, name) ||
					strings_hold(&files[i].source->texts, name)))
			return true;
	}
	return false;
}

/* Where "import a.b.c" or "from ..b import" leads, from FILE. */
struct found {
	struct module module;
	struct module parent; /* of the part that is missing */
	const char *missing;  /* "a.b", NULL: nothing is */
	bool top;	      /* it is a top-level name */
};

/* Loads each part on the way when AT is a node, as Python does. */
static struct found follow(struct walk *walk, const struct image_file *file, size_t at,
			   const struct py_import *import)
{
	const char *folder = rules__folder(file->path, walk->arena), *rest = import->module;
	struct found found = {0};
	const char *so_far = "";

	for (unsigned i = 1; i < import->dots; i++)
		folder = rules__folder(folder, walk->arena);
	if (import->dots) { /* its package, which is being loaded already */
		found.module = modules_in(&walk->modules, rules__folder(folder, walk->arena),
					  rules__base(folder));
		found.module.folder = folder;
	}
	while (*rest) {
		size_t len = strcspn(rest, ".");
		const char *name = arena_strndup(walk->arena, rest, len);
		bool top = !import->dots && !*so_far;
		struct module next;

		so_far = *so_far ? arena_printf(walk->arena, "%s.%s", so_far, name) : name;
		if (top)
			next = modules_top(&walk->modules, walk->first, name);
		else if (found.module.folder)
			next = modules_in(&walk->modules, found.module.folder, name);
		else
			next = (struct module){0};
		if (next.kind == MODULE_MISSING)
			return (struct found){
				.parent = found.module, .missing = so_far, .top = top};
		found.module = next;
		if (next.kind == MODULE_SOURCE && at != SIZE_MAX)
			(void)load(walk, next.file, at, import->line);
		if (next.kind == MODULE_OPAQUE)
			break;
		rest += len + (rest[len] == '.');
	}
	return found;
}

enum answer { ANSWER_NO, ANSWER_UNKNOWN, ANSWER_YES };

/* Every module has these, or may be given them by the import machinery. */
static bool is_special(const char *name)
{
	return rules__begins(name, "__") && rules__ends(name, "__");
}

static enum answer defines(struct walk *walk, const struct image_file *file, const char *name,
			   unsigned depth);

static enum answer star_defines(struct walk *walk, const struct image_file *file, const char *name,
				unsigned depth)
{
	const struct py_source *source = file->source;

	for (size_t i = 0; i < source->import_count; i++) {
		const struct py_import *import = &source->imports[i];
		struct found found;
		enum answer answer = ANSWER_UNKNOWN;

		if (import->guard == PY_GUARD_FUNCTION || !rules__has(&import->names, "*"))
			continue;
		found = follow(walk, file, SIZE_MAX, import);
		if (found.module.kind == MODULE_SOURCE && depth < STARS_DEPTH_MAX)
			answer = defines(walk, found.module.file, name, depth + 1);
		if (answer != ANSWER_NO)
			return answer;
	}
	return ANSWER_NO;
}

/* Will the module of FILE have NAME after its import? Submodules are not looked at. */
static enum answer defines(struct walk *walk, const struct image_file *file, const char *name,
			   unsigned depth)
{
	const struct py_source *source = file->source;

	if (strings_hold(&source->defines, name) || is_special(name))
		return ANSWER_YES;
	if (source->opaque)
		return ANSWER_UNKNOWN;
	if (source->lazy && (!source->closed || strings_hold(&source->texts, name) ||
			     package_defines(walk, file, name)))
		return ANSWER_UNKNOWN;
	return source->star ? star_defines(walk, file, name, depth) : ANSWER_NO;
}

static void judge_missing(struct walk *walk, size_t at, const struct py_import *import,
			  const struct found *found)
{
	const char *importer = version_text(walk, walk->nodes[at].file), *owner;
	const struct module *parent = &found->parent;

	if (found->top) {
		report(walk, true, "imports/no-module", found->missing,
		       SAY("a module %s, which %s%s imports", found->missing,
			   rules__base(walk->nodes[at].file->path), importer),
		       SAY("no folder that Python searches has it"), at, import->line);
		return;
	}
	if (parent->kind != MODULE_SOURCE || package_hooks(walk, parent->file))
		return;
	owner = version_text(walk, parent->file);
	report(walk, false, "imports/no-module",
	       import->dots ? SAY("%.*s%s", (int)import->dots, "................", import->module)
			    : found->missing,
	       SAY("a module %s, which %s%s imports", found->missing,
		   rules__base(walk->nodes[at].file->path), importer),
	       SAY("%s%s has none", short_path(walk, parent->file->path), owner), at, import->line);
}

static void judge_name(struct walk *walk, size_t at, const struct py_import *import,
		       const struct module *module, const char *name)
{
	struct module inner = {0};
	enum answer answer;

	if (strcmp(name, "*") == 0 || module->kind == MODULE_OPAQUE)
		return;
	if (module->folder)
		inner = modules_in(&walk->modules, module->folder, name);
	answer = module->kind == MODULE_SOURCE ? defines(walk, module->file, name, 0)
					       : ANSWER_UNKNOWN;
	if (inner.kind == MODULE_SOURCE && answer != ANSWER_YES)
		(void)load(walk, inner.file, at, import->line);
	if (inner.kind != MODULE_MISSING || answer != ANSWER_NO ||
	    package_hooks(walk, module->file))
		return;
	report(walk, false, "imports/no-name", SAY("%s.%s", import->module, name),
	       SAY("%s in %s, which %s%s imports", name, short_path(walk, module->file->path),
		   rules__base(walk->nodes[at].file->path),
		   version_text(walk, walk->nodes[at].file)),
	       SAY("nothing there%s defines it: ImportError", version_text(walk, module->file)), at,
	       import->line);
}

static bool in_library(const struct walk *walk, const struct image_file *file)
{
	const char *library = walk->modules.library;

	return library != NULL && rules__begins(file->path, library) &&
	       !strstr(file->path, "-packages/");
}

static void judge_node(struct walk *walk, size_t at)
{
	const struct image_file *file = walk->nodes[at].file;

	walk->paths |= file->source->paths && !in_library(walk, file);
	for (size_t i = 0; i < file->source->import_count; i++) {
		const struct py_import *import = &file->source->imports[i];
		struct found found;

		if (import->guard != PY_GUARD_NONE)
			continue;
		/* Python would refuse; but it may be loaded as part of a package as well */
		if (import->dots && walk->nodes[at].script)
			continue;
		found = follow(walk, file, at, import);
		if (found.missing)
			judge_missing(walk, at, import, &found);
		for (size_t k = 0; !found.missing && k < import->names.count; k++)
			judge_name(walk, at, import, &found.module, import->names.items[k]);
	}
}

/* What the image starts, as words, with what its scripts start. */
struct start {
	struct walk *walk;
	const char *folder; /* where it is started */
	bool unclear;	    /* another interpreter, folder or path than the image's may be meant */
	size_t count;	    /* programs found */
};

static void add_program(struct start *start, const struct image_file *file, const char *first,
			bool script)
{
	struct walk *walk = start->walk;
	size_t at;

	if (!file || file->type != FILE_REGULAR || !file->source)
		return;
	start->count++;
	walk->first = first;
	at = load(walk, file, SIZE_MAX, 0);
	if (at != SIZE_MAX)
		walk->nodes[at].script = script;
}

/* "-m a.b", "uvicorn a.b:app". */
static void add_module(struct start *start, const char *name)
{
	struct walk *walk = start->walk;
	const char *first = start->folder;
	struct module module = {.folder = first};

	while (*name) {
		size_t len = strcspn(name, ".");

		if (!module.folder)
			return;
		/* only what lies in the folder: tools that are installed have been tried */
		module = modules_in(&walk->modules, module.folder,
				    arena_strndup(walk->arena, name, len));
		if (module.kind == MODULE_SOURCE)
			add_program(start, module.file, first, false);
		name += len + (name[len] == '.');
	}
}

static const char *join(const struct start *start, const char *path)
{
	return *path == '/' ? path : arena_printf(start->walk->arena, "%s/%s", start->folder, path);
}

static void read_words(struct start *start, const struct strings *words, unsigned depth);

static void read_script(struct start *start, const struct image_file *file, unsigned depth)
{
	/* what changes where Python looks, which Python it is, or what is installed */
	static const char unclear[] = "PYTHONPATH|activate|conda|\\bpip3?\\b|\\buv\\b|\\bcd\\b|"
				      "\\bpushd\\b|poetry|pipenv";
	struct strings words = {0};
	const char *at = file->text;

	if (depth >= SCRIPTS_DEPTH_MAX || !at)
		return;
	if (rules__matches(unclear, at)) {
		start->unclear = true;
		return;
	}
	while (*(at += strspn(at, " \t\r\n;&|()\"'"))) {
		size_t len = strcspn(at, " \t\r\n;&|()\"'");

		if (*at == '#')
			len = strcspn(at, "\n");
		else
			rules__push(&words, arena_strndup(start->walk->arena, at, len),
				    start->walk->arena);
		at += len;
	}
	read_words(start, &words, depth + 1);
}

static void read_word(struct start *start, const char *word, const char *before, unsigned depth)
{
	struct walk *walk = start->walk;
	const struct python_facts *python = &walk->input->facts->python;
	const char *base = rules__base(word), *module;
	const struct image_file *file;

	if (rules__begins(base, "python") && *word == '/' &&
	    strcmp(rules__folder(word, walk->arena), rules__folder(python->path, walk->arena)) != 0)
		start->unclear = true;
	if (strcmp(before, "-m") == 0) {
		add_module(start, word);
		return;
	}
	module = rules__capture("^([A-Za-z_][\\w.]*):[A-Za-z_]\\w*$", word, walk->arena);
	if (module) {
		add_module(start, module);
		return;
	}
	if (!rules__ends(word, ".py") && !rules__ends(word, ".sh") && *word != '/')
		return;
	file = image_find(walk->input->image, join(start, word), true);
	if (!file || file->type != FILE_REGULAR)
		return;
	if (file->source)
		add_program(start, file, rules__folder(file->path, walk->arena), true);
	else if (file->text && rules__begins(file->text, "#!"))
		read_script(start, file, depth);
}

static void read_words(struct start *start, const struct strings *words, unsigned depth)
{
	for (size_t i = 0; i < words->count && !start->unclear; i++)
		read_word(start, words->items[i], i ? words->items[i - 1] : "", depth);
}

/* A command is an argument list, or one text for a shell: both are read as words. */
static void read_command(struct start *start, const struct strings *command)
{
	for (size_t i = 0; i < command->count && !start->unclear; i++) {
		struct image_file text = {.text = command->items[i]};

		if (strpbrk(text.text, " \t\n"))
			read_script(start, &text, 0);
		else
			read_word(start, text.text, i ? command->items[i - 1] : "", 0);
	}
}

/* Nothing that is started can be read: programs by their usual names. */
static void guess_programs(struct start *start)
{
	static const char *const usual[] = {"handler.py", "main.py",   "app.py",     "server.py",
					    "serve.py",	  "worker.py", "predict.py", NULL};

	for (size_t i = 0; usual[i] && strcmp(start->folder, "") != 0; i++)
		add_program(start,
			    image_find(start->walk->input->image, join(start, usual[i]), true),
			    start->folder, true);
}

static void walk_from_programs(struct walk *walk)
{
	const struct image_config *config = walk->input->facts->config;
	const char *folder = config && config->workdir ? config->workdir : "";
	struct start start = {.walk = walk, .folder = strcmp(folder, "/") == 0 ? "" : folder};

	if (config) {
		read_command(&start, &config->entrypoint);
		read_command(&start, &config->cmd);
	}
	if (start.unclear)
		return;
	if (!start.count)
		guess_programs(&start);
	for (size_t i = 0; i < walk->node_count; i++)
		judge_node(walk, i);
}

static void run(const struct rule_input *input, struct findings *out)
{
	struct arena *arena = arena_new();
	struct walk walk = {.input = input, .out = out, .arena = arena};
	size_t count = 0, given = 0;

	if (input->facts && modules_init(&walk.modules, input, arena)) {
		walk.files = image_files(input->image, &count);
		walk.seen = arena_alloc(arena, count + 1);
		walk_from_programs(&walk);
	}
	for (size_t i = 0; i < walk.pending_count && given < FINDINGS_MAX; i++) {
		const struct pending *p = &walk.pending[i];

		if (p->top && walk.paths)
			continue;
		given++;
		finding_add(out, p->label, arena_strdup(out->arena, p->subject),
			    arena_strdup(out->arena, p->expected),
			    arena_strdup(out->arena, p->actual),
			    arena_strdup(out->arena, p->where));
	}
	arena_free(arena);
}

static const struct rule_label labels[] = {
	{"imports/no-module", SEVERITY_ERROR},
	{"imports/no-name", SEVERITY_ERROR},
	{NULL, SEVERITY_NOTE},
};

const struct rule_ops rule_imports = {
	.topic = "imports",
	.summary = "imports that must fail when the image's program starts",
	.labels = labels,
	.run = run,
};

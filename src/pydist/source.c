#include "pydist/source.h"

#include "pydist/source_lex.h"
#include "pydist/text.h"

#include <string.h>

#define BLOCKS_MAX 100	     /* Python's own limit of indentation levels */
#define NAME_BYTES_MAX 256   /* longer names and module paths are left out */
#define VALUE_BYTES_MAX 1024 /* of one literal that is assigned to a variable */

enum block_kind { BLOCK_PLAIN, BLOCK_CLASS, BLOCK_TRY, BLOCK_IF, BLOCK_FUNCTION };

struct block {
	unsigned indent;     /* of its header */
	enum py_guard guard; /* of what stands in it */
	bool local;	     /* its names are not the module's */
	bool compares;	     /* inside a __getattr__: runs for names of a table only */
	bool refuses;	     /* the same: runs for names outside of it */
	size_t answer;	     /* number of the __getattr__ whose body it is in, 0: none */
};

/* What the body of one __getattr__ showed: does it answer from a table and refuse the rest? */
struct answer {
	struct py_token name; /* its parameter */
	bool sealed;	      /* "if name not in TABLE: raise" has been passed */
	bool open;	      /* asks something else for any name */
	bool raises;	      /* its last line so far does */
};

struct scan {
	struct arena *arena;
	struct py_source *out;
	struct block blocks[BLOCKS_MAX + 1]; /* the first is the module itself */
	size_t depth;
	unsigned line;
	unsigned indent;
	bool has_environment, has_globals, has_modules, has_path; /* the words occur in the text */
	struct answer answer;
	size_t answers; /* seen so far */
	bool open;	/* one of them answers more than a table */
};

static bool is_word(const char *at, size_t len, const char *word)
{
	return strlen(word) == len && !memcmp(at, word, len);
}

static bool token_in(const struct py_token *token, const char *const *words)
{
	for (; token->kind == PY_NAME && *words; words++)
		if (is_word(token->at, token->len, *words))
			return true;
	return false;
}

static void add_text(struct scan *scan, struct strings *to, const char *at, size_t len)
{
	if (to->count >= PY_NAMES_MAX || len == 0 || len > NAME_BYTES_MAX)
		return;
	*(const char **)arena_push(scan->arena, &to->items, &to->count, sizeof(*to->items)) =
		arena_strndup(scan->arena, at, len);
}

static struct block *top(struct scan *scan)
{
	return &scan->blocks[scan->depth];
}

static enum py_guard guard_in(enum py_guard outer, enum block_kind kind)
{
	if (outer == PY_GUARD_FUNCTION || kind == BLOCK_FUNCTION)
		return PY_GUARD_FUNCTION;
	if (outer == PY_GUARD_TRY || kind == BLOCK_TRY)
		return PY_GUARD_TRY;
	return kind == BLOCK_IF ? PY_GUARD_IF : outer;
}

static struct block *push_block(struct scan *scan, enum block_kind kind)
{
	struct block *outer = top(scan), *block = outer;

	/* deeper than Python allows: the innermost block swallows the rest */
	if (scan->depth < BLOCKS_MAX)
		block = &scan->blocks[++scan->depth];
	*block = (struct block){
		.indent = scan->indent,
		.guard = guard_in(outer->guard, kind),
		.local = outer->local || kind == BLOCK_CLASS || kind == BLOCK_FUNCTION,
		.compares = outer->compares,
		.answer = outer->answer,
	};
	return block;
}

static void end_answer(struct scan *scan)
{
	scan->open |= scan->answer.open || (!scan->answer.raises && !scan->answer.sealed);
}

/* Leave the blocks that a line of this indentation is no part of. */
static void pop_blocks(struct scan *scan, unsigned indent)
{
	while (scan->depth && top(scan)->indent >= indent) {
		bool ends = top(scan)->answer && !top(scan)[-1].answer;

		scan->depth--;
		if (ends)
			end_answer(scan);
	}
}

static void define(struct scan *scan, const struct py_token *name)
{
	if (!top(scan)->local)
		add_text(scan, &scan->out->defines, name->at, name->len);
}

/* "a.b.c" at TOKEN, which moves behind it; the text may be written over blanks. */
static size_t read_module(struct py_tokens *tokens, struct py_token *token, char *out)
{
	size_t len = 0;

	while (token->kind == PY_NAME || py_token_op(token, '.')) {
		if (token->kind == PY_NAME && py_token_is(token, "import") && len &&
		    out[len - 1] != '.')
			break;
		if (token->kind == PY_NAME && len && out[len - 1] != '.')
			break; /* "as" */
		if (len + token->len > NAME_BYTES_MAX)
			return 0;
		memcpy(out + len, token->at, token->len);
		len += token->len;
		py_token_next(tokens, token);
	}
	return len;
}

static struct py_import *add_import(struct scan *scan, const char *module, size_t len)
{
	struct py_source *out = scan->out;
	struct py_import *import;

	if (out->import_count >= PY_IMPORTS_MAX)
		return NULL;
	import = arena_push(scan->arena, &out->imports, &out->import_count, sizeof(*import));
	import->line = scan->line;
	import->module = arena_strndup(scan->arena, module, len);
	import->guard = top(scan)->guard;
	return import;
}

/* Behind "import". */
static void read_import(struct scan *scan, struct py_tokens *tokens)
{
	struct py_token token;

	do {
		char module[NAME_BYTES_MAX];
		struct py_token first;
		size_t len;

		py_token_next(tokens, &token);
		first = token;
		len = read_module(tokens, &token, module);
		if (!len || first.kind != PY_NAME || !add_import(scan, module, len))
			return;
		if (py_token_is(&token, "as")) {
			py_token_next(tokens, &first);
			py_token_next(tokens, &token);
		}
		if (first.kind == PY_NAME)
			define(scan, &first);
	} while (py_token_op(&token, ','));
}

/* The names behind "from x import". */
static void read_names(struct scan *scan, struct py_tokens *tokens, struct py_import *import)
{
	struct py_token token, bound;

	py_token_next(tokens, &token);
	if (py_token_op(&token, '('))
		py_token_next(tokens, &token);
	if (py_token_op(&token, '*')) {
		add_text(scan, &import->names, "*", 1);
		scan->out->star |= top(scan)->guard != PY_GUARD_FUNCTION;
		return;
	}
	while (token.kind == PY_NAME) {
		add_text(scan, &import->names, token.at, token.len);
		bound = token;
		py_token_next(tokens, &token);
		if (py_token_is(&token, "as")) {
			py_token_next(tokens, &bound);
			py_token_next(tokens, &token);
		}
		if (bound.kind == PY_NAME)
			define(scan, &bound);
		if (!py_token_op(&token, ','))
			return;
		py_token_next(tokens, &token);
	}
}

/* Behind "from". */
static void read_from(struct scan *scan, struct py_tokens *tokens)
{
	char module[NAME_BYTES_MAX];
	struct py_import *import;
	struct py_token token;
	unsigned dots = 0;
	size_t len = 0;

	py_token_next(tokens, &token);
	while (py_token_op(&token, '.')) {
		dots++;
		py_token_next(tokens, &token);
	}
	if (!py_token_is(&token, "import")) {
		len = read_module(tokens, &token, module);
		if (!len)
			return;
	}
	if (!py_token_is(&token, "import") || (!len && !dots))
		return;
	import = add_import(scan, module, len);
	if (!import)
		return;
	import->dots = dots;
	read_names(scan, tokens, import);
}

static void define_rest(struct scan *scan, struct py_tokens *tokens)
{
	struct py_token token;

	for (py_token_next(tokens, &token); token.kind != PY_END; py_token_next(tokens, &token))
		if (token.kind == PY_NAME)
			add_text(scan, &scan->out->defines, token.at, token.len);
}

/* Behind the bracket that TOKEN opens; TOKEN becomes its closing one. */
static void skip_bracket(struct py_tokens *tokens, struct py_token *token)
{
	unsigned depth = token->depth;

	do
		py_token_next(tokens, token);
	while (token->kind != PY_END && token->depth > depth);
}

#define TARGETS_MAX 256 /* names of one tuple; the rest is left out */

struct targets {
	struct py_token items[TARGETS_MAX];
	size_t count;
};

/*
 * The names that are bound on the way to STOP (an operator, or the word "in") outside of brackets:
 * "a, (b, *c), d.e, f[g] =" binds a, b and c. Returns whether STOP was there.
 */
static bool read_targets(struct py_tokens *tokens, struct targets *out, char stop)
{
	struct py_token token;
	bool value = false, name = false, dot = false, annotation = false;

	out->count = 0;
	for (py_token_next(tokens, &token); token.kind != PY_END; py_token_next(tokens, &token)) {
		bool opens = py_token_op(&token, '(') || py_token_op(&token, '[');

		if (token.depth == 0 &&
		    (stop == 'i' ? py_token_is(&token, "in") : py_token_op(&token, stop)))
			return true;
		if (py_token_is(&token, "lambda") || py_token_op(&token, 'a'))
			return false;
		annotation |= py_token_op(&token, ':') && token.depth == 0;
		if (annotation)
			continue;
		if (name && (opens || py_token_op(&token, '.')))
			out->count--; /* an attribute or element of it, not itself */
		if (value && opens)
			skip_bracket(tokens, &token);
		name = token.kind == PY_NAME && !dot && out->count < TARGETS_MAX;
		if (name)
			out->items[out->count++] = token;
		value = token.kind == PY_NAME || token.kind == PY_STRING ||
			py_token_op(&token, ')') || py_token_op(&token, ']');
		dot = py_token_op(&token, '.');
	}
	return false;
}

static void define_targets(struct scan *scan, const struct targets *targets)
{
	for (size_t i = 0; i < targets->count; i++)
		define(scan, &targets->items[i]);
}

/* "a = b, c = value": TOKENS stands at its first word. */
static void read_assignment(struct scan *scan, struct py_tokens tokens)
{
	struct targets targets;

	while (read_targets(&tokens, &targets, '='))
		define_targets(scan, &targets);
}

/* Names bound by ":=", anywhere in the statement. */
static void read_walrus(struct scan *scan, struct py_tokens tokens)
{
	struct py_token token, before = {0};

	for (py_token_next(&tokens, &token); token.kind != PY_END; py_token_next(&tokens, &token)) {
		if (py_token_op(&token, 'w') && before.kind == PY_NAME)
			define(scan, &before);
		before = token;
	}
}

/* "with x as (a, b), y as c:", TOKENS behind "with". */
static void read_with(struct scan *scan, struct py_tokens tokens)
{
	struct py_token token, next;

	py_token_next(&tokens, &token);
	while (token.kind != PY_END) {
		bool as = py_token_is(&token, "as");

		py_token_next(&tokens, &token);
		if (as && py_token_op(&token, '(')) {
			for (py_token_next(&tokens, &token);
			     token.kind != PY_END && !py_token_op(&token, ')');
			     py_token_next(&tokens, &token))
				if (token.kind == PY_NAME)
					define(scan, &token);
		} else if (as && token.kind == PY_NAME) {
			struct py_tokens after = tokens;

			py_token_next(&after, &next);
			if (!py_token_op(&next, '.') && !py_token_op(&next, '['))
				define(scan, &token);
		}
	}
}

/* if __name__ == "__main__" */
static bool tests_main(struct py_tokens tokens)
{
	struct py_token a, op, b;
	const char *text;
	size_t len;

	py_token_next(&tokens, &a);
	py_token_next(&tokens, &op);
	py_token_next(&tokens, &b);
	if (py_token_is(&b, "__name__")) {
		struct py_token swap = a;

		a = b;
		b = swap;
	}
	return py_token_is(&a, "__name__") && py_token_op(&op, 'c') &&
	       py_token_text(&b, &text, &len) && is_word(text, len, "__main__");
}

static void add_environment(struct scan *scan, const struct py_token *name,
			    const struct py_token *value)
{
	struct strings *to = &scan->out->environment;
	const char *text, *assigned;
	size_t len, assigned_len;

	if (!py_token_text(name, &text, &len) || !len || len > NAME_BYTES_MAX ||
	    memchr(text, '=', len) || memchr(text, '\0', len) || to->count >= PY_NAMES_MAX)
		return;
	if (value && py_token_text(value, &assigned, &assigned_len) &&
	    assigned_len <= VALUE_BYTES_MAX && !memchr(assigned, '\0', assigned_len))
		*(const char **)arena_push(scan->arena, &to->items, &to->count,
					   sizeof(*to->items)) =
			arena_printf(scan->arena, "%.*s=%.*s", (int)len, text, (int)assigned_len,
				     assigned);
	else
		add_text(scan, to, text, len);
}

/* Behind environ: ["X"], ["X"] = "value", .get("X"), .setdefault("X", "value"). */
static void read_environ(struct scan *scan, struct py_tokens *tokens)
{
	static const char *const calls[] = {"get", "setdefault", "pop", NULL};
	struct py_token token, name, close, value;
	bool setdefault = false;

	py_token_next(tokens, &token);
	if (py_token_op(&token, '.')) {
		py_token_next(tokens, &token);
		if (!token_in(&token, calls))
			return;
		setdefault = py_token_is(&token, "setdefault");
		py_token_next(tokens, &token);
	} else if (!py_token_op(&token, '[')) {
		return;
	}
	py_token_next(tokens, &name);
	py_token_next(tokens, &close);
	if (!py_token_op(&token, '[') && !setdefault) {
		add_environment(scan, &name, NULL);
		return;
	}
	if (!setdefault)
		py_token_next(tokens, &close); /* behind the "]" */
	value = close;
	if (py_token_op(&close, setdefault ? ',' : '='))
		py_token_next(tokens, &value);
	py_token_next(tokens, &close);
	add_environment(scan, &name,
			close.kind == PY_END || (close.kind == PY_OP && strchr(",;)", close.op))
				? &value
				: NULL);
}

static void read_environment(struct scan *scan, const struct py_line *line)
{
	struct py_tokens tokens = {line->at, line->end, 0};
	struct py_token token;

	for (py_token_next(&tokens, &token); token.kind != PY_END; py_token_next(&tokens, &token)) {
		struct py_tokens after = tokens;
		struct py_token bracket, name;

		if (py_token_is(&token, "environ")) {
			read_environ(scan, &after);
		} else if (py_token_is(&token, "getenv")) {
			py_token_next(&after, &bracket);
			py_token_next(&after, &name);
			if (py_token_op(&bracket, '('))
				add_environment(scan, &name, NULL);
		}
	}
}

/* Behind "sys.modules" or "sys.path": is it changed? "[...] =", or a call that changes it. */
static bool is_changed(struct py_tokens tokens)
{
	static const char *const calls[] = {"setdefault", "update", "pop",    "append",
					    "insert",	  "extend", "remove", NULL};
	struct py_token token;

	py_token_next(&tokens, &token);
	if (py_token_op(&token, '.')) {
		py_token_next(&tokens, &token);
		return token_in(&token, calls);
	}
	if (py_token_op(&token, '[')) {
		skip_bracket(&tokens, &token);
		py_token_next(&tokens, &token);
		return py_token_op(&token, '=') || py_token_op(&token, '.');
	}
	return py_token_op(&token, '=') || py_token_op(&token, 'a');
}

/* Ways in which a line gives this module names, or the program modules, that no one can see. */
static void read_tricks(struct scan *scan, const struct py_line *line)
{
	static const char *const hooks[] = {"meta_path", "path_hooks", "extend_path", "__path__",
					    NULL};
	static const char *const calls[] = {"exec", "execfile", "vars", "locals", NULL};
	/* these put the members of an enum, or modules of a table, among the module's names */
	static const char *const exports[] = {"_LazyModule", "global_enum", "_convert_", NULL};
	bool function = top(scan)->guard == PY_GUARD_FUNCTION;
	struct py_source *out = scan->out;
	struct py_tokens tokens = {line->at, line->end, 0};
	struct py_token token, before = {0}, owner = {0};

	for (py_token_next(&tokens, &token); token.kind != PY_END; py_token_next(&tokens, &token)) {
		struct py_tokens after = tokens;
		struct py_token next;
		bool member = py_token_op(&before, '.');

		py_token_next(&after, &next);
		if (token_in(&token, hooks) && (!member || py_token_is(&owner, "sys")))
			out->opaque = out->hooks = true;
		else if (py_token_is(&token, "modules") && member && py_token_is(&owner, "sys")) {
			out->hooks |= is_changed(tokens);
			out->opaque |= !function || py_token_op(&next, '[');
		} else if (py_token_is(&token, "path") && member && py_token_is(&owner, "sys")) {
			out->paths |= is_changed(tokens);
		} else if (token_in(&token, exports) ||
			   (py_token_op(&next, '(') && !member &&
			    (py_token_is(&token, "globals") ||
			     (!function && token_in(&token, calls))))) {
			out->opaque = true;
		}
		owner = before;
		before = token;
	}
}

/* Does the header of a block compare the parameter of the __getattr__ it stands in? *REFUSES:
 * "not in", so that the block is for names outside of the table. */
static bool compares_name(const struct scan *scan, struct py_tokens tokens, bool *refuses)
{
	const struct py_token *name = &scan->answer.name;
	struct py_token token, before = {0};
	bool compares = false;

	for (py_token_next(&tokens, &token); token.kind != PY_END; py_token_next(&tokens, &token)) {
		bool after = before.kind == PY_NAME && before.len == name->len &&
			     !memcmp(before.at, name->at, name->len);

		*refuses |= after && py_token_is(&token, "not");
		compares |= after && (py_token_is(&token, "in") || py_token_is(&token, "not") ||
				      py_token_op(&token, 'c'));
		before = token;
	}
	return compares;
}

/* A simple statement in the body of a __getattr__. */
static void read_answer(struct scan *scan, struct py_tokens tokens)
{
	static const char *const asks[] = {"getattr", "import_module", "__import__", NULL};
	struct answer *answer = &scan->answer;
	struct py_token token;

	py_token_next(&tokens, &token);
	answer->raises = py_token_is(&token, "raise");
	answer->sealed |= answer->raises && top(scan)->refuses;
	for (; token.kind != PY_END; py_token_next(&tokens, &token))
		if (token_in(&token, asks) && !top(scan)->compares && !answer->sealed)
			answer->open = true;
}

static enum block_kind block_of(const struct py_token *word)
{
	static const char *const ifs[] = {"if",	    "elif",  "else", "for",    "while",
					  "except", "match", "case", "switch", NULL};
	/* many a context manager swallows ImportError, whatever its name */
	static const char *const tries[] = {"try", "with", NULL};

	if (token_in(word, ifs))
		return BLOCK_IF;
	return token_in(word, tries) ? BLOCK_TRY : BLOCK_PLAIN;
}

/* To behind the colon that ends a header; false: there is none. */
static bool skip_header(struct py_tokens *tokens)
{
	struct py_token token;
	unsigned lambdas = 0;

	for (py_token_next(tokens, &token); token.kind != PY_END; py_token_next(tokens, &token)) {
		if (token.depth)
			continue;
		lambdas += py_token_is(&token, "lambda");
		if (!py_token_op(&token, ':'))
			continue;
		if (!lambdas)
			return true;
		lambdas--;
	}
	return false;
}

/* "def NAME(": TOKENS behind "def". */
static void read_def(struct scan *scan, struct py_tokens tokens)
{
	struct py_token name, token;
	bool answers;

	py_token_next(&tokens, &name);
	if (name.kind != PY_NAME)
		return;
	define(scan, &name);
	/* in a function: one that is made there and handed to the module */
	answers = py_token_is(&name, "__getattr__") && !top(scan)->answer &&
		  (!top(scan)->local || top(scan)->guard == PY_GUARD_FUNCTION);
	push_block(scan, BLOCK_FUNCTION);
	if (!answers)
		return;
	py_token_next(&tokens, &token);
	py_token_next(&tokens, &token);
	top(scan)->answer = ++scan->answers;
	scan->answer = (struct answer){.name = token};
}

static void read_header_names(struct scan *scan, const struct py_token *word,
			      struct py_tokens tokens)
{
	struct targets targets;

	if (top(scan)->local)
		return;
	if (py_token_is(word, "for")) {
		if (read_targets(&tokens, &targets, 'i'))
			define_targets(scan, &targets);
	} else if (py_token_is(word, "with")) {
		read_with(scan, tokens);
	}
}

static void read_block(struct scan *scan, const struct py_token *word, struct py_tokens tokens)
{
	struct block *block;

	read_header_names(scan, word, tokens);
	if (py_token_is(word, "if") && !scan->depth)
		scan->out->main |= tests_main(tokens);
	block = push_block(scan, block_of(word));
	if (block->answer) {
		block->refuses = false;
		block->compares |= compares_name(scan, tokens, &block->refuses);
	}
}

/* A statement without a body. TOKENS begins with it and ends with it. */
static void read_simple(struct scan *scan, struct py_tokens tokens)
{
	struct py_tokens rest = tokens;
	struct py_token word;

	if (top(scan)->answer)
		read_answer(scan, tokens);
	py_token_next(&rest, &word);
	if (py_token_is(&word, "import"))
		read_import(scan, &rest);
	else if (py_token_is(&word, "from"))
		read_from(scan, &rest);
	else if (py_token_is(&word, "global"))
		define_rest(scan, &rest);
	else if (!top(scan)->local)
		read_assignment(scan, tokens);
}

/* Statements between semicolons. */
static void read_simples(struct scan *scan, struct py_tokens tokens)
{
	struct py_tokens one = tokens;
	struct py_token token;

	do {
		py_token_next(&tokens, &token);
		if (token.kind != PY_END && !(py_token_op(&token, ';') && token.depth == 0))
			continue;
		one.end = token.at;
		if (one.at < one.end)
			read_simple(scan, one);
		one = tokens;
	} while (token.kind != PY_END);
}

static bool is_type_alias(struct py_tokens tokens, struct py_token *name)
{
	struct py_token after;

	py_token_next(&tokens, name);
	py_token_next(&tokens, &after);
	return name->kind == PY_NAME && !py_token_is(name, "in") && !py_token_is(name, "is") &&
	       (py_token_op(&after, '=') || py_token_op(&after, '['));
}

static void read_line(struct scan *scan, const struct py_line *line)
{
	static const char *const blocks[] = {"if",   "elif",	"else",	 "for", "while",  "try",
					     "with", "finally", "class", "def", "except", NULL};
	static const char *const soft[] = {"match", "case", NULL};
	struct py_tokens tokens = {line->at, line->end, 0}, header;
	struct py_token word, name;

	py_token_next(&tokens, &word);
	if (py_token_op(&word, '@'))
		return;
	if (!top(scan)->local)
		read_walrus(scan, (struct py_tokens){line->at, line->end, 0});
	header = tokens;
	if (py_token_is(&word, "async")) {
		py_token_next(&tokens, &word);
		header = tokens;
	}
	if (py_token_is(&word, "type") && is_type_alias(tokens, &name)) {
		define(scan, &name);
		return;
	}
	if (!token_in(&word, blocks) &&
	    !(token_in(&word, soft) && line->end[-1] == ':' && skip_header(&tokens))) {
		read_simples(scan, (struct py_tokens){line->at, line->end, 0});
		return;
	}
	tokens = header;
	if (!skip_header(&tokens))
		return;
	header.end = tokens.at - 1;
	if (py_token_is(&word, "def")) {
		read_def(scan, header);
	} else if (py_token_is(&word, "class")) {
		py_token_next(&header, &name);
		if (name.kind == PY_NAME)
			define(scan, &name);
		push_block(scan, BLOCK_CLASS);
	} else {
		read_block(scan, &word, header);
	}
	read_simples(scan, tokens);
}

/* In a function only imports matter, "global", and a __getattr__; most lines hold none. */
static bool is_boring(const struct py_line *line)
{
	size_t len = (size_t)(line->end - line->at);
	char second = len > 1 ? line->at[1] : '\0';

	switch (line->at[0]) {
	case 'i': /* import, if */
		return second != 'm' && (second != 'f' || line->end[-1] == ':');
	case 'f': /* from, for, finally */
		return second != 'r' && line->end[-1] == ':';
	case 'g':
		return second != 'l';
	case 'd':
		return len < 15 || memcmp(line->at, "def __getattr__", 15) != 0;
	case 't': /* try */
	case 'e': /* else, elif, except */
	case 'w': /* with, while */
		return line->end[-1] == ':';
	default:
		return true;
	}
}

/* String literals that could be names, of the whole file. */
static void read_texts(struct scan *scan, const char *text, size_t len)
{
	struct py_lexer lexer;
	struct py_line line;

	py_lexer_start(&lexer, text, len);
	while (py_lexer_next(&lexer, &line)) {
		struct py_tokens tokens = {line.at, line.end, 0};
		struct py_token token;
		const char *at;
		size_t n;

		for (py_token_next(&tokens, &token); token.kind != PY_END;
		     py_token_next(&tokens, &token))
			if (py_token_text(&token, &at, &n) && !memchr(at, '\0', n) &&
			    !memchr(at, ' ', n) && !memchr(at, '\n', n))
				add_text(scan, &scan->out->texts, at, n);
	}
}

static void scan_line(struct scan *scan, const struct py_line *line)
{
	size_t len = (size_t)(line->end - line->at);
	bool function;

	scan->line = line->number;
	scan->indent = line->indent;
	pop_blocks(scan, line->indent);
	function = top(scan)->guard == PY_GUARD_FUNCTION;
	if (!function || (scan->has_globals && text_mentions(line->at, len, "globals")) ||
	    (scan->has_modules && text_mentions(line->at, len, "sys.modules")) ||
	    (scan->has_path && text_mentions(line->at, len, "sys.path")))
		read_tricks(scan, line);
	if (scan->has_environment &&
	    (text_mentions(line->at, len, "environ") || text_mentions(line->at, len, "getenv")))
		read_environment(scan, line);
	if (!function || top(scan)->answer || !is_boring(line))
		read_line(scan, line);
}

void py_source_read(const char *text, size_t len, struct arena *arena, struct py_source *out)
{
	struct scan scan = {
		.arena = arena,
		.out = out,
		.has_environment =
			text_mentions(text, len, "environ") || text_mentions(text, len, "getenv"),
		.has_globals = text_mentions(text, len, "globals"),
		.has_modules = text_mentions(text, len, "sys.modules"),
		.has_path = text_mentions(text, len, "sys.path"),
	};
	struct py_lexer lexer;
	struct py_line line;

	*out = (struct py_source){0};
	py_lexer_start(&lexer, text, len);
	while (py_lexer_next(&lexer, &line))
		scan_line(&scan, &line);
	scan.indent = 0;
	pop_blocks(&scan, 0);
	text_sort(&out->defines);
	out->lazy = text_holds(&out->defines, "__getattr__");
	out->closed = out->lazy && scan.answers && !scan.open;
	out->dynamic = out->star || out->opaque || out->lazy;
	if (out->lazy)
		read_texts(&scan, text, len);
	text_sort(&out->texts);
}

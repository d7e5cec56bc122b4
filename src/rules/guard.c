/* Assertions of the build against those of the baseline: which were widened, which are gone. An
 * assertion that fails was right until proven wrong; widening it until it passes hides the cause.
 */
#include "rules/build.h"
#include "rules/rules_private.h"

#include "base/pattern.h"

#include <string.h>

#define GUARDS_MAX 1000
#define LITERALS_MAX 100

enum guard_kind { GUARD_ASSERT, GUARD_IMPORT, GUARD_GREP };

struct guard {
	enum guard_kind kind;
	const char *key; /* "torch.version.cuda", a module's name, the rest of a pipeline */
	const char *op;	 /* "==", "in", "startswith", …; an if that ends the build turned round */
	struct strings literals; /* versions it accepts */
	const char *where;
};

struct guards {
	struct guard *items;
	size_t count;
	struct arena *arena;
};

static struct guard *add(struct guards *to, enum guard_kind kind, const char *key,
			 const char *where)
{
	struct guard *guard;

	if (to->count >= GUARDS_MAX)
		return NULL;
	guard = arena_push(to->arena, &to->items, &to->count, sizeof(*guard));
	guard->kind = kind;
	guard->key = key;
	guard->op = "";
	guard->where = where;
	return guard;
}

/* Texts between quotes in the LEN bytes at TEXT, and bare numbers. */
static void read_literals(const char *text, size_t len, struct guard *to, struct arena *arena)
{
	const char *end = text + len;

	while (text < end && to->literals.count < LITERALS_MAX) {
		const char *close;
		size_t digits = strspn(text, "0123456789.");

		if (*text == '\'' || *text == '"') {
			close = memchr(text + 1, *text, (size_t)(end - text - 1));
			if (!close)
				return;
			rules__push(&to->literals,
				    arena_strndup(arena, text + 1, (size_t)(close - text - 1)),
				    arena);
			text = close + 1;
		} else if (digits) {
			digits = digits < (size_t)(end - text) ? digits : (size_t)(end - text);
			rules__push(&to->literals, arena_strndup(arena, text, digits), arena);
			text += digits;
		} else {
			text++;
		}
	}
}

/* How far the right side of a comparison reaches: a bracket's end, else a comma or its like. */
static size_t operand_length(const char *text)
{
	size_t deep = 0, i = 0;
	char quote = 0;

	for (; text[i]; i++) {
		char c = text[i];

		if (quote) {
			quote = c == quote ? 0 : quote;
			continue;
		}
		if (c == '\'' || c == '"')
			quote = c;
		else if (c == '(' || c == '[' || c == '{')
			deep++;
		else if ((c == ')' || c == ']' || c == '}') && deep-- == 0)
			break;
		else if (!deep && (c == ',' || c == ';' || c == ':' || c == '\n'))
			break;
	}
	return i;
}

static const char *accepting(const char *op, bool turned, struct arena *arena)
{
	bool negated = rules__begins(op, "not ");

	if (!turned)
		return op;
	if (strcmp(op, "!=") == 0)
		return "==";
	if (rules__begins(op, "not"))
		return negated ? "in" : op;
	return arena_printf(arena, "unless %s", op);
}

/* assert KEY OP LITERALS, and the same behind "if" when what follows ends the build. */
static void read_asserts(const char *text, const char *where, struct guards *to)
{
	static const char pattern[] = "\\b((?:assert|if|elif)\\b[ \\t(]*(?:not "
				      ")?[A-Za-z_][\\w.]*(?:\\([^()]*\\))?[\\w.\\[\\]:'\"]*"
				      "(?:\\s*(?:==|!=|>=|<=|>|<|not in|in)\\s|\\.startswith\\())";
	const char *at = text, *found;
	size_t len;

	while (to->count < GUARDS_MAX &&
	       pattern_find(pattern, at, strlen(at), &found, &len, NULL) == 1) {
		const char *head = arena_strndup(to->arena, found, len);
		const char *right = found + len;
		size_t right_len = operand_length(right);
		bool turned = head[0] != 'a';
		const char *key = rules__capture(
			"^(?:assert|if|elif)[ \\t(]*(?:not "
			")?([A-Za-z_][\\w.]*(?:\\([^()]*\\))?[\\w.\\[\\]:'\"]*?)"
			"(?:\\.startswith\\(|\\s*(?:==|!=|>=|<=|>|<|\\bnot in|\\bin)\\s)",
			head, to->arena);
		const char *op = rules__capture("(==|!=|>=|<=|>|<|not in|in(?=\\s*$)|startswith)",
						head, to->arena);
		struct guard *guard;

		at = right;
		if (!key || !op)
			continue;
		if (turned &&
		    !rules__matches("^[^\\n]{0,200}(exit|raise|sys\\.exit|false|abort)",
				    right + right_len) &&
		    !rules__matches("^:\\s*\\n[^\\n]*(exit|raise|abort)", right + right_len))
			continue;
		guard = add(to, GUARD_ASSERT, key, where);
		if (!guard)
			return;
		guard->op = accepting(op, turned, to->arena);
		read_literals(right, right_len, guard, to->arena);
	}
}

/* python -c "import x" in a build step runs to see whether it can. */
static void read_imports(const char *text, const char *where, struct guards *to)
{
	const char *at = text, *found;
	size_t len;

	while (to->count < GUARDS_MAX &&
	       pattern_find("(?:^|[;\\n\"'])\\s*(?:import|from)\\s+([A-Za-z_]\\w*)", at, strlen(at),
			    &found, &len, NULL) == 1) {
		add(to, GUARD_IMPORT, arena_strndup(to->arena, found, len), where);
		at = found + len;
	}
}

/* … | grep -q 'PATTERN': the program in front is the key. */
static void read_greps(const struct rules__step *step, const char *where, struct guards *to)
{
	for (size_t i = 1; i < step->script.count; i++) {
		const struct shell_command *command = &step->script.commands[i];
		const struct shell_command *front = &step->script.commands[i - 1];
		size_t first;
		struct guard *guard;

		if (strcmp(command->joint, "|") != 0 ||
		    !rules__matches("^[ef]?grep$", shell_program(command, &first)))
			continue;
		while (first < command->word_count && command->words[first].text[0] == '-')
			first++;
		if (first >= command->word_count ||
		    !rules__matches("[0-9]\\\\?\\.", command->words[first].text))
			continue;
		guard = add(to, GUARD_GREP,
			    front->word_count ? front->words[front->word_count - 1].text : "",
			    where);
		if (guard)
			rules__push(&guard->literals, command->words[first].text, to->arena);
	}
}

static void collect(const struct repo_file *files, size_t count, const char *dockerfile,
		    struct guards *to)
{
	struct rules__build build;

	if (rules__build(files, count, dockerfile, to->arena, &build))
		for (size_t i = 0; i < build.count; i++) {
			const char *where = rules__build_line(
				&build, build.steps[i].instruction->line, to->arena);

			read_asserts(build.steps[i].text, where, to);
			read_greps(&build.steps[i], where, to);
			if (rules__matches("python[0-9.]*\\s+(-\\S+\\s+)*(-c|<<|-\\s)",
					   build.steps[i].text))
				read_imports(build.steps[i].text, where, to);
		}
	for (size_t i = 0; i < count; i++)
		if (files[i].text &&
		    (rules__ends(files[i].path, ".py") || rules__ends(files[i].path, ".sh")))
			read_asserts(files[i].text, files[i].path, to);
}

static bool same_place(const struct guard *a, const struct guard *b)
{
	return a->kind == b->kind && strcmp(a->key, b->key) == 0;
}

static bool holds_all(const struct strings *big, const struct strings *small)
{
	for (size_t i = 0; i < small->count; i++)
		if (!rules__has(big, small->items[i]))
			return false;
	return true;
}

static unsigned looseness(const char *op)
{
	static const char *const order[] = {"==", "in", "startswith", ">=", ">", "!=", NULL};

	for (unsigned i = 0; order[i]; i++)
		if (strcmp(op, order[i]) == 0)
			return i;
	return 2;
}

/* "12\.4" as the text it was written for. */
static const char *plain(const char *pattern, struct arena *arena)
{
	char *out = arena_strdup(arena, pattern), *to = out;

	for (const char *at = pattern; *at; at++)
		if (*at != '\\' && *at != '^' && *at != '$')
			*to++ = *at;
	*to = '\0';
	return out;
}

/* Does NOW accept everything that BEFORE did, and more? */
static bool is_wider(const struct guard *before, const struct guard *now, struct arena *arena)
{
	if (before->kind == GUARD_IMPORT)
		return false;
	if (before->kind == GUARD_GREP)
		return strcmp(before->literals.items[0], now->literals.items[0]) != 0 &&
		       rules__matches(now->literals.items[0],
				      plain(before->literals.items[0], arena)) &&
		       strcmp(plain(before->literals.items[0], arena),
			      plain(now->literals.items[0], arena)) != 0;
	if (now->literals.count > before->literals.count &&
	    holds_all(&now->literals, &before->literals))
		return true;
	if (strcmp(now->op, before->op) == 0 && strcmp(now->op, "startswith") == 0 &&
	    now->literals.count == 1 && before->literals.count == 1)
		return strlen(now->literals.items[0]) < strlen(before->literals.items[0]) &&
		       rules__begins(before->literals.items[0], now->literals.items[0]);
	if (looseness(now->op) <= looseness(before->op) || !before->literals.count ||
	    !now->literals.count)
		return false;
	return strcmp(now->op, "!=") == 0 ||
	       (strcmp(now->op, "startswith") == 0 &&
		rules__begins(before->literals.items[0], now->literals.items[0])) ||
	       (now->op[0] == '>' &&
		!rules__in_range(now->literals.items[0],
				 arena_printf(arena, ">%s", before->literals.items[0])));
}

static bool is_mentioned(const struct rule_input *input, const char *module)
{
	for (size_t i = 0; i < input->file_count; i++)
		if (input->files[i].text && strstr(input->files[i].text, module))
			return true;
	return false;
}

static const struct guard *find(const struct guards *in, const struct guard *like, size_t nth)
{
	for (size_t i = 0; i < in->count; i++)
		if (same_place(&in->items[i], like) && !nth--)
			return &in->items[i];
	return NULL;
}

static const char *describe(const struct guard *guard, struct arena *arena)
{
	if (guard->kind == GUARD_IMPORT)
		return arena_printf(arena, "import %s", guard->key);
	return arena_printf(arena, "%s %s %s", guard->key,
			    guard->kind == GUARD_GREP ? "| grep" : guard->op,
			    rules__join(&guard->literals, 8, arena));
}

static void judge(const struct rule_input *input, const struct guards *before,
		  const struct guards *now, size_t index, struct findings *out)
{
	const struct guard *old = &before->items[index], *new;
	size_t nth = 0;

	for (size_t i = 0; i < index; i++)
		nth += same_place(&before->items[i], old);
	new = find(now, old, nth);
	if (!new &&find(now, old, 0))
		return; /* the same assertion, written fewer times */
	if (new &&is_wider(old, new, out->arena))
		finding_add(out, "guard/widened", old->key, describe(old, out->arena),
			    describe(new, out->arena), new->where);
	else if (!new && (old->kind != GUARD_IMPORT || is_mentioned(input, old->key)))
		finding_add(out, "guard/removed", old->key,
			    TEXT("%s, as in the baseline", describe(old, out->arena)),
			    "the check is gone", old->where);
}

static void run(const struct rule_input *input, struct findings *out)
{
	struct guards before = {.arena = out->arena}, now = {.arena = out->arena};

	if (!input->before_file_count)
		return;
	collect(input->before_files, input->before_file_count, input->dockerfile, &before);
	collect(input->files, input->file_count, input->dockerfile, &now);
	for (size_t i = 0; i < before.count; i++)
		judge(input, &before, &now, i, out);
}

static const struct rule_label labels[] = {
	{"guard/removed", SEVERITY_WARNING},
	{"guard/widened", SEVERITY_WARNING},
	{NULL, SEVERITY_NOTE},
};

const struct rule_ops rule_guard = {
	.topic = "guard",
	.summary = "assertions of the build that accept more than the baseline's, or are gone",
	.labels = labels,
	.run = run,
};

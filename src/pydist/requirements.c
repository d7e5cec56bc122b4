/* pip's requirements and constraints files. */
#include "pydist/requirement.h"
#include "pydist/text.h"

#include "base/buf.h"

#include <string.h>

static const struct {
	const char *written, *name;
	bool value;
} options[] = {{"-r", "--requirement", true},
	       {"--requirement", "--requirement", true},
	       {"-c", "--constraint", true},
	       {"--constraint", "--constraint", true},
	       {"-e", "--editable", true},
	       {"--editable", "--editable", true},
	       {"-i", "--index-url", true},
	       {"--index-url", "--index-url", true},
	       {"--extra-index-url", "--extra-index-url", true},
	       {"-f", "--find-links", true},
	       {"--find-links", "--find-links", true},
	       {"--no-index", "--no-index", false},
	       {"--no-binary", "--no-binary", true},
	       {"--only-binary", "--only-binary", true},
	       {"--prefer-binary", "--prefer-binary", false},
	       {"--require-hashes", "--require-hashes", false},
	       {"--pre", "--pre", false},
	       {"--trusted-host", "--trusted-host", true},
	       {"--use-feature", "--use-feature", true}};

static void add_bad(struct requirements *out, unsigned line, struct text_line text,
		    struct arena *arena)
{
	text_push(&out->bad,
		  arena_printf(arena, "%u: %.*s", line, (int)(text.len > 200 ? 200 : text.len),
			       text.at),
		  arena);
}

/* "--name value" or "--name=value" */
static void take_option(struct text_line text, unsigned line, struct arena *arena,
			struct requirements *out)
{
	size_t word = 0;

	while (word < text.len && text.at[word] != ' ' && text.at[word] != '\t' &&
	       text.at[word] != '=')
		word++;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct requirements_option *option;
		struct text_line value = {text.at + word, text.len - word};

		if (strlen(options[i].written) != word ||
		    memcmp(options[i].written, text.at, word) != 0)
			continue;
		if (value.len && *value.at == '=')
			value = (struct text_line){value.at + 1, value.len - 1};
		option = arena_push(arena, &out->options, &out->option_count, sizeof(*option));
		option->name = options[i].name;
		option->line = line;
		option->value = options[i].value ? text_copy(text_trim(value), arena) : NULL;
		return;
	}
	add_bad(out, line, text, arena);
}

/* What pip lets follow a requirement: "--hash=…", "--config-settings …". */
static struct text_line cut_options(struct text_line text, bool *hashed)
{
	for (size_t i = 1; i + 2 < text.len; i++)
		if (text.at[i] == '-' && text.at[i + 1] == '-' &&
		    (text.at[i - 1] == ' ' || text.at[i - 1] == '\t')) {
			*hashed = memmem(text.at + i, text.len - i, "--hash", 6) != NULL;
			return text_trim((struct text_line){text.at, i});
		}
	return text;
}

/* A path or URL without a name in front. */
static bool is_place(const char *text)
{
	return strncmp(text, "./", 2) == 0 || strncmp(text, "../", 3) == 0 || *text == '/' ||
	       (strstr(text, "://") && !strstr(text, " @ "));
}

static void take_requirement(struct text_line text, unsigned line, struct arena *arena,
			     struct requirements *out)
{
	struct requirement requirement = {0}, *item;
	bool hashed = false;
	const char *copy;
	struct err ignored;

	copy = text_copy(cut_options(text, &hashed), arena);
	if (is_place(copy)) {
		requirement.name = requirement.normalised = "";
		requirement.specifier = "";
		requirement.url = copy;
	} else if (requirement_parse(copy, arena, &requirement, &ignored) < 0) {
		add_bad(out, line, text, arena);
		return;
	}
	item = arena_push(arena, &out->items, &out->count, sizeof(*item));
	*item = requirement;
	item->line = line;
	item->hashed = hashed;
}

static void take_line(struct text_line text, unsigned line, struct arena *arena,
		      struct requirements *out)
{
	/* A comment begins the line or follows a blank. */
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] == '#' && (!i || text.at[i - 1] == ' ' || text.at[i - 1] == '\t')) {
			text.len = i;
			break;
		}
	text = text_trim(text);
	if (!text.len)
		return;
	if (*text.at == '-')
		take_option(text, line, arena, out);
	else if (out->count < REQUIREMENTS_MAX)
		take_requirement(text, line, arena, out);
}

void requirements_parse(const char *text, size_t len, struct arena *arena, struct requirements *out)
{
	const char *at = text, *end = text + len;
	struct text_line line;
	unsigned number = 0, first = 1;
	struct buf joined;

	*out = (struct requirements){0};
	if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
		at += 3;
	buf_init(&joined, len + 1);
	while (text_next(&at, end, &line)) {
		bool more = line.len && line.at[line.len - 1] == '\\';

		number++;
		first = joined.len ? first : number;
		buf_add(&joined, line.at, line.len - more);
		if (more)
			continue;
		take_line((struct text_line){buf_str(&joined), joined.len}, first, arena, out);
		buf_consume(&joined, joined.len);
	}
	if (joined.len)
		take_line((struct text_line){buf_str(&joined), joined.len}, first, arena, out);
	buf_done(&joined);
}

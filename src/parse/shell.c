/* Words by the rules of POSIX' token recognition, then commands out of words and operators. */
#include "parse/shell.h"

#include "base/buf.h"
#include "base/json.h"

#include <ctype.h>
#include <string.h>

#define HERE_DOCUMENTS_MAX 16 /* begun on one line */

struct splitter {
	const char *at, *end;
	unsigned line, depth;
	struct arena *arena;
	struct shell_script *out;
	struct shell_command *command; /* being filled, NULL: none yet */
	const char *joint;
	struct buf word;
	bool in_word, quoted, expands;
	const char *here[HERE_DOCUMENTS_MAX]; /* ends of here-documents still to come */
	size_t here_count;
};

static void split(struct splitter *s);

static bool is_flow(const struct shell_word *word)
{
	static const char *const names[] = {"if",    "then",  "else", "elif", "fi", "do",  "done",
					    "while", "until", "!",    "{",    "}",  "esac"};

	for (size_t i = 0; !word->quoted && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(word->text, names[i]) == 0)
			return true;
	return false;
}

/* NAME=… with a name that a shell allows. */
static bool is_assignment(const char *text)
{
	const char *at = text;

	if (!isalpha((unsigned char)*at) && *at != '_')
		return false;
	while (isalnum((unsigned char)*at) || *at == '_')
		at++;
	return *at == '=';
}

static struct shell_command *command(struct splitter *s)
{
	if (!s->command && s->out->count < SHELL_COMMANDS_MAX) {
		s->command = arena_push(s->arena, &s->out->commands, &s->out->count,
					sizeof(*s->command));
		s->command->joint = s->joint;
		s->command->line = s->line;
		s->command->depth = s->depth;
	}
	return s->command;
}

static void end_word(struct splitter *s)
{
	struct shell_word word = {NULL, s->quoted, s->expands};
	struct shell_command *to;

	if (!s->in_word)
		return;
	word.text = arena_strdup(s->arena, buf_str(&s->word));
	s->word.len = 0;
	s->in_word = s->quoted = s->expands = false;
	if ((!s->command || !s->command->word_count) && is_flow(&word))
		return;
	to = command(s);
	if (!to || to->word_count >= SHELL_WORDS_MAX)
		return;
	if (!to->word_count && is_assignment(word.text))
		*(const char **)arena_push(s->arena, &to->assignments.items, &to->assignments.count,
					   sizeof(char *)) = word.text;
	else
		*(struct shell_word *)arena_push(s->arena, &to->words, &to->word_count,
						 sizeof(word)) = word;
}

static bool is_shell(const char *name)
{
	return strcmp(name, "sh") == 0 || strcmp(name, "bash") == 0 || strcmp(name, "dash") == 0 ||
	       strcmp(name, "ash") == 0 || strcmp(name, "zsh") == 0;
}

/* The text behind -c of a shell, NULL: none. */
static const struct shell_word *inner_text(const struct shell_command *of)
{
	size_t i;

	if (!is_shell(shell_program(of, &i)))
		return NULL;
	for (; i + 1 < of->word_count; i++) {
		const char *word = of->words[i].text;

		if (word[0] != '-' && word[0] != '+')
			return NULL;
		if (word[0] == '-' && word[1] != '-' && word[strlen(word) - 1] == 'c')
			return &of->words[i + 1];
	}
	return NULL;
}

static void end_command(struct splitter *s, const char *joint)
{
	end_word(s);
	if (s->command) {
		const struct shell_word *inner = inner_text(s->command);

		s->command = NULL;
		s->joint = joint;
		if (inner && s->depth < SHELL_NEST_MAX) {
			struct splitter nested = {.at = inner->text,
						  .end = inner->text + strlen(inner->text),
						  .line = s->line,
						  .depth = s->depth + 1,
						  .arena = s->arena,
						  .out = s->out,
						  .joint = "&&"};

			split(&nested);
		}
	}
	s->joint = joint;
}

static void add_char(struct splitter *s, char c)
{
	s->in_word = true;
	buf_add(&s->word, &c, 1);
}

static char look(const struct splitter *s, size_t ahead)
{
	return ahead < (size_t)(s->end - s->at) ? s->at[ahead] : '\0';
}

/* $(…), ${…} or `…` up to its end, brackets counted; as written. */
static void substitution(struct splitter *s)
{
	char open = look(s, 1), close = open == '(' ? ')' : '}';
	int deep = 0;

	s->expands = true;
	if (look(s, 0) == '`') {
		add_char(s, *s->at++);
		while (s->at < s->end && *s->at != '`')
			add_char(s, *s->at++);
		if (s->at < s->end)
			add_char(s, *s->at++);
		return;
	}
	add_char(s, *s->at++);
	if (open != '(' && open != '{')
		return;
	while (s->at < s->end) {
		char c = *s->at++;

		s->line += c == '\n';
		add_char(s, c);
		deep += (c == open) - (c == close);
		if (!deep)
			return;
	}
}

static void double_quotes(struct splitter *s)
{
	for (s->at++; s->at < s->end && *s->at != '"';) {
		char next = look(s, 1);

		if (*s->at == '\\' && next && strchr("$`\"\\\n", next)) {
			if (next != '\n')
				add_char(s, next);
			s->at += 2;
		} else if (*s->at == '$' || *s->at == '`') {
			substitution(s);
		} else {
			s->line += *s->at == '\n';
			add_char(s, *s->at++);
		}
	}
	s->at += s->at < s->end;
}

static void quotes(struct splitter *s)
{
	s->in_word = s->quoted = true;
	if (*s->at == '"') {
		double_quotes(s);
		return;
	}
	for (s->at++; s->at < s->end && *s->at != '\''; s->at++) {
		s->line += *s->at == '\n';
		add_char(s, *s->at);
	}
	s->at += s->at < s->end;
}

static void backslash(struct splitter *s)
{
	char next = look(s, 1);

	s->at += next ? 2 : 1;
	if (next == '\n') {
		s->line++;
		return;
	}
	s->quoted = true;
	if (next)
		add_char(s, next);
}

/* A word on its own, for a redirection's target; the word being read is kept aside. */
static const char *target_word(struct splitter *s)
{
	struct splitter part = *s;
	struct shell_script none = {0};
	const char *text;

	while (part.at < part.end && (*part.at == ' ' || *part.at == '\t'))
		part.at++;
	buf_init(&part.word, SHELL_BYTES_MAX);
	part.out = &none;
	part.in_word = part.quoted = part.expands = false;
	while (part.at < part.end && !isspace((unsigned char)*part.at) &&
	       !strchr("|&;()<>", *part.at)) {
		if (*part.at == '"' || *part.at == '\'')
			quotes(&part);
		else if (*part.at == '\\')
			backslash(&part);
		else if (*part.at == '$' || *part.at == '`')
			substitution(&part);
		else
			add_char(&part, *part.at++);
	}
	text = arena_strdup(s->arena, buf_str(&part.word));
	buf_done(&part.word);
	s->at = part.at;
	s->line = part.line;
	return text;
}

static size_t operator_length(const struct splitter *s)
{
	static const char *const operators[] = {"<<<", "<<-", "&>>", ">>", "<<", ">&",
						"<&",  "&>",  ">|",  "<>", ">",	 "<"};

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		size_t len = strlen(operators[i]);

		if ((size_t)(s->end - s->at) >= len && memcmp(s->at, operators[i], len) == 0)
			return len;
	}
	return 0;
}

static void redirection(struct splitter *s, size_t len)
{
	struct shell_redirect redirect = {0};
	struct shell_command *to;
	const char *word = buf_str(&s->word);
	bool number =
		s->in_word && !s->quoted && *word && strspn(word, "0123456789") == strlen(word);

	redirect.op = arena_strndup(s->arena, s->at, len);
	if (s->in_word && !number) {
		redirect.before = arena_strdup(s->arena, word);
		redirect.glued = true;
	}
	if (number) {
		s->word.len = 0;
		s->in_word = false;
	}
	end_word(s);
	s->at += len;
	redirect.glued = redirect.glued && s->at < s->end && !isspace((unsigned char)*s->at);
	redirect.target = target_word(s);
	to = command(s);
	if (!to || to->redirect_count >= SHELL_WORDS_MAX)
		return;
	*(struct shell_redirect *)arena_push(s->arena, &to->redirects, &to->redirect_count,
					     sizeof(redirect)) = redirect;
	if (strncmp(redirect.op, "<<", 2) == 0 && strcmp(redirect.op, "<<<") != 0 &&
	    s->here_count < HERE_DOCUMENTS_MAX)
		s->here[s->here_count++] = redirect.target;
}

/* Skip the bodies of the here-documents that the line began. */
static void here_documents(struct splitter *s)
{
	for (size_t i = 0; i < s->here_count; i++) {
		size_t want = strlen(s->here[i]);

		while (s->at < s->end) {
			const char *line = s->at;
			const char *newline = memchr(line, '\n', (size_t)(s->end - line));
			size_t len = (size_t)((newline ? newline : s->end) - line);

			s->at = newline ? newline + 1 : s->end;
			s->line++;
			while (len && *line == '\t') {
				line++;
				len--;
			}
			if (len == want && memcmp(line, s->here[i], want) == 0)
				break;
		}
	}
	s->here_count = 0;
}

static void newline(struct splitter *s)
{
	end_command(s, ";");
	s->at++;
	s->line++;
	if (s->here_count)
		here_documents(s);
}

/* |, ||, &, &&, ;, brackets: all end a command. */
static void joint(struct splitter *s)
{
	char c = *s->at;

	if (c == '&' && look(s, 1) == '&') {
		end_command(s, "&&");
		s->at += 2;
	} else if (c == '|' && look(s, 1) == '|') {
		end_command(s, "||");
		s->at += 2;
	} else {
		end_command(s, c == '|' ? "|" : c == '&' ? "&" : ";");
		s->at++;
	}
}

static void split(struct splitter *s)
{
	size_t len;

	buf_init(&s->word, SHELL_BYTES_MAX);
	while (s->at < s->end) {
		char c = *s->at;

		if (c == '\n') {
			newline(s);
		} else if (c == '\0' || isspace((unsigned char)c)) {
			end_word(s);
			s->at++;
		} else if (c == '#' && !s->in_word) {
			while (s->at < s->end && *s->at != '\n')
				s->at++;
		} else if (c == '\'' || c == '"') {
			quotes(s);
		} else if (c == '\\') {
			backslash(s);
		} else if (c == '$' || c == '`') {
			substitution(s);
		} else if ((len = operator_length(s)) != 0) {
			redirection(s, len);
		} else if (strchr("|&;()", c)) {
			joint(s);
		} else {
			add_char(s, c);
			s->at++;
		}
	}
	end_command(s, "");
	buf_done(&s->word);
}

void shell_split(const char *text, size_t len, struct arena *arena, struct shell_script *out)
{
	struct splitter s = {.at = text, .line = 1, .arena = arena, .out = out, .joint = ""};

	*out = (struct shell_script){0};
	s.end = text + (len < SHELL_BYTES_MAX ? len : SHELL_BYTES_MAX);
	split(&s);
}

void shell_argv(const struct strings *argv, struct arena *arena, struct shell_script *out)
{
	struct splitter s = {.line = 1, .arena = arena, .out = out, .joint = ""};

	*out = (struct shell_script){0};
	for (size_t i = 0; i < argv->count && i < SHELL_WORDS_MAX; i++) {
		struct shell_command *to = command(&s);
		struct shell_word word = {argv->items[i], true, false};

		*(struct shell_word *)arena_push(arena, &to->words, &to->word_count, sizeof(word)) =
			word;
	}
	end_command(&s, "");
}

void shell_instruction(const char *text, struct arena *arena, struct shell_script *out)
{
	struct json *root CLEANUP(json_freep) = NULL;
	struct strings argv = {0};
	const char *at = text;

	while (*at && !isspace((unsigned char)*at))
		at++;
	for (;;) {
		at += strspn(at, " \t");
		if (strncmp(at, "--", 2) != 0)
			break;
		at += strcspn(at, " \t");
	}
	if (*at != '[' || json_parse(at, strlen(at), false, &root, NULL) != 0 ||
	    json_type(root) != JSON_ARRAY) {
		shell_split(at, strlen(at), arena, out);
		return;
	}
	for (const struct json *item = json_first(root); item; item = json_next(item))
		if (json_text(item))
			*(const char **)arena_push(arena, &argv.items, &argv.count,
						   sizeof(char *)) =
				arena_strdup(arena, json_text(item));
	shell_argv(&argv, arena, out);
}

static bool is_wrapper(const char *name)
{
	static const char *const names[] = {"env",   "exec",   "sudo",	    "time",	 "nice",
					    "nohup", "tini",   "gosu",	    "command",	 "stdbuf",
					    "xargs", "ionice", "eatmydata", "dumb-init", "timeout"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

const char *shell_program(const struct shell_command *command, size_t *first)
{
	const char *name = "";
	size_t i = 0;

	for (; i < command->word_count; i++) {
		const char *slash = strrchr(command->words[i].text, '/');

		name = slash ? slash + 1 : command->words[i].text;
		if (!is_wrapper(name))
			break;
		while (i + 1 < command->word_count && (command->words[i + 1].text[0] == '-' ||
						       is_assignment(command->words[i + 1].text)))
			i++;
		if (strcmp(name, "timeout") == 0 || strcmp(name, "gosu") == 0)
			i++;
		name = "";
	}
	if (first)
		*first = i < command->word_count ? i + 1 : command->word_count;
	return name;
}

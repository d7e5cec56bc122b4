#include "rules/build.h"

#include "rules/rules_private.h"

#include <string.h>
#include <strings.h>

/* Lines FIRST+1 to LAST of TEXT, for bodies of here-documents. */
static const char *lines(const char *text, unsigned first, unsigned last, struct arena *arena)
{
	const char *from = text, *to;
	unsigned line = 1;

	for (; line <= first && from; line++) {
		from = strchr(from, '\n');
		from = from ? from + 1 : NULL;
	}
	for (to = from; to && line <= last; line++) {
		to = strchr(to, '\n');
		to = to ? to + 1 : NULL;
	}
	if (!from)
		return "";
	return arena_strndup(arena, from, to ? (size_t)(to - from) : strlen(from));
}

/* The body of `RUN <<EOF` is a script of the shell, of `RUN python <<EOF` a text that is kept. */
static void add_step(const struct repo_file *file, const struct instruction *instruction,
		     struct arena *arena, struct rules__build *out)
{
	struct rules__step *step = arena_push(arena, &out->steps, &out->count, sizeof(*step));

	step->instruction = instruction;
	step->text = instruction->text;
	shell_instruction(instruction->text, arena, &step->script);
	if (strstr(instruction->text, "<<") && instruction->end_line > instruction->line) {
		const char *body =
			lines(file->text, instruction->line, instruction->end_line, arena);
		const struct shell_command *first =
			step->script.count ? &step->script.commands[0] : NULL;

		step->text = arena_printf(arena, "%s\n%s", instruction->text, body);
		if (first && !first->word_count)
			shell_split(body, strlen(body), arena, &step->script);
	}
}

bool rules__build(const struct repo_file *files, size_t count, const char *path,
		  struct arena *arena, struct rules__build *out)
{
	*out = (struct rules__build){.path = path};
	for (size_t i = 0; path && i < count; i++) {
		if (strcmp(files[i].path, path) != 0 || !files[i].text)
			continue;
		dockerfile_parse(files[i].text, files[i].len, NULL, arena, &out->file);
		for (size_t k = 0; k < out->file.count; k++)
			if (strcmp(out->file.instructions[k].name, "RUN") == 0)
				add_step(&files[i], &out->file.instructions[k], arena, out);
		return true;
	}
	return false;
}

const char *rules__build_line(const struct rules__build *build, unsigned line, struct arena *arena)
{
	return rules__file_line(build->path, line, arena);
}

/* ---- pip ---- */

/* Index of the word behind "install", 0: no pip install. */
static size_t install_words(const struct shell_command *command, bool *uv)
{
	size_t at;
	const char *program = shell_program(command, &at);

	*uv = strcmp(program, "uv") == 0;
	if (rules__matches("^python[0-9.]*$", program)) {
		while (at < command->word_count &&
		       rules__matches("^-[^m]", command->words[at].text))
			at++;
		if (at + 1 >= command->word_count || strcmp(command->words[at].text, "-m") != 0 ||
		    !rules__matches("^pip[0-9.]*$", command->words[at + 1].text))
			return 0;
		at += 2;
	} else if (*uv) {
		if (at >= command->word_count || strcmp(command->words[at].text, "pip") != 0)
			return 0;
		at++;
	} else if (!rules__matches("^pip[0-9.]*$", program)) {
		return 0;
	}
	while (at < command->word_count && command->words[at].text[0] == '-')
		at++;
	if (at >= command->word_count || strcmp(command->words[at].text, "install") != 0)
		return 0;
	return at + 1;
}

static bool takes_value(const char *name)
{
	static const char *const names[] = {"-r",
					    "-c",
					    "-i",
					    "-e",
					    "-f",
					    "-t",
					    "-b",
					    "-C",
					    "-p",
					    "--requirement",
					    "--requirements",
					    "--constraint",
					    "--constraints",
					    "--index-url",
					    "--default-index",
					    "--index",
					    "--extra-index-url",
					    "--find-links",
					    "--editable",
					    "--target",
					    "--prefix",
					    "--root",
					    "--python",
					    "--platform",
					    "--python-version",
					    "--implementation",
					    "--abi",
					    "--cache-dir",
					    "--timeout",
					    "--retries",
					    "--trusted-host",
					    "--only-binary",
					    "--no-binary",
					    "--progress-bar",
					    "--src",
					    "--upgrade-strategy",
					    "--report",
					    "--proxy",
					    "--cert",
					    "--log",
					    "--config-settings",
					    "--group",
					    "--override",
					    "--index-strategy",
					    NULL};

	return rules__is_one_of(name, names);
}

static void take_option(struct rules__pip *out, const char *name, const char *value,
			struct arena *arena)
{
	static const char *const fresh[] = {"-I", "--ignore-installed", "--force-reinstall",
					    "--reinstall", NULL};
	static const char *const elsewhere[] = {"-t", "--target", "--prefix", "--root", NULL};

	if (rules__is_one_of(name, fresh))
		out->ignore_installed = true;
	else if (strcmp(name, "--no-deps") == 0)
		out->no_deps = true;
	else if (strcmp(name, "--break-system-packages") == 0)
		out->break_system = true;
	else if (!value)
		return;
	else if (strcmp(name, "-r") == 0 || rules__begins(name, "--requirement"))
		rules__push(&out->files, value, arena);
	else if (strcmp(name, "-c") == 0 || rules__begins(name, "--constraint"))
		rules__push(&out->constraints, value, arena);
	else if (strcmp(name, "--extra-index-url") == 0)
		rules__push(&out->extra_indexes, value, arena);
	else if (strcmp(name, "-i") == 0 || strcmp(name, "--index-url") == 0 ||
		 strcmp(name, "--default-index") == 0)
		out->index = value;
	else if (rules__is_one_of(name, elsewhere))
		out->elsewhere = true;
}

/* "-qIr": every letter an option; the first that takes a value takes what is left of the word, or
 * the next word. True: the next word was used. */
static bool short_options(struct rules__pip *out, const char *word, const char *next,
			  struct arena *arena)
{
	for (const char *at = word + 1; *at; at++) {
		const char *name = arena_printf(arena, "-%c", *at);

		if (takes_value(name)) {
			take_option(out, name, at[1] ? at + 1 : next, arena);
			return !at[1];
		}
		take_option(out, name, NULL, arena);
	}
	return false;
}

bool rules__pip_install(const struct shell_command *command, struct arena *arena,
			struct rules__pip *out)
{
	bool uv = false;
	size_t at = install_words(command, &uv);

	*out = (struct rules__pip){.uv = uv};
	if (!at)
		return false;
	for (; at < command->word_count; at++) {
		const char *word = command->words[at].text;
		const char *next =
			at + 1 < command->word_count ? command->words[at + 1].text : NULL;
		const char *equals = strchr(word, '=');

		if (word[0] != '-') {
			rules__push(&out->words, word, arena);
		} else if (word[1] != '-') {
			at += short_options(out, word, next, arena);
		} else if (equals) {
			take_option(out, arena_strndup(arena, word, (size_t)(equals - word)),
				    equals + 1, arena);
		} else {
			bool value = takes_value(word);

			take_option(out, word, value ? next : NULL, arena);
			at += value;
		}
	}
	return true;
}

const struct repo_file *rules__repo_file(const struct rule_input *input, const char *path)
{
	const struct repo_file *best = NULL;

	for (size_t i = 0; i < input->file_count; i++) {
		const char *base = rules__base(input->files[i].path);

		if (strcmp(base, rules__base(path)) != 0)
			continue;
		if (rules__ends(path, input->files[i].path))
			return &input->files[i];
		best = best ? best : &input->files[i];
	}
	return best;
}

bool rules__is_secret_name(const char *name)
{
	return rules__matches("(?i)(^|_)(token|secret|passw(or)?d|passwd|credentials?|api_?key|"
			      "access_?key(_id)?|private_?key|secret_?key|auth_?key)$",
			      name) &&
	       !rules__matches("(?i)(^|_)(public|max|num|eos|bos|pad|tokenizer)_", name);
}

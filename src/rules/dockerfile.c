/* What a Dockerfile does that is likely to go wrong, here or at the next build. */
#include "rules/build.h"
#include "rules/rules_private.h"

#include <stdio.h>
#include <string.h>

static const char *line_of(const struct rules__build *build, const struct rules__step *step,
			   struct findings *out)
{
	return rules__build_line(build, step->instruction->line, out->arena);
}

static const char *shorten(const char *text, struct findings *out)
{
	return strlen(text) > 160 ? TEXT("%.157s…", text) : text;
}

/* Is there something in the stage that a reinstall would overwrite? */
static bool has_packages(const struct rules__build *build, size_t until, struct arena *arena)
{
	int stage = build->steps[until].instruction->stage;
	struct rules__pip pip;

	for (size_t i = 0; i < until; i++)
		for (size_t k = 0; k < build->steps[i].script.count; k++)
			if (build->steps[i].instruction->stage == stage &&
			    rules__pip_install(&build->steps[i].script.commands[k], arena, &pip))
				return true;
	return stage >= 0 && (size_t)stage < build->file.stage_count &&
	       !rules__matches("^(docker.io/)?(library/)?(python|debian|ubuntu|alpine)(:|@|$)",
			       build->file.stages[stage].base);
}

static void judge_reinstall(const struct rules__build *build, size_t index,
			    const struct rules__pip *pip, struct findings *out)
{
	const struct rules__step *step = &build->steps[index];

	if (!pip->ignore_installed || pip->no_deps || (!pip->files.count && pip->words.count < 2) ||
	    !has_packages(build, index, out->arena))
		return;
	finding_add(out, "dockerfile/ignore-installed", "pip install",
		    "only what is missing or named is installed",
		    TEXT("--ignore-installed or --force-reinstall applies to every requirement of "
			 "the line: %s",
			 shorten(step->instruction->text, out)),
		    line_of(build, step, out));
}

static bool is_pytorch_index(const char *url)
{
	return rules__matches("pytorch\\.org/whl|/whl/(cu[0-9]+|cpu|rocm)", url);
}

static void judge_extra_index(const struct rules__build *build, const struct rules__step *step,
			      const struct rules__pip *pip, struct findings *out)
{
	bool bound = false;

	for (size_t i = 0; i < pip->words.count; i++)
		bound = bound || rules__matches("^torch==[^,]*\\+", pip->words.items[i]);
	for (size_t i = 0; i < pip->extra_indexes.count && !bound; i++)
		if (is_pytorch_index(pip->extra_indexes.items[i]))
			finding_add(out, "dockerfile/extra-index", pip->extra_indexes.items[i],
				    "one index that torch can come from",
				    "an extra index beside PyPI: pip takes the highest version of "
				    "both, of whatever variant",
				    line_of(build, step, out));
}

static void judge_words(const struct rules__build *build, const struct rules__step *step,
			const struct rules__pip *pip, struct findings *out)
{
	static const char *const commands[] = {"install", "pip3", "python3", "apt-get", NULL};

	for (size_t i = 0; i < pip->words.count; i++)
		if (rules__is_one_of(pip->words.items[i], commands))
			finding_add(out, "dockerfile/command-as-package", pip->words.items[i],
				    "names of packages behind pip install",
				    TEXT("\"%s\" is taken for a package", pip->words.items[i]),
				    line_of(build, step, out));
}

/* > and < that a shell takes for redirections though they were part of a version. */
static void judge_redirects(const struct rules__build *build, const struct rules__step *step,
			    const struct shell_command *command, struct findings *out)
{
	bool installs =
		rules__matches("^(pip[0-9.]*|uv|conda|mamba|micromamba|poetry|python[0-9.]*)$",
			       shell_program(command, NULL));

	for (size_t i = 0; installs && i < command->redirect_count; i++) {
		const struct shell_redirect *redirect = &command->redirects[i];
		bool version = rules__matches("^=+[0-9]", redirect->target) ||
			       (redirect->glued &&
				rules__matches("^[0-9]+(\\.[0-9*]+|$)", redirect->target));

		if (version && (redirect->op[0] == '>' || redirect->op[0] == '<') &&
		    !redirect->op[1])
			finding_add(out, "dockerfile/unquoted-specifier",
				    redirect->before ? redirect->before : redirect->target,
				    TEXT("'%s%s%s' in quotes",
					 redirect->before ? redirect->before : "", redirect->op,
					 redirect->target),
				    redirect->op[0] == '>'
					    ? TEXT("the shell writes a file named %s, pip gets no "
						   "bound",
						   redirect->target)
					    : TEXT("the shell reads a file named %s, pip gets no "
						   "bound",
						   redirect->target),
				    line_of(build, step, out));
	}
}

static void judge_bases(const struct rules__build *build, struct findings *out)
{
	for (size_t i = 0; i < build->file.bases.count; i++) {
		const char *base = build->file.bases.items[i];
		const char *colon = strchr(rules__base(base), ':');
		const char *where = build->path;

		if (strchr(base, '@') || strchr(base, '$') || !*base)
			continue;
		for (size_t k = 0; k < build->file.stage_count; k++)
			if (build->file.stages[k].base &&
			    strcmp(build->file.stages[k].base, base) == 0)
				where = rules__build_line(build, build->file.stages[k].line,
							  out->arena);
		if (!colon || rules__matches("(^|[-._])(latest|nightly|main|master|edge)($|[-._])",
					     colon + 1))
			finding_add(out, "dockerfile/moving-base", base,
				    "a base image that stays the same: a version, better a digest",
				    TEXT("%s moves with every push", base), where);
		else
			finding_add(out, "dockerfile/base-without-digest", base,
				    "a base image by digest",
				    TEXT("%s: tags are rebuilt and deleted", base), where);
	}
}

/* Names that ARG and ENV lines set, with their values; NULL: none given. */
static void each_variable(const struct instruction *in, struct arena *arena, struct pairs *out)
{
	struct shell_script script;
	const char *text = in->text + strlen(in->name);

	*out = (struct pairs){0};
	shell_split(text, strlen(text), arena, &script);
	for (size_t i = 0; i < script.count; i++) {
		const struct shell_command *command = &script.commands[i];

		for (size_t k = 0; k < command->assignments.count; k++) {
			const char *item = command->assignments.items[k];
			size_t len = strcspn(item, "=");
			struct pair *pair =
				arena_push(arena, &out->items, &out->count, sizeof(*pair));

			*pair = (struct pair){arena_strndup(arena, item, len), item + len + 1};
		}
		for (size_t k = 0; k < command->word_count; k++) {
			const char *item = command->words[k].text;
			size_t len = strcspn(item, "=");
			struct pair *pair =
				arena_push(arena, &out->items, &out->count, sizeof(*pair));

			*pair = (struct pair){arena_strndup(arena, item, len),
					      item[len] ? item + len + 1 : NULL};
		}
		/* ENV NAME VALUE */
		if (strcmp(in->name, "ENV") == 0 && !command->assignments.count &&
		    command->word_count > 1) {
			out->items[0].value = command->words[1].text;
			out->count = 1;
		}
	}
}

static bool is_used(const struct rules__build *build, const char *name)
{
	char pattern[256];

	if (strlen(name) > 200 ||
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			 "0123456789_") != strlen(name))
		return false;
	(void)snprintf(pattern, sizeof(pattern), "\\$\\{?%s\\b", name);
	for (size_t i = 0; i < build->count; i++)
		if (rules__matches(pattern, build->steps[i].text) &&
		    rules__matches("\\binstall\\b", build->steps[i].text))
			return true;
	return false;
}

static void judge_variables(const struct rule_input *input, const struct rules__build *build,
			    struct findings *out)
{
	for (size_t i = 0; i < build->file.count; i++) {
		const struct instruction *in = &build->file.instructions[i];
		const char *where = rules__build_line(build, in->line, out->arena);
		bool arg = strcmp(in->name, "ARG") == 0;
		struct pairs pairs;

		if (!arg && strcmp(in->name, "ENV") != 0)
			continue;
		each_variable(in, out->arena, &pairs);
		for (size_t k = 0; k < pairs.count; k++) {
			const char *name = pairs.items[k].key, *value = pairs.items[k].value;

			if (rules__is_secret_name(name) && (arg || (value && *value)))
				finding_add(out, "dockerfile/secret-arg", name,
					    "secrets from RUN --mount=type=secret or at run time",
					    TEXT("%s %s: its value stays in the image's history",
						 in->name, name),
					    where);
			if (arg && value && input->target_count && is_used(build, name) &&
			    rules__matches("(/whl/cpu/?$|^cpu$|\\+cpu$)", value))
				finding_add(out, "dockerfile/cpu-default", name,
					    "a default that installs a build for the GPU",
					    TEXT("ARG %s=%s: without the argument the image is for "
						 "CPUs only",
						 name, value),
					    where);
		}
	}
}

static void judge_apt_key(const struct rules__build *build, const struct rules__step *step,
			  struct findings *out)
{
	if (rules__matches("apt-key[^&;|]*7fa2af80|/7fa2af80\\.pub", step->text))
		finding_add(out, "dockerfile/apt-key", "7fa2af80",
			    "the repository key 3bf863cc, from package cuda-keyring",
			    "the key that NVIDIA withdrew in April 2022",
			    line_of(build, step, out));
}

/* ---- PEP 668 ---- */

static const struct dockerfile_stage *stage_of(const struct rules__build *build, int stage)
{
	/* follow "FROM earlier-stage" down to the image */
	for (size_t hops = 0; stage >= 0 && (size_t)stage < build->file.stage_count &&
			      hops < build->file.stage_count;
	     hops++) {
		const struct dockerfile_stage *at = &build->file.stages[stage];
		int below = -1;

		for (int i = 0; i < stage; i++)
			if (build->file.stages[i].name && at->base &&
			    strcmp(build->file.stages[i].name, at->base) == 0)
				below = i;
		if (below < 0)
			return at;
		stage = below;
	}
	return NULL;
}

/* Does something in the stage give pip an environment of its own? */
static bool has_own_python(const struct rules__build *build, int stage)
{
	for (size_t i = 0; i < build->file.count; i++)
		if (build->file.instructions[i].stage == stage &&
		    rules__matches("venv|conda|mamba|pyenv|EXTERNALLY-MANAGED|"
				   "BREAK_SYSTEM_PACKAGES|deadsnakes|get-pip|/opt/[^ ]*/bin",
				   build->file.instructions[i].text))
			return true;
	return false;
}

static void judge_managed(const struct rules__build *build, const struct rules__step *step,
			  const struct rules__pip *pip, struct findings *out)
{
	const struct dockerfile_stage *stage = stage_of(build, step->instruction->stage);
	const char *base = stage && stage->base ? stage->base : "";
	bool managed =
		rules__matches("ubuntu-?:?(23\\.|2[4-9]\\.)|^debian:(1[2-9]|bookworm|trixie)|"
			       "^ubuntu:(noble|oracular|plucky|latest)",
			       base);
	bool older = rules__matches("ubuntu-?:?(18|20|22)\\.04|^debian:(10|11|buster|bullseye)|"
				    "^ubuntu:(focal|jammy|bionic)",
				    base);

	if (pip->uv || pip->elsewhere || has_own_python(build, step->instruction->stage))
		return;
	if (managed && !pip->break_system)
		finding_add(
			out, "dockerfile/externally-managed", "pip install",
			"an environment of its own: python3 -m venv",
			TEXT("%s manages its Python: error: externally-managed-environment", base),
			line_of(build, step, out));
	if (older && pip->break_system)
		finding_add(out, "dockerfile/break-system-packages", "pip install",
			    "options that the pip of the base image knows",
			    TEXT("pip of %s has no --break-system-packages", base),
			    line_of(build, step, out));
}

static void judge_step(const struct rules__build *build, size_t index, struct findings *out)
{
	const struct rules__step *step = &build->steps[index];

	judge_apt_key(build, step, out);
	for (size_t i = 0; i < step->script.count; i++) {
		const struct shell_command *command = &step->script.commands[i];
		struct rules__pip pip;

		judge_redirects(build, step, command, out);
		if (!rules__pip_install(command, out->arena, &pip))
			continue;
		judge_reinstall(build, index, &pip, out);
		judge_extra_index(build, step, &pip, out);
		judge_words(build, step, &pip, out);
		judge_managed(build, step, &pip, out);
	}
}

static void run(const struct rule_input *input, struct findings *out)
{
	struct rules__build build;

	if (!rules__build(input->files, input->file_count, input->dockerfile, out->arena, &build))
		return;
	for (size_t i = 0; i < build.count; i++)
		judge_step(&build, i, out);
	judge_bases(&build, out);
	judge_variables(input, &build, out);
}

static const struct rule_label labels[] = {
	{"dockerfile/apt-key", SEVERITY_WARNING},
	{"dockerfile/base-without-digest", SEVERITY_NOTE},
	{"dockerfile/break-system-packages", SEVERITY_ERROR},
	{"dockerfile/command-as-package", SEVERITY_ERROR},
	{"dockerfile/cpu-default", SEVERITY_WARNING},
	{"dockerfile/externally-managed", SEVERITY_ERROR},
	{"dockerfile/extra-index", SEVERITY_WARNING},
	{"dockerfile/ignore-installed", SEVERITY_ERROR},
	{"dockerfile/moving-base", SEVERITY_WARNING},
	{"dockerfile/secret-arg", SEVERITY_WARNING},
	{"dockerfile/unquoted-specifier", SEVERITY_ERROR},
	{NULL, SEVERITY_NOTE},
};

const struct rule_ops rule_dockerfile = {
	.topic = "dockerfile",
	.summary = "instructions that install another thing than was meant, or at another time",
	.labels = labels,
	.run = run,
};

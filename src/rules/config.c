/* Does the image's configuration fit the files in it: start command, health check, caches? */
#include "rules/build.h"
#include "rules/rules_private.h"

#include <string.h>

#define START_TEXT_MAX ((size_t)256 * 1024) /* bytes read of a start script */
#define START_SCRIPTS_MAX 8		    /* scripts that scripts call */
#define CONFIG_WHERE "the image's configuration"

static const struct image_file *find_in_path(const struct rule_input *input, const char *name,
					     struct arena *arena)
{
	const char *list = facts_env(input->facts, "PATH");

	if (!list)
		list = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	while (*list) {
		size_t len = strcspn(list, ":");
		const struct image_file *file = image_find(
			input->image, arena_printf(arena, "%.*s/%s", (int)len, list, name), true);

		if (file && file->type == FILE_REGULAR)
			return file;
		list += len + (list[len] == ':');
	}
	return NULL;
}

/* PATH as the start command means it: from the working folder, or along PATH for a bare name. */
static const struct image_file *find_file(const struct rule_input *input, const char *path,
					  struct arena *arena)
{
	const char *workdir = input->facts->config->workdir;

	if (path[0] != '/')
		path = arena_printf(arena, "%s/%s", workdir ? workdir : "", path);
	return image_find(input->image, path, true);
}

static const char *text_of(const struct rule_input *input, const struct image_file *file,
			   struct arena *arena)
{
	struct buf content;
	const char *text = NULL;

	if (!file || file->type != FILE_REGULAR || file->binary)
		return NULL;
	if (file->text)
		return file->text;
	if (file->size_bytes > START_TEXT_MAX)
		return NULL;
	buf_init(&content, START_TEXT_MAX);
	if (image_read(input->image, file, START_TEXT_MAX, &content, NULL) == 0)
		text = arena_strndup(arena, buf_str(&content), content.len);
	buf_done(&content);
	return text;
}

struct start { /* what CMD and ENTRYPOINT run */
	struct shell_script script;
	const struct shell_command *command; /* that runs first, NULL: none */
	const char *program;		     /* its word as written */
	const char *script_path;	     /* operand of python, sh, …; NULL none */
};

static void read_start(const struct image_config *config, struct arena *arena, struct start *out)
{
	struct strings argv = {0};
	size_t first;

	*out = (struct start){0};
	for (size_t i = 0; i < config->entrypoint.count; i++)
		rules__push(&argv, config->entrypoint.items[i], arena);
	for (size_t i = 0; i < config->cmd.count; i++)
		rules__push(&argv, config->cmd.items[i], arena);
	if (!argv.count)
		return;
	shell_argv(&argv, arena, &out->script);
	for (size_t i = 0; i < out->script.count && !out->command; i++)
		if (out->script.count == 1 || out->script.commands[i].depth)
			out->command = &out->script.commands[i];
	if (!out->command || !*shell_program(out->command, &first))
		return;
	out->program = out->command->words[first - 1].text;
	if (!rules__matches("^(python[0-9.]*|(ba|da|a|z)?sh|node|perl)$",
			    shell_program(out->command, NULL)))
		return;
	for (; first < out->command->word_count; first++) {
		const char *word = out->command->words[first].text;

		if (strcmp(word, "-c") == 0 || strcmp(word, "-m") == 0 || strchr(word, '$'))
			return;
		if (word[0] == '-')
			continue;
		out->script_path = word;
		return;
	}
}

/* A volume or a mount may bring it. */
static bool is_mounted(const struct image_config *config, const char *path)
{
	for (size_t i = 0; i < config->volumes.count; i++)
		if (rules__begins(path, config->volumes.items[i]))
			return true;
	return false;
}

static void judge_interpreter(const struct rule_input *input, const struct image_file *file,
			      const char *text, struct findings *out)
{
	const char *line = rules__capture("\\A#!\\s*([^\\n]+)", text, out->arena);
	const char *program = rules__capture("^(\\S+)", line, out->arena);
	struct origin origin;

	if (!program)
		return;
	origin = facts_origin(input->facts, file);
	if (strchr(line, '\r')) {
		finding_add(out, "config/interpreter-missing", rules__base(file->path),
			    "lines that end in a newline",
			    "\"#!…\" ends in a carriage return: no such interpreter",
			    rules__place(file->path, &origin, out->arena));
		return;
	}
	if (rules__ends(program, "/env"))
		program =
			rules__capture("^\\S+\\s+(?:-S\\s+)?([^\\s=]+)(?:\\s|$)", line, out->arena);
	if (!program || (strchr(program, '/') ? image_find(input->image, program, true)
					      : find_in_path(input, program, out->arena)))
		return;
	finding_add(out, "config/interpreter-missing", rules__base(file->path),
		    TEXT("%s in the image", program), "it is not there",
		    rules__place(file->path, &origin, out->arena));
}

static void judge_entry(const struct rule_input *input, const struct start *start,
			struct findings *out)
{
	static const char *const builtins[] = {
		"cd",	"export", "set",  "source", ".",     "test",  "[",    "[[",
		"echo", "true",	  "trap", "ulimit", "eval",  "umask", "exit", "wait",
		":",	"for",	  "case", "sleep",  "unset", "read",  NULL};
	const struct image_file *file;

	if (!start->program || strchr(start->program, '$') ||
	    rules__is_one_of(start->program, builtins))
		return;
	file = strchr(start->program, '/') ? find_file(input, start->program, out->arena)
					   : find_in_path(input, start->program, out->arena);
	if (!file) {
		if (!is_mounted(input->facts->config, start->program))
			finding_add(out, "config/entry-missing", start->program,
				    TEXT("%s, which the image starts", start->program),
				    "no such program in the image", CONFIG_WHERE);
		return;
	}
	if (file->type == FILE_REGULAR && !(file->mode & 0111))
		finding_add(out, "config/not-executable", start->program,
			    "a program that can be executed",
			    TEXT("mode %04o", (unsigned)(file->mode & 07777)), file->path);
	judge_interpreter(input, file, text_of(input, file, out->arena), out);
	if (start->script_path && !find_file(input, start->script_path, out->arena) &&
	    !is_mounted(input->facts->config, start->script_path))
		finding_add(out, "config/entry-missing", start->script_path,
			    TEXT("%s, which the image starts", start->script_path),
			    "no such file in the image", CONFIG_WHERE);
}

/* ---- start scripts ---- */

static void judge_script(const struct rule_input *input, const struct image_file *file,
			 struct strings *seen, struct findings *out)
{
	const char *text = text_of(input, file, out->arena);
	const char *line = rules__capture("\\A#!([^\\n]*)", text, out->arena);
	struct shell_script script;

	if (!text || seen->count >= START_SCRIPTS_MAX || rules__has(seen, file->path) ||
	    (!rules__ends(file->path, ".sh") && !rules__matches("sh\\b", line)))
		return;
	rules__push(seen, file->path, out->arena);
	shell_split(text, strlen(text), out->arena, &script);
	for (size_t i = 0; i < script.count; i++) {
		const struct shell_command *command = &script.commands[i];
		const char *program = shell_program(command, NULL);
		const char *where = rules__file_line(file->path, command->line, out->arena);
		struct rules__pip pip;
		bool installs = rules__pip_install(command, out->arena, &pip);

		if (installs &&
		    (rules__has(&pip.words, "pip3") || rules__has(&pip.words, "install")))
			finding_add(out, "config/command-as-package", rules__base(file->path),
				    "names of packages behind pip install",
				    TEXT("pip install %s", rules__join(&pip.words, 6, out->arena)),
				    where);
		else if (installs || (rules__matches("^(apt|apt-get|apk|conda)$", program) &&
				      command->word_count > 1 &&
				      rules__matches("^(install|add)$", command->words[1].text)))
			finding_add(out, "config/start-installs", rules__base(file->path),
				    "everything installed when the image is built",
				    "packages are installed at every start", where);
		for (size_t k = 0; k < command->word_count && k < 3; k++)
			if (rules__ends(command->words[k].text, ".sh"))
				judge_script(input,
					     find_file(input, command->words[k].text, out->arena),
					     seen, out);
	}
}

static void judge_scripts(const struct rule_input *input, const struct start *start,
			  struct findings *out)
{
	struct strings seen = {0};
	const char *path = start->script_path ? start->script_path : start->program;
	const struct image_file *file;

	if (!path)
		return;
	file = strchr(path, '/') || start->script_path ? find_file(input, path, out->arena)
						       : find_in_path(input, path, out->arena);
	if (file)
		judge_script(input, file, &seen, out);
}

/* ---- entrypoint ---- */

static bool same(const struct strings *a, const struct strings *b)
{
	bool equal = a->count == b->count;

	for (size_t i = 0; equal && i < a->count; i++)
		equal = strcmp(a->items[i], b->items[i]) == 0;
	return equal;
}

static void judge_entrypoint(const struct rule_input *input, struct findings *out)
{
	const struct image_config *config = input->facts->config;
	const struct strings *entry = &config->entrypoint, *cmd = &config->cmd;
	const struct image_config *old = input->before ? input->before->config : NULL;

	if (entry->count && cmd->count && cmd->items[0][0] != '-' &&
	    (strcmp(entry->items[entry->count - 1], cmd->items[0]) == 0 ||
	     strcmp(rules__base(entry->items[0]), cmd->items[0]) == 0))
		finding_add(out, "config/verb-twice", cmd->items[0],
			    "arguments alone in CMD: ENTRYPOINT is put in front",
			    TEXT("ENTRYPOINT %s, CMD %s", rules__join(entry, 8, out->arena),
				 rules__join(cmd, 8, out->arena)),
			    CONFIG_WHERE);
	if (old && !same(entry, &old->entrypoint))
		finding_add(out, "config/entrypoint-changed", "ENTRYPOINT",
			    TEXT("ENTRYPOINT %s, as in the baseline: callers pass the rest",
				 rules__join(&old->entrypoint, 8, out->arena)),
			    TEXT("ENTRYPOINT %s", rules__join(entry, 8, out->arena)), CONFIG_WHERE);
}

/* ---- health check ---- */

static const char *health_text(const struct image_config *config, struct arena *arena)
{
	const char *text = "";

	for (size_t i = 1; i < config->healthcheck.count; i++)
		text = arena_printf(arena, "%s %s", text, config->healthcheck.items[i]);
	return text;
}

#define OPENS                                                                                      \
	"uvicorn|gunicorn|hypercorn|serve_forever|HTTPServer|run_app|\\.listen\\(|\\.bind\\(|"     \
	"app\\.run\\(|run_simple|rp_serve_api|\\.launch\\(|start_http_server|grpc|"                \
	"create_server|start_server|waitress|daphne|tornado|bottle\\.run|http\\.server|"           \
	"nginx|streamlit|vllm|tritonserver|launch_server|api_server|\\.serve\\("

/* Nothing in the program that the image starts opens a port. False when that cannot be told. */
static bool opens_nothing(const struct rule_input *input, const struct start *start,
			  struct arena *arena)
{
	const char *text;

	if (!start->script_path || !rules__ends(start->script_path, ".py") || !input->image)
		return false;
	text = text_of(input, find_file(input, start->script_path, arena), arena);
	return text && !rules__matches(OPENS, text) &&
	       !rules__matches("subprocess|os\\.exec|Popen|multiprocessing", text);
}

/* A port that the start command names, NULL: none. */
static const char *named_port(const struct start *start, struct arena *arena)
{
	for (size_t i = 0; start->command && i < start->command->word_count; i++) {
		const char *word = start->command->words[i].text;
		const char *port = rules__capture(
			"^(?:--(?:http-)?port=|--bind=|-b=?)?(?:[\\w.*]*:)?([0-9]{2,5})$", word,
			arena);

		if (!port)
			continue;
		if (strchr(word, ':') || rules__begins(word, "--") ||
		    (i && rules__matches("^(--port|-p|--http-port|--bind|-b)$",
					 start->command->words[i - 1].text)))
			return port;
	}
	return NULL;
}

static void judge_health(const struct rule_input *input, const struct start *start,
			 struct findings *out)
{
	const struct image_config *config = input->facts->config;
	const char *text, *port, *named;
	struct shell_script script;

	if (config->healthcheck.count < 2 || strcmp(config->healthcheck.items[0], "NONE") == 0)
		return;
	text = health_text(config, out->arena);
	shell_split(text, strlen(text), out->arena, &script);
	if (script.count && input->image) {
		const char *tool = shell_program(&script.commands[0], NULL);

		if (rules__matches("^(curl|wget|nc|python3?|grpc_health_probe)$", tool) &&
		    !strchr(script.commands[0].words[0].text, '/') &&
		    !find_in_path(input, tool, out->arena))
			finding_add(out, "config/healthcheck-tool", tool,
				    TEXT("%s, which HEALTHCHECK runs", tool),
				    "no such program in the image", CONFIG_WHERE);
	}
	port = rules__capture("(?:localhost|127\\.0\\.0\\.1|0\\.0\\.0\\.0|\\[::1\\]):([0-9]{2,5})",
			      text, out->arena);
	if (!port)
		return;
	named = named_port(start, out->arena);
	if (named ? strcmp(named, port) != 0 : opens_nothing(input, start, out->arena))
		finding_add(out, "config/healthcheck-port", TEXT("port %s", port),
			    TEXT("something that answers on port %s", port),
			    named ? TEXT("the start command opens port %s", named)
				  : TEXT("%s opens no port: the container stays unhealthy",
					 start->script_path),
			    CONFIG_WHERE);
}

/* ---- caches ---- */

static const char *const caches[] = {
	"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE", "TORCH_HOME",
	NULL};

struct search {
	const struct rule_input *input;
	struct findings *out;
};

static bool visit(void *payload, const struct rules__text *text)
{
	struct search *search = payload;
	struct findings *out = search->out;

	for (size_t i = 0; rules__ends(text->path, ".py") && caches[i]; i++) {
		const char *set = facts_env(search->input->facts, caches[i]);
		const char *code = rules__capture(
			TEXT("environ\\[\\s*[\"']%s[\"']\\s*\\]\\s*=\\s*[\"']([^\"']+)"
			     "[\"']",
			     caches[i]),
			text->text, out->arena);

		if (set && *set && code && strcmp(set, code) != 0)
			finding_add(out, "config/cache-moved", caches[i],
				    TEXT("%s=%s, as ENV sets it", caches[i], set),
				    TEXT("the code sets %s", code), text->path);
	}
	return false;
}

static bool is_within(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	while (len > 1 && folder[len - 1] == '/')
		len--;
	return strncmp(path, folder, len) == 0 && (!path[len] || path[len] == '/');
}

static void judge_caches(const struct rule_input *input, struct findings *out)
{
	struct search search = {input, out};
	const char *home = facts_env(input->facts, "HF_HOME");
	const char *old = facts_env(input->facts, "TRANSFORMERS_CACHE");

	rules__app_texts(input, visit, &search);
	if (home && *home && old && *old && !is_within(old, home))
		finding_add(out, "config/cache-moved", "TRANSFORMERS_CACHE",
			    TEXT("a folder in HF_HOME=%s", home), TEXT("%s", old), CONFIG_WHERE);
	for (size_t i = 0; input->before && caches[i]; i++) {
		const char *was = facts_env(input->before, caches[i]);
		const char *is = facts_env(input->facts, caches[i]);

		if (was && *was && (!is || strcmp(was, is) != 0))
			finding_add(
				out, "config/cache-moved", caches[i],
				TEXT("%s=%s, as in the baseline: models lie there", caches[i], was),
				is ? TEXT("%s", is) : "not set", CONFIG_WHERE);
	}
}

static void judge_library_path(const struct facts *facts, struct findings *out)
{
	const char *list = facts_env(facts, "LD_LIBRARY_PATH");

	for (const char *at = list; at && *at;) {
		size_t len = strcspn(at, ":");

		if (len && at[0] != '/' && at[0] != '$')
			finding_add(out, "config/ld-library-path", "LD_LIBRARY_PATH",
				    "absolute folders",
				    TEXT("%.*s depends on the working folder", (int)len, at),
				    CONFIG_WHERE);
		at += len + (at[len] == ':');
	}
}

static void run(const struct rule_input *input, struct findings *out)
{
	struct start start;

	if (!input->facts || !input->facts->config)
		return;
	read_start(input->facts->config, out->arena, &start);
	if (input->image) {
		judge_entry(input, &start, out);
		judge_scripts(input, &start, out);
	}
	judge_entrypoint(input, out);
	judge_health(input, &start, out);
	judge_caches(input, out);
	judge_library_path(input->facts, out);
}

static const struct rule_label labels[] = {
	{"config/cache-moved", SEVERITY_WARNING},
	{"config/command-as-package", SEVERITY_ERROR},
	{"config/entry-missing", SEVERITY_ERROR},
	{"config/entrypoint-changed", SEVERITY_WARNING},
	{"config/healthcheck-port", SEVERITY_WARNING},
	{"config/healthcheck-tool", SEVERITY_WARNING},
	{"config/interpreter-missing", SEVERITY_ERROR},
	{"config/ld-library-path", SEVERITY_WARNING},
	{"config/not-executable", SEVERITY_ERROR},
	{"config/start-installs", SEVERITY_WARNING},
	{"config/verb-twice", SEVERITY_ERROR},
	{NULL, SEVERITY_NOTE},
};

const struct rule_ops rule_config = {
	.topic = "config",
	.summary = "start command, health check, caches and paths against the files of the image",
	.labels = labels,
	.run = run,
};

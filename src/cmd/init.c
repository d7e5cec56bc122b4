#include "cmd/cmd.h"

#include "base/file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOK_BYTES_MAX ((size_t)1024 * 1024)

struct init_options {
	struct common_options common;
	const char *repo;
	bool force;
};

#define AT(member) offsetof(struct init_options, member)
static const struct option_row init_rows[] = {
	{"repo", 0, OPTION_STRING, AT(repo), "DIR", NULL, "repository (default: .)"},
	{"force", 'f', OPTION_FLAG, AT(force), NULL, NULL, "replace files that exist"},
	COMMON_OPTIONS};
#undef AT

struct surroundings {
	const char *root;
	bool network; /* the Dockerfile fetches things, so its build needs a network */
	bool torch;
	bool python;
	const char *handler; /* where the Dockerfile puts handler.py, NULL: unknown */
	const char *name;    /* of the folder, made fit for a suite name */
};

static bool file_has(const char *root, const char *name, const char *word, struct arena *arena)
{
	struct buf text;
	struct err ignored;
	bool found;

	buf_init(&text, LOOK_BYTES_MAX);
	found = file_read(arena_printf(arena, "%s/%s", root, name), &text, &ignored) == 0 &&
		strstr(buf_str(&text), word) != NULL;
	buf_done(&text);
	return found;
}

static bool any_has(const char *root, const char *word, struct arena *arena)
{
	return file_has(root, "Dockerfile", word, arena) ||
	       file_has(root, "requirements.txt", word, arena) ||
	       file_has(root, "constraints.txt", word, arena);
}

static const char *suite_name(const char *root, struct arena *arena)
{
	const char *base = strrchr(root, '/');
	char *name = arena_strdup(arena, base && base[1] ? base + 1 : "service");

	for (char *p = name; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-",
			    *p))
			*p = '-';
	return name;
}

/* "/app/handler.py" from the WORKDIR of a Dockerfile that copies handler.py. */
static const char *find_handler(const char *root, struct arena *arena)
{
	const char *path = arena_printf(arena, "%s/Dockerfile", root);
	const char *found = NULL, *line;
	struct buf text;
	struct err ignored;

	buf_init(&text, LOOK_BYTES_MAX);
	if (file_has(root, "Dockerfile", "handler.py", arena) &&
	    file_read(path, &text, &ignored) == 0 &&
	    (line = strstr(buf_str(&text), "WORKDIR /")) != NULL) {
		line += strlen("WORKDIR ");
		found = arena_printf(arena, "%.*s/handler.py", (int)strcspn(line, " \t\r\n"), line);
	}
	buf_done(&text);
	return found;
}

static void look_around(const char *root, struct arena *arena, struct surroundings *out)
{
	out->root = root;
	out->name = suite_name(root, arena);
	out->handler = find_handler(root, arena);
	out->torch = any_has(root, "torch", arena);
	out->python = out->torch || any_has(root, "pip", arena) || any_has(root, "python", arena);
	out->network = file_has(root, "Dockerfile", "pip install", arena) ||
		       file_has(root, "Dockerfile", "apt-get", arena) ||
		       file_has(root, "Dockerfile", "curl", arena) ||
		       file_has(root, "Dockerfile", "npm ", arena) ||
		       file_has(root, "Dockerfile", "apk add", arena);
}

static void write_torch_checks(struct buf *out)
{
	buf_addstr(out,
		   "    // The version that runs must be the one that pip believes in.\n"
		   "    { \"name\": \"torch-metadata-agrees\", \"kind\": \"version\",\n"
		   "      \"command\": [\"python3\", \"-c\", \"import torch; "
		   "print(torch.__version__.split('+')[0])\"],\n"
		   "      \"equals\": { \"command\": [\"python3\", \"-c\", \"import "
		   "importlib.metadata as m; print(m.version('torch').split('+')[0])\"] } },\n"
		   "    // Assert the property wanted, not a CUDA version: code for the card.\n"
		   "    { \"name\": \"torch-has-code-for-target\", \"kind\": \"command\",\n"
		   "      \"command\": [\"python3\", \"-c\", \"import torch; print(' "
		   "'.join(torch.cuda.get_arch_list()))\"],\n"
		   "      \"stdout\": { \"matches\": [\"\\\\bsm_120\\\\b\"] } },\n"
		   "    { \"name\": \"bnb-override-unset\", \"kind\": \"env\", \"variable\": "
		   "\"BNB_CUDA_VERSION\", \"present\": false },\n");
}

static void write_suite(const struct surroundings *around, struct buf *out)
{
	buf_printf(
		out,
		"{\n"
		"  // What must hold for this image. `assay suite explain KIND` shows every key.\n"
		"  \"assay\": 1,\n"
		"  \"name\": \"%s\",\n"
		"  \"targets\": [\"rtx5090\"],\n"
		"  \"image\": { \"dockerfile\": \"Dockerfile\", \"context\": \".\", \"network\": "
		"\"%s\" },\n"
		"  \"checks\": [\n",
		around->name, around->network ? "host" : "none");
	if (around->python)
		buf_addstr(out, "    { \"name\": \"python-starts\", \"kind\": \"command\", "
				"\"command\": [\"python3\", \"--version\"], \"stdout\": { "
				"\"matches\": [\"^Python 3\"] } },\n");
	if (around->torch)
		write_torch_checks(out);
	if (around->handler)
		buf_printf(out,
			   "    { \"name\": \"handler\", \"kind\": \"file\", \"path\": \"%s\", "
			   "\"type\": \"file\" },\n",
			   around->handler);
	buf_addstr(out, "    { \"name\": \"root-folder\", \"kind\": \"file\", \"path\": \"/\", "
			"\"type\": \"folder\" }\n"
			"  ]\n}\n");
}

static void write_workflow(struct buf *out)
{
	buf_addstr(
		out,
		"# Judge every commit: build its image, look inside, compare with the baseline.\n"
		"name: assay\n"
		"on: [push, pull_request]\n"
		"permissions:\n"
		"  contents: read\n"
		"jobs:\n"
		"  assay:\n"
		"    runs-on: ubuntu-latest # with the `assay` program installed\n"
		"    steps:\n"
		"      - uses: actions/checkout@v4\n"
		"        with:\n"
		"          fetch-depth: 0 # the baseline is found through the commit graph\n"
		"      - uses: actions/cache@v4\n"
		"        with:\n"
		"          path: .assay/history.db\n"
		"          key: assay-${{ github.run_id }}\n"
		"          restore-keys: assay-\n"
		"      - run: assay run -o github=- -o junit=assay.xml\n"
		"      - if: always()\n"
		"        uses: actions/upload-artifact@v4\n"
		"        with:\n"
		"          name: assay\n"
		"          path: assay.xml\n");
}

static int write_new(const char *path, const struct buf *text, bool force, struct err *err)
{
	if (!force && access(path, F_OK) == 0)
		return err_set(err, ERR_USAGE, "%s exists already (--force replaces it)", path);
	if (file_write(path, buf_str(text), text->len, err) < 0)
		return -1;
	printf("wrote %s\n", path);
	return 0;
}

static int init_repo(const struct init_options *options, const char *root, struct arena *arena,
		     struct err *err)
{
	struct surroundings around = {0};
	const char *suite = arena_printf(arena, "%s/assay.jsonc", root);
	const char *folder = arena_printf(arena, "%s/.github/workflows", root);
	struct buf text;
	int rc;

	if (access(arena_printf(arena, "%s/Dockerfile", root), F_OK) != 0)
		return err_set(err, ERR_USAGE, "%s has no Dockerfile: init starts from one", root);
	look_around(root, arena, &around);
	buf_init(&text, LOOK_BYTES_MAX);
	write_suite(&around, &text);
	rc = write_new(suite, &text, options->force, err);
	buf_done(&text);
	if (rc < 0)
		return -1;
	write_workflow(&text);
	rc = file_mkdirs(folder, err);
	if (rc == 0)
		rc = write_new(arena_printf(arena, "%s/assay.yml", folder), &text, options->force,
			       err);
	buf_done(&text);
	if (rc == 0)
		printf("next: assay run --suite %s\n", suite);
	return rc;
}

const struct command_help help_init = {
	"init [OPTION]...", "Write a starter suite that runs at once, and a CI workflow.",
	init_rows};

int cmd_init(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct init_options options = {.repo = "."};
	struct strings words = {0};
	struct source *source = NULL;
	struct err err = {0};
	int code = EXIT_PASS;

	if (options_parse(init_rows, argc, argv, arena, &options, &words, &err) < 0) {
		code = cmd_fail(&err);
	} else if (options.common.help) {
		options_help(&help_init);
	} else if (source_open(options.repo, &source, &err) < 0 ||
		   init_repo(&options, source_root(source), arena, &err) < 0) {
		code = cmd_fail(&err);
	}
	source_close(source);
	arena_free(arena);
	return code;
}

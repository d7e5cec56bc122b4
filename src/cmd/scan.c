#include "cmd/scan.h"

#include "base/clock.h"
#include "cmd/output.h"
#include "cmd/subject.h"
#include "rules/rules.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define TARGETS_MAX 32
#define DRIVER_MAX 100000

struct scan_options {
	struct common_options common;
	const char *tar;
	const char *oci;
	const char *root;
	const char *config;
	const char *repo;
	const char *before;
	const char *engine;
	struct strings targets;
	struct strings select;
	struct strings ignore;
	struct strings outputs;
	int64_t driver;
	int fail_on;
	bool no_cache;
	bool no_storage;
	bool verbose;
};

static const char *const severities[] = {"warning", "error", NULL};
static const char *const documents[] = {"facts", "cyclonedx", "spdx", NULL};

#define AT(member) offsetof(struct scan_options, member)
static const struct option_row scan_rows[] = {
	{"tar", 0, OPTION_STRING, AT(tar), "FILE", NULL, "a `docker save` or OCI archive"},
	{"oci", 0, OPTION_STRING, AT(oci), "DIR", NULL, "an OCI layout folder"},
	{"rootfs", 0, OPTION_STRING, AT(root), "DIR", NULL, "an unpacked root file system"},
	{"config", 0, OPTION_STRING, AT(config), "FILE", NULL,
	 "with --rootfs: the image's OCI configuration"},
	{"repo", 0, OPTION_STRING, AT(repo), "DIR", NULL,
	 "read Dockerfile, requirements and constraints there too"},
	{"target", 0, OPTION_LIST, AT(targets), "GPU", NULL,
	 "GPU that it must run on (rtx5090, h100, sm_120, ...); repeatable"},
	{"driver", 0, OPTION_COUNT, AT(driver), "N", NULL,
	 "oldest driver branch of the fleet, such as 570"},
	{"before", 0, OPTION_STRING, AT(before), "WHAT", NULL,
	 "baseline: image, archive, folder or facts.json"},
	{"select", 0, OPTION_LIST, AT(select), "LABEL", NULL,
	 "only these labels or topics (arch, arch/missing-sm); repeatable"},
	{"ignore", 0, OPTION_LIST, AT(ignore), "LABEL", NULL,
	 "all but these labels or topics; repeatable"},
	{"fail-on", 0, OPTION_CHOICE, AT(fail_on), "warning|error", severities,
	 "what makes the verdict fail (default: error)"},
	{"output", 'o', OPTION_LIST, AT(outputs), "FORMAT=FILE", NULL,
	 "also write a report, facts, cyclonedx or spdx; FILE - is standard output; repeatable"},
	{"engine", 0, OPTION_STRING, AT(engine), "HOST", NULL,
	 "container engine (default: DOCKER_HOST, then the usual sockets)"},
	{"no-cache", 0, OPTION_FLAG, AT(no_cache), NULL, NULL, "read every layer again"},
	{"no-storage", 0, OPTION_FLAG, AT(no_storage), NULL, NULL,
	 "export from the engine, even where its own folders can be read"},
	{"verbose", 'v', OPTION_FLAG, AT(verbose), NULL, NULL, "show notes too"},
	COMMON_OPTIONS};
#undef AT

static void print_progress(void *payload, uint64_t done_bytes, uint64_t total_bytes)
{
	uint64_t *next_ns = payload;
	uint64_t now = clock_ns();

	if (now < *next_ns)
		return;
	*next_ns = now + 200000000;
	if (total_bytes)
		fprintf(stderr, "\rreading layers: %3u %%\033[K",
			(unsigned)(done_bytes * 100 / (total_bytes | 1)));
	else
		fprintf(stderr, "\rreading layers: %llu MB\033[K",
			(unsigned long long)(done_bytes / 1000000));
}

/* Which of the sources was given; exactly one. */
static int choose_source(const struct scan_options *options, const struct strings *words,
			 struct subject_request *request, struct err *err)
{
	const struct {
		const char *value;
		enum subject_kind kind;
	} given[] = {{words->count ? words->items[0] : NULL, SUBJECT_ENGINE},
		     {options->tar, SUBJECT_TAR},
		     {options->oci, SUBJECT_OCI},
		     {options->root, SUBJECT_ROOT}};
	unsigned count = 0;

	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		if (given[i].value) {
			request->word = given[i].value;
			request->kind = given[i].kind;
			count++;
		}
	if (words->count > 1)
		return err_set(err, ERR_USAGE, "scan takes one image, not also '%s'",
			       words->items[1]);
	if (count != 1)
		return err_set(err, ERR_USAGE,
			       "scan: name one image, or one of --tar, --oci, --rootfs");
	return 0;
}

static int find_targets(const struct strings *names, const struct gpu **out, struct err *err)
{
	const char *known[TARGETS_MAX * 4] = {NULL};
	const char *near;

	if (names->count > TARGETS_MAX)
		return err_set(err, ERR_USAGE, "--target: at most %d", TARGETS_MAX);
	for (size_t i = 0; gpu_table[i].name && i < TARGETS_MAX * 4 - 1; i++)
		known[i] = gpu_table[i].name;
	for (size_t i = 0; i < names->count; i++) {
		out[i] = gpu_find(names->items[i]);
		if (out[i])
			continue;
		near = field_nearest(names->items[i], known);
		return err_set(err, ERR_USAGE,
			       "--target %s: no such GPU%s%s%s; `assay help --targets` lists them, "
			       "sm_120 names any",
			       names->items[i], near ? ", did you mean '" : "", near ? near : "",
			       near ? "'?" : "");
	}
	return 0;
}

static void new_uuid(char out[40])
{
	unsigned char random[16] = {0};

	if (getrandom(random, sizeof(random), 0) < 0)
		memset(random, 0, sizeof(random));
	random[6] = (unsigned char)((random[6] & 0x0f) | 0x40); /* RFC 9562: version 4 */
	random[8] = (unsigned char)((random[8] & 0x3f) | 0x80);
	(void)snprintf(out, 40,
		       "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		       random[0], random[1], random[2], random[3], random[4], random[5], random[6],
		       random[7], random[8], random[9], random[10], random[11], random[12],
		       random[13], random[14], random[15]);
}

static int write_document(const struct scan *scan, const char *name, const char *file,
			  struct err *err)
{
	char serial[40], stamp[CLOCK_TEXT];
	struct json *json;
	int rc;

	new_uuid(serial);
	clock_rfc3339(clock_unix_ms(), stamp, sizeof(stamp));
	if (strcmp(name, "facts") == 0)
		json = facts_json(scan->facts);
	else if (strcmp(name, "spdx") == 0)
		json = facts_spdx(scan->facts, serial, stamp);
	else
		json = facts_cyclonedx(scan->facts, serial, stamp);
	rc = output_json(file, json, err);
	json_free(json);
	return rc;
}

static int write_outputs(const struct scan_options *options, const struct scan *scan,
			 struct err *err)
{
	const struct report_options plain = {0};
	const struct report_ops *ops;
	const char *name = NULL, *file;
	struct run *run = scan_run(scan);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < options->outputs.count; i++) {
		rc = output_find(options->outputs.items[i], documents, &ops, &name, &file, err);
		if (rc == 0)
			rc = ops ? output_run(run, ops, file, &plain, err)
				 : write_document(scan, name, file, err);
	}
	run_free(run);
	return rc;
}

static int show(const struct scan_options *options, const struct scan *scan, struct err *err)
{
	const struct scan_style style = {cmd_color(&options->common), options->common.quiet,
					 options->verbose};
	struct json *json;
	struct buf text;
	int rc;

	if (options->common.json) {
		json = scan_json(scan);
		rc = output_json("-", json, err);
		json_free(json);
		return rc;
	}
	buf_init(&text, REPORT_BYTES_MAX);
	scan_text(scan, &style, &text);
	rc = output_text("-", &text, err);
	buf_done(&text);
	return rc;
}

static int judge(const struct scan_options *options, const struct subject *subject,
		 const struct subject *before, uint64_t start_ns, struct arena *arena, int *code,
		 struct err *err)
{
	const struct gpu *targets[TARGETS_MAX];
	const struct rule_filter filter = {options->select, options->ignore};
	struct findings findings = {0};
	struct rule_input input = {
		.facts = subject->facts,
		.image = subject->image,
		.before = before->facts,
		.targets = targets,
		.target_count = options->targets.count,
		.driver = options->driver < DRIVER_MAX ? (unsigned)options->driver : 0,
		.files = subject->repo.items,
		.file_count = subject->repo.count,
		.before_files = before->repo.items,
		.before_file_count = before->repo.count,
		.dockerfile = subject->repo.dockerfile,
	};
	struct scan scan = {.facts = subject->facts,
			    .targets = targets,
			    .target_count = options->targets.count,
			    .findings = &findings,
			    .fail_on = options->fail_on ? SEVERITY_ERROR : SEVERITY_WARNING};

	if (find_targets(&options->targets, targets, err) < 0 ||
	    rules_run(&input, &filter, arena, &findings, err) < 0)
		return -1;
	scan.duration_ns = clock_ns() - start_ns;
	*code = scan_failures(&scan) ? EXIT_FAIL : EXIT_PASS;
	if (show(options, &scan, err) < 0)
		return -1;
	return write_outputs(options, &scan, err);
}

/* What can be wrong with the words is found before anything is read. */
static int check_words(const struct scan_options *options, struct err *err)
{
	const struct rule_filter filter = {options->select, options->ignore};
	const struct gpu *targets[TARGETS_MAX];

	if (output_check(&options->outputs, documents, err) < 0 ||
	    rule_filter_check(&filter, err) < 0)
		return -1;
	return find_targets(&options->targets, targets, err);
}

static int scan(const struct scan_options *options, const struct strings *words,
		struct arena *arena, int *code, struct err *err)
{
	uint64_t start = clock_ns(), next_ns = start + 500000000;
	struct subject_request request = {.config = options->config,
					  .repo = options->repo,
					  .engine = options->engine,
					  .no_cache = options->no_cache,
					  .no_storage = options->no_storage,
					  .payload = &next_ns};
	struct subject_request earlier = {
		.word = options->before, .engine = options->engine, .no_cache = options->no_cache};
	struct subject subject = {0}, before = {0};
	bool terminal = !options->common.quiet && isatty(STDERR_FILENO);
	int rc;

	if (choose_source(options, words, &request, err) < 0 || check_words(options, err) < 0)
		return -1;
	request.progress = terminal ? print_progress : NULL;
	rc = subject_open(&request, &subject, err);
	if (terminal && clock_ns() > start + 500000000)
		fputs("\r\033[K", stderr);
	if (rc == 0 && options->before) {
		rc = subject_open(&earlier, &before, err);
		if (rc < 0)
			err_wrap(err, "--before");
	}
	if (rc == 0)
		rc = judge(options, &subject, &before, start, arena, code, err);
	if (before.arena)
		subject_close(&before);
	if (subject.arena)
		subject_close(&subject);
	return rc;
}

const struct command_help help_scan = {
	"scan IMAGE | --tar FILE | --oci DIR | --rootfs DIR [OPTION]...",
	"Read what is inside an image from its bytes, without running any of it, and judge "
	"it.\nNeeds no suite and no GPU.",
	scan_rows};

int cmd_scan(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct scan_options options = {.fail_on = 1};
	struct strings words = {0};
	struct err err = {0};
	int code = EXIT_PASS;

	if (options_parse(scan_rows, argc, argv, arena, &options, &words, &err) < 0)
		code = cmd_fail(&err);
	else if (options.common.help)
		options_help(&help_scan);
	else if (scan(&options, &words, arena, &code, &err) < 0)
		code = cmd_fail(&err);
	arena_free(arena);
	return cmd_finish_output(code);
}

#include "cmd/cmd.h"

#include "base/json.h"
#include "base/units.h"
#include "engine/engine.h"
#include "load/ceiling.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LAG_FINE_NS (NS_PER_MS / 5) /* a suite's load takes this for none (send_lag_max) */

enum finding { FINDING_OK, FINDING_NOTE, FINDING_BAD };

struct doctor {
	struct arena *arena;
	bool color;
	struct json *list; /* with --json */
	int code;
};

struct doctor_options {
	struct common_options common;
	const char *repo;
	const char *engine;
	int64_t rate; /* 0: load is not tried */
};

#define AT(member) offsetof(struct doctor_options, member)
static const struct option_row doctor_rows[] = {
	{"repo", 0, OPTION_STRING, AT(repo), "DIR", NULL, "repository (default: .)"},
	{"engine", 0, OPTION_STRING, AT(engine), "HOST", NULL, "container engine"},
	{"load", 0, OPTION_COUNT, AT(rate), "RATE", NULL,
	 "also measure whether load of RATE requests a second can be sent from here (2 s)"},
	COMMON_OPTIONS};
#undef AT

static void report(struct doctor *doctor, enum finding finding, const char *what, const char *found,
		   const char *advice)
{
	static const char *const words[] = {"ok", "note", "missing"};
	static const char *const colors[] = {"\033[32m", "\033[33m", "\033[31m"};

	if (finding == FINDING_BAD)
		doctor->code = EXIT_INFRA;
	if (doctor->list) {
		struct json *row = json_add_object(doctor->list, NULL);

		json_add_str(row, "what", what);
		json_add_str(row, "state", words[finding]);
		json_add_str(row, "found", found);
		json_add_str(row, "advice", advice);
		return;
	}
	printf("%s%-8s%s %-18s %s\n", doctor->color ? colors[finding] : "", words[finding],
	       doctor->color ? "\033[0m" : "", what, found);
	if (advice)
		printf("%27s -> %s\n", "", advice);
}

static void look_at_devices(struct doctor *doctor, const struct engine_info *info)
{
	if (info->nvidia || info->cdi)
		report(doctor, FINDING_OK, "GPUs in containers",
		       !info->cdi     ? "NVIDIA's runtime"
		       : info->nvidia ? "NVIDIA's runtime, devices by CDI"
				      : "devices by CDI",
		       NULL);
	else
		report(doctor, FINDING_NOTE, "GPUs in containers",
		       "the engine has neither NVIDIA's runtime nor devices by CDI",
		       "nvidia-ctk runtime configure, or \"features\": {\"cdi\": true} of Docker "
		       "25 "
		       "and newer");
}

static void look_at_engine(struct doctor *doctor, const char *host)
{
	struct engine *engine = NULL;
	const struct engine_info *info;
	struct err err = {0};

	if (engine_open(host, &engine, &err) < 0) {
		report(doctor, FINDING_BAD, "container engine", err.msg,
		       "Debian: apt-get install docker.io; as root without a service: "
		       "eval \"$(ci/engine start)\"; else set DOCKER_HOST");
		return;
	}
	info = engine_info(engine);
	report(doctor, FINDING_OK, "container engine",
	       arena_printf(doctor->arena, "%s %s at %s, API %s, storage driver %s, %s", info->name,
			    info->version, info->host, info->api, info->driver, info->os_arch),
	       NULL);
	if (engine_has_buildkit(engine))
		report(doctor, FINDING_OK, "buildkit", "docker buildx", NULL);
	else
		report(doctor, FINDING_NOTE, "buildkit",
		       "no docker buildx: Dockerfiles with RUN --mount, heredocs or secrets cannot "
		       "be built",
		       "install docker-buildx (Debian 13) or docker-buildx-plugin");
	look_at_devices(doctor, info);
	engine_close(engine);
}

static void look_at_repo(struct doctor *doctor, const char *repo)
{
	struct source *source = NULL;
	struct commit head = {0};
	struct err err = {0};
	struct buf text;

	if (source_open(repo, &source, &err) < 0) {
		report(doctor, FINDING_NOTE, "repository", err.msg,
		       "run inside one, or give --repo");
		return;
	}
	report(doctor, FINDING_OK, "repository", source_root(source), NULL);
	buf_init(&text, SUITE_BYTES_MAX);
	if (source_resolve(source, "HEAD", doctor->arena, &head, &err) < 0)
		report(doctor, FINDING_NOTE, "commit", err.msg, NULL);
	else if (source_read(source, head.hash, "assay.jsonc", &text, &err) < 0)
		report(doctor, FINDING_NOTE, "suite", "HEAD has no assay.jsonc",
		       "`assay init` writes one");
	else
		report(doctor, FINDING_OK, "suite", "assay.jsonc in HEAD", NULL);
	buf_done(&text);
	source_close(source);
}

static void look_at_disk(struct doctor *doctor, const char *path)
{
	struct statvfs fs;
	char size[32];

	if (statvfs(path, &fs) < 0)
		return;
	report(doctor, FINDING_OK, "disk",
	       arena_printf(doctor->arena, "%s free at %s",
			    units_size((uint64_t)fs.f_bavail * fs.f_frsize, size, sizeof(size)),
			    path),
	       NULL);
}

static void look_at_gpu(struct doctor *doctor)
{
	if (access("/dev/nvidiactl", F_OK) == 0)
		report(doctor, FINDING_OK, "gpu", "/dev/nvidiactl", NULL);
	else
		report(doctor, FINDING_NOTE, "gpu",
		       "none here: checks that need one are skipped with this reason", NULL);
}

static void try_load(struct doctor *doctor, int64_t rate)
{
	struct load_ceiling ceiling;
	struct err err = {0};
	bool fine;

	if (load_ceiling((double)rate, NS_PER_S, &ceiling, &err) < 0) {
		report(doctor, FINDING_BAD, "load", err.msg, NULL);
		return;
	}
	fine = ceiling.lag_ns <= LAG_FINE_NS && !ceiling.failures;
	report(doctor, fine ? FINDING_OK : FINDING_NOTE, "load",
	       arena_printf(doctor->arena,
			    "%" PRId64 " requests/s are sent %.2f ms late (p99), with %.0f %% of "
			    "the busiest of %u cores; one core sends %.0f at most",
			    rate, (double)ceiling.lag_ns / NS_PER_MS, ceiling.cpu_share * 100,
			    ceiling.threads, ceiling.one_core),
	       fine ? NULL
		    : "at this rate load with tight limits is inconclusive, the client being late: "
		      "send less, or from more cores");
}

const struct command_help help_doctor = {"doctor [OPTION]...",
					 "Say what works here, what does not, and how to get it.",
					 doctor_rows};

int cmd_doctor(int argc, char **argv)
{
	struct doctor_options options = {.repo = "."};
	struct doctor doctor = {.arena = arena_new(), .code = EXIT_PASS};
	struct strings words = {0};
	struct err err = {0};

	if (options_parse(doctor_rows, argc, argv, doctor.arena, &options, &words, &err) < 0) {
		doctor.code = cmd_fail(&err);
	} else if (options.common.help) {
		options_help(&help_doctor);
	} else {
		doctor.color = cmd_color(&options.common);
		doctor.list = options.common.json ? json_new_array() : NULL;
		report(&doctor, FINDING_OK, "assay", ASSAY_VERSION, NULL);
		look_at_engine(&doctor, options.engine);
		look_at_repo(&doctor, options.repo);
		look_at_disk(&doctor, options.repo);
		look_at_gpu(&doctor);
		if (options.rate)
			try_load(&doctor, options.rate);
		if (doctor.list)
			cmd_print_json(doctor.list);
	}
	arena_free(doctor.arena);
	return doctor.code;
}

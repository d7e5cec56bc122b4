#include "exec/rundir.h"

#include "base/file.h"
#include "base/mem.h"
#include "model/run_json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define STATE_PATH_MAX 2048
#define JOURNAL_BYTES_MAX ((size_t)512 * 1024 * 1024)

struct rundir {
	struct arena *arena;
	const char *state;
	const char *path;
	const char *lock;
	int lock_fd;
	int journal_fd;
	int log_fd;
	struct err log_err; /* first failure to write build.log */
	pthread_mutex_t journal_lock;
	bool finished;
};

/* A path in ROOM bytes. State folders are bounded by rundir_create, names by the suite room, so
 * nothing is ever cut; if it were, opening the path would fail. */
static void path_of(char *out, size_t room, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void path_of(char *out, size_t room, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(out, room, fmt, ap);
	va_end(ap);
}

/* The history keeps runs durably; these files need only be whole. */
static int write_json(const char *path, struct json *json,
		      int (*write)(const char *path, const void *data, size_t len, struct err *err),
		      struct err *err)
{
	struct buf text;
	int rc;

	buf_init(&text, JSON_BYTES_MAX * 4);
	json_print(json, true, &text);
	buf_addstr(&text, "\n");
	rc = write(path, text.data, text.len, err);
	buf_done(&text);
	json_free(json);
	return rc;
}

static int write_run(const char *folder, const struct run *run, struct err *err)
{
	char path[PATH_MAX];

	path_of(path, sizeof(path), "%s/run.json", folder);
	return write_json(path, run_to_json(run), file_write_quick, err);
}

/* The lock goes when the run is complete: no lock, nothing to sweep. */
static int open_parts(struct rundir *dir, const struct run *run, struct err *err)
{
	char path[PATH_MAX];

	dir->lock_fd = open(dir->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (dir->lock_fd < 0 || flock(dir->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return err_sys(err, ERR_INFRA, "cannot lock %s", dir->lock);
	path_of(path, sizeof(path), "%s/journal.jsonl", dir->path);
	dir->journal_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (dir->journal_fd < 0)
		return err_sys(err, ERR_INFRA, "cannot write %s", path);
	path_of(path, sizeof(path), "%s/build.log", dir->path);
	dir->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (dir->log_fd < 0)
		return err_sys(err, ERR_INFRA, "cannot write %s", path);
	return write_run(dir->path, run, err);
}

int rundir_state_open(const char *state, struct err *err)
{
	char path[PATH_MAX];

	if (file_mkdirs(state, err) < 0)
		return -1;
	path_of(path, sizeof(path), "%s/.gitignore", state);
	if (access(path, F_OK) == 0)
		return 0;
	return file_write(path, "*\n", 2, err);
}

int rundir_create(const char *state, const struct run *run, struct rundir **out, struct err *err)
{
	struct arena *arena = arena_new();
	struct rundir *dir = arena_alloc(arena, sizeof(*dir));
	char real[PATH_MAX];

	*dir = (struct rundir){.arena = arena, .lock_fd = -1, .journal_fd = -1, .log_fd = -1};
	pthread_mutex_init(&dir->journal_lock, NULL);
	if (rundir_state_open(state, err) < 0)
		goto fail;
	if (!realpath(state, real)) {
		err_sys(err, ERR_INFRA, "%s", state);
		goto fail;
	}
	if (strlen(real) > STATE_PATH_MAX) {
		err_set(err, ERR_USAGE, "%s: path longer than %d bytes", state, STATE_PATH_MAX);
		goto fail;
	}
	dir->state = arena_strdup(arena, real);
	dir->path = arena_printf(arena, "%s/runs/%s", real, run->id);
	dir->lock = arena_printf(arena, "%s/lock", dir->path);
	if (file_mkdirs(dir->path, err) < 0 || open_parts(dir, run, err) < 0)
		goto fail;
	*out = dir;
	return 0;
fail:
	rundir_close(dir);
	return err_wrap(err, "run directory");
}

void rundir_close(struct rundir *dir)
{
	if (!dir)
		return;
	if (dir->journal_fd >= 0)
		close(dir->journal_fd);
	if (dir->log_fd >= 0)
		close(dir->log_fd);
	if (dir->finished)
		unlink(dir->lock);
	if (dir->lock_fd >= 0)
		close(dir->lock_fd);
	pthread_mutex_destroy(&dir->journal_lock);
	arena_free(dir->arena);
}

const char *rundir_path(const struct rundir *dir)
{
	return dir->path;
}

const char *rundir_state(const struct rundir *dir)
{
	return dir->state;
}

const char *rundir_lock(const struct rundir *dir)
{
	return dir->lock;
}

void rundir_log(struct rundir *dir, const char *data, size_t len)
{
	if (!dir->log_err.code && file_write_all(dir->log_fd, data, len) < 0)
		err_sys(&dir->log_err, ERR_INFRA, "cannot write %s/build.log", dir->path);
}

static int write_part(const char *folder, const char *name, const char *text, size_t len,
		      struct err *err)
{
	char path[PATH_MAX];

	path_of(path, sizeof(path), "%s/%s", folder, name);
	return text ? file_create(path, text, len, err) : 0;
}

/* What CASE printed, and the files that it leaves. */
static int write_parts(const char *folder, const struct case_result *result, struct err *err)
{
	const char *out = result->out, *errout = result->errout;

	if (write_part(folder, "stdout", out, out ? strlen(out) : 0, err) < 0 ||
	    write_part(folder, "stderr", errout, errout ? strlen(errout) : 0, err) < 0)
		return -1;
	for (size_t i = 0; i < result->file_count; i++)
		if (write_part(folder, result->files[i].name, result->files[i].text,
			       result->files[i].len, err) < 0)
			return -1;
	return 0;
}

int rundir_case(struct rundir *dir, const struct case_result *result, struct err *err)
{
	char folder[PATH_MAX];
	char path[PATH_MAX + 16];
	struct json *json;
	struct buf line;
	int rc;

	path_of(folder, sizeof(folder), "%s/cases/%s", dir->path, result->name);
	path_of(path, sizeof(path), "%s/result.json", folder);
	if (file_mkdirs(folder, err) < 0 || write_parts(folder, result, err) < 0)
		return -1;
	json = json_new_object();
	case_to_json(result, json);
	buf_init(&line, JSON_BYTES_MAX);
	json_print(json, false, &line);
	buf_addstr(&line, "\n");
	rc = write_json(path, json, file_create, err);
	if (rc == 0) {
		pthread_mutex_lock(&dir->journal_lock);
		rc = file_write_all(dir->journal_fd, line.data, line.len);
		pthread_mutex_unlock(&dir->journal_lock);
		if (rc < 0)
			err_sys(err, ERR_INFRA, "cannot write %s/journal.jsonl", dir->path);
	}
	buf_done(&line);
	return rc;
}

int rundir_facts(struct rundir *dir, struct json *facts, struct err *err)
{
	char path[PATH_MAX];

	path_of(path, sizeof(path), "%s/facts.json", dir->path);
	return write_json(path, facts, file_write_quick, err);
}

int rundir_finish(struct rundir *dir, const struct run *run, struct err *err)
{
	if (dir->log_err.code) {
		*err = dir->log_err;
		return -1;
	}
	if (write_run(dir->path, run, err) < 0)
		return -1;
	dir->finished = true;
	return 0;
}

static int read_json(const char *path, struct json **out, struct err *err)
{
	struct buf text;
	int rc;

	buf_init(&text, JSON_BYTES_MAX);
	rc = file_read(path, &text, err);
	if (rc == 0)
		rc = json_parse(buf_str(&text), text.len, false, out, err);
	buf_done(&text);
	return rc;
}

/* Put what the journal knows into the run's planned cases; a torn last line is expected. */
static void replay_journal(const char *folder, struct run *run)
{
	char path[PATH_MAX];
	struct buf text;
	struct err ignored;
	char *line, *end;

	path_of(path, sizeof(path), "%s/journal.jsonl", folder);
	buf_init(&text, JOURNAL_BYTES_MAX);
	if (file_read(path, &text, &ignored) < 0 || !text.data) {
		buf_done(&text);
		return;
	}
	for (line = text.data; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		struct json *json = NULL;
		const char *name;
		struct case_result *slot;

		if (json_parse(line, (size_t)(end - line), false, &json, &ignored) < 0)
			continue;
		name = json_str(json, "name", NULL);
		slot = name ? (struct case_result *)run_find_case(run, name) : NULL;
		if (name && !slot)
			slot = run_add_case(run, arena_strdup(run->arena, name), NULL);
		if (slot)
			case_from_json(json, run->arena, slot);
		json_free(json);
	}
	buf_done(&text);
}

/* Remove "*.tmp-PID" files that a killed file_write left. */
static void remove_temporaries(const char *folder)
{
	DIR *handle = opendir(folder);
	struct dirent *entry;
	char path[PATH_MAX];

	while (handle && (entry = readdir(handle)) != NULL) {
		path_of(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (strstr(entry->d_name, ".tmp-"))
			unlink(path);
	}
	if (handle)
		closedir(handle);
}

static void remove_case_temporaries(const char *folder)
{
	char cases[PATH_MAX], path[PATH_MAX + 300];
	struct dirent *entry;
	DIR *handle;

	remove_temporaries(folder);
	path_of(cases, sizeof(cases), "%s/cases", folder);
	handle = opendir(cases);
	while (handle && (entry = readdir(handle)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		path_of(path, sizeof(path), "%s/%s", cases, entry->d_name);
		remove_temporaries(path);
	}
	if (handle)
		closedir(handle);
}

/* True: the owner is dead and the lock is ours now (LOCK_FD). A finished run has no lock. */
static bool is_dead(const char *folder, int *lock_fd)
{
	char path[PATH_MAX];

	path_of(path, sizeof(path), "%s/lock", folder);
	*lock_fd = open(path, O_RDWR | O_CLOEXEC);
	if (*lock_fd < 0)
		return false;
	if (flock(*lock_fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	close(*lock_fd);
	return false;
}

static int sweep_one(const char *folder, int (*found)(void *, struct run *, struct err *),
		     void *payload, struct err *err)
{
	char path[PATH_MAX];
	struct json *json = NULL;
	struct run *run = NULL;
	struct err ignored;
	int rc = 0;

	remove_case_temporaries(folder);
	path_of(path, sizeof(path), "%s/run.json", folder);
	if (read_json(path, &json, &ignored) < 0)
		return file_remove_tree(folder, err); /* killed before it had written anything */
	if (run_from_json(json, &run, &ignored) == 0) {
		if (run->verdict == VERDICT_OPEN) {
			replay_journal(folder, run);
			run->verdict = VERDICT_INFRA;
			run->reason = "assay was killed before the run ended";
		} /* else killed between run.json and the history: recorded as it was decided */
		rc = found(payload, run, err);
		if (rc == 0)
			rc = write_run(folder, run, err);
	}
	if (rc == 0) {
		path_of(path, sizeof(path), "%s/lock", folder);
		unlink(path);
	}
	run_free(run);
	json_free(json);
	return rc;
}

int rundir_sweep(const char *state, int (*found)(void *payload, struct run *run, struct err *err),
		 void *payload, struct err *err)
{
	char runs[PATH_MAX], folder[PATH_MAX + 300];
	struct dirent *entry;
	DIR *handle;
	int lock_fd, rc = 0;

	path_of(runs, sizeof(runs), "%s/runs", state);
	remove_temporaries(state);
	handle = opendir(runs);
	while (handle && rc == 0 && (entry = readdir(handle)) != NULL) {
		path_of(folder, sizeof(folder), "%s/%s", runs, entry->d_name);
		if (entry->d_name[0] == '.' || !is_dead(folder, &lock_fd))
			continue;
		rc = sweep_one(folder, found, payload, err);
		close(lock_fd);
	}
	if (handle)
		closedir(handle);
	return rc;
}

/*
 * Containers whose owner died. Owners hold a flock on a file of their own; the kernel lets it go
 * when they die, however they die.
 */
#include "engine/sweep_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define CONTAINERS_MAX 10000

void engine__host_name(char out[SWEEP_NAME_MAX])
{
	if (gethostname(out, SWEEP_NAME_MAX) < 0)
		out[0] = '\0';
	out[SWEEP_NAME_MAX - 1] = '\0';
}

void engine__boot_id(char out[SWEEP_NAME_MAX])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, out, SWEEP_NAME_MAX - 1);

	if (fd >= 0)
		(void)close(fd);
	out[len > 0 ? len : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

void engine__mark(struct json *body, const char *owner)
{
	struct json *marks = json_add_object(body, "Labels");
	char name[SWEEP_NAME_MAX];

	if (!owner)
		return;
	json_add_str(marks, SWEEP_LOCK, owner);
	engine__boot_id(name);
	json_add_str(marks, SWEEP_BOOT, name);
	engine__host_name(name);
	json_add_str(marks, SWEEP_HOST, name);
}

bool engine__lock_dead(const char *path)
{
	int fd;
	bool dead;

	if (path[0] != '/')
		return false; /* not one of ours: leave it */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return access(path, F_OK) < 0;
	dead = flock(fd, LOCK_EX | LOCK_NB) == 0;
	(void)close(fd);
	return dead;
}

/* Containers of another boot of this host are dead; those of another host are not ours. */
static bool is_dead(const struct json *tags)
{
	const char *lock = json_str(tags, SWEEP_LOCK, "");
	const char *boot = json_str(tags, SWEEP_BOOT, "");
	char name[SWEEP_NAME_MAX], boot_id[SWEEP_NAME_MAX];

	engine__host_name(name);
	engine__boot_id(boot_id);
	if (*boot && strcmp(boot, boot_id) == 0)
		return engine__lock_dead(lock);
	return *name && *boot && strcmp(json_str(tags, SWEEP_HOST, ""), name) == 0;
}

static int remove_container(struct engine *engine, const char *id, unsigned *removed,
			    struct err *err)
{
	struct err local = {0};
	struct buf path;
	int rc;

	buf_init(&path, ENGINE_PATH_MAX);
	buf_addstr(&path, "/containers/");
	engine__encode_path(id, &path);
	buf_addstr(&path, "?force=1&v=1");
	rc = engine__call(engine, "DELETE", buf_str(&path), NULL, 204, 200, NULL, &local);
	buf_done(&path);
	if (rc == 0)
		(*removed)++;
	/* Another sweep was faster, or is at it (409). */
	if (rc == 0 || local.code == ERR_NOTFOUND || strstr(local.msg, "status 409"))
		return 0;
	if (err)
		*err = local;
	return -1;
}

int engine_sweep(struct engine *engine, unsigned *removed, struct err *err)
{
	CLEANUP(json_freep) struct json *list = NULL;
	unsigned count = 0, seen = 0;
	struct buf path;
	int rc;

	buf_init(&path, ENGINE_PATH_MAX);
	buf_addstr(&path, "/containers/json?all=1&filters=");
	http_encode("{\"label\":[\"" SWEEP_LOCK "\"]}", &path);
	rc = engine__call(engine, "GET", buf_str(&path), NULL, 200, 0, &list, err);
	buf_done(&path);
	if (rc < 0)
		return -1;
	if (!list || json_type(list) != JSON_ARRAY)
		return err_set(err, ERR_INFRA, "engine at %s: the list of containers is no list",
			       engine->info.host);
	for (const struct json *c = json_first(list); c && seen < CONTAINERS_MAX;
	     c = json_next(c), seen++) {
		const struct json *tags = json_get(c, "Labels");
		const char *id = json_str(c, "Id", NULL);

		if (id && tags && is_dead(tags) && remove_container(engine, id, &count, err) < 0)
			return -1;
	}
	if (removed)
		*removed = count;
	return 0;
}

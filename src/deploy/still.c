#include "deploy/still.h"

#include "base/digest.h"
#include "deploy/service.h"

#include <pthread.h>

struct still {
	struct arena *arena;
	const struct rule_input *input;
	struct service *service;
	struct target view;
	pthread_mutex_t mutex; /* an image is read by one thread at a time */
};

static int still_run(void *self, const struct command *command, struct arena *arena,
		     struct command_result *out, struct err *err)
{
	(void)self;
	(void)arena;
	(void)out;
	return err_set(err, ERR_USAGE, "%s: no command of an image that only lies there can be run",
		       command->argv.items[0]);
}

static int read_content(struct still *still, const struct image_file *file, size_t max,
			struct arena *arena, struct file_info *out, struct err *err)
{
	char hash[DIGEST_HEX];
	struct buf text;
	int rc;

	buf_init(&text, max);
	rc = image_read(still->input->image, file, max, &text, err);
	if (rc == 0 && text.truncated)
		rc = image_hash(still->input->image, file, hash, err);
	else if (rc == 0)
		digest_of(buf_str(&text), text.len, hash);
	if (rc == 0) {
		out->content = arena_strndup(arena, buf_str(&text), text.len);
		out->content_len = text.len;
		out->content_truncated = text.truncated;
		out->sha256 = arena_strdup(arena, hash);
	}
	buf_done(&text);
	return rc;
}

static int still_file(void *self, const char *path, bool follow, size_t content_max,
		      struct arena *arena, struct file_info *out, struct err *err)
{
	struct still *still = self;
	const struct image_file *file = image_find(still->input->image, path, follow);
	struct file_info info = {0};
	int rc = 0;

	if (!file)
		return err_set(err, ERR_NOTFOUND, "the image has no \"%s\"", path);
	info = (struct file_info){.type = file->type,
				  .mode = file->mode & 07777,
				  .uid = file->uid,
				  .gid = file->gid,
				  .size_bytes = file->size_bytes,
				  .link = arena_strdup(arena, file->link)};
	if (content_max && file->type == FILE_REGULAR) {
		pthread_mutex_lock(&still->mutex);
		rc = read_content(still, file, content_max, arena, &info, err);
		pthread_mutex_unlock(&still->mutex);
	}
	if (rc == 0)
		*out = info;
	return rc;
}

static int still_inspect(void *self, const struct rule_input **out, struct err *err)
{
	struct still *still = self;

	(void)err;
	pthread_mutex_lock(&still->mutex);
	*out = still->input;
	return 0;
}

static void still_inspect_end(void *self)
{
	struct still *still = self;

	pthread_mutex_unlock(&still->mutex);
}

static int still_service(void *self, const struct target_service **out, struct err *err)
{
	return service_begin(((struct still *)self)->service, out, err);
}

static void still_service_end(void *self)
{
	service_end(((struct still *)self)->service);
}

static const struct target_ops ops = {.run = still_run,
				      .file = still_file,
				      .inspect = still_inspect,
				      .inspect_end = still_inspect_end,
				      .service = still_service,
				      .service_end = still_service_end};

struct still *still_new(const struct rule_input *input, const struct suite_service *service)
{
	const struct service_spec spec = {.wanted = service};
	struct arena *arena = arena_new();
	struct still *still = arena_alloc(arena, sizeof(*still));

	still->arena = arena;
	still->input = input;
	still->service = service_new(&spec);
	pthread_mutex_init(&still->mutex, NULL);
	still->view = (struct target){NULL, image_config(input->image), &ops, still};
	return still;
}

void still_free(struct still *still)
{
	if (!still)
		return;
	service_close(still->service);
	pthread_mutex_destroy(&still->mutex);
	arena_free(still->arena);
}

const struct target *still_view(const struct still *still)
{
	return &still->view;
}

/*
 * Against the engine of DOCKER_HOST: an image put there is read from its storage folders, from an
 * export and from the archive, and is the same. Skips (77) without an engine, fails when
 * REQUIRE_DOCKER is set.
 */
#include "tarball.h"

#include "engine/engine_private.h"

static struct engine *engine;
static char folder[64];

#define TAG "assay-test/layers:1"

static const char *const layers[] = {
	"d etc;f etc/os-release ID=x;d opt;d opt/keep;f opt/keep/a 1;d gone;f gone/x 22;f gone/y "
	"333;"
	"f dropped 4444;x bin/tool \177ELF and no more;l link /etc/os-release;h hard dropped;"
	"d site-packages;d site-packages/p;f site-packages/p/__init__.py __version__=1;o pipe",
	"d gone;f gone/.wh..wh..opq;f gone/z 1;f .wh.dropped;f opt/.wh.keep;x run.sh #!/bin/sh",
	"d opt;d opt/keep;f opt/keep/b 55555;f link now-a-file;f run.sh #!/bin/bash;d z;"
	"h z/hard2 run.sh",
	NULL};

static void list_one(const struct image_file *file, struct buf *out)
{
	buf_printf(out, "%c %s %o %u:%u %llu @%u", "fdlo"[file->type], file -> path, file -> mode,
		   file -> uid, file -> gid, (unsigned long long)file -> size_bytes,
		   file -> layer -> number);
	buf_printf(out, " link=%s text=%s binary=%s source=%d was=%u hidden=%u\n",
		   file->link ? file->link : "-", file->text ? file->text : "-",
		   file->binary ? (file->binary->malformed ? file->binary->malformed : "sound")
				: "-",
		   file->source != NULL, file->replaced ? file->replaced->layer->number : 0,
		   file->hidden_by ? file->hidden_by->number : 0);
}

static void list(const struct image *image, struct buf *out)
{
	size_t count;
	const struct image_layer *stack = image_layers(image, &count);
	const struct image_file *files;

	buf_init(out, TARBALL_MAX);
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "layer %s %llu %zu\n", stack[i].digest,
			   (unsigned long long)stack[i].size_bytes, stack[i].file_count);
	files = image_files(image, &count);
	for (size_t i = 0; i < count; i++)
		list_one(&files[i], out);
	files = image_hidden(image, &count);
	for (size_t i = 0; i < count; i++)
		list_one(&files[i], out);
}

/* The first line that differs says enough. */
static void check_same(const struct buf *got, const struct buf *want)
{
	const char *a = buf_str(got), *b = buf_str(want);

	while (*a && *b) {
		size_t len = strcspn(a, "\n") + 1, other = strcspn(b, "\n") + 1;

		if (len != other || memcmp(a, b, len) != 0)
			fail_msg("\"%.*s\" instead of \"%.*s\"", (int)len, a, (int)other, b);
		a += len;
		b += len;
	}
	assert_int_equal(got->len, want->len);
}

static struct image *open_engine(const char *cache, bool no_storage)
{
	const struct image_options options = {.cache = cache, .no_storage = no_storage};
	struct image *image = NULL;
	struct err err = {0};

	if (image_open_engine(engine, TAG, &options, &image, &err) < 0)
		fail_msg("%s", err.msg);
	return image;
}

static int load(void **state)
{
	static const char *const headers[] = {"Content-Type: application/x-tar", NULL};
	struct http_request request = {
		.method = "POST", .path = "/images/load", .headers = headers};
	struct tarball_image made = {.layers = layers, .tag = TAG};
	struct http_answer answer = {0};
	struct err err = {0};
	struct buf archive;

	(void)state;
	tarball_folder(folder);
	tarball_make(&made, &archive);
	tarball_write(folder, "image.tar", &archive);
	request.body = archive.data;
	request.body_len = archive.len;
	if (engine__send(engine, &request, 200, 0, &answer, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return -1;
	}
	if (strstr(buf_str(&answer.body), "errorDetail")) {
		(void)fprintf(stderr, "%s\n", buf_str(&answer.body));
		return -1;
	}
	http_answer_done(&answer);
	buf_done(&archive);
	return 0;
}

static int unload(void **state)
{
	(void)state;
	(void)file_remove_tree(folder, NULL);
	return engine__call(engine, "DELETE", "/images/" TAG, NULL, 200, 0, NULL, NULL);
}

static void every_way_of_reading_gives_the_same(void **state)
{
	struct image *image = NULL;
	struct buf archive, storage, export;
	char path[128];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/image.tar", folder);
	assert_int_equal(image_open_archive(path, NULL, NULL, &image, NULL), 0);
	list(image, &archive);
	image_close(image);
	image = open_engine(NULL, true);
	assert_string_equal(image_source(image), "engine");
	list(image, &export);
	check_same(&export, &archive);
	image_close(image);
	image = open_engine(NULL, false);
	/* root may read what Docker's overlay2 has stored */
	if (!strcmp(engine_info(engine)->driver, "overlay2") && geteuid() == 0)
		assert_string_equal(image_source(image), "storage");
	list(image, &storage);
	check_same(&storage, &archive);
	image_close(image);
	buf_done(&archive);
	buf_done(&storage);
	buf_done(&export);
}

static void check_text(struct image *image, const char *path, const char *want)
{
	const struct image_file *file = image_find(image, path, true);
	struct err err = {0};
	struct buf text;

	assert_non_null(file);
	if (image_read(image, file, 1000, &text, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(buf_str(&text), want);
	buf_done(&text);
}

static void a_second_scan_reads_nothing(void **state)
{
	char cache[128];

	(void)state;
	for (unsigned no_storage = 0; no_storage < 2; no_storage++) {
		struct image *image;
		struct buf first, second;

		(void)snprintf(cache, sizeof(cache), "%s/cache%u", folder, no_storage);
		image = open_engine(cache, no_storage);
		assert_true(image_bytes_read(image) > 0);
		list(image, &first);
		image_close(image);
		image = open_engine(cache, no_storage);
		assert_int_equal(image_bytes_read(image), 0);
		list(image, &second);
		check_same(&second, &first);
		check_text(image, "/gone/z", "1");
		check_text(image, "/hard", "4444");
		check_text(image, "/z/hard2", "#!/bin/bash");
		image_close(image);
		buf_done(&first);
		buf_done(&second);
	}
}

static void says_what_is_not_there(void **state)
{
	struct image *image;
	struct err err;

	(void)state;
	assert_int_equal(image_open_engine(engine, "assay-test/none:1", NULL, &image, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_of_reading_gives_the_same),
		cmocka_unit_test(a_second_scan_reads_nothing),
		cmocka_unit_test(says_what_is_not_there),
	};
	struct err err = {0};
	int failures;

	if (!getenv("DOCKER_HOST")) {
		(void)fprintf(stderr, "skipped: DOCKER_HOST is not set\n");
		return getenv("REQUIRE_DOCKER") ? 1 : 77;
	}
	if (engine_open(NULL, &engine, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	failures = cmocka_run_group_tests_name("image/real_image", tests, load, unload);
	engine_close(engine);
	return failures;
}

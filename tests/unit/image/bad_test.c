/* Images that are damaged or hostile: one clear line each, whichever way the archive is read. */
#include "tarball.h"

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	tarball_folder(folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return file_remove_tree(folder, NULL);
}

static int open_bytes(const struct buf *bytes, const char *ref, struct err *err)
{
	struct image *image = NULL;
	char path[128];
	int rc;

	*err = (struct err){0};
	tarball_write(folder, "image.tar", bytes);
	(void)snprintf(path, sizeof(path), "%s/image.tar", folder);
	rc = image_open_archive(path, ref, NULL, &image, err);
	image_close(image);
	return rc;
}

static void expect(int rc, const struct err *err, enum err_code code, const char *want)
{
	if (rc == 0)
		fail_msg("it was read, though \"%s\" was expected", want);
	if (!strstr(err->msg, want))
		fail_msg("\"%s\" was expected, not \"%s\"", want, err->msg);
	assert_int_equal(err->code, code);
	assert_null(strchr(err->msg, '\n'));
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

struct row {
	const char *name;
	struct tarball_image made;
	const char *layers[3];
	const char *want;
};

static const struct row rows[] = {
	{"a_name_above_the_root", {0}, {"f ../../etc/passwd x"}, "leads out of the image"},
	{"a_name_above_the_root_in_the_middle", {0}, {"f a/../../x x"}, "leads out of the image"},
	{"a_hard_link_above_the_root", {0}, {"h a ../../etc/passwd"}, "leads out of the image"},
	{"a_hard_link_to_nothing", {0}, {"h a b"}, "the hard link /a leads to /b"},
	{"a_hard_link_to_a_folder", {0}, {"d b;h a b"}, "the hard link /a leads to /b"},
	{"hard_links_in_a_circle", {0}, {"h a b;h b a"}, "the hard link /a leads to /b"},
	{"a_hard_link_to_a_higher_layer", {0}, {"h a b", "f b x"}, "the hard link /a leads to /b"},
	{"another_layer_than_the_configuration_says",
	 {.diff_id = ZEROS},
	 {"f a 1"},
	 "layer 1 does not hold what the configuration says"},
	{"another_gzip_layer_than_the_configuration_says",
	 {.diff_id = ZEROS, .inner = TARBALL_GZIP},
	 {"f a 1"},
	 "layer 1 does not hold what the configuration says"},
	{"a_cut_layer", {.cut = 1024 + 512}, {"f a 1"}, "it ends in the middle of an entry"},
	{"a_cut_gzip_layer", {.cut = 9, .inner = TARBALL_GZIP}, {"f a 1"}, "end too early"},
	{"a_cut_zstd_layer", {.cut = 1, .inner = TARBALL_ZSTD}, {"f a 1"}, "end too early"},
	{"a_cut_layer_of_a_layout",
	 {.cut = 9, .inner = TARBALL_GZIP, .oci = true},
	 {"f a 1"},
	 "end too early"},
};

static void is_refused(void **state)
{
	const struct row *row = *state;
	struct tarball_image made = row->made;
	struct err err;
	struct buf archive;

	made.layers = row->layers;
	for (unsigned outer = 0; outer < 3; outer++) {
		int rc;

		made.outer = outer;
		tarball_make(&made, &archive);
		rc = open_bytes(&archive, NULL, &err);
		expect(rc, &err, ERR_USAGE, row->want);
		buf_done(&archive);
	}
}

static void refuses_a_bomb(void **state)
{
	size_t size = (size_t)40 * 1024 * 1024;
	char *line = calloc(1, size + 16);
	const char *const layers[] = {line, NULL};
	struct buf archive;
	struct err err;

	(void)state;
	memcpy(line, "f a ", 4);
	memset(line + 4, 'z', size);
	for (unsigned outer = 0; outer < 3; outer++) {
		struct tarball_image made = {
			.layers = layers, .inner = TARBALL_ZSTD, .outer = outer};
		int rc;

		tarball_make(&made, &archive);
		rc = open_bytes(&archive, NULL, &err);
		assert_int_equal(rc, -1);
		assert_non_null(strstr(err.msg, "a decompression bomb"));
		buf_done(&archive);
	}
	free(line);
}

/* Bytes of an archive, without packing, changed where they hold OLD. */
static void change(struct buf *archive, const char *old, const char *new)
{
	char *at = memmem(archive->data, archive->len, old, strlen(old));

	assert_non_null(at);
	assert_int_equal(strlen(old), strlen(new));
	memcpy(at, new, strlen(new));
}

static void refuses_damaged_blobs(void **state)
{
	static const char *const layers[] = {"f a unchanged", NULL};
	static const struct {
		bool oci;
		const char *old, *new, *want;
	} changes[] = {
		{true, "unchanged", "different", "does not hold what"},
		{false, "unchanged", "different", "does not hold what"},
		{true, "amd64", "arm64", "is damaged"},
		{true, "\"layers\":", "\"loyers\":", "is damaged"},
		{false, "\"Config\"", "\"Konfig\"", "entry 1 has no Config"},
		{false, "manifest.json", "monifest.json", "a header's checksum is wrong"},
		{false, "\"Layers\"", "\"Loyers\"", "0 layers, but the configuration lists 1"},
		{false, "\"Layers\":[\"b", "\"Layers\":[\"c", "is missing"},
		{false, "\"Config\":\"b", "\"Config\":\"c", "is missing"},
		{true, "\"manifests\":[", "\"monifests\":[", "lists no manifests"},
		{false, "[{\"Config", "[[\"Config", "manifest.json: "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct tarball_image made = {.layers = layers, .oci = changes[i].oci};
		struct buf archive;
		struct err err;
		int rc;

		tarball_make(&made, &archive);
		change(&archive, changes[i].old, changes[i].new);
		rc = open_bytes(&archive, NULL, &err);
		expect(rc, &err, ERR_USAGE, changes[i].want);
		buf_done(&archive);
	}
}

static void refuses_what_is_no_image(void **state)
{
	static const struct {
		const char *bytes, *want;
	} inputs[] = {
		{"", "neither manifest.json nor index.json"},
		{"hello\n", "ends in the middle"},
		{"\x1f\x8b\x08 and no gzip at all, but long enough to be read", "damaged"},
		{"\x28\xb5\x2f\xfd and no zstd at all, but long enough", "damaged"},
		{"\x1f\x8b\x08", "end too early"},
	};
	struct image *image;
	struct err err;
	struct buf bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		int rc;

		buf_init(&bytes, 1024);
		buf_addstr(&bytes, inputs[i].bytes);
		rc = open_bytes(&bytes, NULL, &err);
		expect(rc, &err, ERR_USAGE, inputs[i].want);
		buf_done(&bytes);
	}
	assert_int_equal(image_open_archive("/nonexistent/x.tar", NULL, NULL, &image, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(image_open_archive(folder, NULL, NULL, &image, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(image_open_root("/nonexistent", NULL, &image, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(image_open_layout(folder, NULL, NULL, &image, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
}

static void asks_which_of_several_images(void **state)
{
	static const char manifest[] =
		"[{\"Config\":\"a.json\",\"RepoTags\":[\"one:1\"],\"Layers\":[]},"
		"{\"Config\":\"a.json\",\"RepoTags\":[\"docker.io/library/two:latest\"],"
		"\"Layers\":[]}]";
	struct buf archive;
	struct err err;

	(void)state;
	buf_init(&archive, TARBALL_MAX);
	tarball_file(&archive, "manifest.json", manifest, strlen(manifest));
	tarball_file(&archive, "a.json", "{}", 2);
	tar_end(&archive);
	expect(open_bytes(&archive, NULL, &err), &err, ERR_USAGE, "choose one of one:1, docker.io");
	expect(open_bytes(&archive, "three", &err), &err, ERR_USAGE, "holds no image three");
	assert_int_equal(open_bytes(&archive, "one:1", &err), 0);
	assert_int_equal(open_bytes(&archive, "two", &err), 0);
	buf_done(&archive);
}

static void every_prefix_is_refused_or_read(void **state)
{
	static const char *const layers[] = {"d a;f a/b 1;h c a/b", "f .wh.a;l x y", NULL};

	(void)state;
	for (unsigned outer = 0; outer < 3; outer++) {
		struct tarball_image made = {
			.layers = layers, .inner = TARBALL_GZIP, .outer = outer};
		struct buf archive;
		struct err err;
		size_t whole, step;

		tarball_make(&made, &archive);
		whole = archive.len;
		step = outer ? 7 : 256;
		for (archive.len = 0; archive.len < (outer ? whole : whole - 1024);
		     archive.len += step)
			if (open_bytes(&archive, NULL, &err) == 0)
				fail_msg("%zu of %zu bytes were enough", archive.len, whole);
		buf_done(&archive);
	}
}

int main(void)
{
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
	static const struct CMUnitTest others[] = {
		cmocka_unit_test_setup_teardown(refuses_a_bomb, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(refuses_damaged_blobs, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_image, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(asks_which_of_several_images, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(every_prefix_is_refused_or_read, make_folder,
						remove_folder),
	};
	enum { OTHERS = sizeof(others) / sizeof(others[0]) };
	struct CMUnitTest tests[ROWS + OTHERS];

	for (size_t i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){
			.name = rows[i].name,
			.test_func = is_refused,
			.setup_func = make_folder,
			.teardown_func = remove_folder,
			.initial_state = (void *)&rows[i],
		};
	memcpy(tests + ROWS, others, sizeof(others));
	return _cmocka_run_group_tests("image/bad", tests, ROWS + OTHERS, NULL, NULL);
}

/* Images as archives, layouts and folders: what is seen, what is hidden, what brought it. */
#include "tarball.h"

#include <sys/stat.h>
#include <sys/wait.h>

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

static struct image *open_made(const struct tarball_image *made,
			       const struct image_options *options)
{
	struct image *image = NULL;
	struct err err = {0};
	struct buf archive;
	char path[128];

	tarball_make(made, &archive);
	tarball_write(folder, "image.tar", &archive);
	buf_done(&archive);
	(void)snprintf(path, sizeof(path), "%s/image.tar", folder);
	if (image_open_archive(path, NULL, options, &image, &err) < 0)
		fail_msg("%s", err.msg);
	return image;
}

static void one_line(const struct image_file *file, struct buf *out)
{
	buf_printf(out, "%c %s @%u", "fdlo"[file->type], file -> path, file -> layer -> number);
	if (file->link)
		buf_printf(out, " -> %s", file->link);
	if (file->type == FILE_REGULAR)
		buf_printf(out, " %llu", (unsigned long long)file->size_bytes);
	if (file->replaced)
		buf_printf(out, " was @%u", file->replaced->layer->number);
	if (file->hidden_by)
		buf_printf(out, " hidden @%u", file->hidden_by->number);
	buf_addstr(out, "\n");
}

/* Everything but the root, then a line "--", then what is hidden. */
static void list(const struct image *image, struct buf *out)
{
	size_t count;
	const struct image_file *files = image_files(image, &count);

	buf_init(out, TARBALL_MAX);
	assert_string_equal(files[0].path, "/");
	for (size_t i = 1; i < count; i++)
		one_line(&files[i], out);
	files = image_hidden(image, &count);
	if (count)
		buf_addstr(out, "--\n");
	for (size_t i = 0; i < count; i++)
		one_line(&files[i], out);
}

static void expect(const struct tarball_image *made, const char *want)
{
	struct image *image = open_made(made, NULL);
	struct buf got;

	list(image, &got);
	assert_string_equal(buf_str(&got), want);
	buf_done(&got);
	image_close(image);
}

struct row {
	const char *name;
	const char *layers[5];
	const char *want;
};

static const struct row rows[] = {
	{"sorts_with_the_slash_first",
	 {"f a-b 1;d a;f a/c 22;f a.b 333"},
	 "d /a @1\nf /a/c @1 2\nf /a-b @1 1\nf /a.b @1 3\n"},
	{"implies_folders_without_entry",
	 {"f a/b/c 1", "f a/b/d 1"},
	 "d /a @1\nd /a/b @1\nf /a/b/c @1 1\nf /a/b/d @2 1\n"},
	{"replaces_a_file",
	 {"f a 1", "f b 1", "f a 22"},
	 "f /a @3 2 was @1\nf /b @2 1\n--\nf /a @1 1 hidden @3\n"},
	{"chains_replaced_versions",
	 {"f a 1", "f a 22", "f a 333"},
	 "f /a @3 3 was @2\n--\nf /a @1 1 hidden @2\nf /a @2 2 was @1 hidden @3\n"},
	{"removes_by_whiteout",
	 {"d d;f d/a 1;f d/b 1", "d d;f d/.wh.a"},
	 "d /d @1\nf /d/b @1 1\n--\nf /d/a @1 1 hidden @2\n"},
	{"removes_a_folder_with_all_in_it",
	 {"d d;d d/e;f d/e/a 1;f e 1", "f .wh.d"},
	 "f /e @1 1\n--\nd /d @1 hidden @2\nd /d/e @1 hidden @2\nf /d/e/a @1 1 hidden @2\n"},
	{"brings_back_what_was_removed",
	 {"f a 1", "f .wh.a", "f a 22"},
	 "f /a @3 2\n--\nf /a @1 1 hidden @2\n"},
	{"empties_an_opaque_folder",
	 {"d d;f d/a 1;d d/e;f d/e/x 1;f d/k 1", "d d;f d/.wh..wh..opq;f d/k 22"},
	 "d /d @1\nf /d/k @2 2 was @1\n--\nf /d/a @1 1 hidden @2\nd /d/e @1 hidden @2\n"
	 "f /d/e/x @1 1 hidden @2\nf /d/k @1 1 hidden @2\n"},
	{"a_whiteout_spares_its_own_layer",
	 {"f a 1", "f a 22;f .wh.a"},
	 "f /a @2 2 was @1\n--\nf /a @1 1 hidden @2\n"},
	{"a_file_takes_a_folders_place",
	 {"d d;f d/a 1", "f d 22"},
	 "f /d @2 2 was @1\n--\nd /d @1 hidden @2\nf /d/a @1 1 hidden @2\n"},
	{"a_folder_takes_a_files_place",
	 {"f d 1", "d d;f d/a 1"},
	 "d /d @2 was @1\nf /d/a @2 1\n--\nf /d @1 1 hidden @2\n"},
	{"a_folder_comes_back_empty",
	 {"d d;f d/a 1", "f d 22", "d d;f d/b 1"},
	 "d /d @3 was @2\nf /d/b @3 1\n--\nd /d @1 hidden @2\nf /d @2 2 was @1 hidden @3\n"
	 "f /d/a @1 1 hidden @2\n"},
	{"says_which_of_several_layers_hid_it_first",
	 {"d d;f d/a 1", "f d/.wh.a", "f .wh.d", "d d;f d/a 333"},
	 "d /d @4\nf /d/a @4 3\n--\nd /d @1 hidden @3\nf /d/a @1 1 hidden @2\n"},
	{"a_hard_link_is_a_file", {"f a 4444;h b a;h c b"}, "f /a @1 4\nf /b @1 4\nf /c @1 4\n"},
	{"a_hard_link_may_come_first", {"h b z;f z 22"}, "f /b @1 2\nf /z @1 2\n"},
	{"a_hard_link_may_lead_to_a_lower_layer",
	 {"f a 4444", "h b a", "f .wh.a"},
	 "f /b @2 4\n--\nf /a @1 4 hidden @3\n"},
	{"a_hard_link_may_lead_to_a_symlink", {"l a /x;h b a"}, "l /a @1 -> /x\nl /b @1 -> /x\n"},
	{"the_last_of_equal_names_counts", {"f a 1;f a 22;f a 333"}, "f /a @1 3\n"},
	{"normalises_names",
	 {"f ./a/../b//c 1;f /e 1;d ./;d a/./d/"},
	 "d /a @1\nd /a/d @1\nd /b @1\nf /b/c @1 1\nf /e @1 1\n"},
	{"shows_devices_and_pipes", {"o p"}, "o /p @1\n"},
	{"ignores_marks_of_aufs", {"d .wh..wh.plnk;f .wh..wh.aufs;f a 1"}, "f /a @1 1\n"},
	{"reads_an_empty_layer", {"f a 1", "", "f b 1"}, "f /a @1 1\nf /b @3 1\n"},
	{"a_name_used_as_a_folder_is_one", {"f a 1;f a/b 1"}, "d /a @1\nf /a/b @1 1\n"},
};

static void merges(void **state)
{
	const struct row *row = *state;
	struct tarball_image made = {.layers = row->layers};

	expect(&made, row->want);
}

static const char *const two[] = {"d etc;f etc/os-release ID=x;f a 1;x bin/tool \177ELF123",
				  "f a 22;f etc/b.conf 55555", NULL};
static const char two_list[] =
	"f /a @2 2 was @1\nd /bin @1\nf /bin/tool @1 7\nd /etc @1\nf /etc/b.conf @2 5\n"
	"f /etc/os-release @1 4\n--\nf /a @1 1 hidden @2\n";

/* Content of PATH as read and as hashed. */
static void check_content(struct image *image, const char *path, const char *want)
{
	const struct image_file *file = image_find(image, path, true);
	char got[DIGEST_HEX] = "", hex[DIGEST_HEX];
	struct err err = {0};
	struct buf out;

	assert_non_null(file);
	if (image_read(image, file, 1024, &out, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(buf_str(&out), want);
	assert_false(out.truncated);
	buf_done(&out);
	digest_of(want, strlen(want), hex);
	assert_int_equal(image_hash(image, file, got, &err), 0);
	assert_string_equal(got, hex);
	assert_int_equal(image_read(image, file, 1, &out, &err), 0);
	assert_int_equal(out.len, 1);
	assert_int_equal(out.truncated, strlen(want) > 1);
	buf_done(&out);
}

static void reads_every_packing(void **state)
{
	(void)state;
	for (unsigned inner = 0; inner < 3; inner++)
		for (unsigned outer = 0; outer < 3; outer++)
			for (unsigned oci = 0; oci < 2; oci++) {
				struct tarball_image made = {
					.layers = two, .inner = inner, .outer = outer, .oci = oci};
				struct image *image;
				size_t count;

				expect(&made, two_list);
				image = open_made(&made, NULL);
				check_content(image, "/etc/os-release", "ID=x");
				check_content(image, "/etc/b.conf", "55555");
				check_content(image, "/a", "22");
				check_content(image, "/bin/tool", "\177ELF123");
				check_content(image, image_hidden(image, &count)->path, "22");
				assert_string_equal(image_config(image)->env.items[0], "A=b");
				image_close(image);
			}
}

static void keeps_texts(void **state)
{
	struct tarball_image made = {.layers = two};
	struct image *image = open_made(&made, NULL);
	const struct image_file *file = image_find(image, "/etc/os-release", false);

	(void)state;
	assert_string_equal(file->text, "ID=x");
	assert_int_equal(file->text_len, 4);
	assert_null(image_find(image, "/a", false)->text);
	image_close(image);
}

static void names_steps(void **state)
{
	struct tarball_image made = {
		.layers = two,
		.history = "[{\"created_by\":\"/bin/sh -c #(nop) ADD file:1 in / \"},"
			   "{\"created_by\":\"CMD x\",\"empty_layer\":true},"
			   "{\"created_by\":\"RUN |1 A=b /bin/sh -c make it # buildkit\"}]"};
	struct image *image = open_made(&made, NULL);
	size_t count;
	const struct image_layer *layers = image_layers(image, &count);

	(void)state;
	assert_int_equal(count, 2);
	assert_string_equal(layers[0].step, "ADD file:1 in / ");
	assert_int_equal(layers[0].step_number, 1);
	assert_string_equal(layers[1].step, "RUN make it");
	assert_int_equal(layers[1].step_number, 3);
	assert_int_equal(layers[0].file_count, 3);
	assert_int_equal(layers[0].size_bytes, 12);
	image_close(image);
}

static void follows_links_inside(void **state)
{
	static const char *const layers[] = {
		"d usr;d usr/lib;f usr/lib/x 1;l lib usr/lib;l abs /usr/lib/x;l up ../../../lib/x;"
		"l loop loop;l a b;l b a;l out ../../../../etc/passwd;l usr/lib/self ../../lib/x",
		NULL};
	struct tarball_image made = {.layers = layers};
	struct image *image = open_made(&made, NULL);
	static const char *const found[] = {"/lib/x", "lib/x",	       "/abs",
					    "/up",    "/usr/lib/self", "//usr/./lib/../lib/x"};

	(void)state;
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
		assert_non_null(image_find(image, found[i], true));
		assert_string_equal(image_find(image, found[i], true)->path, "/usr/lib/x");
	}
	assert_string_equal(image_find(image, "/lib", false)->path, "/lib");
	assert_string_equal(image_find(image, "/abs", false)->path, "/abs");
	assert_null(image_find(image, "/loop", true));
	assert_null(image_find(image, "/a", true));
	assert_null(image_find(image, "/out", true));
	assert_null(image_find(image, "/usr/lib/x/y", true));
	assert_null(image_find(image, "/none/../usr/lib/x", true));
	assert_string_equal(image_find(image, "/", true)->path, "/");
	image_close(image);
}

static void lists_what_is_below(void **state)
{
	static const char *const layers[] = {"d a;f a/b 1;d a/c;f a/c/d 1;f a-z 1;f b 1", NULL};
	struct tarball_image made = {.layers = layers};
	struct image *image = open_made(&made, NULL);
	const struct image_file *files;
	size_t count;

	(void)state;
	files = image_under(image, "/a", &count);
	assert_int_equal(count, 3);
	assert_string_equal(files[0].path, "/a/b");
	assert_string_equal(files[2].path, "/a/c/d");
	(void)image_under(image, "/", &count);
	assert_int_equal(count, 6);
	(void)image_under(image, "/nothing", &count);
	assert_int_equal(count, 0);
	image_close(image);
}

static void uses_the_cache(void **state)
{
	char cache[128];
	const struct image_options options = {.cache = cache};
	static const char *const top[] = {"d etc;f etc/os-release ID=x;f a 1;x bin/tool \177ELF123",
					  "f a 4444", NULL};

	(void)state;
	(void)snprintf(cache, sizeof(cache), "%s/cache", folder);
	for (unsigned inner = 0; inner < 3; inner++) {
		struct tarball_image made = {.layers = two, .inner = inner};
		struct tarball_image changed = {.layers = top, .inner = inner};
		size_t count;
		struct image *image = open_made(&made, &options);
		struct buf got;

		assert_int_equal(image_layers(image, &count)->cached, inner > 0);
		image_close(image);
		image = open_made(&made, &options);
		assert_true(image_layers(image, &count)[0].cached);
		assert_true(image_layers(image, &count)[1].cached);
		list(image, &got);
		assert_string_equal(buf_str(&got), two_list);
		buf_done(&got);
		check_content(image, "/bin/tool", "\177ELF123");
		image_close(image);
		image = open_made(&changed, &options);
		assert_true(image_layers(image, &count)[0].cached);
		assert_int_equal(image_layers(image, &count)[1].cached, inner > 0);
		image_close(image);
	}
}

static void opens_a_layout(void **state)
{
	struct tarball_image made = {.layers = two, .oci = true, .inner = TARBALL_GZIP};
	struct image *image = open_made(&made, NULL);
	struct err err = {0};
	char command[256], path[128];
	struct buf got;

	(void)state;
	image_close(image);
	(void)snprintf(path, sizeof(path), "%s/layout", folder);
	assert_int_equal(mkdir(path, 0755), 0);
	(void)snprintf(command, sizeof(command), "%s/image.tar", folder);
	if (fork() == 0) {
		execlp("tar", "tar", "-xf", command, "-C", path, (char *)NULL);
		_exit(127);
	}
	assert_true(wait(NULL) > 0);
	if (image_open_layout(path, "x:1", NULL, &image, &err) < 0)
		fail_msg("%s", err.msg);
	list(image, &got);
	assert_string_equal(buf_str(&got), two_list);
	assert_string_equal(image_source(image), "layout");
	check_content(image, "/a", "22");
	buf_done(&got);
	image_close(image);
	assert_int_equal(image_open_layout(path, "y:1", NULL, &image, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "x:1"));
}

static void opens_a_root_folder(void **state)
{
	struct image *image;
	struct err err = {0};
	char path[128], name[160];
	struct buf text, got;
	size_t count;

	(void)state;
	buf_init(&text, 64);
	buf_addstr(&text, "ID=x");
	(void)snprintf(path, sizeof(path), "%s/root", folder);
	(void)snprintf(name, sizeof(name), "%s/etc", path);
	assert_int_equal(file_mkdirs(name, NULL), 0);
	tarball_write(name, "os-release", &text);
	(void)snprintf(name, sizeof(name), "%s/link", path);
	assert_int_equal(symlink("/etc", name), 0);
	if (image_open_root(path, NULL, &image, &err) < 0)
		fail_msg("%s", err.msg);
	list(image, &got);
	assert_string_equal(buf_str(&got),
			    "d /etc @1\nf /etc/os-release @1 4\nl /link @1 -> /etc\n");
	assert_null(image_config(image));
	assert_null(image_layers(image, &count)->digest);
	check_content(image, "/link/os-release", "ID=x");
	buf_done(&got);
	buf_done(&text);
	image_close(image);
}

int main(void)
{
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
	static const struct CMUnitTest others[] = {
		cmocka_unit_test_setup_teardown(reads_every_packing, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(keeps_texts, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(names_steps, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(follows_links_inside, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(lists_what_is_below, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(uses_the_cache, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(opens_a_layout, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(opens_a_root_folder, make_folder, remove_folder),
	};
	enum { OTHERS = sizeof(others) / sizeof(others[0]) };
	struct CMUnitTest tests[ROWS + OTHERS];

	for (size_t i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){
			.name = rows[i].name,
			.test_func = merges,
			.setup_func = make_folder,
			.teardown_func = remove_folder,
			.initial_state = (void *)&rows[i],
		};
	memcpy(tests + ROWS, others, sizeof(others));
	return _cmocka_run_group_tests("image/image", tests, ROWS + OTHERS, NULL, NULL);
}

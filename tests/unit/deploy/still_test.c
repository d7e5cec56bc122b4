/* A target over the bytes of an image: files answer as in a container, commands are refused. */
#include "deploy/still.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char root[64];
	struct image *image;
	struct rule_input input;
	struct still *still;
	struct arena *arena;
};

static const char *in(const struct fixture *fixture, const char *name)
{
	return arena_printf(fixture->arena, "%s/%s", fixture->root, name);
}

static int set_up(void **state)
{
	static struct fixture fixture;
	const struct image_options options = {0};
	struct err err = {0};

	memcpy(fixture.root, "/tmp/assay-still-XXXXXX", sizeof("/tmp/assay-still-XXXXXX"));
	if (!mkdtemp(fixture.root))
		return -1;
	fixture.arena = arena_new();
	if (file_mkdirs(in(&fixture, "app"), &err) < 0 ||
	    file_write(in(&fixture, "app/file"), "hello\n", 6, &err) < 0 ||
	    symlink("/app/file", in(&fixture, "app/link")) < 0 ||
	    image_open_root(fixture.root, &options, &fixture.image, &err) < 0)
		return -1;
	fixture.input.image = fixture.image;
	fixture.still = still_new(&fixture.input, NULL);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	struct err err = {0};

	still_free(fixture->still);
	image_close(fixture->image);
	(void)file_remove_tree(fixture->root, &err);
	arena_free(fixture->arena);
	return 0;
}

static int look(const struct fixture *fixture, const char *path, bool follow, size_t max,
		struct file_info *out, struct err *err)
{
	const struct target *target = still_view(fixture->still);

	return target->ops->file(target->self, path, follow, max, fixture->arena, out, err);
}

static void files_are_found_as_in_a_container(void **state)
{
	const struct fixture *fixture = *state;
	struct file_info info = {0};
	struct err err = {0};

	assert_int_equal(look(fixture, "/app/link", false, 100, &info, &err), 0);
	assert_int_equal(info.type, FILE_SYMLINK);
	assert_string_equal(info.link, "/app/file");
	assert_null(info.content);
	assert_int_equal(look(fixture, "/app/link", true, 100, &info, &err), 0);
	assert_int_equal(info.type, FILE_REGULAR);
	assert_string_equal(info.content, "hello\n");
	assert_string_equal(info.sha256,
			    "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
	assert_false(info.content_truncated);
	assert_int_equal(look(fixture, "/app", true, 0, &info, &err), 0);
	assert_int_equal(info.type, FILE_FOLDER);
}

static void content_is_cut_but_hashed_whole(void **state)
{
	const struct fixture *fixture = *state;
	struct file_info info = {0};
	struct err err = {0};

	assert_int_equal(look(fixture, "/app/file", true, 2, &info, &err), 0);
	assert_true(info.content_truncated);
	assert_string_equal(info.content, "he");
	assert_string_equal(info.sha256,
			    "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
}

static void a_missing_path_is_not_found(void **state)
{
	struct file_info info = {.uid = 7};
	struct err err = {0};

	assert_int_equal(look(*state, "/nosuch", true, 0, &info, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_int_equal(info.uid, 7);
}

static void commands_are_refused(void **state)
{
	const struct fixture *fixture = *state;
	const struct target *target = still_view(fixture->still);
	const char *argv[] = {"ls"};
	const struct command command = {.argv = {argv, 1}};
	struct command_result result = {0};
	struct err err = {0};

	assert_int_equal(target->ops->run(target->self, &command, fixture->arena, &result, &err),
			 -1);
	assert_int_equal(err.code, ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_found_as_in_a_container),
		cmocka_unit_test(content_is_cut_but_hashed_whole),
		cmocka_unit_test(a_missing_path_is_not_found),
		cmocka_unit_test(commands_are_refused),
	};

	return cmocka_run_group_tests_name("deploy/still", tests, set_up, tear_down);
}

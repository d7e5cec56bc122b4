/* Which builder is chosen and what it is asked for; the engine is a stand-in, which the linker
 * takes instead of the room. */
#include "context_support.h"

static bool has_buildkit;
static struct build_request asked;
static unsigned builds;
static size_t context_bytes;
static bool broken;

bool engine_has_buildkit(struct engine *engine)
{
	(void)engine;
	return has_buildkit;
}

int engine_image(struct engine *engine, const char *ref, struct arena *memory,
		 struct image_config *out, struct err *error)
{
	(void)engine;
	if (broken)
		return err_set(error, ERR_INFRA, "engine went away");
	if (strcmp(ref, "absent:1") == 0)
		return err_set(error, ERR_NOTFOUND, "no such image");
	*out = (struct image_config){.id = arena_printf(memory, "id of %s", ref)};
	return 0;
}

int engine_build(struct engine *engine, const struct build_request *request, struct arena *memory,
		 struct build *out, struct err *error)
{
	const struct step step = {.number = 3};
	char data[1000];
	ssize_t n;

	(void)engine;
	(void)memory;
	builds++;
	asked = *request;
	context_bytes = 0;
	while ((n = request->read(request->payload, data, sizeof(data), error)) > 0)
		context_bytes += (size_t)n;
	if (n < 0 || broken)
		return n < 0 ? -1 : err_set(error, ERR_INFRA, "engine went away");
	request->log(request->payload, "Step 3", 6);
	request->progress(request->payload, &step);
	out->image_id = "sha256:made";
	return 0;
}

static void on_log(void *payload, const char *data, size_t len)
{
	buf_printf(payload, "[%.*s]", (int)len, data);
}

static void on_progress(void *payload, const struct step *step)
{
	buf_printf(payload, "(%u)", step->number);
}

static int reset(void **state)
{
	has_buildkit = false;
	asked = (struct build_request){0};
	builds = 0;
	broken = false;
	return setup(state);
}

static int build(const struct suite_image *image, struct build *out)
{
	const struct deploy_options options = {.tag = "assay/x:1", .no_cache = true};
	struct context *context = open_context("HEAD", image);
	int rc = deploy_build(NULL, context, image, &options, NULL, arena, out, &err);

	context_close(context);
	return rc;
}

static void assert_builder(const struct suite_image *image, bool buildkit)
{
	struct build out = {0};

	if (build(image, &out) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(asked.buildkit, buildkit);
}

static void assert_refused(const struct suite_image *image, const char *part)
{
	struct build out = {0};
	unsigned before = builds;

	assert_int_equal(build(image, &out), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(builds, before);
	assert_null(out.dockerfile);
	if (!strstr(err.msg, part))
		fail_msg("\"%s\" lacks \"%s\"", err.msg, part);
}

static void asks_for_what_the_suite_says(void **state)
{
	struct pair pair = {"A", "1"};
	const struct suite_image image = {.dockerfile = "docker/Dockerfile",
					  .context = "app",
					  .args = {&pair, 1},
					  .labels = {&pair, 1},
					  .target = "final",
					  .network = "host",
					  .timeout_ns = 77,
					  .pull = 1};
	struct build out = {.input_hash = "kept"};

	(void)state;
	make_repo("mkdir docker app && echo FROM x >docker/Dockerfile && echo x >app/x");
	assert_int_equal(build(&image, &out), 0);
	assert_string_equal(asked.dockerfile, ".assay.Dockerfile");
	assert_string_equal(asked.tag, "assay/x:1");
	assert_int_equal(asked.args.count, 1);
	assert_int_equal(asked.labels.count, 1);
	assert_string_equal(asked.target, "final");
	assert_string_equal(asked.network, "host");
	assert_true(asked.pull);
	assert_true(asked.no_cache);
	assert_int_equal(asked.timeout_ns, 77);
	assert_string_equal(out.dockerfile, "docker/Dockerfile");
	assert_string_equal(out.image_id, "sha256:made");
	assert_string_equal(out.input_hash, "kept");
	/* .assay.Dockerfile, .dockerignore and x: header and block each; two blocks end it */
	assert_int_equal(context_bytes, 3 * 1024 + 1024);
}

static void builds_without_network_unless_asked(void **state)
{
	const struct suite_image image = {.dockerfile = "Dockerfile", .context = "."};
	struct build out = {0};

	(void)state;
	make_repo("echo FROM x >Dockerfile");
	assert_int_equal(build(&image, &out), 0);
	assert_string_equal(asked.network, "none");
}

static void sends_the_whole_context_each_time(void **state)
{
	const struct suite_image image = {.dockerfile = "Dockerfile", .context = "."};
	const struct deploy_options options = {.tag = "t"};
	struct context *context;
	struct build out = {0};
	size_t first;

	(void)state;
	make_repo("echo FROM x >Dockerfile && head -c 5000 /dev/zero >zeros");
	context = open_context("HEAD", &image);
	assert_int_equal(deploy_build(NULL, context, &image, &options, NULL, arena, &out, &err), 0);
	first = context_bytes;
	assert_true(first > 5000);
	assert_int_equal(deploy_build(NULL, context, &image, &options, NULL, arena, &out, &err), 0);
	assert_int_equal(context_bytes, first);
	context_close(context);
}

static void spares_buildkit_the_ignored_dockerignore(void **state)
{
	const struct suite_image classic = {"Dockerfile", ".", .builder = SUITE_BUILDER_CLASSIC};
	const struct suite_image wanted = {"Dockerfile", ".", .builder = SUITE_BUILDER_BUILDKIT};

	(void)state;
	has_buildkit = true;
	make_repo("echo FROM x >Dockerfile && echo .dockerignore >.dockerignore");
	assert_builder(&classic, false);
	assert_int_equal(context_bytes, 2 * 1024 + 1024);
	assert_builder(&wanted, true);
	assert_int_equal(context_bytes, 1024 + 1024);
}

static void passes_log_and_progress_on(void **state)
{
	const struct suite_image image = {.dockerfile = "Dockerfile", .context = "."};
	const struct deploy_options options = {.tag = "t"};
	struct deploy_callbacks callbacks = {on_log, on_progress, NULL};
	struct context *context;
	struct build out = {0};
	struct buf seen;

	(void)state;
	make_repo("echo FROM x >Dockerfile");
	buf_init(&seen, 100);
	callbacks.payload = &seen;
	context = open_context("HEAD", &image);
	assert_int_equal(
		deploy_build(NULL, context, &image, &options, &callbacks, arena, &out, &err), 0);
	assert_string_equal(buf_str(&seen), "[Step 3](3)");
	buf_done(&seen);
	context_close(context);
}

static void takes_buildkit_where_it_is_needed_or_wanted(void **state)
{
	const char *secret = "id=a,env=A";
	const struct suite_image open = {"Dockerfile", ".", .builder = SUITE_BUILDER_AUTO};
	const struct suite_image wanted = {"Dockerfile", ".", .builder = SUITE_BUILDER_BUILDKIT};
	const struct suite_image classic = {"Dockerfile", ".", .builder = SUITE_BUILDER_CLASSIC};
	const struct suite_image secrets = {"Dockerfile", ".", .builder = SUITE_BUILDER_AUTO,
					    .secrets = {&secret, 1}};

	(void)state;
	has_buildkit = true;
	make_repo("echo FROM x >Dockerfile");
	assert_builder(&open, false);
	assert_builder(&wanted, true);
	assert_builder(&classic, false);
	assert_builder(&secrets, true);
	in_repo("echo 'RUN --mount=type=cache,target=/c true' >>Dockerfile && git commit -qam k");
	assert_builder(&open, true);
	assert_builder(&classic, false);
}

static void says_what_needs_buildkit_and_how_to_get_it(void **state)
{
	const char *secret = "id=a,env=A";
	const struct suite_image open = {"Dockerfile", ".", .builder = SUITE_BUILDER_AUTO};
	const struct suite_image wanted = {"Dockerfile", ".", .builder = SUITE_BUILDER_BUILDKIT};
	const struct suite_image classic = {"Dockerfile", ".", .builder = SUITE_BUILDER_CLASSIC,
					    .secrets = {&secret, 1}};
	const struct suite_image secrets = {"Dockerfile", ".", .builder = SUITE_BUILDER_AUTO,
					    .secrets = {&secret, 1}};

	(void)state;
	make_repo("echo FROM x >Dockerfile");
	assert_refused(&wanted, "image.builder \"buildkit\"");
	assert_refused(&secrets, "image.secrets needs BuildKit");
	assert_refused(&classic, "image.secrets need BuildKit");
	in_repo("printf 'FROM x\\n\\nRUN --mount=type=cache,target=/c true\\n' >Dockerfile && "
		"git commit -qam k");
	assert_refused(&open, "Dockerfile:3: RUN --mount needs BuildKit");
	assert_refused(&open, "install the docker-buildx");
}

static void keeps_an_engines_failure(void **state)
{
	const struct suite_image image = {.dockerfile = "Dockerfile", .context = "."};
	struct build out = {0};

	(void)state;
	make_repo("echo FROM x >Dockerfile");
	broken = true;
	assert_int_equal(build(&image, &out), -1);
	assert_int_equal(err.code, ERR_INFRA);
	assert_null(out.dockerfile);
}

static void gives_ids_of_the_bases_that_are_there(void **state)
{
	const char *refs[] = {"a:1", "absent:1", "b:2"};
	const struct strings list = {refs, 3};
	struct pairs out = {0};

	(void)state;
	assert_int_equal(deploy_bases(NULL, &list, arena, &out, &err), 0);
	assert_int_equal(out.count, 2);
	assert_string_equal(out.items[0].key, "a:1");
	assert_string_equal(out.items[0].value, "id of a:1");
	assert_string_equal(out.items[1].key, "b:2");
	broken = true;
	assert_int_equal(deploy_bases(NULL, &list, arena, &out, &err), -1);
	assert_int_equal(err.code, ERR_INFRA);
	assert_int_equal(out.count, 2);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, reset, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(asks_for_what_the_suite_says),
		TEST(builds_without_network_unless_asked),
		TEST(sends_the_whole_context_each_time),
		TEST(spares_buildkit_the_ignored_dockerignore),
		TEST(passes_log_and_progress_on),
		TEST(takes_buildkit_where_it_is_needed_or_wanted),
		TEST(says_what_needs_buildkit_and_how_to_get_it),
		TEST(keeps_an_engines_failure),
		TEST(gives_ids_of_the_bases_that_are_there),
	};

	return cmocka_run_group_tests_name("deploy/build", tests, NULL, NULL);
}

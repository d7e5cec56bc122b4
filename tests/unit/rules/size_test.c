/* Growth against the baseline. */
#include "rule_support.h"

#define MB ((uint64_t)1024 * 1024)

static struct facts before;

static void images(uint64_t was, uint64_t is)
{
	memset(&before, 0, sizeof(before));
	before.config = &w.config;
	before.size_bytes = was;
	w.input.before = &before;
	w.facts.size_bytes = is;
}

static void reports_a_jump_and_the_packages_behind_it(void **state)
{
	(void)state;
	images(400 * MB, 2800 * MB);
	dist("flask", "3");
	dist("torch", "2.8.0");
	w.facts.dists[1].files.size_bytes = 1600 * MB;
	assert_non_null(strstr(expect("size/grown")->actual, "torch +"));
}

static void daily_growth_is_clean(void **state)
{
	(void)state;
	images(400 * MB, 500 * MB);
	expect_clean();
	images(10 * MB, 40 * MB);
	expect_clean();
	images(500 * MB, 100 * MB);
	expect_clean();
}

static void reports_gpu_packages_in_an_image_that_had_none(void **state)
{
	struct dist *torch;

	(void)state;
	images(400 * MB, 410 * MB);
	dist("nvidia-cublas-cu12", "12.8");
	expect("size/gpu-packages");
	torch = arena_push(w.arena, &before.dists, &before.dist_count, sizeof(*torch));
	torch->name = torch->normalised = "torch";
	expect_clean();
}

static void notes_bytes_that_nobody_can_see(void **state)
{
	struct layer_size layer = {{2, 3, "RUN x"}, 900 * MB, 800 * MB};

	(void)state;
	w.facts.size_bytes = 1000 * MB;
	w.facts.layers = &layer;
	w.facts.layer_count = 1;
	assert_non_null(strstr(expect("size/hidden")->where, "RUN x"));
	layer.hidden_bytes = MB;
	expect_no("size/hidden");
}

static void notes_an_installers_cache(void **state)
{
	char *big = arena_alloc(w.arena, 2 * MB);

	(void)state;
	memset(big, 'x', 2 * MB - 1);
	image_file("/root/.cache/pip/http/a", 0644, big);
	open_image();
	expect("size/cache");
	expect_clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rule_test(reports_a_jump_and_the_packages_behind_it),
		rule_test(daily_growth_is_clean),
		rule_test(reports_gpu_packages_in_an_image_that_had_none),
		rule_test(notes_bytes_that_nobody_can_see),
		rule_test(notes_an_installers_cache),
	};

	return cmocka_run_group_tests_name("rules/size", tests, NULL, NULL);
}

#include "site/site.h"

#include "page_data.h"

static const struct site_frame frame = {.title = "report"};

static struct json *write_image(const struct site_image *page)
{
	struct json *data;
	struct buf out;

	buf_init(&out, SITE_PAGE_BYTES_MAX);
	site_image_write(page, &frame, &out);
	assert_false(out.truncated);
	assert_null(strstr(out.data, "<b>"));
	data = page_data(out.data);
	buf_done(&out);
	return data;
}

static void shows_layers_packages_and_gpu_code(void **state)
{
	struct fatbin_arch archs[] = {{.cc = 90, .kind = FATBIN_SASS}, {.cc = 120, .suffix = 'a'}};
	const struct binary with = {.device = {.archs = archs, .arch_count = 2}}, without = {0};
	struct library libraries[] = {
		{.path = "/lib/none.so", .binary = &without, .dist = SIZE_MAX},
		{.path = HOSTILE, .binary = &with, .dist = 0}};
	struct dist dist = {.name = "torch",
			    .normalised = "torch",
			    .version = "2.6.0",
			    .origin = {.layer = 2, .step_number = 4}};
	struct package package = {.name = "libc6", .version = "2.36", .source = "dpkg"};
	struct layer_size layer = {.origin = {.layer = 2, .step = HOSTILE}, .size_bytes = 7};
	const struct facts facts = {.image = HOSTILE,
				    .dists = &dist,
				    .dist_count = 1,
				    .packages = &package,
				    .package_count = 1,
				    .libraries = libraries,
				    .library_count = 2,
				    .layers = &layer,
				    .layer_count = 1};
	const struct site_image page = {.id = "sha256:abc", .facts = &facts};
	struct json *data = write_image(&page);
	const struct json *library;

	(void)state;
	assert_int_equal(json_size(json_get(data, "packages")), 2);
	assert_int_equal(json_int(item(json_get(data, "packages"), 0), "step", 0), 4);
	assert_null(json_get(item(json_get(data, "packages"), 1), "step"));
	assert_int_equal(json_int(item(json_get(data, "layers"), 0), "size_bytes", 0), 7);
	assert_int_equal(json_size(json_get(data, "libraries")), 1);
	library = item(json_get(data, "libraries"), 0);
	assert_string_equal(json_str(library, "owner", ""), "torch");
	assert_string_equal(json_str(item(json_get(library, "archs"), 1), "suffix", ""), "a");
	json_free(data);
}

static void never_shows_the_value_of_a_secret(void **state)
{
	const char *env[] = {"API_TOKEN=hunter2hunter2", "PATH=/usr/bin"};
	const struct image_config config = {.env = {env, 2}};
	const struct facts facts = {.image = "i", .config = &config};
	const struct site_image page = {.id = "sha256:abc", .facts = &facts};
	struct json *data = write_image(&page);
	const struct json *list = json_get(json_get(data, "config"), "env");

	(void)state;
	assert_string_equal(json_text(item(list, 0)), "API_TOKEN=***");
	assert_string_equal(json_text(item(list, 1)), "PATH=/usr/bin");
	json_free(data);
}

static void lists_images_with_their_pages(void **state)
{
	const struct site_image_row row = {.id = "sha256:abc", .commit = "c", .subject = HOSTILE};
	struct json *data;
	struct buf out;

	(void)state;
	buf_init(&out, SITE_PAGE_BYTES_MAX);
	site_images_write(&row, 1, &frame, &out);
	assert_null(strstr(out.data, "<b>"));
	data = page_data(out.data);
	assert_string_equal(json_str(item(json_get(data, "images"), 0), "page", ""),
			    "images/abc.html");
	json_free(data);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_layers_packages_and_gpu_code),
		cmocka_unit_test(never_shows_the_value_of_a_secret),
		cmocka_unit_test(lists_images_with_their_pages),
	};

	return cmocka_run_group_tests_name("site/image", tests, NULL, NULL);
}

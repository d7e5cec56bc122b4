#include "site/site_private.h"

#include "page_data.h"

static char *escaped(const char *text, struct buf *out)
{
	buf_init(out, 1024);
	site_put_text(out, text);
	return out->data;
}

static void escapes_what_html_reads(void **state)
{
	struct buf out;

	(void)state;
	assert_string_equal(escaped("<a href=\"x\">&'", &out),
			    "&#60;a href=&#34;x&#34;&#62;&#38;&#39;");
	buf_done(&out);
}

static void writes_controls_as_spaces_and_bad_bytes_as_replacement(void **state)
{
	struct buf out;

	(void)state;
	assert_string_equal(escaped("a\n\x1b\x7f\xff\xc3(é", &out),
			    "a   \xEF\xBF\xBD\xEF\xBF\xBD(é");
	buf_done(&out);
}

static void json_cannot_end_its_script_element(void **state)
{
	struct json *data = json_new_object();
	struct buf out;

	(void)state;
	json_add_str(data, "</script>", HOSTILE);
	buf_init(&out, 4096);
	site_put_json(data, &out);
	assert_null(strpbrk(out.data, "<>&"));
	json_free(data);
	buf_done(&out);
}

static void json_says_when_it_did_not_fit(void **state)
{
	struct json *data = json_new_object();
	struct buf out;

	(void)state;
	json_add_str(data, "key", "longer than the buffer");
	buf_init(&out, 8);
	site_put_json(data, &out);
	assert_true(out.truncated);
	json_free(data);
	buf_done(&out);
}

static void cuts_text_between_characters(void **state)
{
	struct json *data = json_new_object();

	(void)state;
	site_add_text(data, "fits", "éé", 4);
	site_add_text(data, "cut", "éé", 3);
	site_add_text(data, "none", NULL, 3);
	assert_string_equal(json_str(data, "fits", ""), "éé");
	assert_string_equal(json_str(data, "cut", ""), "é…");
	assert_null(json_get(data, "none"));
	json_free(data);
}

static void names_pages_safely(void **state)
{
	struct arena *arena = arena_new();
	const char *odd = site_run_path("../../etc/passwd", arena);

	(void)state;
	assert_string_equal(site_run_path("20261123T055100123Z-1f0c9a3b", arena),
			    "runs/20261123T055100123Z-1f0c9a3b.html");
	assert_string_equal(site_image_path("sha256:abc", arena), "images/abc.html");
	assert_null(strstr(odd, ".."));
	assert_int_equal(occurrences(odd, "/"), 1);
	assert_string_not_equal(odd, site_run_path("../../etc/passwe", arena));
	assert_null(strchr(site_run_path("a b\"<", arena), '<'));
	assert_null(strstr(site_run_path(".hidden", arena), "hidden"));
	arena_free(arena);
}

static void brings_every_file_that_pages_name(void **state)
{
	size_t count = 0;

	(void)state;
	for (const struct site_asset *asset = site_assets; asset->path; asset++, count++) {
		assert_true(asset->end > asset->data);
		assert_int_equal(strncmp(asset->path, "assets/", 7), 0);
		/* Text from outside is never parsed as HTML. */
		if (!strstr(asset->path, "chart.min")) {
			assert_null(strstr(asset->data, "innerHTML"));
			assert_null(strstr(asset->data, "document.write"));
			assert_null(strstr(asset->data, "eval("));
		}
	}
	assert_true(count >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_what_html_reads),
		cmocka_unit_test(writes_controls_as_spaces_and_bad_bytes_as_replacement),
		cmocka_unit_test(json_cannot_end_its_script_element),
		cmocka_unit_test(json_says_when_it_did_not_fit),
		cmocka_unit_test(cuts_text_between_characters),
		cmocka_unit_test(names_pages_safely),
		cmocka_unit_test(brings_every_file_that_pages_name),
	};

	return cmocka_run_group_tests_name("site/text", tests, NULL, NULL);
}

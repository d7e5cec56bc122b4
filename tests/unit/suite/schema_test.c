#include "fake_kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const struct json *at(const struct json *value, const char *key)
{
	value = json_get(value, key);
	if (!value)
		fail_msg("no \"%s\"", key);
	return value;
}

static const struct json *variant(const struct json *schema, const char *kind)
{
	const struct json *list = at(at(at(at(schema, "properties"), "checks"), "items"), "oneOf");

	for (const struct json *item = json_first(list); item; item = json_next(item))
		if (strcmp(json_str(at(at(item, "properties"), "kind"), "const", ""), kind) == 0)
			return item;
	fail_msg("no variant of %s", kind);
	return NULL;
}

static bool is_listed(const struct json *list, const char *word)
{
	for (const struct json *item = json_first(list); item; item = json_next(item))
		if (strcmp(json_text(item), word) == 0)
			return true;
	return false;
}

static void the_root_is_closed_and_versioned(void **state)
{
	struct json *schema = suite_schema(fake_lookup, fake_kinds, NULL);

	(void)state;
	assert_string_equal(json_str(schema, "$schema", ""),
			    "https://json-schema.org/draft/2020-12/schema");
	assert_false(json_bool(schema, "additionalProperties", true));
	assert_int_equal(json_int(at(at(schema, "properties"), "assay"), "const", 0), 1);
	assert_true(is_listed(at(schema, "required"), "assay"));
	assert_true(is_listed(at(schema, "required"), "name"));
	assert_true(is_listed(at(schema, "required"), "checks"));
	assert_false(is_listed(at(schema, "required"), "targets"));
	for (const struct field *field = suite_fields; field->name; field++)
		(void)at(at(schema, "properties"), field->name);
	for (const struct field *field = suite_image_fields; field->name; field++)
		(void)at(at(at(at(schema, "properties"), "image"), "properties"), field->name);
	json_free(schema);
}

static void a_kind_has_its_keys_and_the_common_ones_only(void **state)
{
	struct json *schema = suite_schema(fake_lookup, fake_kinds, NULL);
	const struct json *probe = variant(schema, "probe"), *plain = variant(schema, "plain");
	size_t common = 0;

	(void)state;
	for (const struct field *field = suite_check_fields; field->name; field++, common++) {
		(void)at(at(probe, "properties"), field->name);
		(void)at(at(plain, "properties"), field->name);
	}
	assert_int_equal(json_size(at(plain, "properties")), common);
	assert_int_equal(json_size(at(probe, "properties")), common + 6);
	assert_null(json_get(at(plain, "properties"), "path"));
	assert_false(json_bool(probe, "additionalProperties", true));
	assert_false(json_bool(plain, "additionalProperties", true));
	assert_int_equal(
		json_size(at(at(at(at(schema, "properties"), "checks"), "items"), "oneOf")), 2);
	json_free(schema);
}

static void what_is_required_is_required(void **state)
{
	struct json *schema = suite_schema(fake_lookup, fake_kinds, NULL);
	const struct json *probe = at(variant(schema, "probe"), "required");

	(void)state;
	assert_int_equal(json_size(probe), 3);
	assert_true(is_listed(probe, "name"));
	assert_true(is_listed(probe, "kind"));
	assert_true(is_listed(probe, "path"));
	assert_int_equal(json_size(at(variant(schema, "plain"), "required")), 2);
	json_free(schema);
}

static void bounds_and_defaults_are_told(void **state)
{
	struct json *schema = suite_schema(fake_lookup, fake_kinds, NULL);
	const struct json *count = at(at(variant(schema, "probe"), "properties"), "count");
	const struct json *timeout = at(at(variant(schema, "plain"), "properties"), "timeout");

	(void)state;
	assert_string_equal(json_str(count, "type", ""), "integer");
	assert_int_equal(json_int(count, "minimum", 0), 1);
	assert_int_equal(json_int(count, "maximum", 0), 10);
	assert_int_equal(json_int(count, "default", 0), 3);
	assert_string_equal(json_str(count, "description", ""), "how often");
	assert_string_equal(json_str(timeout, "default", ""), "60s");
	json_free(schema);
}

/* Every table row speaks for itself in help, schema and man page. */
static void every_key_has_a_sentence(void **state)
{
	const struct field *const tables[] = {suite_fields, suite_image_fields, suite_check_fields};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (const struct field *field = tables[i]; field->name; field++)
			if (!field->help || !*field->help)
				fail_msg("%s has no help", field->name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_root_is_closed_and_versioned),
		cmocka_unit_test(a_kind_has_its_keys_and_the_common_ones_only),
		cmocka_unit_test(what_is_required_is_required),
		cmocka_unit_test(bounds_and_defaults_are_told),
		cmocka_unit_test(every_key_has_a_sentence),
	};

	return cmocka_run_group_tests_name("suite/schema", tests, NULL, NULL);
}

#include "suite/suite_private.h"

#include <string.h>

/* What the loader asks of a name beyond its table. */
static void add_name(struct json *properties, const struct json *from, const char *pattern)
{
	struct json *name = json_add_object(properties, "name");

	for (const struct json *item = json_first(from); item; item = json_next(item))
		json_add_copy(name, json_key(item), item);
	json_add_str(name, "pattern", pattern);
	json_add_int(name, "maxLength", SUITE_NAME_MAX);
}

/* Move the members of one check variant together: the kind's keys, the common ones, the kind. */
static void add_variant(struct json *list, const char *kind, const struct field *fields)
{
	struct json *variant = json_add_object(list, NULL);
	struct json *own = json_new_object(), *common = json_new_object();
	struct json *properties, *required;
	const struct json *item;

	field_schema(fields, own);
	field_schema(suite_check_fields, common);
	json_add_str(variant, "title", kind);
	json_add_str(variant, "type", "object");
	json_add_bool(variant, "additionalProperties", false);
	properties = json_add_object(variant, "properties");
	for (item = json_first(json_get(common, "properties")); item; item = json_next(item)) {
		if (strcmp(json_key(item), "name") == 0)
			add_name(properties, item,
				 "^[^./@\\u0000-\\u001f\\u007f]"
				 "[^/@\\u0000-\\u001f\\u007f]*$");
		else if (!json_get(json_get(own, "properties"), json_key(item)) &&
			 strcmp(json_key(item), "kind") != 0)
			json_add_copy(properties, json_key(item), item);
	}
	for (item = json_first(json_get(own, "properties")); item; item = json_next(item))
		json_add_copy(properties, json_key(item), item);
	json_add_str(json_add_object(properties, "kind"), "const", kind);
	required = json_add_array(variant, "required");
	for (item = json_first(json_get(common, "required")); item; item = json_next(item))
		json_add_str(required, NULL, json_text(item));
	for (item = json_first(json_get(own, "required")); item; item = json_next(item))
		json_add_str(required, NULL, json_text(item));
	json_free(own);
	json_free(common);
}

struct json *suite_schema(suite_kind_lookup *lookup, const char *const *kinds, void *payload)
{
	struct json *schema = json_new_object(), *root = json_new_object();
	struct json *properties, *checks, *required;
	const struct json *item;

	field_schema(suite_fields, root);
	json_add_str(schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
	json_add_str(schema, "title", "Assay suite, version 1");
	json_add_str(schema, "type", "object");
	json_add_bool(schema, "additionalProperties", false);
	properties = json_add_object(schema, "properties");
	for (item = json_first(json_get(root, "properties")); item; item = json_next(item)) {
		if (strcmp(json_key(item), "checks") == 0 || strcmp(json_key(item), "assay") == 0)
			continue;
		if (strcmp(json_key(item), "name") == 0)
			add_name(properties, item, "^[A-Za-z0-9._-]+$");
		else
			json_add_copy(properties, json_key(item), item);
	}
	json_add_int(json_add_object(properties, "assay"), "const", SUITE_VERSION);
	checks = json_add_object(properties, "checks");
	json_add_str(checks, "type", "array");
	checks = json_add_array(json_add_object(checks, "items"), "oneOf");
	for (; *kinds; kinds++) {
		struct suite_kind kind;

		if (lookup(*kinds, &kind, payload))
			add_variant(checks, *kinds, kind.fields);
	}
	required = json_add_array(schema, "required");
	for (item = json_first(json_get(root, "required")); item; item = json_next(item))
		json_add_str(required, NULL, json_text(item));
	json_free(root);
	return schema;
}

#include "policy/policy_private.h"

#include "base/mem.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>

static const char *const verdicts[] = {"pass", "inconclusive", "infra", "fail", NULL};
static const char *const rights[] = {"attest", "waive", NULL};

static int check_words(const struct field_source *source, const char *path, const char *key,
		       const struct strings *words, const char *const *known, struct err *err)
{
	for (size_t i = 0; i < words->count; i++) {
		size_t k = 0;

		while (known[k] && strcmp(known[k], words->items[i]) != 0)
			k++;
		if (!known[k])
			return field_error(source, path, key, err,
					   "\"%s\" is none of %s, %s%s%s%s%s", words->items[i],
					   known[0], known[1], known[2] ? ", " : "",
					   known[2] ? known[2] : "", known[2] ? ", " : "",
					   known[2] ? known[3] : "");
	}
	return 0;
}

static int check_require(const struct field_source *source, const struct policy *policy,
			 struct err *err)
{
	const struct policy_require *list = policy->require.items;

	for (size_t i = 0; i < policy->require.count; i++)
		if (!list[i].check == !list[i].tag)
			return field_error(source, arena_printf(policy->arena, "require[%zu]", i),
					   NULL, err, "write either \"check\" or \"tag\"");
	return 0;
}

static int check_limits(const struct field_source *source, const struct policy *policy,
			struct err *err)
{
	const struct objects *const lists[] = {&policy->require, &policy->metrics, &policy->cells,
					       &policy->signers};
	static const char *const names[] = {"require", "metrics", "cells", "signers"};

	for (size_t i = 0; i < 4; i++)
		if (lists[i]->count > POLICY_ITEMS_MAX)
			return field_error(source, "", names[i], err, "%zu entries, at most %d",
					   lists[i]->count, POLICY_ITEMS_MAX);
	return 0;
}

static int check_ages(const struct field_source *source, const struct policy *policy,
		      struct err *err)
{
	for (size_t i = 0; i < policy->max_age.count; i++) {
		const struct pair *pair = &policy->max_age.items[i];
		uint64_t ns = 0;

		if (units_parse_duration(pair->value, &ns) < 0 || !ns)
			return field_error(source, "max_age", pair->key, err,
					   "\"%s\" is not a duration: write 30m or 720h",
					   pair->value);
	}
	return 0;
}

static int check_signers(const struct field_source *source, const struct policy *policy,
			 struct err *err)
{
	const struct policy_signer *list = policy->signers.items;

	for (size_t i = 0; i < policy->signers.count; i++)
		if (check_words(source, arena_printf(policy->arena, "signers[%zu]", i), "may",
				&list[i].may, rights, err) < 0)
			return -1;
	return 0;
}

/* First of all, since a newer format may change everything else. */
static int check_version(const struct field_source *source, const struct json *json,
			 struct err *err)
{
	double version = json_number(json_get(json, "policy"));

	if (json_type(json) == JSON_OBJECT && version > POLICY_VERSION)
		return field_error(source, "", "policy", err,
				   "this policy needs a newer assay: it is version %.15g, this one "
				   "reads version %d",
				   version, POLICY_VERSION);
	return 0;
}

static int load(const struct field_source *source, const struct json *json, struct policy *policy,
		struct err *err)
{
	struct policy_root root = {0};

	if (check_version(source, json, err) < 0)
		return -1;
	if (json_type(json) != JSON_OBJECT)
		return field_error(source, "", NULL, err, "expected an object, found %s",
				   json_type_name(json_type(json)));
	if (field_load(policy_fields, json, "", source, NULL, policy->arena, &root, err) < 0)
		return -1;
	root.policy.arena = policy->arena;
	root.policy.file = policy->file;
	memcpy(root.policy.hash, policy->hash, sizeof(policy->hash));
	*policy = root.policy;
	if (!policy->opens_on.count) {
		const char **pass = arena_push(policy->arena, &policy->opens_on.items,
					       &policy->opens_on.count, sizeof(*pass));
		*pass = "pass";
	}
	if (check_limits(source, policy, err) < 0 ||
	    check_words(source, "", "opens_on", &policy->opens_on, verdicts, err) < 0 ||
	    check_require(source, policy, err) < 0 || check_ages(source, policy, err) < 0)
		return -1;
	return check_signers(source, policy, err);
}

int policy_parse(const char *file, const char *text, size_t len, struct policy **out,
		 struct err *err)
{
	const struct field_source source = {file, text, len, false};
	struct policy *policy;
	struct json *json = NULL;
	int rc;

	if (len > POLICY_BYTES_MAX)
		return err_set(err, ERR_USAGE, "%s:1:1: larger than 1 MiB", file);
	if (json_parse_file(file, text, len, true, &json, err) < 0)
		return -1;
	policy = xcalloc(1, sizeof(*policy));
	policy->arena = arena_new();
	policy->file = arena_strdup(policy->arena, file);
	digest_of(text, len, policy->hash);
	rc = load(&source, json, policy, err);
	json_free(json);
	if (rc < 0) {
		policy_free(policy);
		return -1;
	}
	*out = policy;
	return 0;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	arena_free(policy->arena);
	free(policy);
}

void policy_freep(struct policy **policy)
{
	policy_free(*policy);
}

struct json *policy_schema(void)
{
	struct json *schema = json_new_object();

	json_add_str(schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
	json_add_str(schema, "title", "Assay policy of a gate, version 1");
	field_schema(policy_fields, schema);
	return schema;
}

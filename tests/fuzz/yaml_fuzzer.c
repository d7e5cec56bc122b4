/* YAML: any bytes give one bounded tree or one located error; what is read prints as JSON, and
 * every value of it has a place in the text. */
#include "base/yaml.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static size_t count(const struct json *value, unsigned depth)
{
	size_t sum = 1;

	must(depth < JSON_DEPTH_MAX);
	must(json_type(value) == JSON_OBJECT || json_type(value) == JSON_ARRAY ||
	     json_literal(value) != NULL);
	for (const struct json *child = json_first(value); child; child = json_next(child))
		sum += count(child, depth + 1);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct json *root = NULL, *again = NULL;
	struct err err = {0};
	struct buf printed;

	if (yaml_parse("f", text, size, &root, &err) < 0) {
		must(!root && err.code == ERR_USAGE && strncmp(err.msg, "f:", 2) == 0);
		return 0;
	}
	must(count(root, 0) <= YAML_NODES_MAX);
	must(yaml_locate(text, size, "a[0].b", "c") <= size);
	buf_init(&printed, JSON_BYTES_MAX);
	json_print(root, false, &printed);
	if (!printed.truncated)
		must(json_parse(buf_str(&printed), printed.len, false, &again, &err) == 0);
	buf_done(&printed);
	json_free(again);
	json_free(root);
	return 0;
}

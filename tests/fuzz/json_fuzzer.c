/* JSON and JSONC, by the first byte: any bytes give one bounded tree or one located error, what was
 * read prints as JSON that reads as the same, and a path's place is within the text. */
#include "fuzzer.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Everything that a reader may ask of VALUE. */
static void look(const struct json *value, unsigned depth)
{
	must(depth <= JSON_DEPTH_MAX);
	if (json_type(value) == JSON_STRING)
		must(json_text(value) != NULL);
	for (const struct json *child = json_first(value); child; child = json_next(child)) {
		const char *key = json_key(child);

		must((key != NULL) == (json_type(value) == JSON_OBJECT));
		must(!key || json_get(value, key) == child);
		look(child, depth + 1);
	}
}

static void print_again(const struct json *root, bool pretty)
{
	struct json *again = NULL;
	struct err err = {0};
	struct buf printed;

	buf_init(&printed, JSON_BYTES_MAX);
	json_print(root, pretty, &printed);
	must(json_parse(buf_str(&printed), printed.len, false, &again, &err) == 0);
	must(json_same(root, again));
	buf_done(&printed);
	json_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	struct json *root = NULL;
	struct err err = {0};

	if (!size)
		return 0;
	size--;
	if (json_parse_file("f", text, size, data[0] & 1, &root, &err) < 0) {
		must(!root && err.code == ERR_USAGE && strncmp(err.msg, "f:", 2) == 0);
		return 0;
	}
	look(root, 0);
	must(json_locate(text, size, "a[0].b", "c") <= size);
	print_again(root, data[0] & 2);
	json_free(root);
	return 0;
}

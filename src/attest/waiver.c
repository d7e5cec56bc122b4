#include "attest/attest_private.h"

#include "base/clock.h"

#include <string.h>

#define WAIVER_VERSION 1

void attest_waiver_seal(const struct policy_waiver *waiver, const struct sign_key *key,
			struct buf *out)
{
	struct json *json = json_new_object();
	char time[CLOCK_TEXT];

	json_add_int(json, "assay_waiver", WAIVER_VERSION);
	json_add_str(json, "check", waiver->check);
	json_add_str(json, "metric", waiver->metric);
	json_add_str(json, "label", waiver->label);
	json_add_str(json, "image", waiver->image);
	json_add_str(json, "reason", waiver->reason);
	json_add_str(json, "made", clock_rfc3339(waiver->made_ms, time, sizeof(time)));
	json_add_str(json, "expires", clock_rfc3339(waiver->expires_ms, time, sizeof(time)));
	attest__seal_json(ATTEST_WAIVER_TYPE, json, key, out);
}

static int fill(const struct json *json, struct arena *arena, struct policy_waiver *out,
		struct err *err)
{
	if (json_int(json, "assay_waiver", 0) != WAIVER_VERSION)
		return err_set(err, ERR_USAGE, "a waiver of another format than %d",
			       WAIVER_VERSION);
	out->check = arena_strdup(arena, json_str(json, "check", NULL));
	out->metric = arena_strdup(arena, json_str(json, "metric", NULL));
	out->label = arena_strdup(arena, json_str(json, "label", NULL));
	out->image = arena_strdup(arena, json_str(json, "image", NULL));
	out->reason = arena_strdup(arena, json_str(json, "reason", NULL));
	if (!out->check || !out->image)
		return err_set(err, ERR_USAGE, "a waiver without check or image");
	if (clock_parse_rfc3339(json_str(json, "made", ""), &out->made_ms) < 0 ||
	    clock_parse_rfc3339(json_str(json, "expires", ""), &out->expires_ms) < 0)
		return err_set(err, ERR_USAGE,
			       "a waiver without the times \"made\" and "
			       "\"expires\"");
	return 0;
}

int attest_waiver_read(const char *text, size_t len, const struct attest_trust *trust,
		       size_t trust_count, struct arena *arena, struct policy_waiver *out,
		       struct err *err)
{
	struct policy_waiver waiver = {0};
	struct attest_letter letter = {0};
	struct json *json = NULL;
	int rc;

	while (len && text[len - 1] == '\n')
		len--;
	if (attest_open(text, len, ATTEST_WAIVER_TYPE, "waive", trust, trust_count, arena, &letter,
			err) < 0 ||
	    json_parse(letter.payload, letter.payload_len, false, &json, err) < 0)
		return -1;
	rc = fill(json, arena, &waiver, err);
	json_free(json);
	if (rc < 0)
		return -1;
	waiver.signer = letter.signer;
	*out = waiver;
	return 0;
}

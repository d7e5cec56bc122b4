#include "attest/attest_private.h"

#include "model/run_json.h"

#include <stdio.h>
#include <string.h>

const char *attest__hex(const char *digest)
{
	return digest && strncmp(digest, "sha256:", 7) == 0 ? digest + 7 : digest;
}

void attest_chain_add(char head[DIGEST_HEX], const struct attest_record *record)
{
	struct digest *digest = digest_new();
	char counts[64];

	(void)snprintf(counts, sizeof(counts), "%u %u %u", record->passed, record->failed,
		       record->other);
	digest_add_field(digest, head);
	digest_add_field(digest, record->id);
	digest_add_field(digest, record->started_at);
	digest_add_field(digest, record->suite);
	digest_add_field(digest, record->commit);
	digest_add_field(digest, record->verdict);
	digest_add_field(digest, record->reason);
	digest_add_field(digest, record->image_id);
	digest_add_field(digest, counts);
	digest_final(digest, head);
}

void attest_run_digest(const struct run *run, char out[DIGEST_HEX])
{
	struct json *json = run_to_json(run);
	struct buf text;

	buf_init(&text, JSON_BYTES_MAX);
	json_print(json, false, &text);
	json_free(json);
	digest_of(buf_str(&text), text.len, out);
	buf_done(&text);
}

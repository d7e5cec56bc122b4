/* Bundles and waivers: any bytes are refused with a reason, unless they were signed. */
#include "attest/attest.h"
#include "fuzzer.h"

#include <stdlib.h>
#include <string.h>

/* The key of RFC 8032, test 2, with which the corpus was signed. */
static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
			  "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
			  "-----END PRIVATE KEY-----\n";

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* The payload itself is what a stranger cannot reach without the key: sign it for him. */
static void read_payload(const char *text, size_t len, const struct attest_expect *expect,
			 const struct attest_trust *trust, struct arena *arena)
{
	struct attest_verdict verdict;
	struct attest_letter letter;
	struct policy_waiver waiver;
	struct err err = {0};
	struct buf sealed;

	buf_init(&sealed, ATTEST_BUNDLE_MAX);
	attest_seal(ATTEST_STATEMENT_TYPE, text, len, trust->key, &sealed);
	must(attest_open(buf_str(&sealed), sealed.len, ATTEST_STATEMENT_TYPE, "attest", trust, 1,
			 arena, &letter, &err) == 0);
	must(letter.payload_len == len && memcmp(letter.payload, text, len) == 0);
	buf_addstr(&sealed, "\n");
	attest_verify(buf_str(&sealed), sealed.len, expect, trust, 1, arena, &verdict);
	must(!verdict.open && verdict.reasons.count); /* no facts */
	sealed.len = 0;
	attest_seal(ATTEST_WAIVER_TYPE, text, len, trust->key, &sealed);
	if (attest_waiver_read(buf_str(&sealed), sealed.len, trust, 1, arena, &waiver, &err) == 0)
		must(waiver.check && waiver.image && waiver.signer);
	buf_done(&sealed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *rights[] = {"attest", "waive"};
	static struct policy policy = {.attested_ns = UINT64_C(1) << 60};
	const struct attest_expect expect = {
		.policy = &policy,
		.subject = {NULL, NULL, "sha256:aaaa", NULL},
		.now_ms = INT64_C(1795435200000),
	};
	struct attest_trust trust = {.name = "ci", .may = {rights, 2}};
	struct arena *arena = arena_new();
	struct attest_verdict verdict;
	struct err err = {0};

	must(sign_key_parse(pem, strlen(pem), &trust.key, &err) == 0);
	attest_verify((const char *)data, size, &expect, &trust, 1, arena, &verdict);
	must(verdict.open == !verdict.reasons.count);
	read_payload((const char *)data, size, &expect, &trust, arena);
	sign_key_free(trust.key);
	arena_free(arena);
	return 0;
}

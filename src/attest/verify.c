/* Reading a bundle: whatever does not fit is a reason not to deploy. */
#include "attest/attest_private.h"

#include "base/clock.h"
#include "base/units.h"

#include <stdio.h>
#include <string.h>

struct reader {
	const struct attest_expect *expect;
	struct arena *arena;
	struct attest_verdict *out;
	struct strings facts; /* digests of the envelopes before the decision */
};

static void refuse(const struct reader *reader, const char *word, const char *text)
{
	struct strings *list = &reader->out->reasons;

	*(const char **)arena_push(reader->arena, &list->items, &list->count, sizeof(char *)) =
		arena_printf(reader->arena, "%s: %s", word, text);
}

static const char *text_at(const struct json *object, const char *outer, const char *key)
{
	return json_str(json_get(object, outer), key, NULL);
}

static const char *digest_at(const struct json *object, const char *algorithm)
{
	return text_at(object, "digest", algorithm);
}

/* --- the subject ----------------------------------------------------------------------------- */

/* 1 when NAME(S) of the subject with DIGEST, 0 not, -1 when DIGEST is not known. */
static int names_digest(const struct json *statement, const char *digest)
{
	const struct json *item = json_first(json_get(statement, "subject"));

	if (!digest)
		return -1;
	for (; item; item = json_next(item)) {
		const char *hex = digest_at(item, "sha256");

		if (hex && strcmp(hex, attest__hex(digest)) == 0)
			return 1;
	}
	return 0;
}

static bool is_of_subject(const struct reader *reader, const struct json *statement)
{
	const struct attest_subject *subject = &reader->expect->subject;
	int manifest = names_digest(statement, subject->manifest);
	int image = names_digest(statement, subject->image_id);

	return manifest && image && (manifest > 0 || image > 0);
}

/* --- the decision ---------------------------------------------------------------------------- */

static void check_time(const struct reader *reader, const struct json *predicate)
{
	const char *text = json_str(predicate, "timeVerified", "");
	int64_t now = reader->expect->now_ms, made = 0;

	if (clock_parse_rfc3339(text, &made) < 0) {
		refuse(reader, "format", "the decision has no time");
		return;
	}
	reader->out->time = arena_strdup(reader->arena, text);
	if (made > now + POLICY_SKEW_MS)
		refuse(reader, "future", arena_printf(reader->arena, "decided at %s", text));
	else if (now - made > (int64_t)(reader->expect->policy->attested_ns / NS_PER_MS))
		refuse(reader, "expired",
		       arena_printf(reader->arena,
				    "decided at %s, which the policy holds for %.6g hours", text,
				    (double)reader->expect->policy->attested_ns / 3600e9));
}

/* "assay:history/SUITE#RECORDS". */
static void check_history(const struct reader *reader, const char *uri, const char *hex)
{
	const struct attest_expect *expect = reader->expect;
	const char *suite = uri + strlen("assay:history/"), *mark = strrchr(suite, '#');
	char head[DIGEST_HEX] = "";
	struct err why = {0};
	int64_t records = 0;

	if (!expect->history)
		return;
	if (!mark || units_parse_int(mark + 1, 0, INT32_MAX, &records) < 0) {
		refuse(reader, "format", "a history without a number of records");
		return;
	}
	suite = arena_strndup(reader->arena, suite, (size_t)(mark - suite));
	if (expect->history(expect->payload, suite, (size_t)records, head, &why) < 0)
		refuse(reader, "history", arena_strdup(reader->arena, why.msg));
	else if (!hex || strcmp(head, hex) != 0)
		refuse(reader, "history",
		       arena_printf(reader->arena,
				    "the first %lld records of suite %s are not those of the "
				    "decision: one was changed or taken away",
				    (long long)records, suite));
}

/* Facts and histories that went into the decision, in order and all of them. */
static void check_inputs(const struct reader *reader, const struct json *predicate)
{
	const struct json *item = json_first(json_get(predicate, "inputAttestations"));
	size_t facts = 0;

	for (; item; item = json_next(item)) {
		const char *uri = json_str(item, "uri", ""), *hex = digest_at(item, "sha256");

		if (strncmp(uri, "assay:history/", 14) == 0) {
			check_history(reader, uri, hex);
			continue;
		}
		if (facts >= reader->facts.count || !hex ||
		    strcmp(reader->facts.items[facts], hex) != 0) {
			refuse(reader, "incomplete",
			       "the facts in the bundle are not those of the decision");
			return;
		}
		facts++;
	}
	if (facts != reader->facts.count)
		refuse(reader, "incomplete", "the decision does not know all facts in the bundle");
	if (!facts)
		refuse(reader, "incomplete", "the decision rests on no facts");
}

static void check_decision(const struct reader *reader, const struct json *statement)
{
	const struct json *predicate = json_get(statement, "predicate");
	const char *policy = digest_at(json_get(predicate, "policy"), "sha256");
	const char *verifier = text_at(predicate, "verifier", "id");
	const char *result = json_str(predicate, "verificationResult", "");

	if (!verifier || strcmp(verifier, ATTEST_VERIFIER) != 0)
		refuse(reader, "format", "decided by another verifier than " ATTEST_VERIFIER);
	if (!policy || strcmp(policy, reader->expect->policy->hash) != 0)
		refuse(reader, "other-policy", "decided by another policy than this file");
	check_time(reader, predicate);
	check_inputs(reader, predicate);
	if (strcmp(result, "FAILED") == 0)
		refuse(reader, "closed", "the gate was closed for this image");
	else if (strcmp(result, "PASSED") != 0)
		refuse(reader, "format", "the decision has no result");
}

/* --- facts ----------------------------------------------------------------------------------- */

/* What is recorded of the run now must be what was attested. */
static void check_facts(const struct reader *reader, const struct json *statement)
{
	const struct attest_expect *expect = reader->expect;
	const struct json *predicate = json_get(statement, "predicate");
	const struct json *item = json_first(json_get(predicate, "configuration"));
	const char *url = json_str(predicate, "url", ""), *hex = NULL;
	char now[DIGEST_HEX];
	struct err why = {0};

	if (!expect->run)
		return;
	for (; item; item = json_next(item))
		if (strcmp(json_str(item, "name", ""), "raw-result") == 0)
			hex = digest_at(item, "sha256");
	if (strncmp(url, "assay:run/", 10) != 0 || !hex)
		refuse(reader, "format", "facts without a run");
	else if (expect->run(expect->payload, url + 10, now, &why) < 0)
		refuse(reader, "history", arena_strdup(reader->arena, why.msg));
	else if (strcmp(now, hex) != 0)
		refuse(reader, "history",
		       arena_printf(reader->arena, "run %s is not as it was attested", url + 10));
}

/* --- the bundle ------------------------------------------------------------------------------ */

static int read_statement(struct reader *reader, const char *line, size_t len, bool last,
			  const struct attest_trust *trust, size_t trust_count, struct err *err)
{
	const char *wanted = last ? ATTEST_DECISION : ATTEST_FACTS;
	struct attest_letter letter = {0};
	struct json *statement = NULL;
	int rc = 0;

	if (attest_open(line, len, ATTEST_STATEMENT_TYPE, "attest", trust, trust_count,
			reader->arena, &letter, err) < 0 ||
	    json_parse(letter.payload, letter.payload_len, false, &statement, err) < 0)
		return -1;
	if (strcmp(json_str(statement, "_type", ""), STATEMENT_TYPE) != 0)
		rc = err_set(err, ERR_USAGE, "not an in-toto Statement of version 1");
	else if (strcmp(json_str(statement, "predicateType", ""), wanted) != 0)
		rc = err_set(err, ERR_USAGE, "expected %s, found %.100s", wanted,
			     json_str(statement, "predicateType", "none"));
	else if (!is_of_subject(reader, statement))
		refuse(reader, "other-image", "attested for another image than this one");
	else if (last)
		check_decision(reader, statement);
	else
		check_facts(reader, statement);
	if (rc == 0)
		reader->out->signer = letter.signer;
	json_free(statement);
	return rc;
}

static void add_fact(struct reader *reader, const char *line, size_t len)
{
	char hex[DIGEST_HEX];

	digest_of(line, len, hex);
	*(const char **)arena_push(reader->arena, &reader->facts.items, &reader->facts.count,
				   sizeof(char *)) = arena_strdup(reader->arena, hex);
}

void attest_verify(const char *text, size_t len, const struct attest_expect *expect,
		   const struct attest_trust *trust, size_t trust_count, struct arena *arena,
		   struct attest_verdict *out)
{
	struct reader reader = {.expect = expect, .arena = arena, .out = out};
	size_t lines = 0;

	*out = (struct attest_verdict){0};
	if (!len || len > ATTEST_BUNDLE_MAX || text[len - 1] != '\n') {
		refuse(&reader, "format",
		       len ? "not a bundle of attestations: one envelope a line"
			   : "nothing is there");
		return;
	}
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t line = (size_t)(end - text);
		struct err why = {0};
		bool last = line + 1 == len;

		if (++lines > ATTEST_ENVELOPES_MAX ||
		    read_statement(&reader, text, line, last, trust, trust_count, &why) < 0) {
			refuse(&reader, "untrusted",
			       lines > ATTEST_ENVELOPES_MAX ? "too many envelopes"
							    : arena_strdup(arena, why.msg));
			return;
		}
		add_fact(&reader, text, line);
		text = end + 1;
		len -= line + 1;
	}
	out->open = out->reasons.count == 0;
}

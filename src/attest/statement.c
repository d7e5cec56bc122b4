/* What is attested: facts of runs, and the decision over them. */
#include "attest/attest_private.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

static void add_digest(struct json *parent, const char *algorithm, const char *hex)
{
	json_add_str(json_add_object(parent, "digest"), algorithm, hex);
}

static void add_subjects(struct json *statement, const struct attest_subject *subject)
{
	struct json *list = json_add_array(statement, "subject"), *item;

	if (subject->manifest) {
		item = json_add_object(list, NULL);
		json_add_str(item, "name", subject->name ? subject->name : "manifest");
		add_digest(item, "sha256", attest__hex(subject->manifest));
	}
	if (subject->image_id) {
		item = json_add_object(list, NULL);
		json_add_str(item, "name", "image-id");
		add_digest(item, "sha256", attest__hex(subject->image_id));
	}
}

static struct json *statement_of(const struct attest_case *attested, const char *predicate)
{
	struct json *statement = json_new_object();

	json_add_str(statement, "_type", STATEMENT_TYPE);
	add_subjects(statement, &attested->subject);
	json_add_str(statement, "predicateType", predicate);
	return statement;
}

/* --- facts ----------------------------------------------------------------------------------- */

/* NULL HEX: the thing is not known, and not named. */
static struct json *add_resource(struct json *list, const char *name, const char *uri,
				 const char *algorithm, const char *hex)
{
	struct json *item;

	if (!hex)
		return NULL;
	item = json_add_object(list, NULL);
	json_add_str(item, "name", name);
	json_add_str(item, "uri", uri);
	add_digest(item, algorithm, hex);
	return item;
}

/* What the run was made with; the digest is over the same pairs. */
static void add_machine(struct json *list, const struct run *run)
{
	struct digest *digest = digest_new();
	char hex[DIGEST_HEX];
	struct json *notes;

	for (size_t i = 0; i < run->environment.count; i++) {
		digest_add_field(digest, run->environment.items[i].key);
		digest_add_field(digest, run->environment.items[i].value);
	}
	digest_final(digest, hex);
	notes = json_add_object(add_resource(list, "machine", NULL, "sha256", hex), "annotations");
	for (size_t i = 0; i < run->environment.count; i++)
		json_add_str(notes, run->environment.items[i].key, run->environment.items[i].value);
}

static void add_configuration(struct json *predicate, const struct attest_case *attested,
			      const struct run *run)
{
	struct json *list = json_add_array(predicate, "configuration"), *item;
	char hex[DIGEST_HEX];

	add_resource(list, "suite", run->suite_file, "sha256", run->suite_hash);
	add_resource(list, "policy", attested->policy->file, "sha256", attested->policy->hash);
	add_resource(list, "source", NULL, "gitCommit", run->commit.hash);
	add_resource(list, "tree", NULL, "gitTree", run->commit.tree);
	add_resource(list, "harness", "assay:" ASSAY_VERSION, "sha256", attested->harness);
	attest_run_digest(run, hex);
	item = add_resource(list, "raw-result", NULL, "sha256", hex);
	json_add_str(item, "mediaType", FACTS_MEDIA_TYPE);
	for (size_t i = 0; i < run->build.bases.count; i++)
		add_resource(list, "base-image", run->build.bases.items[i].key, "sha256",
			     attest__hex(run->build.bases.items[i].value));
	add_machine(list, run);
}

static void add_tests(struct json *predicate, const char *key, const struct run *run,
		      bool (*wanted)(const struct case_result *result))
{
	struct json *list = json_add_array(predicate, key);

	for (size_t i = 0; i < run->case_count; i++)
		if (wanted(&run->cases[i]))
			json_add_str(list, NULL, run->cases[i].name);
}

static bool has_passed(const struct case_result *result)
{
	return result->outcome == OUTCOME_PASS && case_verdict(result) == VERDICT_PASS;
}

static bool has_failed(const struct case_result *result)
{
	return case_verdict(result) == VERDICT_FAIL;
}

/* Skipped, broken, not run: nothing was found, in either direction; or a failure that is excused.
 */
static bool is_undecided(const struct case_result *result)
{
	return !has_passed(result) && !has_failed(result);
}

static struct json *facts_of(const struct attest_case *attested, const struct run *run)
{
	struct json *statement = statement_of(attested, ATTEST_FACTS);
	struct json *predicate = json_add_object(statement, "predicate");
	const char *result = run->verdict == VERDICT_PASS	    ? "PASSED"
			     : run->verdict == VERDICT_INCONCLUSIVE ? "WARNED"
								    : "FAILED";
	char url[256];

	(void)snprintf(url, sizeof(url), "assay:run/%s", run->id);
	json_add_str(predicate, "result", result);
	json_add_str(predicate, "url", url);
	add_configuration(predicate, attested, run);
	add_tests(predicate, "passedTests", run, has_passed);
	add_tests(predicate, "warnedTests", run, is_undecided);
	add_tests(predicate, "failedTests", run, has_failed);
	return statement;
}

/* --- the decision ---------------------------------------------------------------------------- */

static void add_histories(struct json *list, const struct attest_case *attested)
{
	for (size_t i = 0; i < attested->history_count; i++) {
		const struct attest_history *history = &attested->histories[i];
		struct json *item;
		char uri[400];

		(void)snprintf(uri, sizeof(uri), "assay:history/%s#%zu", history->suite,
			       history->records);
		item = json_add_object(list, NULL);
		json_add_str(item, "uri", uri);
		add_digest(item, "sha256", history->head);
	}
}

static struct json *decision_of(const struct attest_case *attested, const struct strings *facts)
{
	struct json *statement = statement_of(attested, ATTEST_DECISION);
	struct json *predicate = json_add_object(statement, "predicate"), *item, *list;
	const struct attest_subject *subject = &attested->subject;
	char time[CLOCK_TEXT], uri[700];

	item = json_add_object(predicate, "verifier");
	json_add_str(item, "id", ATTEST_VERIFIER);
	json_add_str(predicate, "timeVerified",
		     clock_rfc3339(attested->now_ms, time, sizeof(time)));
	(void)snprintf(uri, sizeof(uri), "oci://%s@%s", subject->name ? subject->name : "local",
		       subject->manifest ? subject->manifest : subject->image_id);
	json_add_str(predicate, "resourceUri", uri);
	item = json_add_object(predicate, "policy");
	json_add_str(item, "uri", attested->policy->file);
	add_digest(item, "sha256", attested->policy->hash);
	list = json_add_array(predicate, "inputAttestations");
	for (size_t i = 0; i < facts->count; i++) {
		item = json_add_object(list, NULL);
		json_add_str(item, "uri", "assay:facts");
		add_digest(item, "sha256", facts->items[i]);
	}
	add_histories(list, attested);
	json_add_str(predicate, "verificationResult",
		     attested->decision->open ? "PASSED" : "FAILED");
	list = json_add_array(predicate, "verifiedLevels");
	json_add_str(list, NULL,
		     attested->decision->open ? "SLSA_BUILD_LEVEL_UNEVALUATED" : "FAILED");
	json_add_str(predicate, "slsaVersion", "1.0");
	return statement;
}

/* A commit may have been built more than once: a run says nothing of another image. */
static bool is_of_image(const struct run *run, const struct attest_subject *subject)
{
	const char *id = run->build.image_id;
	const char *wanted = subject->recorded ? subject->recorded : subject->image_id;

	return id && wanted && strcmp(attest__hex(id), attest__hex(wanted)) == 0;
}

int attest_bundle(const struct attest_case *attested, const struct sign_key *key, struct buf *out,
		  struct err *err)
{
	struct arena *arena = arena_new();
	struct strings facts = {0};
	size_t start;

	for (size_t i = 0; i < attested->decision->run_count; i++) {
		const struct run *run = attested->decision->runs[i];
		struct json *statement;
		char hex[DIGEST_HEX];

		if (!is_of_image(run, &attested->subject)) {
			if (!attested->decision->open)
				continue;
			arena_free(arena);
			return err_set(err, ERR_USAGE,
				       "the decision rests on run %s of another image: gate one "
				       "image",
				       run->id);
		}
		statement = facts_of(attested, run);
		start = out->len;
		attest__seal_json(ATTEST_STATEMENT_TYPE, statement, key, out);
		digest_of(buf_str(out) + start, out->len - start, hex);
		buf_addstr(out, "\n");
		*(const char **)arena_push(arena, &facts.items, &facts.count, sizeof(char *)) =
			arena_strdup(arena, hex);
	}
	attest__seal_json(ATTEST_STATEMENT_TYPE, decision_of(attested, &facts), key, out);
	buf_addstr(out, "\n");
	arena_free(arena);
	if (out->truncated || attested->decision->run_count >= ATTEST_ENVELOPES_MAX)
		return err_set(err, ERR_LIMIT, "the attestation of %zu runs is too large",
			       attested->decision->run_count);
	return 0;
}

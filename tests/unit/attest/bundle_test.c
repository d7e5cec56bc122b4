#include "scene.h"

static void refused(const struct scene *scene, const char *why)
{
	struct attest_verdict verdict =
		scene_verify(scene, buf_str(&scene->bundle), scene->bundle.len);

	assert_false(verdict.open);
	assert_true(verdict.reasons.count > 0);
	for (size_t i = 0; i < verdict.reasons.count; i++)
		if (strstr(verdict.reasons.items[i], why))
			return;
	fail_msg("expected \"%s\" in: %s", why, verdict.reasons.items[0]);
}

static void what_was_sealed_opens(void **state)
{
	struct scene *scene = scene_new();
	struct attest_verdict verdict =
		scene_verify(scene, buf_str(&scene->bundle), scene->bundle.len);

	(void)state;
	assert_true(scene->decision.open);
	if (!verdict.open)
		fail_msg("%s", verdict.reasons.items[0]);
	assert_string_equal(verdict.signer, "ci");
	assert_string_equal(verdict.time, "2026-11-23T12:00:00.000Z");
	scene_free(scene);
}

static void one_digest_of_the_subject_is_enough(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	scene->expect.subject.manifest = NULL;
	assert_true(scene_verify(scene, buf_str(&scene->bundle), scene->bundle.len).open);
	scene->expect.subject = (struct attest_subject){.manifest = SCENE_MANIFEST};
	assert_true(scene_verify(scene, buf_str(&scene->bundle), scene->bundle.len).open);
	scene_free(scene);
}

static void a_replay_for_another_digest_is_refused(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	scene->expect.subject.manifest = SCENE_OTHER;
	refused(scene, "other-image: attested for another image");
	scene->expect.subject.manifest = SCENE_MANIFEST;
	scene->expect.subject.image_id = SCENE_OTHER;
	refused(scene, "other-image");
	scene->expect.subject = (struct attest_subject){0};
	refused(scene, "other-image");
	scene_free(scene);
}

static void a_closed_gate_stays_closed(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	scene->run->cases[0].outcome = OUTCOME_FAIL;
	scene_decide(scene);
	scene_seal(scene, scene->key);
	refused(scene, "closed: the gate was closed for this image");
	scene_free(scene);
}

static void old_and_future_decisions_are_refused(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	scene->expect.now_ms = SCENE_NOW_MS + INT64_C(25) * 3600000;
	refused(scene, "expired: decided at 2026-11-23T12:00:00.000Z, which the policy holds for "
		       "24 hours");
	scene->expect.now_ms = SCENE_NOW_MS - INT64_C(3600000);
	refused(scene, "future");
	scene_free(scene);
}

static void keys_that_are_not_trusted_are_refused(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	scene_seal(scene, scene->stranger);
	refused(scene, "untrusted: signed with a key that the policy does not trust");
	scene_seal(scene, scene->waiver);
	refused(scene, "untrusted: the key of ada may not attest");
	scene_free(scene);
}

static void unsigned_and_empty_bundles_are_refused(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	scene->bundle.len = 0;
	refused(scene, "format: nothing is there");
	buf_addstr(&scene->bundle, "{\"payload\":\"e30=\",\"payloadType\":\"" ATTEST_STATEMENT_TYPE
				   "\",\"signatures\":[]}\n");
	refused(scene, "untrusted: not signed");
	scene->bundle.len = 0;
	buf_addstr(&scene->bundle, "{\"verificationResult\":\"PASSED\"}\n");
	refused(scene, "untrusted: not a DSSE envelope");
	scene_free(scene);
}

/* A signature that fits, from another run of the same envelope, with other white space. */
static void another_way_to_write_the_same_is_refused(void **state)
{
	struct scene *scene = scene_new();
	struct buf spaced;

	(void)state;
	buf_init(&spaced, ATTEST_BUNDLE_MAX);
	buf_addstr(&spaced, "{ ");
	buf_add(&spaced, buf_str(&scene->bundle) + 1, scene->bundle.len - 1);
	scene->bundle.len = 0;
	buf_add(&scene->bundle, spaced.data, spaced.len);
	buf_done(&spaced);
	refused(scene, "not as it was written");
	scene_free(scene);
}

static void facts_that_are_taken_away_show(void **state)
{
	struct scene *scene = scene_new();
	size_t first = strcspn(buf_str(&scene->bundle), "\n") + 1;

	(void)state;
	buf_consume(&scene->bundle, first);
	refused(scene, "incomplete");
	scene_free(scene);
}

static void a_record_that_is_withheld_shows(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	scene->rows[1] = scene->rows[2]; /* the failing run is gone */
	refused(scene, "history: the first 3 records of suite s are not those of the decision");
	scene->expect.history = NULL; /* who does not see the history cannot see that */
	assert_true(scene_verify(scene, buf_str(&scene->bundle), scene->bundle.len).open);
	scene_free(scene);
}

static void a_run_that_was_changed_shows(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	scene->run->cases[0].actual = "sm_121";
	refused(scene, "history: run 20261123T110000000Z-00000000 is not as it was attested");
	scene->run->id = "gone";
	refused(scene, "history: no run 20261123T110000000Z-00000000");
	scene_free(scene);
}

static void a_run_of_another_image_is_not_attested(void **state)
{
	struct scene *scene = scene_new();
	const struct attest_case attested = {.policy = scene->policy,
					     .decision = &scene->decision,
					     .subject = {NULL, NULL, SCENE_OTHER, NULL},
					     .now_ms = SCENE_NOW_MS};
	struct err err = {0};

	(void)state;
	scene->bundle.len = 0;
	assert_int_equal(attest_bundle(&attested, scene->key, &scene->bundle, &err), -1);
	assert_non_null(strstr(err.msg, "of another image"));
	scene_free(scene);
}

static void another_policy_is_refused(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	scene->policy->hash[0] = scene->policy->hash[0] == '0' ? '1' : '0';
	refused(scene, "other-policy");
	scene_free(scene);
}

static void a_waiver_is_good_when_signed_by_who_may(void **state)
{
	struct scene *scene = scene_new();
	struct policy_waiver waiver = {.check = "arch",
				       .label = "arch/missing-sm",
				       .image = SCENE_IMAGE,
				       .reason = "known, ticket 7",
				       .made_ms = SCENE_NOW_MS,
				       .expires_ms = SCENE_NOW_MS + 1000},
			     read = {0};
	struct err err = {0};
	struct buf text;

	(void)state;
	buf_init(&text, ATTEST_ENVELOPE_MAX);
	attest_waiver_seal(&waiver, scene->waiver, &text);
	assert_int_equal(attest_waiver_read(buf_str(&text), text.len, scene->trust, 2, scene->arena,
					    &read, &err),
			 0);
	assert_string_equal(read.check, "arch");
	assert_null(read.metric);
	assert_string_equal(read.signer, "ada");
	assert_int_equal(read.expires_ms, waiver.expires_ms);
	text.len = 0;
	attest_waiver_seal(&waiver, scene->key, &text);
	assert_int_equal(attest_waiver_read(buf_str(&text), text.len, scene->trust, 2, scene->arena,
					    &read, &err),
			 -1);
	assert_non_null(strstr(err.msg, "the key of ci may not waive"));
	buf_done(&text);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_sealed_opens),
		cmocka_unit_test(one_digest_of_the_subject_is_enough),
		cmocka_unit_test(a_replay_for_another_digest_is_refused),
		cmocka_unit_test(a_closed_gate_stays_closed),
		cmocka_unit_test(old_and_future_decisions_are_refused),
		cmocka_unit_test(keys_that_are_not_trusted_are_refused),
		cmocka_unit_test(unsigned_and_empty_bundles_are_refused),
		cmocka_unit_test(another_way_to_write_the_same_is_refused),
		cmocka_unit_test(facts_that_are_taken_away_show),
		cmocka_unit_test(a_record_that_is_withheld_shows),
		cmocka_unit_test(a_run_that_was_changed_shows),
		cmocka_unit_test(a_run_of_another_image_is_not_attested),
		cmocka_unit_test(another_policy_is_refused),
		cmocka_unit_test(a_waiver_is_good_when_signed_by_who_may),
	};

	return cmocka_run_group_tests_name("attest/bundle", tests, NULL, NULL);
}

/* An image that may be deployed, by a policy, one run and a key; shared by this folder's tests. */
#ifndef ATTEST_SCENE_H
#define ATTEST_SCENE_H

#include "attest/attest.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SCENE_NOW_MS INT64_C(1795435200000)
#define SCENE_IMAGE "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SCENE_MANIFEST "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SCENE_OTHER "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define SCENE_POLICY                                                                               \
	"{\"policy\":1,\"name\":\"p\",\"suites\":\"s\",\"require\":[{\"check\":\"arch\"}]}"
#define SCENE_RECORDS 3

static const char *scene_attest = "attest", *scene_waive = "waive";

struct scene {
	struct arena *arena;
	struct policy *policy;
	struct run *run;
	struct policy_record record;
	struct policy_decision decision;
	struct attest_record rows[SCENE_RECORDS];
	struct attest_history history;
	struct sign_key *key, *stranger, *waiver;
	struct attest_trust trust[2];
	struct attest_expect expect;
	struct buf bundle;
};

static inline int scene_history(void *payload, const char *suite, size_t records,
				char head[DIGEST_HEX], struct err *err)
{
	const struct scene *scene = payload;

	if (strcmp(suite, "s") != 0 || records > SCENE_RECORDS)
		return err_set(err, ERR_NOTFOUND, "the history has fewer records");
	for (size_t i = 0; i < records; i++)
		attest_chain_add(head, &scene->rows[i]);
	return 0;
}

static inline int scene_run(void *payload, const char *id, char digest[DIGEST_HEX], struct err *err)
{
	const struct scene *scene = payload;

	if (strcmp(id, scene->run->id) != 0)
		return err_set(err, ERR_NOTFOUND, "no run %s", id);
	attest_run_digest(scene->run, digest);
	return 0;
}

static inline void scene_decide(struct scene *scene)
{
	const struct policy_input input = {.subject = SCENE_IMAGE,
					   .image_id = SCENE_IMAGE,
					   .records = &scene->record,
					   .record_count = 1,
					   .now_ms = SCENE_NOW_MS};

	policy_decide(scene->policy, &input, scene->arena, &scene->decision);
}

static inline void scene_seal(struct scene *scene, const struct sign_key *key)
{
	const struct attest_case attested = {
		.policy = scene->policy,
		.decision = &scene->decision,
		.subject = {"registry.example/llm", SCENE_MANIFEST, SCENE_IMAGE, NULL},
		.histories = &scene->history,
		.history_count = 1,
		.now_ms = SCENE_NOW_MS};
	struct err err = {0};

	scene->bundle.len = 0;
	assert_int_equal(attest_bundle(&attested, key, &scene->bundle, &err), 0);
}

static inline struct run *scene_make_run(void)
{
	struct run *run = run_new();
	struct case_result *result;

	run->id = "20261123T110000000Z-00000000";
	run->started_at = "2026-11-23T11:00:00.000Z";
	run->suite = "s";
	run->suite_file = "assay.jsonc";
	run->suite_hash = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";
	run->commit.hash = "c0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ff";
	run->build.image_id = SCENE_IMAGE;
	run->verdict = VERDICT_PASS;
	result = run_add_case(run, "arch", "arch");
	case_pass(result, "sm_120");
	return run;
}

static inline struct scene *scene_new(void)
{
	struct scene *scene = xcalloc(1, sizeof(*scene));
	struct err err = {0};

	scene->arena = arena_new();
	scene->run = scene_make_run();
	scene->record = (struct policy_record){.run = scene->run, .id = scene->run->id};
	assert_int_equal(policy_parse("gate.jsonc", SCENE_POLICY, strlen(SCENE_POLICY),
				      &scene->policy, &err),
			 0);
	scene_decide(scene);
	for (unsigned i = 0; i < SCENE_RECORDS; i++)
		scene->rows[i] =
			(struct attest_record){.id = arena_printf(scene->arena, "run-%u", i),
					       .started_at = "2026-11-23T11:00:00.000Z",
					       .suite = "s",
					       .commit = "c0ffee",
					       .verdict = i == 1 ? "fail" : "pass",
					       .reason = "1 of 1 passed",
					       .image_id = SCENE_IMAGE,
					       .passed = 1};
	scene->history = (struct attest_history){.suite = "s", .records = SCENE_RECORDS};
	(void)scene_history(scene, "s", SCENE_RECORDS, scene->history.head, &err);
	assert_int_equal(sign_key_new(&scene->key, &err), 0);
	assert_int_equal(sign_key_new(&scene->waiver, &err), 0);
	assert_int_equal(sign_key_new(&scene->stranger, &err), 0);
	scene->trust[0] = (struct attest_trust){"ci", scene->key, {&scene_attest, 1}};
	scene->trust[1] = (struct attest_trust){"ada", scene->waiver, {&scene_waive, 1}};
	scene->expect = (struct attest_expect){.policy = scene->policy,
					       .subject = {NULL, SCENE_MANIFEST, SCENE_IMAGE, NULL},
					       .now_ms = SCENE_NOW_MS + 1000,
					       .history = scene_history,
					       .run = scene_run,
					       .payload = scene};
	buf_init(&scene->bundle, ATTEST_BUNDLE_MAX);
	scene_seal(scene, scene->key);
	return scene;
}

static inline void scene_free(struct scene *scene)
{
	sign_key_free(scene->key);
	sign_key_free(scene->waiver);
	sign_key_free(scene->stranger);
	policy_free(scene->policy);
	run_free(scene->run);
	buf_done(&scene->bundle);
	arena_free(scene->arena);
	free(scene);
}

/* The verdict on LEN bytes of TEXT; its memory is the scene's. */
static inline struct attest_verdict scene_verify(const struct scene *scene, const char *text,
						 size_t len)
{
	struct attest_verdict verdict;

	attest_verify(text, len, &scene->expect, scene->trust, 2, scene->arena, &verdict);
	return verdict;
}

#endif

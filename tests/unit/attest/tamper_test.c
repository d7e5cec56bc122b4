/* One byte changed anywhere: a thousand changes each, a thousand refusals. The places come from a
 * generator with a fixed seed, so a failure can be had again. */
#include "scene.h"

#include <stdio.h>

#define FLIPS 1000

static uint64_t next(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

/* Change one byte of the LEN at TEXT to another. Returns its place. */
static size_t flip(char *text, size_t len, uint64_t *seed)
{
	size_t at = (size_t)(next(seed) % len);

	text[at] = (char)(text[at] ^ (char)(1 + next(seed) % 255));
	return at;
}

/* Of TEXT, the bytes from FROM on. */
static void refuse_flips(size_t from, size_t to)
{
	struct scene *scene = scene_new();
	uint64_t seed = 7;

	assert_true(from < to && to <= scene->bundle.len);
	for (int i = 0; i < FLIPS; i++) {
		char *copy = xcalloc(1, scene->bundle.len + 1);
		size_t at;

		memcpy(copy, scene->bundle.data, scene->bundle.len);
		at = from + flip(copy + from, to - from, &seed);
		if (scene_verify(scene, copy, scene->bundle.len).open)
			fail_msg("byte %zu may be 0x%02x", at, (unsigned char)copy[at]);
		free(copy);
	}
	scene_free(scene);
}

static size_t place_of(const char *word, size_t *len)
{
	struct scene *scene = scene_new();
	const char *at = strstr(buf_str(&scene->bundle), word);
	size_t from;

	assert_non_null(at);
	at += strlen(word);
	from = (size_t)(at - buf_str(&scene->bundle));
	*len = strcspn(at, "\"");
	scene_free(scene);
	return from;
}

static void anywhere_in_the_bundle(void **state)
{
	struct scene *scene = scene_new();
	size_t len = scene->bundle.len;

	(void)state;
	scene_free(scene);
	refuse_flips(0, len);
}

static void in_the_payload(void **state)
{
	size_t len, from = place_of("\"payload\":\"", &len);

	(void)state;
	refuse_flips(from, from + len);
}

static void in_the_key_id(void **state)
{
	size_t len, from = place_of("\"keyid\":\"", &len);

	(void)state;
	refuse_flips(from, from + len);
}

static void in_the_signature(void **state)
{
	size_t len, from = place_of("\"sig\":\"", &len);

	(void)state;
	refuse_flips(from, from + len);
}

static void in_the_policy(void **state)
{
	struct scene *scene = scene_new();
	struct policy *right = scene->policy;
	uint64_t seed = 7;
	int parsed = 0;

	(void)state;
	for (int i = 0; i < FLIPS; i++) {
		char text[] = SCENE_POLICY;
		struct policy *changed = NULL;
		struct err err = {0};

		flip(text, strlen(SCENE_POLICY), &seed);
		if (policy_parse("gate.jsonc", text, strlen(SCENE_POLICY), &changed, &err) < 0)
			continue;
		parsed++;
		scene->expect.policy = changed;
		assert_false(scene_verify(scene, buf_str(&scene->bundle), scene->bundle.len).open);
		policy_free(changed);
	}
	assert_true(parsed > 0); /* else the digest of the policy was never asked */
	scene->expect.policy = right;
	scene_free(scene);
}

static void in_a_row_of_the_history(void **state)
{
	struct scene *scene = scene_new();
	uint64_t seed = 7;

	(void)state;
	for (int i = 0; i < FLIPS; i++) {
		struct attest_record *row = &scene->rows[next(&seed) % SCENE_RECORDS],
				     before = *row;
		const char **texts[] = {&row->id,      &row->started_at, &row->suite,
					&row->commit,  &row->verdict,	 &row->reason,
					&row->image_id};
		const char **text = texts[next(&seed) % 7];
		char *copy = arena_strdup(scene->arena, *text);

		flip(copy, strlen(copy), &seed);
		*text = copy;
		assert_false(scene_verify(scene, buf_str(&scene->bundle), scene->bundle.len).open);
		*row = before;
	}
	assert_true(scene_verify(scene, buf_str(&scene->bundle), scene->bundle.len).open);
	scene_free(scene);
}

static void a_bundle_cut_short_anywhere(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	for (size_t len = 0; len < scene->bundle.len; len++) {
		char *copy = xcalloc(1, len + 1);

		memcpy(copy, scene->bundle.data, len);
		assert_false(scene_verify(scene, copy, len).open);
		free(copy);
	}
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(anywhere_in_the_bundle),
		cmocka_unit_test(in_the_payload),
		cmocka_unit_test(in_the_key_id),
		cmocka_unit_test(in_the_signature),
		cmocka_unit_test(in_the_policy),
		cmocka_unit_test(in_a_row_of_the_history),
		cmocka_unit_test(a_bundle_cut_short_anywhere),
	};

	return cmocka_run_group_tests_name("attest/tamper", tests, NULL, NULL);
}

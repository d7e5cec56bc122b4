#include "registry/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void reads_host_repository_tag_and_digest(void **state)
{
	static const struct {
		const char *text, *host, *repo, *tag, *digest;
	} rows[] = {
		{"127.0.0.1:5000/llm", "127.0.0.1:5000", "llm", "latest", NULL},
		{"localhost/a/b:v1", "localhost", "a/b", "v1", NULL},
		{"ghcr.io/Team/llm:V.1_2-3", NULL, NULL, NULL,
		 NULL}, /* repositories are lower case */
		{"ghcr.io/team/llm@sha256:" HEX, "ghcr.io", "team/llm", "latest", "sha256:" HEX},
		{"r.io:443/llm:v1@sha256:" HEX, "r.io:443", "llm", "v1", "sha256:" HEX},
		{"llm:prod", NULL, NULL, NULL, NULL},
		{"team/llm:prod", NULL, NULL, NULL, NULL},
		{"sha256:" HEX, NULL, NULL, NULL, NULL},
		{"r.io/", NULL, NULL, NULL, NULL},
		{"r.io/a/../b", NULL, NULL, NULL, NULL},
		{"r.io/a//b", NULL, NULL, NULL, NULL},
		{"r.io/a?x=1", NULL, NULL, NULL, NULL},
		{"r.io/a:b:c", NULL, NULL, NULL, NULL},
		{"r.io/a@md5:00", NULL, NULL, NULL, NULL},
		{"r.io/a@sha256:00", NULL, NULL, NULL, NULL},
		{"user@r.io/a", NULL, NULL, NULL, NULL},
	};
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct registry_ref ref = {0};
		struct err err = {0};
		int rc = registry_parse(rows[i].text, arena, &ref, &err);

		if ((rc == 0) != (rows[i].host != NULL))
			fail_msg("%s: %s", rows[i].text, rc < 0 ? err.msg : "taken");
		if (rc < 0) {
			assert_int_equal(err.code, ERR_USAGE);
			continue;
		}
		assert_string_equal(ref.host, rows[i].host);
		assert_string_equal(ref.repo, rows[i].repo);
		assert_string_equal(ref.tag, rows[i].tag);
		if (rows[i].digest)
			assert_string_equal(ref.digest, rows[i].digest);
		else
			assert_null(ref.digest);
	}
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_host_repository_tag_and_digest),
	};

	return cmocka_run_group_tests_name("registry/reference", tests, NULL, NULL);
}

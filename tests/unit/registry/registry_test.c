/* Which hosts are this machine, and what may be sent there. */
#include "registry/registry_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void only_whole_names_are_this_machine(void **state)
{
	static const struct {
		const char *host;
		bool here;
	} rows[] = {
		{"localhost", true},
		{"localhost:5000", true},
		{"127.0.0.1:5000", true},
		{"127.9.9.9/path", true},
		{"[::1]:5000", true},
		{"127.evil.org", false},
		{"127.0.0.1.evil.org", false},
		{"localhost.evil.org", false},
		{"localhost5", false},
		{"[::1", false},
		{"[::1]evil", false},
		{"[::2]", false},
		{"1127.0.0.1", false},
		{"", false},
		{"localhost:80@evil.org", false},
		{"127.0.0.1:80@evil.org/path", false},
		{"[::1]:80@evil.org", false},
		{"127.0.0.1:80?@evil.org", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (registry__is_loopback(rows[i].host) != rows[i].here)
			fail_msg("%s", rows[i].host);
}

static void a_registry_elsewhere_does_not_send_us_to_this_machine(void **state)
{
	const struct registry here = {.ref = {.host = "127.0.0.1:5000"}};
	const struct registry far = {.ref = {.host = "ghcr.io"}};

	(void)state;
	assert_true(registry__is_private(&here, "http://127.0.0.1:80/token"));
	assert_true(registry__is_private(&far, "https://ghcr.io/token"));
	assert_false(registry__is_private(&far, "http://127.0.0.1:80/token"));
	assert_false(registry__is_private(&far, "http://ghcr.io/token"));
	assert_false(registry__is_private(&here, "http://localhost:80@evil.org/token"));
	assert_false(registry__is_private(&here, "ftp://127.0.0.1/"));
	assert_false(registry__is_private(&here, "/token"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_whole_names_are_this_machine),
		cmocka_unit_test(a_registry_elsewhere_does_not_send_us_to_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

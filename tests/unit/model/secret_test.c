#include "model/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;

static int open_arena(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static void names_of_secrets_are_known(void **state)
{
	static const char *const secrets[] = {"HF_TOKEN",
					      "TOKEN",
					      "token",
					      "GITHUB_TOKEN_FILE",
					      "apiKey",
					      "OPENAI_API_KEY",
					      "AWS_SECRET_ACCESS_KEY",
					      "SSH_KEYS",
					      "DB_PASSWORD",
					      "PGPASSWORD",
					      "MYSQL_PASSWD",
					      "GPG_PASSPHRASE",
					      "SECRETS_DIR",
					      "GOOGLE_APPLICATION_CREDENTIALS",
					      "KEY",
					      "TOKEN2",
					      NULL};

	(void)state;
	for (size_t i = 0; secrets[i]; i++)
		if (!secret_named(secrets[i]))
			fail_msg("%s is a secret", secrets[i]);
}

static void settings_of_inference_servers_are_no_secrets(void **state)
{
	static const char *const settings[] = {"PATH",
					       "MAX_TOKENS",
					       "MAX_NEW_TOKENS",
					       "TOKENIZERS_PARALLELISM",
					       "KEYBOARD_LAYOUT",
					       "CUDA_VISIBLE_DEVICES",
					       "BNB_CUDA_VERSION",
					       "",
					       NULL};

	(void)state;
	for (size_t i = 0; settings[i]; i++)
		if (secret_named(settings[i]))
			fail_msg("%s is no secret", settings[i]);
}

static void fingerprints_of_public_keys_are_no_secrets(void **state)
{
	static const char print[] = "A035C8C19219BA821ECEA86B64E628F8D684696D";

	(void)state;
	assert_false(secret_pair("GPG_KEY", print));
	assert_false(secret_pair("GPG_KEYS", "  1198C0117593497A5EC5C199286AF1F9897469DC "
					     "39B641343D8C104B2B146DC3F9C39DC0B9698544 "));
	assert_false(secret_pair("NODE_GPG_KEYS", "0x64E628F8D684696D"));
	assert_true(secret_pair("GPG_KEY", ""));
	assert_true(secret_pair("GPG_KEY", "-----BEGIN PGP PRIVATE KEY BLOCK-----"));
	assert_true(secret_pair("GPG_KEY", "A035C8C19219BA821ECEA86B64E628F8D684696D:hunter2"));
	assert_true(secret_pair("API_KEY", print));
	assert_false(secret_pair("PATH", print));
}

static struct strings secrets_of(const char **env, size_t count)
{
	const struct image_config image = {.env = {env, count}};
	struct strings out;

	secret_collect(&image, NULL, arena, &out);
	return out;
}

static void expect(const struct strings *secrets, const char *text, bool cut, const char *wanted)
{
	assert_string_equal(secret_redact(secrets, text, strlen(text), cut, arena), wanted);
}

static void every_occurrence_is_hidden(void **state)
{
	const char *env[] = {"PATH=/usr/bin", "A_TOKEN=abcd1234"};
	struct strings secrets = secrets_of(env, 2);

	(void)state;
	expect(&secrets, "abcd1234 abcd1234abcd1234, abcd123 /usr/bin", false,
	       "*** ******, abcd123 /usr/bin");
	expect(&secrets, "", false, "");
	assert_null(secret_redact(&secrets, NULL, 0, false, arena));
}

static void the_longer_of_two_secrets_goes_first(void **state)
{
	const char *env[] = {"A_KEY=abcd", "B_KEY=abcd1234"};
	struct strings secrets = secrets_of(env, 2);

	(void)state;
	expect(&secrets, "abcd1234 abcd12", false, "*** ***12");
}

static void short_values_would_blank_out_everything(void **state)
{
	const char *env[] = {"A_KEY=abc", "B_KEY=", "C_KEY"};
	struct strings secrets = secrets_of(env, 3);

	(void)state;
	assert_int_equal(secrets.count, 0);
	expect(&secrets, "abc", false, "abc");
}

static void a_secret_cut_in_two_is_hidden(void **state)
{
	const char *env[] = {"A_KEY=abcd1234"};
	struct strings secrets = secrets_of(env, 1);

	(void)state;
	expect(&secrets, "x abcd12", true, "x ***");
	expect(&secrets, "x abcd12", false, "x abcd12");
	expect(&secrets, "x abc", true, "x abc");
}

static void a_secret_is_hidden_as_json_writes_it(void **state)
{
	const char *env[] = {"A_KEY=ab\"cd\\ef"};
	struct strings secrets = secrets_of(env, 1);

	(void)state;
	expect(&secrets, "{\"k\": \"ab\\\"cd\\\\ef\"}", false, "{\"k\": \"***\"}");
	expect(&secrets, "ab\"cd\\ef", false, "***");
}

static void variables_of_the_check_and_labels_count(void **state)
{
	struct pair label = {"registry.token", "label-secret"}, set = {"HF_TOKEN", "set-secret"};
	const struct image_config image = {.labels = {&label, 1}};
	const struct pairs env = {&set, 1};
	struct strings secrets;

	(void)state;
	secret_collect(&image, &env, arena, &secrets);
	expect(&secrets, "label-secret set-secret", false, "*** ***");
	secret_collect(NULL, NULL, arena, &secrets);
	assert_int_equal(secrets.count, 0);
}

static void nul_bytes_do_not_end_the_text(void **state)
{
	const char *env[] = {"A_KEY=abcd1234"};
	struct strings secrets = secrets_of(env, 1), none = {0};

	(void)state;
	assert_string_equal(secret_redact(&secrets, "a\0abcd1234", 10, false, arena),
			    "a\xef\xbf\xbd***");
	assert_string_equal(secret_redact(&none, "a\0b", 3, false, arena), "a\xef\xbf\xbd"
									   "b");
}

static void a_log_tells_long_secrets_alone(void **state)
{
	struct strings secrets = {0};

	(void)state;
	secret_add(&secrets, "seven77", arena);
	assert_false(secret_told(&secrets, "seven77", 7));
	secret_add(&secrets, "eight888", arena);
	assert_true(secret_told(&secrets, "x eight888 y", 12));
	assert_false(secret_told(&secrets, "x eight888 y", 9));
	assert_false(secret_told(&secrets, NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_tells_long_secrets_alone),
		cmocka_unit_test(names_of_secrets_are_known),
		cmocka_unit_test(settings_of_inference_servers_are_no_secrets),
		cmocka_unit_test(fingerprints_of_public_keys_are_no_secrets),
		cmocka_unit_test(every_occurrence_is_hidden),
		cmocka_unit_test(the_longer_of_two_secrets_goes_first),
		cmocka_unit_test(short_values_would_blank_out_everything),
		cmocka_unit_test(a_secret_cut_in_two_is_hidden),
		cmocka_unit_test(a_secret_is_hidden_as_json_writes_it),
		cmocka_unit_test(variables_of_the_check_and_labels_count),
		cmocka_unit_test(nul_bytes_do_not_end_the_text),
	};

	return cmocka_run_group_tests_name("check/secret", tests, open_arena, close_arena);
}

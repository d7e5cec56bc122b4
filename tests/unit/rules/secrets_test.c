/* Secrets in environment, history and files; values never show. */
#include "rule_support.h"
#include "rules/rules_private.h"

#define TOKEN "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH"

static void step(const char *created_by)
{
	struct image_history *h =
		arena_push(w.arena, &w.facts.history, &w.facts.history_count, sizeof(*h));

	h->created_by = created_by;
}

static void never_shows(const char *value)
{
	for (size_t i = 0; i < w.found.count; i++) {
		assert_null(strstr(w.found.items[i].actual, value));
		assert_null(strstr(w.found.items[i].where, value));
		assert_null(strstr(w.found.items[i].subject, value));
	}
}

static void reports_secrets_of_the_environment(void **state)
{
	(void)state;
	env("DB_PASSWORD=correct-horse");
	assert_string_equal(expect("secrets/env")->subject, "DB_PASSWORD");
	never_shows("correct-horse");
	w.config.env.items[0] = "ANYTHING=" TOKEN;
	expect("secrets/env");
	never_shows(TOKEN);
}

static void ordinary_variables_are_clean(void **state)
{
	(void)state;
	env("GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D");
	env("PYTHON_SHA256=2a9920c7a0cd236de33644ed980a13cbbc21058bfdc528febb6081575ed73be3");
	env("HF_TOKEN=");
	env("MAX_TOKENS=4096");
	env("API_KEY=changeme");
	env("TOKEN=$TOKEN");
	env("TOKENIZERS_PARALLELISM=false");
	step("RUN apt-get install -y ca-certificates # buildkit");
	expect_clean();
	assert_int_equal(w.found.count, 0);
}

static void reports_secrets_of_the_history(void **state)
{
	(void)state;
	step("|1 HF_TOKEN=tok-1234567 /bin/sh -c huggingface-cli login");
	expect("secrets/history");
	never_shows("tok-1234567");
	w.facts.history_count = 0;
	w.facts.history = NULL;
	step("RUN git clone https://bot:hunter22@example.org/x.git");
	expect("secrets/history");
	never_shows("hunter22");
}

static void a_step_that_reads_a_mounted_secret_is_clean(void **state)
{
	(void)state;
	step("RUN HF_TOKEN=$(cat /run/secrets/t) python fetch.py # buildkit");
	expect_clean();
}

static void reports_secrets_of_files(void **state)
{
	(void)state;
	image_file("/app/.env", 0600, "HF=" TOKEN "\n");
	image_file("/app/README.txt", 0600, "set HF_TOKEN=hf_xxx first\n");
	open_image();
	assert_string_equal(expect("secrets/file")->subject, ".env");
	assert_int_equal(w.found.count, 1);
	never_shows(TOKEN);
}

static void samples_and_installed_files_are_clean(void **state)
{
	(void)state;
	image_file("/usr/lib/python3/test/key.pem", 0600,
		   "-----BEGIN PRIVATE KEY-----\nMIIEvgIBADANBgkqhkiG9w0B\n");
	image_file("/app/tests/a.py", 0600, "K = '" TOKEN "'\n");
	open_image();
	expect_clean();
}

static void reports_secrets_that_a_layer_removed(void **state)
{
	struct image_layer low = {.number = 2}, high = {.number = 3};
	struct image_file gone = {
		.path = "/root/id_rsa",
		.type = FILE_REGULAR,
		.layer = &low,
		.hidden_by = &high,
		.text = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n"};
	struct findings out = {.arena = w.arena};

	(void)state;
	rules__secret_files(&w.input, &gone, 1, "secrets/removed-file", &out);
	assert_int_equal(out.count, 1);
	assert_non_null(strstr(out.items[0].actual, "layer 3"));
	assert_null(strstr(out.items[0].actual, "b3Blb"));
	gone.text = "ssh-rsa AAAA public";
	rules__secret_files(&w.input, &gone, 1, "secrets/removed-file", &out);
	assert_int_equal(out.count, 1);
}

static void build_steps_are_shown_without_their_secrets(void **state)
{
	const struct finding *f;

	(void)state;
	torch("2.7.1+cu126", "12.6", "90");
	w.facts.torch.metadata_version = "2.6.0";
	w.facts.torch.origin.step =
		"RUN HF_TOKEN=tok-1234567 pip install torch --index-url https://u:hunter22@x.org/s";
	env("NEXUS_PASSWORD=correct-horse");
	f = expect("torch/metadata-lies");
	assert_non_null(strstr(f->where, "HF_TOKEN=***"));
	assert_null(strstr(f->where, "tok-1234567"));
	assert_null(strstr(f->where, "hunter22"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rule_test(reports_secrets_of_the_environment),
		rule_test(ordinary_variables_are_clean),
		rule_test(reports_secrets_of_the_history),
		rule_test(a_step_that_reads_a_mounted_secret_is_clean),
		rule_test(reports_secrets_of_files),
		rule_test(samples_and_installed_files_are_clean),
		rule_test(reports_secrets_that_a_layer_removed),
		rule_test(build_steps_are_shown_without_their_secrets),
	};

	return cmocka_run_group_tests_name("rules/secrets", tests, NULL, NULL);
}

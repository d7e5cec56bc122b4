/* bitsandbytes: which library, and overrides. */
#include "rule_support.h"

static void bnb(const char *version, const char *const *variants)
{
	dist("bitsandbytes", version);
	w.facts.bnb.present = true;
	w.facts.bnb.path = "/site-packages/bitsandbytes";
	w.facts.bnb.version = version;
	for (; *variants; variants++) {
		struct bnb_library *l = arena_push(w.arena, &w.facts.bnb.libraries,
						   &w.facts.bnb.library_count, sizeof(*l));

		l->variant = *variants;
		l->path = arena_printf(w.arena, "/site-packages/bitsandbytes/libbitsandbytes_%s.so",
				       *variants);
	}
	w.facts.bnb.wanted = "libbitsandbytes_cuda128.so";
	w.facts.bnb.rule = "exact";
}

static const char *const modern[] = {"cpu", "cuda124", "cuda126", "cuda128", "cuda130", NULL};
static const char *const old[] = {"cpu", "cuda121", "cuda124", NULL};

static void set(const char *value)
{
	w.facts.bnb.override_value = value;
	w.facts.bnb.rule = "override";
}

static void reports_a_missing_library(void **state)
{
	(void)state;
	torch("2.8.0+cu128", "12.8", "90");
	bnb("0.42.0", old);
	w.facts.bnb.rule = "cpu-fallback";
	assert_non_null(strstr(expect("bnb/library-missing")->expected, "cuda128"));
	w.facts.bnb.rule = "missing";
	expect("bnb/library-missing");
}

static void the_exact_library_is_clean(void **state)
{
	(void)state;
	torch("2.8.0+cu128", "12.8", "90");
	bnb("0.48.0", modern);
	expect_clean();
	assert_int_equal(w.found.count, 0);
	w.facts.bnb.rule = "nearest-lower";
	expect_clean();
	assert_non_null(found("bnb/nearest-lower"));
}

static void a_cpu_torch_needs_no_library(void **state)
{
	(void)state;
	torch("2.8.0+cpu", NULL, "");
	bnb("0.48.0", modern);
	w.facts.bnb.rule = "missing";
	w.facts.bnb.wanted = NULL;
	expect_clean();
}

static void judges_overrides_by_the_torch_beside_them(void **state)
{
	(void)state;
	torch("2.8.0+cu128", "12.8", "90");
	bnb("0.48.0", modern);
	set("126");
	expect("bnb/override-stale");
	set("130");
	expect("bnb/override-major");
	set("125");
	expect("bnb/override-missing");
	set("128");
	expect("bnb/override-useless");
	expect_clean();
}

static void an_empty_override_counts_from_the_release_that_reads_it(void **state)
{
	(void)state;
	torch("2.8.0+cu128", "12.8", "90");
	bnb("0.48.0", modern);
	set("");
	expect_clean();
	w.facts.bnb.version = "0.50.1";
	expect("bnb/override-empty");
}

static void finds_overrides_in_code(void **state)
{
	(void)state;
	torch("2.8.0+cu128", "12.8", "90");
	bnb("0.48.0", modern);
	file("handler.py", "import os\nos.environ['BNB_CUDA_VERSION'] = '124'\nimport torch\n");
	assert_string_equal(expect("bnb/override-stale")->where, "handler.py");
}

static void code_that_only_reads_the_variable_is_clean(void **state)
{
	(void)state;
	torch("2.8.0+cu128", "12.8", "90");
	bnb("0.48.0", modern);
	file("handler.py", "print(os.environ.get('BNB_CUDA_VERSION', '124'))\n"
			   "os.environ.pop('BNB_CUDA_VERSION', None)\n");
	expect_clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rule_test(reports_a_missing_library),
		rule_test(the_exact_library_is_clean),
		rule_test(a_cpu_torch_needs_no_library),
		rule_test(judges_overrides_by_the_torch_beside_them),
		rule_test(an_empty_override_counts_from_the_release_that_reads_it),
		rule_test(finds_overrides_in_code),
		rule_test(code_that_only_reads_the_variable_is_clean),
	};

	return cmocka_run_group_tests_name("rules/bnb", tests, NULL, NULL);
}

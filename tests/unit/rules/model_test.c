/* Models: arithmetic from the published configuration of Mixtral 8x7B. */
#include "rule_support.h"

#define MIXTRAL                                                                                    \
	"{\"model_type\": \"mixtral\", \"hidden_size\": 4096, \"intermediate_size\": 14336, "      \
	"\"num_hidden_layers\": 32, \"num_attention_heads\": 32, \"num_key_value_heads\": 8, "     \
	"\"num_local_experts\": 8, \"vocab_size\": 32000}"
#define FOUR_BIT                                                                                   \
	"c = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)\n"

static void mixtral(const char *code)
{
	image_file("/models/mixtral/config.json", 0644, MIXTRAL);
	image_file("/app/handler.py", 0644, code);
	open_image();
}

static void sixteen_bits_do_not_fit_and_four_do(void **state)
{
	const struct finding *f;

	(void)state;
	mixtral("m = load()\n");
	target("rtx5090");
	f = expect("model/too-large");
	assert_string_equal(f->target, "rtx5090");
	assert_non_null(strstr(f->actual, "87.0 GiB"));
}

static void four_bits_fit_32_gb_but_hardly_24(void **state)
{
	(void)state;
	mixtral(FOUR_BIT);
	target("rtx5090");
	expect_clean();
	target("rtx4080");
	assert_non_null(strstr(expect("model/too-large")->actual, "22.8 GiB"));
}

static void fused_experts_stay_in_sixteen_bits(void **state)
{
	(void)state;
	mixtral(FOUR_BIT);
	w.facts.bnb.present = true;
	dist("transformers", "5.0.1");
	target("h200");
	assert_non_null(strstr(expect("model/experts-not-quantised")->expected, "22.8 GiB"));
	assert_null(found("model/too-large"));
	w.facts.dists[0].version = "4.46.0";
	expect_clean();
}

static void a_dense_model_has_no_experts_to_lose(void **state)
{
	(void)state;
	image_file(
		"/models/m/config.json", 0644,
		"{\"model_type\": \"llama\", \"hidden_size\": 4096, \"intermediate_size\": 14336, "
		"\"num_hidden_layers\": 32, \"num_attention_heads\": 32, "
		"\"num_key_value_heads\": 8, \"vocab_size\": 128256}");
	image_file("/app/handler.py", 0644, FOUR_BIT);
	open_image();
	w.facts.bnb.present = true;
	dist("transformers", "5.0.1");
	target("rtx4090");
	expect_clean();
}

static void a_configuration_must_name_its_compute_type(void **state)
{
	(void)state;
	file("handler.py", "c = BitsAndBytesConfig(load_in_4bit=True, use(1))\n");
	expect("model/compute-dtype");
	w.files[0].text = FOUR_BIT;
	expect_clean();
	w.files[0].text = "c = BitsAndBytesConfig(load_in_8bit=True)\n";
	expect_clean();
}

static void a_stored_configuration_must_name_it_too(void **state)
{
	(void)state;
	file("config.json", "{\"quantization_config\": {\"load_in_4bit\": true, "
			    "\"bnb_4bit_compute_dtype\": \"float32\"}}");
	expect("model/compute-dtype");
	w.input.file_count = 0;
	file("config.json", "{\"quantization_config\": {\"load_in_4bit\": true, "
			    "\"bnb_4bit_compute_dtype\": \"bfloat16\"}}");
	expect_clean();
}

static void other_json_is_left_alone(void **state)
{
	(void)state;
	target("t4");
	file("config.json", "{\"hidden_size\": 1e300, \"num_hidden_layers\": -1}");
	expect_clean();
	w.input.file_count = 0;
	file("config.json", "[1, 2]");
	expect_clean();
	w.input.file_count = 0;
	file("config.json", "{broken");
	expect_clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rule_test(sixteen_bits_do_not_fit_and_four_do),
		rule_test(four_bits_fit_32_gb_but_hardly_24),
		rule_test(fused_experts_stay_in_sixteen_bits),
		rule_test(a_dense_model_has_no_experts_to_lose),
		rule_test(a_configuration_must_name_its_compute_type),
		rule_test(a_stored_configuration_must_name_it_too),
		rule_test(other_json_is_left_alone),
	};

	return cmocka_run_group_tests_name("rules/model", tests, NULL, NULL);
}

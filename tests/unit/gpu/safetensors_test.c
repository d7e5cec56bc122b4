/* Files are put together here, right and wrong; a checkpoint of the real library is read last. */
#include "gpu/safetensors.h"

#include "base/buf.h"
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N 8
#define K 128
#define BLOCKS ((size_t)N * K / 64)

static struct arena *arena;
static struct buf file;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new();
	buf_init(&file, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_done(&file);
	arena_free(arena);
	return 0;
}

static void put(const char *header, const void *body, size_t len)
{
	size_t size = strlen(header);
	uint8_t length[8];

	for (size_t i = 0; i < 8; i++)
		length[i] = (uint8_t)(size >> (8 * i));
	buf_add(&file, length, 8);
	buf_addstr(&file, header);
	buf_add(&file, body, len);
}

static int read_back(struct safetensors *out, struct err *err)
{
	return safetensors_read(file.data, file.len, arena, out, err);
}

static const uint8_t zeros[16];

static void refuses(const char *header, size_t body, const char *why)
{
	struct safetensors out;
	struct err err = {0};

	buf_consume(&file, file.len);
	put(header, zeros, body);
	if (read_back(&out, &err) == 0)
		fail_msg("accepted: %s", header);
	if (!strstr(err.msg, why))
		fail_msg("%s: %s", header, err.msg);
}

static void finds_tensors_by_name(void **state)
{
	const uint8_t body[6] = {1, 2, 3, 4, 5, 6};
	struct safetensors out;
	struct err err = {0};

	(void)state;
	put("{\"__metadata__\":{\"format\":\"pt\"},"
	    "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
	    "\"a\":{\"dtype\":\"F16\",\"shape\":[1,2],\"data_offsets\":[2,6]}}",
	    body, sizeof(body));
	assert_int_equal(read_back(&out, &err), 0);
	assert_int_equal(out.count, 2);
	assert_string_equal(out.tensors[0].name, "a");
	assert_int_equal(safetensors_find(&out, "a")->data[0], 3);
	assert_int_equal(safetensors_find(&out, "b")->size, 2);
	assert_null(safetensors_find(&out, "c"));
}

static void refuses_what_lies_outside_the_file(void **state)
{
	(void)state;
	refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 3, "outside");
	refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[8,4]}}", 9, "outside");
	refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,4]}}", 9, "disagree");
	refuses("{\"a\":{\"dtype\":\"F64\",\"shape\":[4294967296,4294967296],"
		"\"data_offsets\":[0,4]}}",
		9, "bad shape");
	refuses("{\"a\":{\"dtype\":\"F64\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 9,
		"bad shape");
	refuses("{\"a\":{\"dtype\":\"X\",\"shape\":[4],\"data_offsets\":[0,4]}}", 9,
		"unknown dtype");
	refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4,5]}}", 9,
		"data_offsets");
	refuses("[]", 0, "no JSON object");
	refuses("{\"a\":", 0, "header at byte");
}

static void refuses_a_header_longer_than_the_file(void **state)
{
	struct safetensors out;
	struct err err = {0};

	(void)state;
	buf_add(&file, "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
	assert_int_equal(read_back(&out, &err), -1);
	assert_int_equal(safetensors_read("\1", 1, arena, &out, &err), -1);
}

/* W of a plain checkpoint; STATE goes into its quant_state. */
static int read_weight(const char *quant_state, bool nested, struct weight4 *out, struct err *err)
{
	static float map[NESTED_CODES];
	struct safetensors parsed;
	const float scale = 0.5f;
	struct buf body;
	size_t state_len = strlen(quant_state);
	char header[2048];

	buf_init(&body, 1 << 16);
	for (size_t i = 0; i < N * K / 2; i++)
		buf_add(&body, "\x0f", 1);
	for (size_t i = 0; i < BLOCKS; i++) {
		float absmax = (float)i;

		buf_add(&body, nested ? "\xff" : (const void *)&absmax, nested ? 1 : 4);
	}
	buf_add(&body, nf4_codes, sizeof(nf4_codes));
	nested_map(map);
	buf_add(&body, map, sizeof(map));
	buf_add(&body, &scale, sizeof(scale));
	buf_add(&body, quant_state, state_len);
	size_t a = N * K / 2, b = a + BLOCKS * (nested ? 1u : 4u), c = b + 64, d = c + 1024,
	       e = d + 4;
	(void)snprintf(
		header, sizeof(header),
		"{\"w\":{\"dtype\":\"U8\",\"shape\":[%d,1],\"data_offsets\":[0,%zu]},"
		"\"w.absmax\":{\"dtype\":\"%s\",\"shape\":[%zu],\"data_offsets\":[%zu,%zu]},"
		"\"w.quant_map\":{\"dtype\":\"F32\",\"shape\":[16],\"data_offsets\":[%zu,%zu]},"
		"\"w.nested_quant_map\":{\"dtype\":\"F32\",\"shape\":[256],"
		"\"data_offsets\":[%zu,%zu]},"
		"\"w.nested_absmax\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%zu,%zu]},"
		"\"w.quant_state.bitsandbytes__nf4\":{\"dtype\":\"U8\",\"shape\":[%zu],"
		"\"data_offsets\":[%zu,%zu]}}",
		N * K / 2, a, nested ? "U8" : "F32", BLOCKS, a, b, b, c, c, d, d, e, state_len, e,
		e + state_len);
	put(header, body.data, body.len);
	buf_done(&body);
	assert_int_equal(read_back(&parsed, err), 0);
	assert_string_equal(safetensors_weight4_name(&parsed, 0, arena), "w");
	assert_null(safetensors_weight4_name(&parsed, 1, arena));
	return safetensors_weight4(&parsed, "w", arena, out, err);
}

static void reads_a_plain_weight(void **state)
{
	struct weight4 weight;
	struct err err = {0};

	(void)state;
	assert_int_equal(
		read_weight("{\"quant_type\":\"nf4\",\"blocksize\":64,\"dtype\":\"bfloat16\","
			    "\"shape\":[8,128]}",
			    false, &weight, &err),
		0);
	assert_int_equal(weight.n, N);
	assert_int_equal(weight.k, K);
	assert_int_equal(weight.type, NUMBER_BF16);
	assert_false(weight.nested);
	assert_true(weight.absmax[BLOCKS - 1] == (float)(BLOCKS - 1));
}

static void decodes_a_nested_weight(void **state)
{
	struct weight4 weight;
	struct err err = {0};

	(void)state;
	assert_int_equal(
		read_weight("{\"quant_type\":\"nf4\",\"blocksize\":64,\"dtype\":\"float16\","
			    "\"shape\":[8,128],\"nested_blocksize\":256,"
			    "\"nested_dtype\":\"float32\",\"nested_offset\":0.25}",
			    true, &weight, &err),
		0);
	assert_true(weight.nested);
	assert_int_equal(weight.absmax_count, BLOCKS);
	assert_true(weight.absmax[0] == 1.0f * 0.5f + 0.25f);
}

static void refuses_states_it_does_not_understand(void **state)
{
	static const char *const states[] = {
		"{\"quant_type\":\"fp4\",\"blocksize\":64,\"dtype\":\"float16\",\"shape\":[8,128]}",
		"{\"quant_type\":\"nf4\",\"blocksize\":63,\"dtype\":\"float16\",\"shape\":[8,128]}",
		"{\"quant_type\":\"nf4\",\"blocksize\":64,\"dtype\":\"int8\",\"shape\":[8,128]}",
		"{\"quant_type\":\"nf4\",\"blocksize\":64,\"dtype\":\"float16\",\"shape\":[8,256]}",
		"{\"quant_type\":\"nf4\",\"blocksize\":64,\"dtype\":\"float16\",\"shape\":[8]}",
		"{\"quant_type\":\"nf4\",\"blocksize\":64,\"dtype\":\"float16\",\"shape\":"
		"[4294967296,4294967296]}",
		"{\"quant_type\":\"nf4\",\"blocksize\":64,\"dtype\":\"float16\",\"shape\":[8,128],"
		"\"nested_blocksize\":128,\"nested_offset\":0}",
		"[]",
		"{",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		struct weight4 weight;
		struct err err = {0};

		buf_consume(&file, file.len);
		if (read_weight(states[i], false, &weight, &err) == 0)
			fail_msg("accepted: %s", states[i]);
		assert_int_equal(err.code, ERR_USAGE);
	}
}

/* --- what Python bitsandbytes wrote (golden/gpu/make-checkpoint) ------------------------------ */

static const struct tensor *find(const struct safetensors *parsed, const char *what,
				 const char *name)
{
	const struct tensor *tensor =
		safetensors_find(parsed, arena_printf(arena, "%s.%s", what, name));

	assert_non_null(tensor);
	return tensor;
}

static void check_weight(const struct safetensors *parsed, const char *name, bool nested)
{
	const struct tensor *absmax = find(parsed, "absmax", name);
	const struct tensor *expect = find(parsed, "expect", name);
	const struct tensor *input = find(parsed, "input", name);
	struct weight4 weight;
	struct err err = {0};
	size_t count;
	float *values, *scales;
	uint8_t *packed;

	if (safetensors_weight4(parsed, name, arena, &weight, &err) < 0)
		fail_msg("%s: %s", name, err.msg);
	assert_int_equal(weight.nested, nested);
	assert_int_equal(weight.absmax_count * sizeof(float), absmax->size);
	count = (size_t)(weight.n * weight.k);
	assert_int_equal(expect->size, count * sizeof(float));
	values = arena_alloc(arena, count * sizeof(*values));
	scales = arena_alloc(arena, (size_t)weight.absmax_count * sizeof(*scales));
	packed = arena_alloc(arena, count / 2);
	for (size_t i = 0; i < count; i++) {
		float value = nf4_value_at(weight.data, weight.absmax, weight.blocksize, i);

		assert_memory_equal(&value, expect->data + i * sizeof(value), sizeof(value));
		values[i] = (float)number_load(weight.type, input->data, i);
	}
	assert_memory_equal(weight.absmax, absmax->data, absmax->size);
	nf4_quantise(values, count, weight.blocksize, packed, scales);
	assert_memory_equal(packed, weight.data, count / 2);
}

static void reads_what_the_real_library_wrote(void **state)
{
	struct safetensors parsed;
	struct err err = {0};

	(void)state;
	if (file_read(TEST_DATA "/golden/gpu/checkpoint.safetensors", &file, &err) < 0 ||
	    safetensors_read(file.data, file.len, arena, &parsed, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(safetensors_weight4_name(&parsed, 0, arena), "half.weight");
	assert_string_equal(safetensors_weight4_name(&parsed, 2, arena), "plain.weight");
	assert_null(safetensors_weight4_name(&parsed, 3, arena));
	check_weight(&parsed, "plain.weight", false);
	check_weight(&parsed, "nested.weight", true);
	check_weight(&parsed, "half.weight", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_tensors_by_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_what_lies_outside_the_file, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(refuses_a_header_longer_than_the_file, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(reads_a_plain_weight, set_up, tear_down),
		cmocka_unit_test_setup_teardown(decodes_a_nested_weight, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_states_it_does_not_understand, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(reads_what_the_real_library_wrote, set_up,
						tear_down),
	};

	return cmocka_run_group_tests_name("gpu/safetensors", tests, NULL, NULL);
}

/* Packed bytes in pieces of every size, through the other thread, and into the scratch file. */
#include "tarball.h"

#include "image/relay.h"
#include "image/spool.h"
#include "image/unpack.h"

static int append(void *payload, const void *data, size_t len, struct err *err)
{
	(void)err;
	buf_add(payload, data, len);
	return 0;
}

static int unpack(const struct buf *in, size_t step, struct buf *out, struct err *err)
{
	struct unpack *unpack = unpack_new(append, out);
	int rc = 0;

	*err = (struct err){0};
	buf_init(out, TARBALL_MAX);
	for (size_t at = 0; at < in->len && rc == 0; at += step)
		rc = unpack_feed(unpack, in->data + at, in->len - at < step ? in->len - at : step,
				 err);
	if (rc == 0)
		rc = unpack_end(unpack, err);
	unpack_free(unpack);
	return rc;
}

static void make_text(struct buf *out, size_t len)
{
	buf_init(out, TARBALL_MAX);
	while (out->len < len)
		buf_printf(out, "line %zu, and some more of it\n", out->len * 7919 % 1000003);
}

static void unpacks_in_pieces_of_any_size(void **state)
{
	static const size_t steps[] = {1, 2, 3, 4, 5, 7, 100, 4096, TARBALL_MAX};

	(void)state;
	for (unsigned packing = 0; packing < 3; packing++) {
		struct buf text, packed, got;
		struct err err;

		make_text(&text, 600000);
		make_text(&got, 600000);
		tarball_pack(&got, packing, &packed);
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
			if (unpack(&packed, steps[i], &got, &err) < 0)
				fail_msg("%s", err.msg);
			assert_int_equal(got.len, text.len);
			assert_memory_equal(got.data, text.data, text.len);
			buf_done(&got);
		}
		buf_done(&packed);
		buf_done(&text);
	}
}

static void unpacks_several_members_and_padding(void **state)
{
	(void)state;
	for (unsigned packing = 1; packing < 3; packing++) {
		struct buf one, two, packed, got;
		struct err err;

		buf_init(&one, 100);
		buf_addstr(&one, "hello ");
		tarball_pack(&one, packing, &packed);
		buf_init(&two, 100);
		buf_addstr(&two, "world");
		tarball_pack(&two, packing, &one);
		buf_add(&packed, one.data, one.len);
		if (packing == TARBALL_GZIP)
			buf_add(&packed, "\0\0\0\0\0\0\0", 7);
		for (size_t step = 1; step < packed.len; step++) {
			if (unpack(&packed, step, &got, &err) < 0)
				fail_msg("%s", err.msg);
			assert_string_equal(buf_str(&got), "hello world");
			buf_done(&got);
		}
		buf_done(&one);
		buf_done(&packed);
	}
}

static void short_inputs_stay_as_they_are(void **state)
{
	static const char *const inputs[] = {"", "a", "abc", "abcd", "abcde"};

	(void)state;
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		struct buf in, got;
		struct err err;

		buf_init(&in, 10);
		buf_addstr(&in, inputs[i]);
		assert_int_equal(unpack(&in, 1, &got, &err), 0);
		assert_string_equal(buf_str(&got), inputs[i]);
		buf_done(&in);
		buf_done(&got);
	}
}

static void the_relay_gives_all_bytes_in_order(void **state)
{
	struct relay *relay;
	struct buf text, got;

	(void)state;
	make_text(&text, 9 << 20);
	buf_init(&got, TARBALL_MAX);
	relay = relay_new(append, &got);
	for (size_t at = 0; at < text.len; at += 333333)
		assert_int_equal(relay_feed(relay, text.data + at,
					    text.len - at < 333333 ? text.len - at : 333333, NULL),
				 0);
	assert_int_equal(relay_end(relay, NULL), 0);
	relay_free(relay);
	assert_int_equal(got.len, text.len);
	assert_memory_equal(got.data, text.data, text.len);
	buf_done(&text);
	buf_done(&got);
}

static int refuse(void *payload, const void *data, size_t len, struct err *err)
{
	(void)payload;
	(void)data;
	(void)len;
	return err_set(err, ERR_USAGE, "not that");
}

static void the_relay_returns_the_sinks_error(void **state)
{
	static char zeros[1 << 20];

	(void)state;
	for (unsigned blocks = 1; blocks < 12; blocks++) {
		struct relay *relay = relay_new(refuse, NULL);
		struct err err = {0};
		int rc = 0;

		for (unsigned i = 0; i < blocks && rc == 0; i++)
			rc = relay_feed(relay, zeros, sizeof(zeros), &err);
		if (rc == 0)
			rc = relay_end(relay, &err);
		assert_int_equal(rc, -1);
		assert_string_equal(err.msg, "not that");
		relay_free(relay);
	}
}

static void a_relay_may_be_dropped(void **state)
{
	static char zeros[3 << 20];
	struct relay *relay;
	struct buf got;

	(void)state;
	buf_init(&got, TARBALL_MAX);
	relay = relay_new(append, &got);
	assert_int_equal(relay_feed(relay, zeros, sizeof(zeros), NULL), 0);
	relay_free(relay);
	relay_free(relay_new(append, &got));
	buf_done(&got);
}

/* A fatbin of two entries, with payloads of SIZE bytes. */
static void add_fatbin(struct buf *out, size_t size)
{
	const uint64_t total = 2 * (64 + (uint64_t)size);
	const unsigned char header[8] = {0x50, 0xed, 0x55, 0xba, 1, 0, 16, 0};
	char entry[64] = {2, 0, 1, 1, 64};
	char *payload = malloc(size);

	memset(payload, 0xaa, size);
	memcpy(entry + 8, &size, sizeof(size));
	buf_add(out, header, sizeof(header));
	buf_add(out, &total, sizeof(total));
	for (int i = 0; i < 2; i++) {
		buf_add(out, entry, sizeof(entry));
		buf_add(out, payload, size);
	}
	free(payload);
}

/* The scratch file must have all bytes but the payloads of large entries. */
static void check_spool(size_t size, size_t step, bool left_out)
{
	struct spool spool;
	struct buf file, text;
	size_t at, payload;
	char *got;

	make_text(&text, 9 << 20);
	buf_init(&file, TARBALL_MAX);
	buf_add(&file, text.data, 9 << 20); /* beyond what stays in memory, and aligned */
	add_fatbin(&file, size);
	payload = (9 << 20) + 16 + 64;
	buf_addstr(&file, "and what follows");
	spool_init(&spool, NULL);
	for (at = 0; at < file.len; at += step)
		assert_int_equal(spool_add(&spool, file.data + at,
					   file.len - at < step ? file.len - at : step, NULL),
				 0);
	assert_true(spool.in_file);
	assert_int_equal(spool.len, file.len);
	got = calloc(1, file.len);
	assert_int_equal(pread(spool.fd, got, file.len, 0), file.len);
	if (left_out) {
		for (size_t i = 0; i < size; i++)
			assert_int_equal(got[payload + i], 0);
		memset(file.data + payload, 0, size);
		memset(file.data + payload + size + 64, 0, size);
	}
	assert_memory_equal(got, file.data, file.len);
	free(got);
	spool_reset(&spool);
	assert_int_equal(spool.len, 0);
	spool_done(&spool);
	buf_done(&file);
	buf_done(&text);
}

static void gpu_code_is_left_out_of_the_scratch_file(void **state)
{
	(void)state;
	check_spool(100000, 1 << 20, true);
	check_spool(100000, 8 * 1024, true);
	check_spool(100000, 8, true);
	check_spool(4096, 1 << 20, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unpacks_in_pieces_of_any_size),
		cmocka_unit_test(unpacks_several_members_and_padding),
		cmocka_unit_test(short_inputs_stay_as_they_are),
		cmocka_unit_test(the_relay_gives_all_bytes_in_order),
		cmocka_unit_test(the_relay_returns_the_sinks_error),
		cmocka_unit_test(a_relay_may_be_dropped),
		cmocka_unit_test(gpu_code_is_left_out_of_the_scratch_file),
	};

	return cmocka_run_group_tests_name("image/unpack", tests, NULL, NULL);
}

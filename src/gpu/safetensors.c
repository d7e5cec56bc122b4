#include "gpu/safetensors.h"

#include "base/json_text.h"
#include "gpu/scan.h"

#include <stdlib.h>
#include <string.h>

#define STATE_BYTES_MAX 4096		 /* JSON of one quant_state */
#define ELEMENTS_MAX (UINT64_C(1) << 31) /* bitsandbytes counts in 32-bit integers */

static const char state_suffix[] = ".quant_state.bitsandbytes__nf4";

static const struct {
	const char *name;
	unsigned bytes;
} types[] = {
	{"BOOL", 1}, {"U8", 1},	 {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1},
	{"U16", 2},  {"I16", 2}, {"F16", 2}, {"BF16", 2},    {"U32", 4},
	{"I32", 4},  {"F32", 4}, {"U64", 8}, {"I64", 8},     {"F64", 8},
};

static unsigned type_bytes(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(types[i].name, name))
			return types[i].bytes;
	return 0;
}

static int read_shape(struct span shape, struct tensor *tensor, uint64_t *elements)
{
	struct walk walk = {NULL, {NULL, 0}, {NULL, 0}};
	uint64_t total = 1;

	if (!shape.at || *shape.at != '[')
		return -1;
	while (scan_next(shape, &walk)) {
		uint64_t side;

		if (tensor->rank == SAFETENSORS_RANK_MAX || !scan_uint(walk.value, &side) ||
		    __builtin_mul_overflow(total, side, &total))
			return -1;
		tensor->shape[tensor->rank++] = side;
	}
	*elements = total;
	return 0;
}

static int read_offsets(struct span offsets, uint64_t out[2])
{
	struct walk walk = {NULL, {NULL, 0}, {NULL, 0}};

	for (size_t i = 0; i < 2; i++)
		if (!scan_next(offsets, &walk) || !scan_uint(walk.value, &out[i]))
			return -1;
	return scan_next(offsets, &walk) ? -1 : 0;
}

static int read_tensor(struct span value, const uint8_t *body, size_t body_len,
		       struct tensor *tensor, struct err *err)
{
	uint64_t offsets[2], elements, bytes;
	unsigned each;

	if (!scan_string(scan_get(value, "dtype"), tensor->type, sizeof(tensor->type)))
		return err_set(err, ERR_USAGE, "%s: no dtype", tensor->name);
	each = type_bytes(tensor->type);
	if (!each)
		return err_set(err, ERR_USAGE, "%s: unknown dtype %s", tensor->name, tensor->type);
	if (read_shape(scan_get(value, "shape"), tensor, &elements) < 0)
		return err_set(err, ERR_USAGE, "%s: bad shape", tensor->name);
	if (read_offsets(scan_get(value, "data_offsets"), offsets) < 0)
		return err_set(err, ERR_USAGE, "%s: bad data_offsets", tensor->name);
	if (offsets[0] > offsets[1] || offsets[1] > body_len)
		return err_set(err, ERR_USAGE, "%s: its data lie outside the file", tensor->name);
	if (__builtin_mul_overflow(elements, (uint64_t)each, &bytes) ||
	    bytes != offsets[1] - offsets[0])
		return err_set(err, ERR_USAGE, "%s: shape and data_offsets disagree", tensor->name);
	tensor->data = body + offsets[0];
	tensor->size = (size_t)bytes;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tensor *)a)->name, ((const struct tensor *)b)->name);
}

static int read_header(struct span header, const uint8_t *body, size_t body_len,
		       struct arena *arena, struct safetensors *out, struct err *err)
{
	struct walk walk = {NULL, {NULL, 0}, {NULL, 0}};

	if (*header.at != '{')
		return err_set(err, ERR_USAGE, "the header is no JSON object");
	while (scan_next(header, &walk)) {
		struct tensor *tensor;

		if (walk.key.len == 12 && !memcmp(walk.key.at, "__metadata__", 12))
			continue;
		if (out->count == SAFETENSORS_COUNT_MAX || walk.key.len > SAFETENSORS_NAME_MAX)
			return err_set(err, ERR_LIMIT, "too many tensors, or too long a name");
		tensor = arena_push(arena, &out->tensors, &out->count, sizeof(*tensor));
		tensor->name = arena_strndup(arena, walk.key.at, walk.key.len);
		if (read_tensor(walk.value, body, body_len, tensor, err) < 0)
			return -1;
	}
	if (out->count)
		qsort(out->tensors, out->count, sizeof(*out->tensors), by_name);
	return 0;
}

int safetensors_read(const void *data, size_t len, struct arena *arena, struct safetensors *out,
		     struct err *err)
{
	struct safetensors made = {NULL, 0};
	struct json_fault fault;
	uint64_t header = 0;
	char *text;

	if (len < 8)
		return err_set(err, ERR_USAGE, "too short for a safetensors file");
	for (int i = 7; i >= 0; i--)
		header = header << 8 | ((const uint8_t *)data)[i];
	if (header < 2 || header > SAFETENSORS_HEADER_MAX || header > len - 8)
		return err_set(err, ERR_USAGE, "the header does not fit the file");
	text = arena_strndup(arena, (const char *)data + 8, (size_t)header);
	if (json_text_check(text, (size_t)header, false, &fault) < 0)
		return err_set(err, ERR_USAGE, "the header at byte %zu: %s", fault.offset,
			       fault.what);
	if (read_header(scan_value(text), (const uint8_t *)data + 8 + header,
			len - 8 - (size_t)header, arena, &made, err) < 0)
		return -1;
	*out = made;
	return 0;
}

const struct tensor *safetensors_find(const struct safetensors *file, const char *name)
{
	const struct tensor key = {.name = name};

	return file->count ? bsearch(&key, file->tensors, file->count, sizeof(key), by_name) : NULL;
}

/* --- 4-bit weights --------------------------------------------------------------------------- */

static const struct tensor *part(const struct safetensors *file, const char *name,
				 const char *suffix, struct arena *arena)
{
	return safetensors_find(file, arena_printf(arena, "%s%s", name, suffix));
}

/* Its floats, aligned; NULL when TENSOR is absent or has another type or count. */
static float *floats(const struct tensor *tensor, uint64_t count, struct arena *arena)
{
	float *out;

	if (!tensor || strcmp(tensor->type, "F32") != 0 || tensor->size != count * sizeof(float))
		return NULL;
	out = arena_alloc(arena, tensor->size);
	memcpy(out, tensor->data, tensor->size);
	return out;
}

static int parse_type(const char *name, enum number *out)
{
	static const char *const names[] = {"bfloat16", "float16", "float32"};

	for (enum number i = 0; i < NUMBER_COUNT; i++)
		if (!strcmp(names[i], name)) {
			*out = i;
			return 0;
		}
	return -1;
}

struct state {
	struct span json;
	uint64_t blocksize, nested_blocksize;
	double offset;
};

static int read_state(const struct tensor *tensor, struct arena *arena, struct weight4 *out,
		      struct state *state, struct err *err)
{
	struct json_fault fault;
	char word[16], *text;
	struct walk shape = {NULL, {NULL, 0}, {NULL, 0}};
	struct span sides;

	if (tensor->size > STATE_BYTES_MAX || !tensor->size)
		return err_set(err, ERR_USAGE, "%s: %zu bytes", tensor->name, tensor->size);
	text = arena_strndup(arena, (const char *)tensor->data, tensor->size);
	if (strlen(text) != tensor->size || json_text_check(text, tensor->size, false, &fault) < 0)
		return err_set(err, ERR_USAGE, "%s: no JSON", tensor->name);
	state->json = scan_value(text);
	if (!scan_string(scan_get(state->json, "quant_type"), word, sizeof(word)) ||
	    strcmp(word, "nf4") != 0)
		return err_set(err, ERR_USAGE, "%s: quant_type is not nf4", tensor->name);
	if (!scan_string(scan_get(state->json, "dtype"), word, sizeof(word)) ||
	    parse_type(word, &out->type) < 0)
		return err_set(err, ERR_USAGE, "%s: unknown dtype", tensor->name);
	if (!scan_uint(scan_get(state->json, "blocksize"), &state->blocksize) ||
	    state->blocksize < 32 || state->blocksize > 4096 ||
	    (state->blocksize & (state->blocksize - 1)))
		return err_set(err, ERR_USAGE, "%s: bad blocksize", tensor->name);
	sides = scan_get(state->json, "shape");
	if (!scan_next(sides, &shape) || !scan_uint(shape.value, &out->n) ||
	    !scan_next(sides, &shape) || !scan_uint(shape.value, &out->k) ||
	    scan_next(sides, &shape))
		return err_set(err, ERR_USAGE, "%s: the shape has not two sides", tensor->name);
	out->nested = scan_get(state->json, "nested_blocksize").at != NULL;
	if (out->nested &&
	    (!scan_uint(scan_get(state->json, "nested_blocksize"), &state->nested_blocksize) ||
	     state->nested_blocksize != NESTED_BLOCK ||
	     !scan_double(scan_get(state->json, "nested_offset"), &state->offset)))
		return err_set(err, ERR_USAGE, "%s: bad nested_blocksize or nested_offset",
			       tensor->name);
	return 0;
}

static int read_nested(const struct safetensors *file, const char *name,
		       const struct tensor *absmax, const struct state *state, struct arena *arena,
		       struct weight4 *out, struct err *err)
{
	const uint64_t scales = (out->absmax_count + NESTED_BLOCK - 1) / NESTED_BLOCK;
	float *decoded;

	if (!absmax || strcmp(absmax->type, "U8") != 0 || absmax->size != out->absmax_count)
		return err_set(err, ERR_USAGE, "%s.absmax: not %llu codes", name,
			       (unsigned long long)out->absmax_count);
	out->codes = absmax->data;
	out->scales = floats(part(file, name, ".nested_absmax", arena), scales, arena);
	out->map = floats(part(file, name, ".nested_quant_map", arena), NESTED_CODES, arena);
	if (!out->scales || !out->map)
		return err_set(err, ERR_USAGE, "%s: nested_absmax or nested_quant_map is wrong",
			       name);
	out->offset = (float)state->offset;
	decoded = arena_alloc(arena, out->absmax_count * sizeof(float));
	nested_decode(out->codes, out->scales, out->map, out->offset, out->absmax_count, decoded);
	out->absmax = decoded;
	return 0;
}

static bool is_nf4_map(const float *map)
{
	return map && !memcmp(map, nf4_codes, sizeof(nf4_codes));
}

int safetensors_weight4(const struct safetensors *file, const char *name, struct arena *arena,
			struct weight4 *out, struct err *err)
{
	const struct tensor *packed = safetensors_find(file, name),
			    *state_bytes = part(file, name, state_suffix, arena),
			    *absmax = part(file, name, ".absmax", arena);
	struct weight4 made = {.nested = false};
	struct state state = {.blocksize = 0};
	uint64_t elements;

	if (!packed || !state_bytes)
		return err_set(err, ERR_NOTFOUND, "%s: no 4-bit weight of the file", name);
	if (read_state(state_bytes, arena, &made, &state, err) < 0)
		return -1;
	made.blocksize = (unsigned)state.blocksize;
	if (__builtin_mul_overflow(made.n, made.k, &elements) || !elements ||
	    elements > ELEMENTS_MAX || elements % 2 || strcmp(packed->type, "U8") != 0 ||
	    packed->size != elements / 2)
		return err_set(err, ERR_USAGE, "%s: not %llu x %llu packed codes", name,
			       (unsigned long long)made.n, (unsigned long long)made.k);
	if (!is_nf4_map(floats(part(file, name, ".quant_map", arena), NF4_CODES, arena)))
		return err_set(err, ERR_USAGE, "%s.quant_map: not the NF4 table", name);
	made.data = packed->data;
	made.absmax_count = (elements + made.blocksize - 1) / made.blocksize;
	if (made.nested) {
		if (read_nested(file, name, absmax, &state, arena, &made, err) < 0)
			return -1;
	} else if (!(made.absmax = floats(absmax, made.absmax_count, arena))) {
		return err_set(err, ERR_USAGE, "%s.absmax: not %llu floats", name,
			       (unsigned long long)made.absmax_count);
	}
	*out = made;
	return 0;
}

const char *safetensors_weight4_name(const struct safetensors *file, size_t index,
				     struct arena *arena)
{
	for (size_t i = 0; i < file->count; i++) {
		const char *name = file->tensors[i].name;
		size_t len = strlen(name);

		if (len < sizeof(state_suffix) ||
		    strcmp(name + len - sizeof(state_suffix) + 1, state_suffix) != 0)
			continue;
		if (index-- == 0)
			return arena_strndup(arena, name, len - sizeof(state_suffix) + 1);
	}
	return NULL;
}

/* struct py_source as bytes: numbers are little-endian base 128, texts have a length before them.
 */
#include "pydist/source.h"

#include <stdint.h>
#include <string.h>

enum {
	FLAG_DYNAMIC = 1,
	FLAG_STAR = 2,
	FLAG_OPAQUE = 4,
	FLAG_LAZY = 8,
	FLAG_CLOSED = 16,
	FLAG_MAIN = 32,
	FLAG_HOOKS = 64,
	FLAG_PATHS = 128,
	FLAGS_MAX = 255
};

static void put_number(struct buf *out, uint64_t value)
{
	do {
		unsigned char byte = (unsigned char)(value & 0x7f);

		value >>= 7;
		byte |= value ? 0x80 : 0;
		buf_add(out, &byte, 1);
	} while (value);
}

static void put_text(struct buf *out, const char *text)
{
	size_t len = strlen(text);

	put_number(out, len);
	buf_add(out, text, len);
}

static void put_strings(struct buf *out, const struct strings *list)
{
	put_number(out, list->count);
	for (size_t i = 0; i < list->count; i++)
		put_text(out, list->items[i]);
}

void py_source_save(const struct py_source *source, struct buf *out)
{
	unsigned flags = 0;

	flags |= source->dynamic ? FLAG_DYNAMIC : 0;
	flags |= source->star ? FLAG_STAR : 0;
	flags |= source->opaque ? FLAG_OPAQUE : 0;
	flags |= source->lazy ? FLAG_LAZY : 0;
	flags |= source->closed ? FLAG_CLOSED : 0;
	flags |= source->hooks ? FLAG_HOOKS : 0;
	flags |= source->paths ? FLAG_PATHS : 0;
	flags |= source->main ? FLAG_MAIN : 0;
	put_number(out, PY_SOURCE_FORMAT);
	put_number(out, flags);
	put_number(out, source->import_count);
	for (size_t i = 0; i < source->import_count; i++) {
		const struct py_import *import = &source->imports[i];

		put_number(out, import->line);
		put_number(out, import->dots);
		put_number(out, import->guard);
		put_text(out, import->module);
		put_strings(out, &import->names);
	}
	put_strings(out, &source->defines);
	put_strings(out, &source->texts);
	put_strings(out, &source->environment);
}

struct reader {
	const unsigned char *at, *end;
	struct arena *arena;
	bool bad;
};

static uint64_t get_number(struct reader *in, uint64_t max)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 63; shift += 7) {
		unsigned char byte;

		if (in->at == in->end)
			break;
		byte = *in->at++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (value <= max)
			return value;
		break;
	}
	in->bad = true;
	return 0;
}

static const char *get_text(struct reader *in)
{
	size_t len = (size_t)get_number(in, (uint64_t)(in->end - in->at));
	const char *out;

	if (in->bad || len > (size_t)(in->end - in->at)) {
		in->bad = true;
		return "";
	}
	out = arena_strndup(in->arena, (const char *)in->at, len);
	in->at += len;
	return out;
}

/* Each text takes a byte at least, so counts are bounded by what is left. */
static struct strings get_strings(struct reader *in)
{
	size_t count = (size_t)get_number(in, (uint64_t)(in->end - in->at));
	struct strings out = {0};

	if (in->bad || count > PY_NAMES_MAX || count > (size_t)(in->end - in->at)) {
		in->bad = true;
		return out;
	}
	if (count)
		out.items = arena_alloc(in->arena, count * sizeof(*out.items));
	for (; out.count < count && !in->bad; out.count++)
		out.items[out.count] = get_text(in);
	return out;
}

static void get_imports(struct reader *in, struct py_source *out)
{
	size_t count = (size_t)get_number(in, PY_IMPORTS_MAX);

	if (in->bad || count > (size_t)(in->end - in->at)) {
		in->bad = true;
		return;
	}
	if (count)
		out->imports = arena_alloc(in->arena, count * sizeof(*out->imports));
	for (; out->import_count < count && !in->bad; out->import_count++) {
		struct py_import *import = &out->imports[out->import_count];

		import->line = (unsigned)get_number(in, UINT32_MAX);
		import->dots = (unsigned)get_number(in, UINT32_MAX);
		import->guard = (enum py_guard)get_number(in, PY_GUARD_FUNCTION);
		import->module = get_text(in);
		import->names = get_strings(in);
	}
}

int py_source_load(const void *data, size_t len, struct arena *arena, struct py_source *out,
		   struct err *err)
{
	const unsigned char *at = data;
	struct reader in = {at, at + len, arena, false};
	struct py_source loaded = {0};
	unsigned flags;

	if (get_number(&in, UINT32_MAX) != PY_SOURCE_FORMAT)
		return err_set(err, ERR_NOTFOUND, "another format of Python sources");
	flags = (unsigned)get_number(&in, FLAGS_MAX);
	get_imports(&in, &loaded);
	loaded.defines = get_strings(&in);
	loaded.texts = get_strings(&in);
	loaded.environment = get_strings(&in);
	if (in.bad || in.at != in.end)
		return err_set(err, ERR_NOTFOUND, "malformed record of a Python source");
	loaded.dynamic = flags & FLAG_DYNAMIC;
	loaded.star = flags & FLAG_STAR;
	loaded.opaque = flags & FLAG_OPAQUE;
	loaded.lazy = flags & FLAG_LAZY;
	loaded.closed = flags & FLAG_CLOSED;
	loaded.hooks = flags & FLAG_HOOKS;
	loaded.paths = flags & FLAG_PATHS;
	loaded.main = flags & FLAG_MAIN;
	*out = loaded;
	return 0;
}

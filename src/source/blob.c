#include "base/mem.h"
#include "source/git.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct source_blob {
	git_odb_stream *stream; /* a large loose blob */
	git_odb_object *object; /* any other, held whole */
	git_oid oid;
	size_t size;
	size_t given;
};

int source_blob_open(struct source *source, const char *oid, struct source_blob **out,
		     uint64_t *size_out, struct err *err)
{
	struct source_blob *blob = xcalloc(1, sizeof(*blob));
	git_object_t type = GIT_OBJECT_INVALID;
	int code;

	code = git_oid_fromstr(&blob->oid, oid);
	if (code == 0)
		code = git_odb_read_header(&blob->size, &type, source->odb, &blob->oid);
	/* Packs cannot stream: opening fails for them, and the object is read whole. */
	if (code == 0 && blob->size >= SOURCE_STREAM_MIN &&
	    git_odb_open_rstream(&blob->stream, &blob->size, &type, source->odb, &blob->oid) < 0)
		blob->stream = NULL;
	if (code == 0 && !blob->stream)
		code = git_odb_read(&blob->object, source->odb, &blob->oid);
	if (code < 0) {
		git__damaged("blob", &blob->oid, err);
		source_blob_close(blob);
		return -1;
	}
	if (blob->object)
		blob->size = git_odb_object_size(blob->object);
	*size_out = blob->size;
	*out = blob;
	return 0;
}

ssize_t source_blob_read(struct source_blob *blob, void *data, size_t len, struct err *err)
{
	size_t left = blob->size - blob->given;
	int got;

	if (len > left)
		len = left;
	if (len > INT_MAX)
		len = INT_MAX;
	if (!len)
		return 0;
	if (blob->object) {
		memcpy(data, (const char *)git_odb_object_data(blob->object) + blob->given, len);
		got = (int)len;
	} else {
		git_error_clear();
		got = git_odb_stream_read(blob->stream, data, len);
		if (got <= 0) /* 0 before the end: the object is cut off */
			return git__damaged("blob", &blob->oid, err);
	}
	blob->given += (size_t)got;
	return got;
}

void source_blob_close(struct source_blob *blob)
{
	if (!blob)
		return;
	git_odb_stream_free(blob->stream);
	git_odb_object_free(blob->object);
	free(blob);
}

/*
 * What the engine room and the agent inside a container say to each other over the agent's
 * standard input and output: frames, little endian, each value bounded by a maximum below.
 *
 * frame:   u32 length of the rest, u32 id, u8 type, payload
 * READY:   u32 version; the agent's first frame, id 0
 * RUN:     u64 timeout in ms (0: none), u32 bytes kept of each stream, string workdir (empty: the
 *          container's), string user (empty: unchanged), list argv, list env ("KEY=value"), blob
 *          input
 * RESULT:  u8 kind, u32 value, u64 duration in ns, u8 flags, blob stdout, blob stderr
 * string:  u32 length, bytes without NUL, one NUL
 * list:    u32 count, strings
 * blob:    u32 length, bytes
 *
 * Both sides treat the other as hostile. The end of the agent's input ends it and its commands.
 */
#ifndef AGENT_PROTOCOL_H
#define AGENT_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PROTOCOL_VERSION 1
#define PROTOCOL_FOLDER "/.assay"
#define PROTOCOL_PROGRAM PROTOCOL_FOLDER "/agent"

#define PROTOCOL_HEAD 9 /* bytes of length, id and type */
#define PROTOCOL_RUNNING_MAX 64
#define PROTOCOL_STRINGS_MAX 8192
#define PROTOCOL_OUTPUT_MAX ((uint32_t)8 * 1024 * 1024) /* of each stream */
#define PROTOCOL_REQUEST_MAX ((uint32_t)12 * 1024 * 1024)
#define PROTOCOL_RESULT_MAX (2 * PROTOCOL_OUTPUT_MAX + 64)
#define PROTOCOL_TIMEOUT_MS_MAX (UINT64_C(7) * 24 * 3600 * 1000)

/*
 * Arguments of the program. OPEN_ROOT: give the owner of "/" the right to write there, then serve.
 * LINK PATH: serve nothing; write "UID GID TARGET" and exit with 0 when PATH is a symbolic link,
 * else write "UID GID" when it is there and exit with one of the codes. NETWORK: exit with a code
 * that says whether there is an interface that is up and not the loop.
 */
#define PROTOCOL_ARG_OPEN_ROOT "open-root"
#define PROTOCOL_ARG_LINK "link"
#define PROTOCOL_ARG_NETWORK "network"
enum { PROTOCOL_LINK_NONE = 1, PROTOCOL_LINK_CLOSED }; /* CLOSED: a folder of it is not ours */
enum { PROTOCOL_NETWORK_SOME = 3, PROTOCOL_NETWORK_NONE };

enum protocol_type { PROTOCOL_READY = 1, PROTOCOL_RUN, PROTOCOL_RESULT };

enum protocol_kind {
	PROTOCOL_EXITED = 1, /* value: exit code */
	PROTOCOL_SIGNALLED,  /* value: signal */
	PROTOCOL_TIMED_OUT,
	PROTOCOL_NOT_FOUND,  /* value: errno of execve */
	PROTOCOL_NO_USER,    /* value: errno */
	PROTOCOL_NO_WORKDIR, /* value: errno */
	PROTOCOL_NO_START,   /* value: errno of what else went wrong */
};

enum { PROTOCOL_OUT_TRUNCATED = 1, PROTOCOL_ERR_TRUNCATED = 2 };

static inline void protocol_put(void *at, uint64_t value, size_t bytes)
{
	unsigned char *p = at;
	size_t i;

	for (i = 0; i < bytes; i++)
		p[i] = (unsigned char)(value >> (8 * i));
}

/* A payload being read; OK turns false at the first value that does not fit. */
struct protocol_reader {
	const unsigned char *at;
	size_t left;
	bool ok;
};

static inline const void *protocol_bytes(struct protocol_reader *reader, size_t len)
{
	const unsigned char *at = reader->at;

	if (!reader->ok || len > reader->left) {
		reader->ok = false;
		return NULL;
	}
	reader->at += len;
	reader->left -= len;
	return at;
}

static inline uint64_t protocol_get(struct protocol_reader *reader, size_t bytes)
{
	const unsigned char *p = protocol_bytes(reader, bytes);
	uint64_t value = 0;
	size_t i;

	for (i = 0; p != NULL && i < bytes; i++)
		value |= (uint64_t)p[i] << (8 * i);
	return value;
}

/* Length into LEN; NULL when it does not fit. */
static inline const void *protocol_blob(struct protocol_reader *reader, size_t *len)
{
	*len = (size_t)protocol_get(reader, 4);
	return protocol_bytes(reader, *len);
}

/* Borrowed from the payload; NULL when it does not fit or is not one string. */
static inline const char *protocol_string(struct protocol_reader *reader)
{
	size_t len = (size_t)protocol_get(reader, 4);
	const char *text = len == SIZE_MAX ? NULL : protocol_bytes(reader, len + 1);

	if (text != NULL && strnlen(text, len + 1) == len)
		return text;
	reader->ok = false;
	return NULL;
}

#endif

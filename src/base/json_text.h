/*
 * JSON as text: what is checked before a document reaches cJSON, and where things stand in it.
 * For base/json.c, and for the GPU program, which cannot carry cJSON into an image.
 */
#ifndef BASE_JSON_TEXT_H
#define BASE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct json_fault {
	size_t offset;
	char what[96];
};

/*
 * Prove the LEN bytes of TEXT (NUL-terminated) to be one JSON document of at most JSON_DEPTH_MAX
 * levels. With JSONC, comments and trailing commas are blanked in place, so that offsets stay.
 * -1 with FAULT otherwise.
 */
int json_text_check(char *text, size_t len, bool jsonc, struct json_fault *fault);

/* Offset of the key of member MEMBER of the OBJECTth object, both counted from 0 in the order of a
 * checked TEXT. */
size_t json_text_member(const char *text, size_t len, size_t object, size_t member);

#endif

/*
 * YAML: a thin face over libyaml, the only place that knows it. A document becomes a JSON tree, so
 * that whoever reads JSON reads YAML, too.
 *
 * One document of mappings and lists with scalar keys. Plain scalars are resolved by YAML 1.1 as
 * Go's yaml.v2 does it (`yes` is true, `010` is 8), and keep their text (json_literal), since a
 * reader who wants a string takes `1.10` as it stands. Refused, with line and column: a second
 * document, duplicate keys, tags of an application, NUL, and what passes the limits below. Anchors
 * and merge keys are expanded; every node of an expansion counts.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/err.h"
#include "base/json.h"

#include <stddef.h>

#define YAML_BYTES_MAX ((size_t)1024 * 1024)
#define YAML_NODES_MAX ((size_t)100000) /* after expansion */
#define YAML_KEYS_MAX ((size_t)1024)	/* of one mapping */
#define YAML_ANCHORS_MAX ((size_t)1024)

/* Parse LEN bytes of UTF-8. The root is a mapping or a list; the caller frees it with json_free.
 * Errors are ERR_USAGE "FILE:L:C: …". */
int yaml_parse(const char *file, const char *text, size_t len, struct json **out, struct err *err);

/* As json_locate, for a TEXT that yaml_parse has read. What was expanded stands where its alias
 * does. */
size_t yaml_locate(const char *text, size_t len, const char *path, const char *key);

#endif

/* Shared by the parts of the suite room. */
#ifndef SUITE_SUITE_PRIVATE_H
#define SUITE_SUITE_PRIVATE_H

#include "base/buf.h"
#include "base/digest.h"
#include "suite/suite.h"

#define SUITE_NAME_MAX 100			     /* bytes, of suites and checks */
#define SUITE_EXPANDED_MAX ((size_t)4 * 1024 * 1024) /* bytes of all strings with variables */

/* The root as a struct of its own: "checks" is read apart, since its keys depend on the kind. */
struct suite_root {
	const struct json *schema;
	int64_t version;
	const char *name;
	const char *description;
	struct strings targets;
	struct suite_image *image;
	struct suite_service *service;
	bool rerun_failures;
	const struct json *checks;
};

/* The JSON Schema of references, and their loading: JSON (NULL: none) stands at PATH. Errors are
 * ERR_USAGE, located in SOURCE at the cell. */
extern const char suite_reference_schema[];
int suite_load_references(const struct json *json, const struct field_source *source,
			  const char *path, struct arena *arena, struct suite_references *out,
			  struct err *err);

/* What the table of a service cannot say. ERR_USAGE without location. */
int suite_service_validate(const struct suite_service *service, struct err *err);

/* Keys of a check that are not its kind's, NULL-terminated. */
extern const char *const suite_common_keys[];

/*
 * A copy of the object DOCUMENT with "${NAME}" replaced in every string value from VARS, then the
 * environment; "$${" gives "${". Every variable used is added to DIGEST. Errors are located in
 * SOURCE. The caller frees OUT.
 */
int suite_expand(const struct json *document, const struct field_source *source,
		 const struct pairs *vars, struct digest *digest, struct json **out,
		 struct err *err);

#endif

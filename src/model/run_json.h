/* A run as JSON: the contract of run directories, reports and `--json` ("assay_run": 1). */
#ifndef MODEL_RUN_JSON_H
#define MODEL_RUN_JSON_H

#include "base/json.h"
#include "model/run.h"

#define RUN_JSON_VERSION 1

/* A new JSON object, the caller's. */
struct json *run_to_json(const struct run *run);
/* ERR_USAGE for another version or a missing key. */
int run_from_json(const struct json *json, struct run **out, struct err *err);
/* One case, for journals and result.json. */
void case_to_json(const struct case_result *result, struct json *out);
void case_from_json(const struct json *json, struct arena *arena, struct case_result *out);

#endif

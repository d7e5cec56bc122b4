#include "model/run_json.h"
#include "report/report_ops.h"

static void write_json(const struct run *run, const struct report_options *options, struct buf *out)
{
	struct json *json = run_to_json(run);

	(void)options;
	json_print(json, true, out);
	buf_addstr(out, "\n");
	json_free(json);
}

const struct report_ops report_json = {
	.format = "json",
	.summary = "the whole run, versioned (\"assay_run\": 1)",
	.write = write_json,
};

/* The service that prompt and load checks ask. */
#include "suite/suite_private.h"

#include <string.h>

static const char *const networks[] = {"published", "host", NULL};

#define AT(member) offsetof(struct suite_mount, member)
static const struct field mount_fields[] = {
	{.name = "source",
	 .type = FIELD_STRING,
	 .offset = AT(source),
	 .required = true,
	 .nonempty = true,
	 .help = "file or folder of the engine's host"},
	{.name = "target",
	 .type = FIELD_STRING,
	 .offset = AT(target),
	 .required = true,
	 .nonempty = true,
	 .help = "absolute path in the container"},
	{.name = "writable",
	 .type = FIELD_BOOL,
	 .offset = AT(writable),
	 .def = "false",
	 .help = "the service may write to it"},
	{.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct suite_ready, member)
static const struct field ready_fields[] = {
	PROMPT_REQUEST_FIELD(AT(request), "how the prompt is put (default: POST /prompt)"),
	PROMPT_INPUT_FIELDS(AT(input)),
	EXPECT_FIELD(AT(expect), "what a good answer is (default: a text that is not empty)"),
	{.name = "timeout",
	 .type = FIELD_DURATION,
	 .offset = AT(timeout_ns),
	 .def = "5m",
	 .help = "time limit from the start to the first good answer"},
	{.name = "interval",
	 .type = FIELD_DURATION,
	 .offset = AT(interval_ns),
	 .def = "250ms",
	 .help = "pause between two attempts"},
	{.name = "answer_timeout",
	 .type = FIELD_DURATION,
	 .offset = AT(answer_ns),
	 .def = "30s",
	 .help = "time limit of one attempt"},
	{.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct suite_service, member)
const struct field suite_service_fields[] = {
	{.name = "url",
	 .type = FIELD_STRING,
	 .offset = AT(url),
	 .nonempty = true,
	 .help = "base URL of a service that runs already: no container is started"},
	{.name = "entrypoint",
	 .type = FIELD_STRINGS,
	 .offset = AT(entrypoint),
	 .help = "program and first arguments (default: the image's)"},
	{.name = "command",
	 .type = FIELD_STRINGS,
	 .offset = AT(command),
	 .help = "arguments, or program and arguments (default: the image's)"},
	{.name = "port",
	 .type = FIELD_INT,
	 .offset = AT(port),
	 .min = 0,
	 .max = 65535,
	 .def = "8000",
	 .help = "port that the service opens; 0 with network host takes a free one, which stands "
		 "in PORT and for {{port}} in command and env"},
	{.name = "network",
	 .type = FIELD_ENUM,
	 .offset = AT(network),
	 .def = "published",
	 .choices = networks,
	 .help = "published: the engine's default network, the port published on the loopback; "
		 "host: the host's own"},
	{.name = "env", .type = FIELD_MAP, .offset = AT(env), .help = "variables to add"},
	{.name = "secrets",
	 .type = FIELD_STRINGS,
	 .offset = AT(secrets),
	 .help = "names of variables of Assay's environment to pass on; never shown"},
	{.name = "mounts",
	 .type = FIELD_OBJECTS,
	 .offset = AT(mounts),
	 .fields = mount_fields,
	 .size = sizeof(struct suite_mount),
	 .help = "files and folders of the host, such as models"},
	{.name = "gpu",
	 .type = FIELD_BOOL,
	 .offset = AT(gpu),
	 .def = "false",
	 .help = "give it all GPUs"},
	{.name = "user",
	 .type = FIELD_STRING,
	 .offset = AT(user),
	 .nonempty = true,
	 .help = "user to run as (default: the image's)"},
	{.name = "workdir",
	 .type = FIELD_STRING,
	 .offset = AT(workdir),
	 .nonempty = true,
	 .help = "folder to start in (default: the image's)"},
	{.name = "memory",
	 .type = FIELD_SIZE,
	 .offset = AT(memory_bytes),
	 .help = "memory limit (default: none)"},
	{.name = "shm",
	 .type = FIELD_SIZE,
	 .offset = AT(shm_bytes),
	 .help = "size of /dev/shm (default: the engine's)"},
	{.name = "ready",
	 .type = FIELD_OBJECT,
	 .offset = AT(ready),
	 .fields = ready_fields,
	 .size = sizeof(struct suite_ready),
	 .help = "prompt whose good answer proves that the service serves; a container needs one"},
	{.name = NULL},
};
#undef AT

static bool has_container_keys(const struct suite_service *service)
{
	return service->entrypoint.count || service->command.count || service->env.count ||
	       service->secrets.count || service->mounts.count || service->gpu || service->user ||
	       service->workdir || service->memory_bytes || service->shm_bytes ||
	       service->network != SUITE_NETWORK_PUBLISHED;
}

static int validate_names(const struct suite_service *service, struct err *err)
{
	const struct suite_mount *mounts = service->mounts.items;

	for (size_t i = 0; i < service->mounts.count; i++)
		if (mounts[i].target[0] != '/')
			return err_set(err, ERR_USAGE, "mounts: \"%s\" is no absolute path",
				       mounts[i].target);
	for (size_t i = 0; i < service->secrets.count; i++)
		if (!*service->secrets.items[i] || strchr(service->secrets.items[i], '='))
			return err_set(err, ERR_USAGE,
				       "secrets: names of variables alone, never their values");
	return 0;
}

static int validate_ready(const struct suite_ready *ready, struct err *err)
{
	const struct prompt_template *request = ready->request;

	if (request->stream)
		return err_set(err, ERR_USAGE, "ready: \"stream\" cannot be asked for here");
	if (request->url)
		return err_set(err, ERR_USAGE, "ready: request.url is the service's own");
	if (request->format == PROMPT_RUNPOD_ASYNC)
		return err_set(err, ERR_USAGE, "ready: runpod-async does not answer: runpod-sync");
	if (!ready->interval_ns)
		return err_set(err, ERR_USAGE, "ready: \"interval\" is not 0");
	if (prompt_template_validate(request, err) < 0 ||
	    prompt_input_validate(request, &ready->input, err) < 0)
		return err_wrap(err, "ready");
	if (!ready->expect)
		return 0;
	if (ready->expect->golden || ready->expect->deterministic ||
	    (ready->expect->similar && !ready->expect->similar->to))
		return err_set(err, ERR_USAGE, "ready: nothing is compared with a golden here");
	return expect_validate(ready->expect, "ready: expect", err);
}

int suite_service_validate(const struct suite_service *service, struct err *err)
{
	if (service->url && has_container_keys(service))
		return err_set(err, ERR_USAGE, "\"url\" starts no container: leave its keys out");
	if (service->url && !strstr(service->url, "://"))
		return err_set(err, ERR_USAGE, "\"url\" is not one: write http://HOST[:PORT]");
	if (!service->url && !service->ready)
		return err_set(err, ERR_USAGE,
			       "\"ready\" is missing: a prompt whose answer proves that it serves");
	if (!service->url && !service->port && service->network != SUITE_NETWORK_HOST)
		return err_set(err, ERR_USAGE, "\"port\" 0 is for network host");
	if (validate_names(service, err) < 0)
		return -1;
	return service->ready ? validate_ready(service->ready, err) : 0;
}

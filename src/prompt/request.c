#include "prompt/request_private.h"

#include <math.h>
#include <string.h>

const char *const prompt_format_names[] = {"fastapi",	  "openai-chat",  "openai-completions",
					   "runpod-sync", "runpod-async", "json",
					   NULL};

static const char *const default_paths[PROMPT_FORMATS] = {
	"/prompt", "/v1/chat/completions", "/v1/completions", "/runsync", "/run", "/"};

#define AT(member) offsetof(struct prompt_auth, member)
static const struct field auth_fields[] = {
	{.name = "env",
	 .type = FIELD_STRING,
	 .offset = AT(env),
	 .required = true,
	 .nonempty = true,
	 .help = "environment variable that holds the secret"},
	{.name = "header",
	 .type = FIELD_STRING,
	 .offset = AT(header),
	 .nonempty = true,
	 .def = "Authorization",
	 .help = "header that carries it"},
	{.name = "scheme",
	 .type = FIELD_STRING,
	 .offset = AT(scheme),
	 .def = "Bearer",
	 .help = "word before the secret, \"\" for none"},
	{.name = NULL},
};
#undef AT

const struct prompt_template prompt_template_plain = {
	.max_tokens = FIELD_ABSENT_INT, .temperature = NAN, .seed = FIELD_ABSENT_INT};

#define AT(member) offsetof(struct prompt_tls, member)
static const struct field tls_fields[] = {
	{.name = "ca",
	 .type = FIELD_STRING,
	 .offset = AT(ca),
	 .nonempty = true,
	 .help = "file with the authorities to trust (default: the system's)"},
	{.name = "cert",
	 .type = FIELD_STRING,
	 .offset = AT(cert),
	 .nonempty = true,
	 .help = "file with the client's certificate"},
	{.name = "key",
	 .type = FIELD_STRING,
	 .offset = AT(key),
	 .nonempty = true,
	 .help = "file with the client's key"},
	{.name = "insecure",
	 .type = FIELD_BOOL,
	 .offset = AT(insecure),
	 .def = "false",
	 .help = "take any certificate"},
	{.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct prompt_template, member)
const struct field prompt_template_fields[] = {
	{.name = "template",
	 .type = FIELD_ENUM,
	 .offset = AT(format),
	 .def = "fastapi",
	 .choices = prompt_format_names,
	 .help = "how requests are put and answers read"},
	{.name = "url",
	 .type = FIELD_STRING,
	 .offset = AT(url),
	 .nonempty = true,
	 .help = "base URL (default: the suite's service)"},
	{.name = "path",
	 .type = FIELD_STRING,
	 .offset = AT(path),
	 .nonempty = true,
	 .help = "path below the base (default: the template's own)"},
	{.name = "method",
	 .type = FIELD_STRING,
	 .offset = AT(method),
	 .nonempty = true,
	 .help = "HTTP method (default POST)"},
	{.name = "headers",
	 .type = FIELD_MAP,
	 .offset = AT(headers),
	 .help = "headers to send; secrets belong in auth"},
	{.name = "auth",
	 .type = FIELD_OBJECT,
	 .offset = AT(auth),
	 .fields = auth_fields,
	 .size = sizeof(struct prompt_auth),
	 .help = "secret to send in a header"},
	{.name = "tls",
	 .type = FIELD_OBJECT,
	 .offset = AT(tls),
	 .fields = tls_fields,
	 .size = sizeof(struct prompt_tls),
	 .help = "how an https endpoint is trusted"},
	{.name = "proxy",
	 .type = FIELD_STRING,
	 .offset = AT(proxy),
	 .help = "proxy's URL, \"\" for none (default: the environment's)"},
	{.name = "model",
	 .type = FIELD_STRING,
	 .offset = AT(model),
	 .nonempty = true,
	 .help = "model to ask for"},
	{.name = "system",
	 .type = FIELD_STRING,
	 .offset = AT(system),
	 .nonempty = true,
	 .help = "openai-chat: system message before the prompt"},
	{.name = "max_tokens",
	 .type = FIELD_INT,
	 .offset = AT(max_tokens),
	 .min = 1,
	 .max = 10000000,
	 .help = "most tokens to generate"},
	{.name = "temperature",
	 .type = FIELD_NUMBER,
	 .offset = AT(temperature),
	 .min = 0,
	 .max = 100,
	 .help = "sampling temperature"},
	{.name = "seed",
	 .type = FIELD_INT,
	 .offset = AT(seed),
	 .min = 0,
	 .max = 9007199254740992.0,
	 .help = "seed of the sampling"},
	{.name = "stream",
	 .type = FIELD_BOOL,
	 .offset = AT(stream),
	 .def = "false",
	 .help = "ask for server-sent events"},
	{.name = "body",
	 .type = FIELD_JSON,
	 .offset = AT(body),
	 .help = "template json: the whole body; else keys added to the body, or replacing its "
		 "own"},
	{.name = "text",
	 .type = FIELD_STRING,
	 .offset = AT(text),
	 .nonempty = true,
	 .help = "JSON path of the generated text (default: the template's own)"},
	{.name = NULL},
};
#undef AT

/* --- bodies ---------------------------------------------------------------------------------- */

static int64_t max_tokens_of(const struct prompt_template *tmpl, const struct prompt_input *input)
{
	return input->max_tokens != FIELD_ABSENT_INT ? input->max_tokens : tmpl->max_tokens;
}

static bool is_runpod(int format)
{
	return format == PROMPT_RUNPOD_SYNC || format == PROMPT_RUNPOD_ASYNC;
}

static void add_message(struct json *messages, const char *role, const char *content)
{
	struct json *message = json_add_object(messages, NULL);

	json_add_str(message, "role", role);
	json_add_str(message, "content", content);
}

static int add_messages(const struct prompt_vars *vars, struct json *body, struct err *err)
{
	const struct prompt_template *tmpl = vars->tmpl;
	const struct prompt_input *input = vars->input;
	struct json *messages;

	if (input->messages)
		return prompt__expand(vars, body, "messages", input->messages, err);
	messages = json_add_array(body, "messages");
	if (tmpl->system)
		add_message(messages, "system", tmpl->system);
	add_message(messages, "user", input->prompt);
	return 0;
}

static void add_settings(const struct prompt_vars *vars, struct json *to)
{
	const struct prompt_template *tmpl = vars->tmpl;

	if (vars->max_tokens != FIELD_ABSENT_INT)
		json_add_int(to, "max_tokens", vars->max_tokens);
	if (!isnan(tmpl->temperature))
		json_add_num(to, "temperature", tmpl->temperature);
	if (tmpl->seed != FIELD_ABSENT_INT)
		json_add_int(to, "seed", tmpl->seed);
	if (tmpl->stream)
		json_add_bool(to, "stream", true);
}

static int add_input(const struct prompt_vars *vars, struct json *body, struct err *err)
{
	struct json *input;

	if (vars->input->input)
		return prompt__expand(vars, body, "input", vars->input->input, err);
	input = json_add_object(body, "input");
	json_add_str(input, "prompt", vars->input->prompt);
	add_settings(vars, input);
	return 0;
}

static int add_own(const struct prompt_vars *vars, struct json *body, struct err *err)
{
	const struct prompt_template *tmpl = vars->tmpl;
	bool openai =
		tmpl->format == PROMPT_OPENAI_CHAT || tmpl->format == PROMPT_OPENAI_COMPLETIONS;

	if (is_runpod(tmpl->format))
		return add_input(vars, body, err);
	json_add_str(body, "model", tmpl->model);
	if (tmpl->format == PROMPT_OPENAI_CHAT) {
		if (add_messages(vars, body, err) < 0)
			return -1;
	} else {
		json_add_str(body, "prompt", vars->input->prompt);
	}
	add_settings(vars, body);
	/* Without it OpenAI's streams end without a count of tokens. */
	if (openai && tmpl->stream)
		json_add_bool(json_add_object(body, "stream_options"), "include_usage", true);
	return 0;
}

/* The format's own keys, but for those that the template's body gives, then those. */
static int merge(const struct prompt_vars *vars, const struct json *own, struct json *out,
		 struct err *err)
{
	const struct json *extra = vars->tmpl->body;

	for (const struct json *item = json_first(own); item; item = json_next(item))
		if (!extra || !json_get(extra, json_key(item)))
			json_add_copy(out, json_key(item), item);
	for (const struct json *item = extra ? json_first(extra) : NULL; item;
	     item = json_next(item))
		if (prompt__expand(vars, out, json_key(item), item, err) < 0)
			return -1;
	return 0;
}

static int make_body(const struct prompt_vars *vars, struct json **out, struct err *err)
{
	struct json *holder = json_new_object(), *own;
	int rc;

	if (vars->tmpl->format == PROMPT_JSON) {
		rc = prompt__expand(vars, holder, "body", vars->tmpl->body, err);
	} else {
		own = json_new_object();
		rc = add_own(vars, own, err);
		if (rc == 0)
			rc = merge(vars, own, json_add_object(holder, "body"), err);
		json_free(own);
	}
	if (rc < 0)
		json_free(holder);
	else
		*out = holder;
	return rc;
}

/* --- validation ------------------------------------------------------------------------------ */

/* Letters that RFC 9110 allows in a token, which header names and methods are. */
static bool is_token(const char *text)
{
	static const char letters[] =
		"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	return *text && text[strspn(text, letters)] == '\0';
}

static bool is_header_value(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
			return false;
	return true;
}

static int check_url(const char *url, struct err *err)
{
	bool known = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
	const char *host = known ? strstr(url, "://") + 3 : "";

	if (!known || !*host || *host == '/' || !is_header_value(url) || strchr(url, ' '))
		return err_set(err, ERR_USAGE,
			       "\"url\" is not one: write http://HOST[:PORT] or https://…");
	if (memchr(host, '@', strcspn(host, "/?#")))
		return err_set(err, ERR_USAGE, "\"url\" holds a password: use auth");
	return 0;
}

static int check_headers(const struct prompt_template *tmpl, struct err *err)
{
	for (size_t i = 0; i < tmpl->headers.count; i++) {
		const struct pair *pair = &tmpl->headers.items[i];

		if (!is_token(pair->key) || !is_header_value(pair->value))
			return err_set(err, ERR_USAGE, "\"%.100s\" cannot be a header", pair->key);
		if (tmpl->auth && strcasecmp(pair->key, tmpl->auth->header) == 0)
			return err_set(err, ERR_USAGE, "header \"%s\" is given twice: by auth, too",
				       pair->key);
	}
	if (tmpl->auth && (!is_token(tmpl->auth->header) || !is_header_value(tmpl->auth->scheme)))
		return err_set(err, ERR_USAGE, "auth: \"%.100s\" cannot be a header",
			       tmpl->auth->header);
	return 0;
}

int prompt_template_validate(const struct prompt_template *tmpl, struct err *err)
{
	bool json = tmpl->format == PROMPT_JSON;
	const char *why = NULL;

	if (tmpl->url && check_url(tmpl->url, err) < 0)
		return -1;
	if (tmpl->path &&
	    (tmpl->path[0] != '/' || !is_header_value(tmpl->path) || strchr(tmpl->path, ' ')))
		why = "\"path\" begins with '/' and has no spaces";
	else if (tmpl->method && !is_token(tmpl->method))
		why = "\"method\" is not one";
	else if (tmpl->proxy && *tmpl->proxy && !strstr(tmpl->proxy, "://"))
		why = "\"proxy\" is a URL, such as http://HOST:PORT";
	else if (tmpl->tls && !tmpl->tls->cert != !tmpl->tls->key)
		why = "tls: \"cert\" and \"key\" go together";
	else if (json && !tmpl->body && !(tmpl->method && strcmp(tmpl->method, "GET") == 0))
		why = "template json needs a \"body\"";
	else if (!json && tmpl->body && json_type(tmpl->body) != JSON_OBJECT)
		why = "\"body\" is an object of keys to add";
	else if (json && (tmpl->model || tmpl->system))
		why = "template json sends its body alone: write model and system in it";
	else if (tmpl->system && tmpl->format != PROMPT_OPENAI_CHAT)
		why = "\"system\" is for openai-chat";
	else if (is_runpod(tmpl->format) && tmpl->stream)
		why = "runpod templates do not stream";
	if (why)
		return err_set(err, ERR_USAGE, "request: %s", why);
	if (tmpl->text && jsonpath_check(tmpl->text, err) < 0)
		return err_wrap(err, "request: text");
	return check_headers(tmpl, err);
}

int prompt_input_validate(const struct prompt_template *tmpl, const struct prompt_input *input,
			  struct err *err)
{
	struct prompt_vars vars = {tmpl, input, NULL, max_tokens_of(tmpl, input)};
	struct json *body = NULL;
	int given = !!input->prompt + !!input->messages + !!input->input;

	if (input->messages && tmpl->format != PROMPT_OPENAI_CHAT)
		return err_set(err, ERR_USAGE, "\"messages\" are for openai-chat");
	if (input->messages && json_type(input->messages) != JSON_ARRAY)
		return err_set(err, ERR_USAGE, "\"messages\" is a list");
	if (input->input && !is_runpod(tmpl->format))
		return err_set(err, ERR_USAGE, "\"input\" is for runpod templates");
	if (input->vars && json_type(input->vars) != JSON_OBJECT)
		return err_set(err, ERR_USAGE, "\"vars\" is an object");
	if (given > 1)
		return err_set(err, ERR_USAGE, "give one of prompt, messages and input");
	if (!given && tmpl->format != PROMPT_JSON)
		return err_set(err, ERR_USAGE, "nothing to send: give a prompt");
	if (tmpl->format == PROMPT_JSON && !tmpl->body)
		return 0;
	if (make_body(&vars, &body, err) < 0)
		return -1;
	json_free(body);
	return 0;
}

/* --- making ---------------------------------------------------------------------------------- */

/* BASE may have a path of its own, as RunPod's endpoints have. */
static void set_url(struct prompt_request *request, const char *base, const char *path,
		    struct arena *arena)
{
	size_t len = strlen(base), origin;

	while (len && base[len - 1] == '/')
		len--;
	request->url = arena_printf(arena, "%.*s%s", (int)len, base, path);
	origin = (size_t)(strstr(request->url, "://") + 3 - request->url);
	origin += strcspn(request->url + origin, "/?");
	request->origin = arena_strndup(arena, request->url, origin);
	request->path = request->url + origin;
}

static int add_header(struct arena *arena, struct strings *list, const char *name,
		      const char *before, const char *value)
{
	const char **slot = arena_push(arena, &list->items, &list->count, sizeof(*slot));

	*slot = arena_printf(arena, "%s: %s%s%s", name, before, *before ? " " : "", value);
	return 0;
}

static bool has_header(const struct prompt_template *tmpl, const char *name)
{
	for (size_t i = 0; i < tmpl->headers.count; i++)
		if (strcasecmp(tmpl->headers.items[i].key, name) == 0)
			return true;
	return false;
}

static int make_headers(const struct prompt_template *tmpl, const struct prompt_place *place,
			bool body, struct arena *arena, const char *const **out, struct err *err)
{
	const struct prompt_auth *auth = tmpl->auth;
	struct strings list = {0};

	if (auth && (!place->secret || !*place->secret))
		return err_set(err, ERR_USAGE, "auth: the environment variable %s is not set",
			       auth->env);
	if (auth && !is_header_value(place->secret))
		return err_set(err, ERR_USAGE,
			       "auth: the value of %s cannot stand in a header: does it end with a "
			       "line feed?",
			       auth->env);
	if (body && !has_header(tmpl, "Content-Type"))
		add_header(arena, &list, "Content-Type", "", "application/json");
	if (!has_header(tmpl, "Accept"))
		add_header(arena, &list, "Accept", "",
			   tmpl->stream ? "text/event-stream" : "application/json");
	for (size_t i = 0; i < tmpl->headers.count; i++)
		add_header(arena, &list, tmpl->headers.items[i].key, "",
			   tmpl->headers.items[i].value);
	if (auth)
		add_header(arena, &list, auth->header, auth->scheme, place->secret);
	(void)arena_push(arena, &list.items, &list.count, sizeof(*list.items)); /* ends it */
	*out = list.items;
	return 0;
}

static size_t body_max(int format)
{
	if (format == PROMPT_RUNPOD_ASYNC)
		return PROMPT_RUN_BYTES_MAX;
	return format == PROMPT_RUNPOD_SYNC ? PROMPT_RUNSYNC_BYTES_MAX : PROMPT_BODY_BYTES_MAX;
}

static int print_body(const struct json *holder, const struct prompt_template *tmpl,
		      struct arena *arena, struct prompt_request *out, struct err *err)
{
	const struct json *body = json_get(holder, "body");
	size_t max = body_max(tmpl->format);
	struct buf text;
	int rc = 0;

	buf_init(&text, PROMPT_BODY_BYTES_MAX + 1);
	json_print(body, false, &text);
	if (text.len > max)
		rc = err_set(err, ERR_LIMIT,
			     "the request's body has %s%zu bytes, and %s takes %zu at most",
			     text.truncated ? "more than " : "", text.len,
			     prompt_format_names[tmpl->format], max);
	else
		out->body = arena_strndup(arena, buf_str(&text), text.len);
	out->body_len = text.len;
	buf_done(&text);
	return rc;
}

int prompt_request_make(const struct prompt_template *tmpl, const struct prompt_input *input,
			const struct prompt_place *place, struct arena *arena,
			struct prompt_request *out, struct err *err)
{
	struct prompt_vars vars = {tmpl, input, place->id, max_tokens_of(tmpl, input)};
	const char *base = tmpl->url ? tmpl->url : place->base;
	struct prompt_request request = {.method = tmpl->method ? tmpl->method : "POST",
					 .format = (enum prompt_format)tmpl->format,
					 .stream = tmpl->stream};
	struct json *holder = NULL;
	int rc = 0;

	if (!base || !strstr(base, "://"))
		return err_set(err, ERR_USAGE,
			       "nowhere to send it: give request.url, or a service in the suite");
	if (tmpl->format != PROMPT_JSON || tmpl->body)
		rc = make_body(&vars, &holder, err);
	if (rc == 0 && holder)
		rc = print_body(holder, tmpl, arena, &request, err);
	json_free(holder);
	if (rc < 0 ||
	    make_headers(tmpl, place, request.body != NULL, arena, &request.headers, err) < 0)
		return -1;
	set_url(&request, base, tmpl->path ? tmpl->path : default_paths[tmpl->format], arena);
	*out = request;
	return 0;
}

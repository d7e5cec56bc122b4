#include "prompt/schema.h"

#include "base/pattern.h"
#include "base/units.h"
#include "base/utf8.h"
#include "prompt/schema_private.h"

#include <math.h>
#include <string.h>

#define PATH_BYTES_MAX 1000
#define MULTIPLE_SLACK 1e-9
#define UNIQUE_MAX 10000 /* elements compared pairwise */

/* Where in the value the judge stands; the text of it is only made for a finding. */
struct place {
	const struct place *up;
	const char *key; /* NULL in a list */
	size_t index;
};

struct judge {
	const struct json *root;
	struct arena *arena;
	struct schema_finding *out;
	struct err *err;
	unsigned depth;
	size_t steps;
	bool quiet; /* inside not, anyOf and kin a miss is no finding */
};

static int apply(struct judge *judge, const struct json *schema, const struct json *value,
		 const struct place *place);

/* --- places ---------------------------------------------------------------------------------- */

static void add_place(const struct place *place, struct buf *out)
{
	if (!place)
		return;
	add_place(place->up, out);
	if (!place->key)
		buf_printf(out, "[%zu]", place->index);
	else if (strpbrk(place->key, " .[]'\"") || !*place->key)
		buf_printf(out, "['%s']", place->key);
	else
		buf_printf(out, ".%s", place->key);
}

/* 0, with the finding. */
static int miss(struct judge *judge, const struct place *place, const struct json *value,
		const char *expected)
{
	struct buf path;

	if (judge->quiet)
		return 0;
	buf_init(&path, PATH_BYTES_MAX);
	buf_addstr(&path, "$");
	add_place(place, &path);
	*judge->out = (struct schema_finding){arena_strdup(judge->arena, buf_str(&path)), expected,
					      value};
	buf_done(&path);
	return 0;
}

static const char *shown(struct judge *judge, const struct json *value)
{
	struct buf text;
	const char *out;

	buf_init(&text, JSON_BYTES_MAX);
	json_print(value, false, &text);
	out = arena_strndup(judge->arena, buf_str(&text), text.len);
	buf_done(&text);
	return out;
}

/* --- $ref ------------------------------------------------------------------------------------ */

/* The member that one step "a~1b" of a pointer names. */
static const struct json *step(const struct json *from, const char *text, size_t len)
{
	const struct json *item = json_first(from);
	struct buf name;
	int64_t index = 0;

	buf_init(&name, PATH_BYTES_MAX);
	for (size_t i = 0; i < len; i++) {
		bool escape = text[i] == '~' && i + 1 < len;

		buf_addstr(&name, ""); /* never NULL */
		buf_add(&name, escape ? (text[i + 1] == '1' ? "/" : "~") : &text[i], 1);
		i += escape ? 1 : 0;
	}
	if (json_type(from) == JSON_OBJECT) {
		item = json_get(from, buf_str(&name));
	} else if (json_type(from) == JSON_ARRAY &&
		   units_parse_int(buf_str(&name), 0, INT32_MAX, &index) == 0) {
		for (; item && index; index--)
			item = json_next(item);
	} else {
		item = NULL;
	}
	buf_done(&name);
	return item;
}

const struct json *schema__refer(const struct json *root, const char *ref)
{
	const struct json *at = root;

	if (*ref++ != '#')
		return NULL;
	while (at && *ref == '/') {
		size_t len = strcspn(++ref, "/");

		at = step(at, ref, len);
		ref += len;
	}
	return *ref || !at || (json_type(at) != JSON_OBJECT && json_type(at) != JSON_BOOL) ? NULL
											   : at;
}

/* --- scalars --------------------------------------------------------------------------------- */

static bool is_whole(const struct json *value)
{
	double number = json_number(value);

	return isfinite(number) && !(floor(number) < number);
}

static bool is_type(const struct json *value, const char *name)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",	  [JSON_BOOL] = "boolean", [JSON_NUMBER] = "number",
		[JSON_STRING] = "string", [JSON_ARRAY] = "array",  [JSON_OBJECT] = "object"};

	if (strcmp(name, "integer") == 0)
		return json_type(value) == JSON_NUMBER && is_whole(value);
	return strcmp(names[json_type(value)], name) == 0;
}

static bool is_among(const struct json *list, const struct json *value)
{
	for (const struct json *item = json_first(list); item; item = json_next(item))
		if (json_same(item, value))
			return true;
	return false;
}

static int judge_type(struct judge *judge, const struct json *schema, const struct json *value,
		      const struct place *place)
{
	const struct json *type = json_get(schema, "type");
	const struct json *among = json_get(schema, "enum");
	const struct json *fixed = json_get(schema, "const");
	bool found = !type || (json_text(type) && is_type(value, json_text(type)));

	if (type && json_type(type) == JSON_ARRAY)
		for (const struct json *item = json_first(type); item; item = json_next(item))
			found |= is_type(value, json_text(item));
	if (!found)
		return miss(judge, place, value,
			    arena_printf(judge->arena, "of type %s", shown(judge, type)));
	if (among && !is_among(among, value))
		return miss(judge, place, value,
			    arena_printf(judge->arena, "one of %s", shown(judge, among)));
	if (fixed && !json_same(fixed, value))
		return miss(judge, place, value, shown(judge, fixed));
	return 1;
}

/* A multiple in the numbers as written: 0.3 is one of 0.1 though no double says so. */
static bool is_multiple(double number, double of)
{
	double times = number / of;

	if (!(floor(number) < number) && !(floor(of) < of))
		return !(fabs(fmod(number, of)) > 0);
	return isfinite(times) && fabs(times - round(times)) <= MULTIPLE_SLACK;
}

static int judge_number(struct judge *judge, const struct json *schema, const struct json *value,
			const struct place *place)
{
	static const struct {
		const char *key, *says;
	} bounds[] = {{"minimum", "at least"},
		      {"maximum", "at most"},
		      {"exclusiveMinimum", "above"},
		      {"exclusiveMaximum", "below"},
		      {"multipleOf", "a multiple of"}};
	double number = json_number(value);

	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		const struct json *bound = json_get(schema, bounds[i].key);
		double limit = json_number(bound);
		const bool holds[] = {number >= limit, number <= limit, number > limit,
				      number < limit, bound && is_multiple(number, limit)};

		if (bound && !holds[i])
			return miss(judge, place, value,
				    arena_printf(judge->arena, "a number %s %s", bounds[i].says,
						 shown(judge, bound)));
	}
	return 1;
}

/* Characters, not bytes; what is no UTF-8 counts by byte. */
static size_t characters(const char *text)
{
	size_t count = 0, left = strlen(text);

	while (left) {
		size_t len = utf8_length(text, left);

		len = len ? len : 1;
		text += len;
		left -= len;
		count++;
	}
	return count;
}

/* COUNT against the keys LEAST and MOST of SCHEMA. */
static int judge_count(struct judge *judge, const struct json *schema, const char *const keys[2],
		       const char *what, size_t count, const struct json *value,
		       const struct place *place)
{
	double least = json_num(schema, keys[0], 0), most = json_num(schema, keys[1], INFINITY);

	if ((double)count < least)
		return miss(judge, place, value,
			    arena_printf(judge->arena, "at least %.0f %s, there are %zu", least,
					 what, count));
	if ((double)count > most)
		return miss(judge, place, value,
			    arena_printf(judge->arena, "at most %.0f %s, there are %zu", most, what,
					 count));
	return 1;
}

static int judge_string(struct judge *judge, const struct json *schema, const struct json *value,
			const struct place *place)
{
	static const char *const keys[2] = {"minLength", "maxLength"};
	const char *pattern = json_str(schema, "pattern", NULL), *text = json_text(value);
	int rc = judge_count(judge, schema, keys, "characters", characters(text), value, place);

	if (rc != 1 || !pattern)
		return rc;
	rc = pattern_find(pattern, text, strlen(text), NULL, NULL, judge->err);
	return rc ? rc
		  : miss(judge, place, value,
			 arena_printf(judge->arena, "a match of /%s/", pattern));
}

/* --- containers ------------------------------------------------------------------------------ */

static const struct json *repeated(const struct json *list)
{
	for (const struct json *a = json_first(list); a; a = json_next(a))
		for (const struct json *b = json_next(a); b; b = json_next(b))
			if (json_same(a, b))
				return b;
	return NULL;
}

static int judge_unique(struct judge *judge, const struct json *value, const struct place *place)
{
	const struct json *twice;

	if (json_size(value) > UNIQUE_MAX)
		return err_set(judge->err, ERR_LIMIT, "uniqueItems: more than %d elements",
			       UNIQUE_MAX);
	twice = repeated(value);
	return twice ? miss(judge, place, twice, "no element twice") : 1;
}

/* Applies SCHEMA without telling; 1, 0 or -1. */
static int probe(struct judge *judge, const struct json *schema, const struct json *value,
		 const struct place *place)
{
	bool before = judge->quiet;
	int rc;

	judge->quiet = true;
	rc = apply(judge, schema, value, place);
	judge->quiet = before;
	return rc;
}

static int judge_contains(struct judge *judge, const struct json *schema, const struct json *value,
			  const struct place *place)
{
	const struct json *wanted = json_get(schema, "contains");
	int rc = 0;

	if (!wanted)
		return 1;
	for (const struct json *item = json_first(value); item && rc == 0; item = json_next(item))
		rc = probe(judge, wanted, item, place);
	return rc ? rc
		  : miss(judge, place, value,
			 arena_printf(judge->arena, "an element that holds %s",
				      shown(judge, wanted)));
}

static int judge_items(struct judge *judge, const struct json *schema, const struct json *value,
		       const struct place *up)
{
	const struct json *prefix = json_get(schema, "prefixItems");
	const struct json *rest = json_get(schema, "items");
	const struct json *first = prefix ? json_first(prefix) : NULL;
	struct place place = {.up = up};

	for (const struct json *item = json_first(value); item; item = json_next(item)) {
		const struct json *own = first ? first : rest;
		int rc = own ? apply(judge, own, item, &place) : 1;

		if (rc != 1)
			return rc;
		first = first ? json_next(first) : NULL;
		place.index++;
	}
	return 1;
}

static int judge_array(struct judge *judge, const struct json *schema, const struct json *value,
		       const struct place *place)
{
	static const char *const keys[2] = {"minItems", "maxItems"};
	int rc = judge_count(judge, schema, keys, "elements", json_size(value), value, place);

	if (rc == 1 && json_bool(schema, "uniqueItems", false))
		rc = judge_unique(judge, value, place);
	if (rc == 1)
		rc = judge_items(judge, schema, value, place);
	return rc == 1 ? judge_contains(judge, schema, value, place) : rc;
}

static int judge_names(struct judge *judge, const struct json *names, const struct json *value,
		       const struct place *up)
{
	for (const struct json *name = names ? json_first(names) : NULL; name;
	     name = json_next(name)) {
		const struct place place = {.up = up, .key = json_text(name)};

		if (!json_get(value, json_text(name)))
			return miss(judge, &place, NULL, "a value");
	}
	return 1;
}

static int judge_dependent(struct judge *judge, const struct json *schema, const struct json *value,
			   const struct place *place)
{
	const struct json *map = json_get(schema, "dependentRequired");
	int rc = 1;

	for (const struct json *item = map ? json_first(map) : NULL; item && rc == 1;
	     item = json_next(item))
		if (json_get(value, json_key(item)))
			rc = judge_names(judge, item, value, place);
	return rc;
}

/* One member by properties, patternProperties, or what is said of the others. */
static int judge_member(struct judge *judge, const struct json *schema, const struct json *item,
			const struct place *place)
{
	const struct json *properties = json_get(schema, "properties");
	const struct json *patterns = json_get(schema, "patternProperties");
	const struct json *others = json_get(schema, "additionalProperties");
	const struct json *own = properties ? json_get(properties, json_key(item)) : NULL;
	const char *key = json_key(item);
	bool known = own != NULL;
	int rc = own ? apply(judge, own, item, place) : 1;

	for (const struct json *p = patterns ? json_first(patterns) : NULL; p && rc == 1;
	     p = json_next(p)) {
		int fits = pattern_find(json_key(p), key, strlen(key), NULL, NULL, judge->err);

		known |= fits == 1;
		rc = fits < 0 ? -1 : fits ? apply(judge, p, item, place) : 1;
	}
	if (rc == 1 && !known && others && json_type(others) == JSON_BOOL && !json_true(others))
		return miss(judge, place, item, "no such member");
	return rc == 1 && !known && others ? apply(judge, others, item, place) : rc;
}

static int judge_key(struct judge *judge, const struct json *schema, const struct json *item,
		     const struct place *place)
{
	const struct json *names = json_get(schema, "propertyNames");
	struct json *list;
	int rc;

	if (!names)
		return 1;
	list = json_new_array();
	json_add_str(list, NULL, json_key(item));
	rc = probe(judge, names, json_first(list), place);
	json_free(list);
	return rc ? rc
		  : miss(judge, place, item,
			 arena_printf(judge->arena, "a name that holds %s", shown(judge, names)));
}

static int judge_object(struct judge *judge, const struct json *schema, const struct json *value,
			const struct place *up)
{
	static const char *const keys[2] = {"minProperties", "maxProperties"};
	int rc = judge_names(judge, json_get(schema, "required"), value, up);

	if (rc == 1)
		rc = judge_count(judge, schema, keys, "members", json_size(value), value, up);
	if (rc == 1)
		rc = judge_dependent(judge, schema, value, up);
	for (const struct json *item = json_first(value); item && rc == 1; item = json_next(item)) {
		const struct place place = {.up = up, .key = json_key(item)};

		rc = judge_key(judge, schema, item, &place);
		if (rc == 1)
			rc = judge_member(judge, schema, item, &place);
	}
	return rc;
}

/* --- combinations ---------------------------------------------------------------------------- */

/* How many of LIST hold, up to ENOUGH; -1. */
static int count_holding(struct judge *judge, const struct json *list, int enough,
			 const struct json *value, const struct place *place)
{
	int count = 0;

	for (const struct json *item = json_first(list); item && count < enough;
	     item = json_next(item)) {
		int rc = probe(judge, item, value, place);

		if (rc < 0)
			return -1;
		count += rc;
	}
	return count;
}

static int judge_some(struct judge *judge, const struct json *schema, const struct json *value,
		      const struct place *place)
{
	const struct json *any = json_get(schema, "anyOf"), *one = json_get(schema, "oneOf");
	const struct json *none = json_get(schema, "not");
	int count = any ? count_holding(judge, any, 1, value, place) : 1;

	if (count == 0)
		return miss(judge, place, value, "one of the schemas of anyOf");
	if (count > 0 && one) {
		count = count_holding(judge, one, 2, value, place);
		if (count == 0 || count == 2)
			return miss(judge, place, value,
				    count ? "one schema of oneOf alone, several hold"
					  : "one of the schemas of oneOf");
	}
	if (count > 0 && none) {
		count = probe(judge, none, value, place);
		if (count == 1)
			return miss(judge, place, value,
				    arena_printf(judge->arena, "not %s", shown(judge, none)));
		count = count < 0 ? -1 : 1;
	}
	return count < 0 ? -1 : 1;
}

static int judge_if(struct judge *judge, const struct json *schema, const struct json *value,
		    const struct place *place)
{
	const struct json *condition = json_get(schema, "if"), *then;
	int rc;

	if (!condition)
		return 1;
	rc = probe(judge, condition, value, place);
	if (rc < 0)
		return -1;
	then = json_get(schema, rc ? "then" : "else");
	return then ? apply(judge, then, value, place) : 1;
}

static int judge_combined(struct judge *judge, const struct json *schema, const struct json *value,
			  const struct place *place)
{
	const struct json *all = json_get(schema, "allOf");
	const char *ref = json_str(schema, "$ref", NULL);
	int rc = ref ? apply(judge, schema__refer(judge->root, ref), value, place) : 1;

	for (const struct json *item = all ? json_first(all) : NULL; item && rc == 1;
	     item = json_next(item))
		rc = apply(judge, item, value, place);
	if (rc == 1)
		rc = judge_some(judge, schema, value, place);
	return rc == 1 ? judge_if(judge, schema, value, place) : rc;
}

static int judge_by_type(struct judge *judge, const struct json *schema, const struct json *value,
			 const struct place *place)
{
	switch (json_type(value)) {
	case JSON_NUMBER:
		return judge_number(judge, schema, value, place);
	case JSON_STRING:
		return judge_string(judge, schema, value, place);
	case JSON_ARRAY:
		return judge_array(judge, schema, value, place);
	case JSON_OBJECT:
		return judge_object(judge, schema, value, place);
	default:
		return 1;
	}
}

static int apply(struct judge *judge, const struct json *schema, const struct json *value,
		 const struct place *place)
{
	int rc;

	if (json_type(schema) == JSON_BOOL)
		return json_true(schema) ? 1 : miss(judge, place, value, "nothing");
	if (judge->depth >= SCHEMA_DEPTH_MAX || judge->steps >= SCHEMA_STEPS_MAX)
		return err_set(judge->err, ERR_LIMIT,
			       "the schema leads into itself, or is too dear for this answer");
	judge->depth++;
	judge->steps++;
	rc = judge_type(judge, schema, value, place);
	if (rc == 1)
		rc = judge_by_type(judge, schema, value, place);
	if (rc == 1)
		rc = judge_combined(judge, schema, value, place);
	judge->depth--;
	return rc;
}

int schema_judge(const struct json *schema, const struct json *value, struct arena *arena,
		 struct schema_finding *out, struct err *err)
{
	struct schema_finding finding = {0};
	struct judge judge = {.root = schema, .arena = arena, .out = &finding, .err = err};
	int rc = apply(&judge, schema, value, NULL);

	if (rc == 0)
		*out = finding;
	return rc;
}

/* Which library bitsandbytes will load, and whether an override still fits the torch beside it. */
#include "rules/rules_private.h"

#include <string.h>

#define BNB_NEAREST "0.50.0" /* from here on a missing file falls back to the nearest lower one */

static const char *variants(const struct bnb_facts *bnb, struct arena *arena)
{
	struct strings names = {0};

	for (size_t i = 0; i < bnb->library_count; i++)
		rules__push(&names, bnb->libraries[i].variant, arena);
	return names.count ? rules__join(&names, 20, arena) : "no libraries";
}

static const char *place(const struct facts *facts, struct arena *arena)
{
	const struct dist *dist = facts_dist(facts, "bitsandbytes");

	return rules__place(facts->bnb.path, dist ? &dist->origin : NULL, arena);
}

static const char *name(const struct bnb_facts *bnb, struct arena *arena)
{
	return arena_printf(arena, "bitsandbytes %s", bnb->version ? bnb->version : "");
}

static void judge_choice(const struct facts *facts, struct findings *out)
{
	const struct bnb_facts *bnb = &facts->bnb;

	if (!facts->torch.cuda || !bnb->rule || bnb->override_value)
		return;
	if (strcmp(bnb->rule, "missing") == 0 || strcmp(bnb->rule, "cpu-fallback") == 0)
		finding_add(out, "bnb/library-missing", "bitsandbytes",
			    TEXT("%s, for torch with CUDA %s", bnb->wanted ? bnb->wanted : "a file",
				 facts->torch.cuda),
			    TEXT("%s has %s%s", name(bnb, out->arena), variants(bnb, out->arena),
				 strcmp(bnb->rule, "cpu-fallback") == 0
					 ? "; it will load the CPU library and only warn"
					 : "; import succeeds, the first kernel fails"),
			    place(facts, out->arena));
	else if (strcmp(bnb->rule, "nearest-lower") == 0)
		finding_add(out, "bnb/nearest-lower", "bitsandbytes",
			    TEXT("%s", bnb->wanted ? bnb->wanted : "the file of torch's CUDA"),
			    TEXT("%s will load %s", name(bnb, out->arena),
				 bnb->chosen ? rules__base(bnb->chosen) : "another"),
			    place(facts, out->arena));
}

static bool has_variant(const struct bnb_facts *bnb, const char *variant)
{
	for (size_t i = 0; i < bnb->library_count; i++)
		if (strcmp(bnb->libraries[i].variant, variant) == 0)
			return true;
	return false;
}

/* The number of CUDA's major version in the digits of a variant: "126" is 12, "92" is 9. */
static size_t major_length(const char *digits)
{
	return strlen(digits) > 2 ? 2 : 1;
}

/* VALUE set somewhere against the torch and the files that are there; NULL: nothing wrong. */
static const char *override_label(const struct facts *facts, const char *value, struct arena *arena)
{
	const char *digits = rules__digits(facts->torch.cuda, arena);

	if (!*value)
		return rules__in_range(facts->bnb.version, ">=" BNB_NEAREST) ? "bnb/override-empty"
									     : NULL;
	if (!digits)
		return "bnb/override-stale";
	if (facts->bnb.library_count &&
	    !has_variant(&facts->bnb, arena_printf(arena, "cuda%s", value)))
		return "bnb/override-missing";
	if (strcmp(digits, value) == 0)
		return "bnb/override-useless";
	if (major_length(digits) != major_length(value) ||
	    strncmp(digits, value, major_length(value)) != 0)
		return "bnb/override-major";
	return "bnb/override-stale";
}

static void judge_override(const struct facts *facts, const char *value, const char *where,
			   struct findings *out)
{
	const struct bnb_facts *bnb = &facts->bnb;
	const char *label = override_label(facts, value, out->arena);
	const char *digits = rules__digits(facts->torch.cuda, out->arena);

	if (!label)
		return;
	finding_add(out, label, "BNB_CUDA_VERSION",
		    digits ? TEXT("no override: torch has CUDA %s and asks for cuda%s by itself",
				  facts->torch.cuda, digits)
			   : "no override: torch is built without CUDA",
		    TEXT("BNB_CUDA_VERSION=%s; %s has %s", value, name(bnb, out->arena),
			 variants(bnb, out->arena)),
		    where);
}

struct search {
	const struct facts *facts;
	struct findings *out;
};

/* os.environ["BNB_CUDA_VERSION"] = "124", or export BNB_CUDA_VERSION=124 of a start script. */
static bool visit(void *payload, const struct rules__text *text)
{
	struct search *search = payload;
	struct findings *out = search->out;
	const char *value = NULL;
	const char *origin = text->path;

	if (rules__ends(text->path, ".py"))
		value = rules__capture("environ(?:\\[|\\.setdefault\\()\\s*[\"']BNB_CUDA_VERSION"
				       "[\"']\\s*(?:\\]\\s*=|,)\\s*[\"']([0-9]+)[\"']",
				       text->text, out->arena);
	else if (!text->in_image || (text->text && rules__begins(text->text, "#!")))
		value = rules__capture("^\\s*export\\s+BNB_CUDA_VERSION=[\"']?([0-9]+)", text->text,
				       out->arena);
	for (size_t i = 0; !value && text->file && text->file->source &&
			   i < text->file->source->environment.count;
	     i++) {
		const char *item = text->file->source->environment.items[i];

		if (rules__begins(item, "BNB_CUDA_VERSION="))
			value = item + strlen("BNB_CUDA_VERSION=");
	}
	if (value && *value)
		judge_override(search->facts, value, origin, out);
	return false;
}

static void run(const struct rule_input *input, struct findings *out)
{
	struct search search = {input->facts, out};

	if (!input->facts || !input->facts->bnb.present)
		return;
	judge_choice(input->facts, out);
	if (input->facts->bnb.override_value)
		judge_override(input->facts, input->facts->bnb.override_value,
			       "ENV of the image's configuration", out);
	rules__app_texts(input, visit, &search);
}

static const struct rule_label labels[] = {
	{"bnb/library-missing", SEVERITY_ERROR},  {"bnb/nearest-lower", SEVERITY_NOTE},
	{"bnb/override-empty", SEVERITY_WARNING}, {"bnb/override-major", SEVERITY_ERROR},
	{"bnb/override-missing", SEVERITY_ERROR}, {"bnb/override-stale", SEVERITY_WARNING},
	{"bnb/override-useless", SEVERITY_NOTE},  {NULL, SEVERITY_NOTE},
};

const struct rule_ops rule_bnb = {
	.topic = "bnb",
	.summary = "which library bitsandbytes loads for this torch, and overrides of that choice",
	.labels = labels,
	.run = run,
};

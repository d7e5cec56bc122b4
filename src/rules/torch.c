/* Is the torch in the image the one that was meant, and of one piece? */
#include "rules/rules_private.h"

#include <string.h>

static const char *or_unknown(const char *text)
{
	return text ? text : "unknown";
}

/* "2.7.1+cu126 (CUDA 12.6)" */
static const char *identity(const struct torch_facts *torch, struct arena *arena)
{
	return arena_printf(arena, "torch %s (%s%s)", or_unknown(torch->version),
			    torch->cuda ? "CUDA " : "CPU only", torch->cuda ? torch->cuda : "");
}

static void judge_cpu(const struct rule_input *input, struct findings *out)
{
	const struct torch_facts *torch = &input->facts->torch;

	if (torch->cuda || !input->target_count)
		return;
	for (size_t i = 0; i < input->target_count; i++) {
		struct finding *finding = finding_add(
			out, "torch/cpu-only", "torch",
			TEXT("a build of torch for %s", input->targets[i]->title),
			TEXT("torch %s, built without CUDA", or_unknown(torch->version)),
			rules__place(torch->path, &torch->origin, out->arena));

		finding->target = input->targets[i]->name;
	}
}

/* PyPI's wheels have no local part in their metadata, so only two local parts can contradict. */
static void judge_metadata(const struct torch_facts *torch, struct findings *out)
{
	const char *code = torch->version, *told = torch->metadata_version;

	if (!code || !told)
		return;
	if (strcmp(rules__public(code, out->arena), rules__public(told, out->arena)) == 0 &&
	    (!*rules__local(code) || !*rules__local(told) ||
	     strcmp(rules__local(code), rules__local(told)) == 0))
		return;
	finding_add(out, "torch/metadata-lies", "torch",
		    TEXT("metadata that says %s, which import torch reports", code),
		    TEXT("metadata says %s", told),
		    rules__place(torch->path, &torch->origin, out->arena));
}

/* Does torch itself ask for a CUDA runtime of a distribution? */
static bool brings_runtime(const struct facts *facts)
{
	const struct dist *dist = facts_dist(facts, "torch");

	for (size_t i = 0; dist && i < dist->requires.count; i++)
		if (rules__matches("^(nvidia-cuda-runtime|cuda-toolkit)", dist->requires.items[i]))
			return true;
	return false;
}

static void judge_runtime(const struct facts *facts, struct findings *out)
{
	const struct torch_facts *torch = &facts->torch;
	unsigned major, minor, other, least;
	const char *soname = torch->cudart_needed;
	const char *where =
		rules__place(torch->cuda_library_path ? torch->cuda_library_path : torch->path,
			     &torch->origin, out->arena);

	if (!rules__numbers(torch->cuda, &major, &minor))
		return;
	if (soname && rules__begins(soname, "libcudart.so.") &&
	    rules__numbers(soname + strlen("libcudart.so."), &other, &least) && other != major)
		finding_add(out, "torch/cudart-mismatch", "torch",
			    TEXT("libraries of CUDA %s, as version.py says", torch->cuda),
			    TEXT("libtorch_cuda.so needs %s", soname), where);
	else if (rules__numbers(torch->cudart_dist, &other, &least) && brings_runtime(facts) &&
		 (other != major || least != minor))
		finding_add(out, "torch/cudart-mismatch", "torch",
			    TEXT("the CUDA runtime %s that torch was built with", torch->cuda),
			    TEXT("CUDA runtime %s is installed", torch->cudart_dist), where);
}

/* Does the requirements text name torch as a package? */
static bool names_torch(const char *text)
{
	return rules__matches("(^|[\\s\"'])torch(\\[[^\\]]*\\])?\\s*($|[\\s\"'=<>~!;@])", text);
}

/* Did the step ask for torch, itself or by a requirements file of the commit? */
static bool asked_for(const struct rule_input *input, const char *step)
{
	if (!step || names_torch(step))
		return true;
	for (size_t i = 0; i < input->file_count; i++)
		if (strstr(step, rules__base(input->files[i].path)) &&
		    rules__ends(input->files[i].path, ".txt") && names_torch(input->files[i].text))
			return true;
	return false;
}

static bool has_two_folders(const struct facts *facts)
{
	for (size_t i = 0; i < facts->dist_count; i++)
		if (strcmp(facts->dists[i].normalised, "torch") == 0 &&
		    (facts->dists[i].shadowed || facts->dists[i].duplicate_of != SIZE_MAX))
			return true;
	return facts->torch.metadata_versions.count > 1;
}

static void judge_replaced(const struct rule_input *input, struct findings *out)
{
	const struct facts *facts = input->facts;
	const struct torch_facts *torch = &facts->torch;
	const char *label;
	struct finding *finding;

	if (!torch->replaced.layer || !torch->replaced_version || !torch->version ||
	    strcmp(torch->replaced_version, torch->version) == 0)
		return;
	if (has_two_folders(facts))
		label = "torch/replaced";
	else if (!asked_for(input, torch->origin.step))
		label = "torch/replaced-unasked";
	else
		return;
	finding = finding_add(
		out, label, "torch",
		TEXT("torch %s, installed by %s", torch->replaced_version,
		     rules__place("", &torch->replaced, out->arena)),
		TEXT("%s%s", identity(torch, out->arena),
		     torch->index && strcmp(torch->index, "pypi") == 0 ? " from PyPI" : ""),
		rules__place(torch->path, &torch->origin, out->arena));
	if (torch->origin.step &&
	    rules__matches("(--ignore-installed|\\s-[A-Za-z]*I[A-Za-z]*\\s|--force-reinstall)",
			   torch->origin.step))
		finding->advice = "--ignore-installed and --force-reinstall take no argument: they "
				  "apply to every requirement of the line; take them out, or add "
				  "--no-deps and name one package";
}

/* "cu126" of ".../whl/cu126", of the last step that installs torch from such an index. */
static const char *wanted_variant(const struct facts *facts, struct arena *arena)
{
	const char *wanted = NULL;

	for (size_t i = 0; i < facts->history_count; i++) {
		const char *step = facts->history[i].created_by;
		const char *variant = rules__capture("/whl/(?:nightly/)?(cu[0-9]+)", step, arena);

		if (variant && names_torch(step) && rules__matches("\\binstall\\b", step))
			wanted = variant;
	}
	return wanted;
}

static void judge_variant(const struct facts *facts, struct findings *out)
{
	const struct torch_facts *torch = &facts->torch;
	const char *wanted = wanted_variant(facts, out->arena);
	const char *digits = rules__digits(torch->cuda, out->arena);

	if (!wanted || (digits && strcmp(wanted + 2, digits) == 0))
		return;
	finding_add(out, "torch/other-variant", "torch",
		    TEXT("a build of %s, whose index was asked", wanted),
		    identity(torch, out->arena),
		    rules__place(torch->path, &torch->origin, out->arena));
}

/* Variants of one family next to each other: "+cu126" beside "+cu128" do not load together. */
static void judge_family(const struct facts *facts, struct findings *out)
{
	static const char *const family[] = {"torchvision", "torchaudio", "torchtext", NULL};
	const char *local = rules__local(facts->torch.version);

	for (size_t i = 0; family[i]; i++) {
		const struct dist *dist = facts_dist(facts, family[i]);

		if (!dist || !dist->local || !*local || strcmp(dist->local, local) == 0 ||
		    !rules__matches("^(cu[0-9]+|cpu|rocm.*)$", dist->local))
			continue;
		finding_add(out, "torch/pair-mismatch", dist->name,
			    TEXT("the variant of torch, %s", local),
			    TEXT("%s %s beside torch %s", dist->name, dist->version,
				 facts->torch.version),
			    rules__place(dist->path, &dist->origin, out->arena));
	}
}

static void judge_pairs(const struct facts *facts, struct findings *out)
{
	for (size_t i = 0; i < facts->broken_count; i++) {
		const struct broken_requirement *broken = &facts->broken[i];
		const struct dist *dist = &facts->dists[broken->dist];

		if (!broken->found ||
		    !rules__matches("^torch(?![A-Za-z0-9_.-])", broken->requirement))
			continue;
		finding_add(
			out, "torch/pair-mismatch", dist->name,
			TEXT("%s, as %s %s asks", broken->requirement, dist->name, dist->version),
			TEXT("torch %s", broken->found),
			rules__place(dist->path, &dist->origin, out->arena));
	}
}

static void run(const struct rule_input *input, struct findings *out)
{
	const struct facts *facts = input->facts;

	if (!facts || !facts->torch.present)
		return;
	judge_cpu(input, out);
	judge_metadata(&facts->torch, out);
	judge_runtime(facts, out);
	judge_replaced(input, out);
	judge_variant(facts, out);
	judge_family(facts, out);
	judge_pairs(facts, out);
}

static const struct rule_label labels[] = {
	{"torch/cpu-only", SEVERITY_ERROR},	      {"torch/cudart-mismatch", SEVERITY_ERROR},
	{"torch/metadata-lies", SEVERITY_ERROR},      {"torch/other-variant", SEVERITY_ERROR},
	{"torch/pair-mismatch", SEVERITY_ERROR},      {"torch/replaced", SEVERITY_ERROR},
	{"torch/replaced-unasked", SEVERITY_WARNING}, {NULL, SEVERITY_NOTE},
};

const struct rule_ops rule_torch = {
	.topic = "torch",
	.summary = "the identity of torch: variant, origin, its CUDA runtime and its companions",
	.labels = labels,
	.run = run,
};

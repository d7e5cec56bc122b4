/* Models: does what the image loads fit the card, and is it quantised as meant? From config.json of
 * models in the image and from the code that loads them; arithmetic, no estimate from names. */
#include "rules/rules_private.h"

#include <string.h>

#define MIB ((double)(1024 * 1024))
#define MODEL_NUMBER_MAX 1e9 /* of one field of a config.json */

/* What a transformer of the usual form weighs: q, k, v and o, three matrices of a gated MLP per
 * expert, a router, embeddings and head; norms are left out (below 0.01 %). */
struct model {
	const char *path;
	const char *type;
	double linear;	/* parameters in linear layers, experts included */
	double experts; /* of them, in experts */
	double other;	/* embeddings and head */
	bool moe;
	bool quantised; /* by its own config.json */
	double bits;	/* of its linear layers then */
};

static double number(const struct json *config, const char *key, double fallback)
{
	double value = json_num(config, key, fallback);

	return value >= 0 && value <= MODEL_NUMBER_MAX ? value : fallback;
}

static bool read_model(const char *path, const struct json *config, struct arena *arena,
		       struct model *out)
{
	double hidden = number(config, "hidden_size", 0);
	double layers = number(config, "num_hidden_layers", 0);
	double heads = number(config, "num_attention_heads", 0);
	double kv = number(config, "num_key_value_heads", heads);
	double inner = number(config, "intermediate_size", 0);
	double vocabulary = number(config, "vocab_size", 0);
	double experts = number(config, "num_local_experts", number(config, "num_experts", 0));
	double head = number(config, "head_dim", heads > 0 ? hidden / heads : 0);
	const struct json *quantisation = json_get(config, "quantization_config");
	double width = number(config, "moe_intermediate_size", inner);

	if (hidden <= 0 || layers <= 0 || heads <= 0 || inner <= 0 || vocabulary <= 0)
		return false;
	*out = (struct model){.path = path, .moe = experts > 1};
	out->type = arena_strdup(arena, json_str(config, "model_type", "model"));
	out->linear = layers * hidden * head * (2 * heads + 2 * kv);
	if (out->moe) {
		out->experts = layers * experts * 3 * hidden * width;
		out->linear += out->experts + layers * hidden * experts;
	} else {
		out->linear += layers * 3 * hidden * inner;
	}
	out->other =
		vocabulary * hidden * (json_bool(config, "tie_word_embeddings", false) ? 1 : 2);
	if (quantisation) {
		out->quantised = true;
		out->bits = json_bool(quantisation, "load_in_8bit", false) ? 8
			    : json_bool(quantisation, "load_in_4bit", false)
				    ? 4.127
				    : number(quantisation, "bits", 16);
	}
	return true;
}

/* How the application loads models. */
struct loading {
	const struct rule_input *input;
	struct findings *out;
	bool four_bit, eight_bit;
	const char *where;
};

/* BitsAndBytesConfig(load_in_4bit=True, …) and whether it names the type it computes in. */
static bool visit(void *payload, const struct rules__text *text)
{
	struct loading *loading = payload;
	struct findings *out = loading->out;
	const char *call;

	if (!rules__ends(text->path, ".py") || !text->text)
		return false;
	call = rules__capture("BitsAndBytesConfig\\s*\\(([^()]*(?:\\([^()]*\\)[^()]*){0,20})\\)",
			      text->text, out->arena);
	if (rules__matches("load_in_4bit[\"']?\\s*[=:]\\s*True", text->text)) {
		loading->four_bit = true;
		loading->where = text->path;
	}
	if (rules__matches("load_in_8bit[\"']?\\s*[=:]\\s*True", text->text)) {
		loading->eight_bit = true;
		loading->where = text->path;
	}
	if (call && rules__matches("load_in_4bit\\s*=\\s*True", call) &&
	    !strstr(call, "bnb_4bit_compute_dtype") && !strstr(call, "**") &&
	    !strstr(text->text, "bnb_4bit_compute_dtype"))
		finding_add(out, "model/compute-dtype", "BitsAndBytesConfig",
			    "bnb_4bit_compute_dtype=torch.bfloat16 or float16",
			    "no bnb_4bit_compute_dtype: float32 by default, several times slower",
			    text->path);
	return false;
}

static void judge_dtype_json(const char *path, const struct json *config, struct findings *out)
{
	const struct json *quantisation = json_get(config, "quantization_config");
	const char *type;

	if (!quantisation)
		quantisation = config;
	if (!json_bool(quantisation, "load_in_4bit", false))
		return;
	type = json_str(quantisation, "bnb_4bit_compute_dtype", NULL);
	if (!type || strstr(type, "float32"))
		finding_add(out, "model/compute-dtype", rules__base(path),
			    "bnb_4bit_compute_dtype of bfloat16 or float16",
			    type ? "float32: several times slower"
				 : "no bnb_4bit_compute_dtype: float32 by default",
			    path);
}

/* Bytes of the weights as they will be loaded. NF4 with one fp32 scale per 64 values, itself in 8
 * bits by double quantisation: 4.127 bits; without it 4.5. */
static double weight_bytes(const struct model *model, const struct loading *loading, bool fused)
{
	double linear = model->linear, sixteen = model->other;
	double bits = model->quantised	   ? model->bits
		      : loading->four_bit  ? 4.127
		      : loading->eight_bit ? 8
					   : 16;

	if (fused && model->moe && bits < 16) {
		linear -= model->experts;
		sixteen += model->experts;
	}
	return linear * bits / 8 + sixteen * 2;
}

static void judge_model(const struct model *model, const struct loading *loading,
			struct findings *out)
{
	const struct rule_input *input = loading->input;
	const struct dist *transformers = facts_dist(input->facts, "transformers");
	const char *version = transformers ? transformers->version : NULL;
	bool quantised = loading->four_bit || loading->eight_bit || model->quantised;
	bool fused = rules__in_range(version, ">=5") && input->facts->bnb.present;
	double bytes = weight_bytes(model, loading, fused);

	if (fused && model->moe && quantised &&
	    (loading->four_bit || loading->eight_bit || model->bits < 9))
		finding_add(out, "model/experts-not-quantised", model->type,
			    TEXT("%.1f GiB of quantised weights",
				 weight_bytes(model, loading, false) / MIB / 1024),
			    TEXT("transformers %s fuses experts, which bitsandbytes leaves in 16 "
				 "bits: %.1f GiB",
				 version, bytes / MIB / 1024),
			    model->path);
	for (size_t i = 0; i < input->target_count; i++) {
		const struct gpu *gpu = input->targets[i];
		struct finding *finding;

		if (!gpu->memory_mib || bytes / MIB <= (double)gpu->memory_mib)
			continue;
		finding = finding_add(out, "model/too-large", model->type,
				      TEXT("weights below the %.1f GiB of %s",
					   (double)gpu->memory_mib / 1024, gpu->title),
				      TEXT("%.1f GiB of weights alone, %s", bytes / MIB / 1024,
					   quantised ? "quantised" : "in 16 bits"),
				      model->path);
		finding->target = gpu->name;
	}
}

static void judge_config(const char *path, const char *text, size_t len,
			 const struct loading *loading, struct findings *out)
{
	struct json *config CLEANUP(json_freep) = NULL;
	struct model model;

	if (json_parse(text, len, false, &config, NULL) != 0 || json_type(config) != JSON_OBJECT)
		return;
	judge_dtype_json(path, config, out);
	if (strcmp(rules__base(path), "config.json") == 0 &&
	    read_model(path, config, out->arena, &model))
		judge_model(&model, loading, out);
}

static void run(const struct rule_input *input, struct findings *out)
{
	struct loading loading = {.input = input, .out = out};
	const struct image_file *files;
	size_t count = 0;

	if (!input->facts)
		return;
	rules__app_texts(input, visit, &loading);
	if (!input->image) {
		for (size_t i = 0; i < input->file_count; i++)
			if (rules__ends(input->files[i].path, ".json") && input->files[i].text)
				judge_config(input->files[i].path, input->files[i].text,
					     input->files[i].len, &loading, out);
		return;
	}
	files = image_files(input->image, &count);
	for (size_t i = 0; i < count; i++)
		if (files[i].type == FILE_REGULAR && files[i].text &&
		    rules__ends(files[i].path, "config.json") &&
		    rules__matches("/(config|quantization_config|bnb_config)\\.json$",
				   files[i].path) &&
		    rules__is_app_path(input->facts, files[i].path))
			judge_config(files[i].path, files[i].text, files[i].text_len, &loading,
				     out);
}

static const struct rule_label labels[] = {
	{"model/compute-dtype", SEVERITY_WARNING},
	{"model/experts-not-quantised", SEVERITY_ERROR},
	{"model/too-large", SEVERITY_ERROR},
	{NULL, SEVERITY_NOTE},
};

const struct rule_ops rule_model = {
	.topic = "model",
	.summary = "quantisation and memory of the models in the image",
	.labels = labels,
	.run = run,
};

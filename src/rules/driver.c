/* What the image asks of the host's driver, and what it brings that belongs to the host. */
#include "rules/rules_private.h"

#include <string.h>

/* Highest CUDA that a driver branch knows (CUDA release notes, "CUDA Toolkit and Corresponding
 * Driver Versions"); what stands between two rows has the lower one's. */
static const struct {
	unsigned driver, cuda; /* cuda: major * 100 + minor */
} knows[] = {
	{418, 1001}, {440, 1002}, {450, 1100}, {455, 1101}, {460, 1102}, {465, 1103},
	{470, 1104}, {495, 1105}, {510, 1106}, {515, 1107}, {520, 1108}, {525, 1200},
	{530, 1201}, {535, 1202}, {545, 1203}, {550, 1204}, {555, 1205}, {560, 1206},
	{565, 1207}, {570, 1208}, {575, 1209}, {580, 1300}, {590, 1301}, {595, 1302},
};

/* Lowest driver of a CUDA user space, within a major version any minor runs on it (CUDA
 * compatibility guide, "minor version compatibility"; 13: version-matrix of the release notes). */
static const struct {
	unsigned major, driver;
} floors[] = {{11, 450}, {12, 525}, {13, 580}};

static unsigned cuda_of_driver(unsigned driver)
{
	unsigned cuda = 0;

	for (size_t i = 0; i < sizeof(knows) / sizeof(knows[0]); i++)
		if (knows[i].driver <= driver)
			cuda = knows[i].cuda;
	return cuda;
}

static unsigned driver_of_major(unsigned major)
{
	for (size_t i = 0; i < sizeof(floors) / sizeof(floors[0]); i++)
		if (floors[i].major == major)
			return floors[i].driver;
	return 0;
}

static unsigned cuda_number(const char *text)
{
	unsigned major, minor;

	return rules__numbers(text, &major, &minor) ? major * 100 + minor : 0;
}

/* ---- NVIDIA_REQUIRE_CUDA: alternatives between blanks, conditions between commas ---- */

struct host {
	unsigned driver, cuda;
	const char *brand;
};

static bool compares(const char *op, unsigned have, unsigned want)
{
	if (op[0] == '>')
		return op[1] == '=' ? have >= want : have > want;
	if (op[0] == '<')
		return op[1] == '=' ? have <= want : have < want;
	return op[0] == '!' ? have != want : have == want;
}

static bool condition_holds(const char *text, const struct host *host, struct arena *arena)
{
	const char *name = rules__capture("^(cuda|driver|brand|arch)", text, arena);
	const char *op = rules__capture("^[a-z]+([<>=!]+)", text, arena);
	const char *value = rules__capture("^[a-z]+[<>=!]+(.*)$", text, arena);
	unsigned major, minor;

	if (!name || !op || !value)
		return true;
	if (strcmp(name, "brand") == 0)
		return (strcmp(value, host->brand) == 0) == (op[0] != '!');
	if (!rules__numbers(value, &major, &minor))
		return true;
	if (strcmp(name, "cuda") == 0)
		return compares(op, host->cuda, major * 100 + minor);
	if (strcmp(name, "driver") == 0)
		return compares(op, host->driver, major);
	return true;
}

static bool gate_opens(const char *gate, const struct host *host, struct arena *arena)
{
	for (const char *at = gate + strspn(gate, " "); *at; at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");
		const char *end = at + len;
		bool holds = true;

		while (at < end) {
			size_t part = strcspn(at, ", ");

			if (!condition_holds(arena_strndup(arena, at, part), host, arena))
				holds = false;
			at += part + (at + part < end);
		}
		if (holds)
			return true;
	}
	return false;
}

static void judge_gate_on_fleet(const struct rule_input *input, const char *gate,
				struct findings *out)
{
	for (size_t i = 0; input->driver && i < input->target_count; i++) {
		const struct gpu *gpu = input->targets[i];
		struct host host = {input->driver, cuda_of_driver(input->driver),
				    gpu->datacenter ? "tesla" : "geforce"};
		struct finding *finding;

		if (gate_opens(gate, &host, out->arena))
			continue;
		finding = finding_add(out, "driver/require-cuda", "NVIDIA_REQUIRE_CUDA",
				      TEXT("a condition that driver %u on %s meets (CUDA %u.%u)",
					   input->driver, gpu->title, host.cuda / 100,
					   host.cuda % 100),
				      TEXT("%.120s", gate), "ENV of the image's configuration");
		finding->target = gpu->name;
	}
}

static void judge_gate(const struct rule_input *input, struct findings *out)
{
	const char *gate = facts_env(input->facts, "NVIDIA_REQUIRE_CUDA");
	const char *cuda = input->facts->torch.cuda;
	const char *least = rules__capture("(?:^|\\s)cuda>=([0-9.]+)", gate, out->arena);
	const char *off = facts_env(input->facts, "NVIDIA_DISABLE_REQUIRE");

	if (!gate || !*gate || (off && (*off == '1' || strcmp(off, "true") == 0)))
		return;
	judge_gate_on_fleet(input, gate, out);
	if (!least || !cuda || !cuda_number(cuda))
		return;
	if (cuda_number(least) > cuda_number(cuda) && !input->driver)
		finding_add(out, "driver/gate-above-need", "NVIDIA_REQUIRE_CUDA",
			    TEXT("cuda>=%s at most, which torch needs", cuda),
			    TEXT("cuda>=%s: hosts that could run torch are refused", least),
			    "ENV of the image's configuration");
	if (cuda_number(least) / 100 < cuda_number(cuda) / 100)
		finding_add(out, "driver/gate-below-need", "NVIDIA_REQUIRE_CUDA",
			    TEXT("cuda>=%u.0 at least: torch has CUDA %s", cuda_number(cuda) / 100,
				 cuda),
			    TEXT("cuda>=%s: hosts are accepted that cannot run torch", least),
			    "ENV of the image's configuration");
}

/* ---- the fleet's driver ---- */

static void judge_floor(const struct rule_input *input, struct findings *out)
{
	const struct facts *facts = input->facts;
	unsigned worst = 0, major, minor;
	const struct library *who = NULL;

	for (size_t i = 0; i < facts->library_count; i++) {
		const struct library *library = &facts->libraries[i];

		for (size_t k = 0; k < library->needed_count; k++) {
			const char *soname = library->needed[k].soname;

			if (!rules__begins(soname, "libcudart.so.") || !library->needed[k].path ||
			    !rules__numbers(soname + strlen("libcudart.so."), &major, &minor) ||
			    driver_of_major(major) <= worst ||
			    (facts->bnb.present && facts->bnb.path &&
			     rules__begins(library->path, facts->bnb.path) &&
			     (!facts->bnb.chosen || strcmp(facts->bnb.chosen, library->path) != 0)))
				continue;
			worst = driver_of_major(major);
			who = library;
		}
	}
	if (rules__numbers(facts->torch.cuda, &major, &minor) && driver_of_major(major) > worst) {
		worst = driver_of_major(major);
		who = NULL;
	}
	if (!input->driver || input->driver >= worst)
		return;
	finding_add(out, "driver/too-old", who ? rules__base(who->path) : "torch",
		    TEXT("a CUDA user space for driver %u", input->driver),
		    TEXT("it needs driver %u or newer", worst),
		    who ? rules__place(who->path, &who->origin, out->arena)
			: rules__place(facts->torch.path, &facts->torch.origin, out->arena));
}

static void judge_cards(const struct rule_input *input, struct findings *out)
{
	for (size_t i = 0; input->driver && i < input->target_count; i++) {
		const struct gpu *gpu = input->targets[i];

		if (input->driver >= gpu->driver_min)
			continue;
		finding_add(out, "driver/card-unknown", gpu->name,
			    TEXT("driver %u or newer for %s", gpu->driver_min, gpu->title),
			    TEXT("the fleet's driver %u", input->driver), "")
			->target = gpu->name;
	}
}

/* ---- copies of libcuda ---- */

static bool is_compat(const char *path)
{
	return strstr(path, "/compat/") != NULL;
}

static void judge_compat(const struct rule_input *input, const struct library *library,
			 struct findings *out)
{
	unsigned major, minor;
	const char *base = rules__base(library->path);
	const char *path = facts_env(input->facts, "LD_LIBRARY_PATH");
	bool first = rules__in_path_list(path, rules__folder(library->path, out->arena));

	if (!rules__numbers(base + strlen("libcuda.so."), &major, &minor) || major < 100)
		return;
	for (size_t i = 0; i < input->target_count; i++) {
		const struct gpu *gpu = input->targets[i];
		struct finding *finding;

		if (gpu->datacenter || !gpu->memory_mib ||
		    (input->driver ? major <= input->driver : !first))
			continue;
		finding = finding_add(
			out, "driver/compat-libcuda", base,
			TEXT("no forward compatibility library: %s cannot use one", gpu->title),
			input->driver
				? TEXT("libcuda of driver %u, newer than the fleet's %u: error 804",
				       major, input->driver)
				: TEXT("libcuda of driver %u first on LD_LIBRARY_PATH", major),
			rules__place(library->path, &library->origin, out->arena));
		finding->target = gpu->name;
	}
}

static void judge_copies(const struct rule_input *input, struct findings *out)
{
	const char *path = facts_env(input->facts, "LD_LIBRARY_PATH");

	for (size_t i = 0; i < input->facts->library_count; i++) {
		const struct library *library = &input->facts->libraries[i];
		const char *file = library->path;
		const char *base = rules__base(file);
		bool stub = strstr(file, "/stubs/") != NULL;

		if (!rules__begins(base, "libcuda.so"))
			continue;
		if (is_compat(file))
			judge_compat(input, library, out);
		else if (stub && rules__in_path_list(path, rules__folder(file, out->arena)))
			finding_add(out, "driver/stub-libcuda", base,
				    "the host's libcuda, which the container runtime brings",
				    "a stub for linking, first on LD_LIBRARY_PATH",
				    rules__place(file, &library->origin, out->arena));
		else if (!stub)
			finding_add(out, "driver/stray-libcuda", base,
				    "the host's libcuda, which the container runtime brings",
				    "a copy in the image, which may win over it: error 803",
				    rules__place(file, &library->origin, out->arena));
	}
}

static void run(const struct rule_input *input, struct findings *out)
{
	if (!input->facts)
		return;
	judge_gate(input, out);
	judge_floor(input, out);
	judge_cards(input, out);
	judge_copies(input, out);
}

static const struct rule_label labels[] = {
	{"driver/card-unknown", SEVERITY_ERROR},
	{"driver/compat-libcuda", SEVERITY_ERROR},
	{"driver/gate-above-need", SEVERITY_WARNING},
	{"driver/gate-below-need", SEVERITY_WARNING},
	{"driver/require-cuda", SEVERITY_ERROR},
	{"driver/stray-libcuda", SEVERITY_WARNING},
	{"driver/stub-libcuda", SEVERITY_ERROR},
	{"driver/too-old", SEVERITY_ERROR},
	{NULL, SEVERITY_NOTE},
};

const struct rule_ops rule_driver = {
	.topic = "driver",
	.summary = "what the image asks of the host's driver, and driver files it should not have",
	.labels = labels,
	.run = run,
};

/* What the dynamic loader will do: libraries, versions and symbols that are not there, or that are
 * there twice. What a deployment surely loads is judged strictly; plug-ins that lie in nearly every
 * image without what they need are notes. */
#include "rules/rules_private.h"

#include "base/units.h"

#include <string.h>

#define SIZE_TEXT 32
#define WASTE_MIN ((uint64_t)32 << 20)

static bool under(const char *path, const char *folder)
{
	size_t len = folder ? strlen(folder) : 0;

	return len && strncmp(path, folder, len) == 0 && path[len] == '/';
}

/* A Python extension module, as import finds it. */
static bool is_extension(const char *path)
{
	const char *base = rules__base(path);

	return !rules__begins(base, "lib") &&
	       (strstr(base, ".cpython-") || rules__ends(base, ".abi3.so"));
}

/* Will every deployment load it? */
static bool is_root(const struct facts *facts, const struct library *library)
{
	const char *path = library->path;
	const struct image_config *config = facts->config;

	if (facts->bnb.chosen && strcmp(path, facts->bnb.chosen) == 0)
		return true;
	if (facts->python.path && strcmp(path, facts->python.path) == 0)
		return true;
	if (config && config->entrypoint.count && strcmp(path, config->entrypoint.items[0]) == 0)
		return true;
	return facts->torch.present && under(path, facts->torch.path) &&
	       rules__matches("/(libtorch(_cpu|_cuda|_python)?|libc10(_cuda)?|_C[^/]*)\\.[^/]*$",
			      path);
}

/* Files that lie there for other machines or other CUDA versions. */
static bool is_out_of_play(const struct facts *facts, const struct library *library)
{
	const char *arch = facts->config ? facts->config->arch : NULL;
	const char *machine = library->binary ? library->binary->machine : NULL;

	if (!library->binary)
		return true;
	if (arch && machine &&
	    ((strcmp(arch, "amd64") == 0 && strcmp(machine, "x86_64") != 0) ||
	     (strcmp(arch, "arm64") == 0 && strcmp(machine, "aarch64") != 0)))
		return true;
	return facts->bnb.present && under(library->path, facts->bnb.path) &&
	       (!facts->bnb.chosen || strcmp(facts->bnb.chosen, library->path) != 0);
}

static const char *place(const struct library *library, struct arena *arena)
{
	return rules__place(library->path, &library->origin, arena);
}

/* 0 unknown, in facts that were loaded. */
static uint64_t bytes(const struct library *library)
{
	return library->file ? library->file->size_bytes : 0;
}

static const char *soname_of(const struct library *library)
{
	return library->binary->soname ? library->binary->soname : rules__base(library->path);
}

static const struct library *with_soname(const struct facts *facts, const char *soname)
{
	for (size_t i = 0; i < facts->library_count; i++)
		if (facts->libraries[i].binary && !strstr(facts->libraries[i].path, "/stubs/") &&
		    strcmp(soname_of(&facts->libraries[i]), soname) == 0)
			return &facts->libraries[i];
	return NULL;
}

static bool is_gpu_soname(const char *soname)
{
	static const char *const stems[] = {
		"libcudart",	"libcublas",	 "libcudnn", "libcusparse", "libcusolver",
		"libcufft",	"libcurand",	 "libcupti", "libnccl",	    "libnvrtc",
		"libnvJitLink", "libnvToolsExt", "libtorch", "libc10",	    NULL};

	for (size_t i = 0; stems[i]; i++)
		if (rules__begins(soname, stems[i]))
			return true;
	return false;
}

/* Does torch find SONAME? Whoever imports it first has the library loaded, wherever it lies. */
static bool comes_with_torch(const struct facts *facts, const char *soname)
{
	for (size_t i = 0; facts->torch.present && i < facts->library_count; i++) {
		const struct library *library = &facts->libraries[i];

		if (!under(library->path, facts->torch.path))
			continue;
		for (size_t k = 0; k < library->needed_count; k++)
			if (library->needed[k].path &&
			    strcmp(library->needed[k].soname, soname) == 0)
				return true;
	}
	return false;
}

static const char *missing_label(const struct facts *facts, const struct library *library,
				 const struct resolved *needed)
{
	if (needed->path || (needed->how && strcmp(needed->how, "driver") == 0))
		return NULL;
	if (is_root(facts, library))
		return "loader/library-missing";
	if (is_extension(library->path) && is_gpu_soname(needed->soname))
		return comes_with_torch(facts, needed->soname) ? "loader/optional-missing"
							       : "loader/library-missing";
	return is_gpu_soname(needed->soname) && with_soname(facts, needed->soname)
		       ? "loader/not-findable"
		       : "loader/optional-missing";
}

struct missing { /* one library that several need */
	const char *label, *soname;
	const struct library *first;
	size_t users;
};

static void count_missing(struct missing **all, size_t *count, const char *label,
			  const char *soname, const struct library *library, struct arena *arena)
{
	struct missing *one;

	for (size_t i = 0; i < *count; i++)
		if (strcmp((*all)[i].label, label) == 0 && strcmp((*all)[i].soname, soname) == 0) {
			(*all)[i].users++;
			return;
		}
	one = arena_push(arena, all, count, sizeof(*one));
	*one = (struct missing){label, soname, library, 1};
}

static void add_missing(const struct facts *facts, const struct missing *one, struct findings *out)
{
	const struct library *elsewhere = with_soname(facts, one->soname);
	const char *user = rules__base(one->first->path);

	finding_add(out, one->label, one->soname,
		    one->users > 1 ? TEXT("it on the loader's path: %s and %zu more need it", user,
					  one->users - 1)
				   : TEXT("it on the loader's path: %s needs it", user),
		    elsewhere
			    ? TEXT("it lies in %s, where the loader does not look", elsewhere->path)
			    : "it is not in the image",
		    place(one->first, out->arena));
}

/* One line for all that the plug-in of ALL[INDEX] lacks, at the first of them. */
static void add_optional(const struct facts *facts, const struct missing *all, size_t count,
			 size_t index, struct findings *out)
{
	const struct library *user = all[index].first;
	struct strings absent = {0}, elsewhere = {0};
	const char *text;

	for (size_t i = 0; i < count; i++) {
		if (all[i].first != user || strcmp(all[i].label, all[index].label) != 0)
			continue;
		if (i < index)
			return;
		rules__push(with_soname(facts, all[i].soname) ? &elsewhere : &absent, all[i].soname,
			    out->arena);
	}
	text = absent.count ? TEXT("not in the image: %s", rules__join(&absent, 6, out->arena))
			    : "";
	if (elsewhere.count)
		text = TEXT("%s%swhere the loader does not look: %s", text,
			    absent.count ? "; " : "", rules__join(&elsewhere, 6, out->arena));
	finding_add(out, all[index].label, rules__base(user->path),
		    "what it needs on the loader's path", text, place(user, out->arena));
}

static void judge_needed(const struct facts *facts, struct findings *out)
{
	struct missing *all = NULL;
	size_t count = 0;

	for (size_t i = 0; i < facts->library_count; i++) {
		const struct library *library = &facts->libraries[i];

		for (size_t k = 0; !is_out_of_play(facts, library) && k < library->needed_count;
		     k++) {
			const char *label = missing_label(facts, library, &library->needed[k]);

			if (label)
				count_missing(&all, &count, label, library->needed[k].soname,
					      library, out->arena);
		}
	}
	for (size_t i = 0; i < count; i++)
		if (strcmp(all[i].label, "loader/optional-missing") == 0)
			add_optional(facts, all, count, i, out);
		else
			add_missing(facts, &all[i], out);
}

/* ---- versions ---- */

static const char *version_label(const struct missing_version *missing)
{
	if (rules__begins(missing->version, "GLIBC_"))
		return "loader/glibc";
	if (rules__begins(missing->version, "GLIBCXX_") ||
	    rules__begins(missing->version, "CXXABI_"))
		return "loader/libstdcxx";
	return "loader/version-missing";
}

/* "GLIBC_2.9" before "GLIBC_2.34": numbers in the text compare as numbers. */
static bool is_lower(const char *a, const char *b)
{
	return strverscmp(a, b) < 0;
}

/* Of several versions that one library misses the highest says it all. */
static bool is_highest(const struct facts *facts, size_t index)
{
	const struct missing_version *one = &facts->missing_versions[index];

	for (size_t i = 0; i < facts->missing_version_count; i++) {
		const struct missing_version *other = &facts->missing_versions[i];

		if (i != index && other->library == one->library &&
		    strcmp(version_label(other), version_label(one)) == 0 &&
		    is_lower(one->version, other->version))
			return false;
	}
	return true;
}

static void judge_version(const struct facts *facts, size_t index, struct findings *out)
{
	const struct missing_version *missing = &facts->missing_versions[index];
	const struct library *library;
	bool matters;

	if (missing->library >= facts->library_count || !missing->provider)
		return;
	library = &facts->libraries[missing->library];
	if (is_out_of_play(facts, library) || !is_highest(facts, index))
		return;
	matters = is_root(facts, library) || library->dist < facts->dist_count ||
		  rules__is_app_path(facts, library->path);
	finding_add(out, matters ? version_label(missing) : "loader/optional-missing",
		    rules__base(library->path), TEXT("%s in %s", missing->version, missing->file),
		    TEXT("%s has %s%s", missing->provider,
			 missing->best ? "at most " : "no such one",
			 missing->best ? missing->best : ""),
		    place(library, out->arena));
}

/* ---- symbols ---- */

/* Do libraries of the same distribution define all of them? Their package loads them first. */
static bool defined_at_home(const struct facts *facts, const struct library *library,
			    const struct strings *symbols)
{
	size_t defined = 0;

	for (size_t s = 0; s < symbols->count; s++)
		for (size_t i = 0; i < facts->library_count; i++) {
			const struct library *other = &facts->libraries[i];

			if (other == library || other->dist != library->dist || !other->binary ||
			    !binary_defines(other->binary, symbols->items[s]))
				continue;
			defined++;
			break;
		}
	return defined == symbols->count;
}

/* Does it need libraries of another distribution? Then symbols that are gone are a broken pair. */
static bool crosses_packages(const struct facts *facts, const struct library *library)
{
	for (size_t i = 0; i < library->needed_count; i++) {
		const struct library *other =
			library->needed[i].path ? facts_library(facts, library->needed[i].path)
						: NULL;

		if (other && other->dist < facts->dist_count && other->dist != library->dist)
			return true;
	}
	return false;
}

static void judge_symbols(const struct facts *facts, const struct missing_symbols *missing,
			  struct findings *out)
{
	const struct library *library;
	struct strings symbols = {0};
	bool strict;

	if (missing->library >= facts->library_count)
		return;
	library = &facts->libraries[missing->library];
	if (is_out_of_play(facts, library) || library->dist >= facts->dist_count)
		return;
	for (size_t i = 0; i < missing->first.count; i++)
		if (!rules__matches("^_?Py[A-Z_]", missing->first.items[i]))
			rules__push(&symbols, missing->first.items[i], out->arena);
	if (!symbols.count || defined_at_home(facts, library, &symbols))
		return;
	strict = is_root(facts, library) || crosses_packages(facts, library);
	finding_add(out, strict ? "loader/missing-symbols" : "loader/optional-missing",
		    rules__base(library->path), "every symbol it needs defined by what it loads",
		    TEXT("%zu undefined: %s", missing->count, rules__join(&symbols, 3, out->arena)),
		    place(library, out->arena));
}

/* ---- copies ---- */

static uint64_t size_of(const struct facts *facts, const char *path)
{
	const struct library *library = facts_library(facts, path);

	return library ? bytes(library) : 0;
}

/* LD_LIBRARY_PATH puts another build in front of the library that the package brings. */
static void judge_shadowed(const struct facts *facts, const struct library *library,
			   struct findings *out)
{
	for (size_t i = 0; i < library->needed_count; i++) {
		const struct resolved *needed = &library->needed[i];

		if (!needed->path || !needed->how || strcmp(needed->how, "ld-library-path") != 0 ||
		    !is_gpu_soname(needed->soname))
			continue;
		for (size_t k = 0; k < facts->library_count; k++) {
			const struct library *own = &facts->libraries[k];
			const struct dist *dist = rules__dist_of(facts, own);

			if (!dist || !own->binary || strcmp(soname_of(own), needed->soname) != 0 ||
			    strcmp(own->path, needed->path) == 0 ||
			    bytes(own) == size_of(facts, needed->path))
				continue;
			finding_add(out, "loader/shadowed", needed->soname,
				    TEXT("%s of %s %s", own->path, dist->name, dist->version),
				    TEXT("%s, first on LD_LIBRARY_PATH", needed->path),
				    place(library, out->arena));
			return;
		}
	}
}

/* Wheels that bring one library each are their makers' business; a copy of the system beside a
 * wheel's, or two of the system, are a choice of this image. */
static void judge_copies(const struct facts *facts, struct findings *out)
{
	uint64_t wasted = 0;
	struct strings names = {0}, seen = {0};
	const struct library *last = NULL;
	char text[SIZE_TEXT];

	for (size_t i = 0; i < facts->library_count; i++) {
		const struct library *one = &facts->libraries[i];
		size_t copies = 0;

		if (is_out_of_play(facts, one) || !is_gpu_soname(soname_of(one)) ||
		    strstr(one->path, "/stubs/") || rules__has(&seen, soname_of(one)))
			continue;
		rules__push(&seen, soname_of(one), out->arena);
		for (size_t k = i + 1; k < facts->library_count; k++) {
			const struct library *other = &facts->libraries[k];

			if (is_out_of_play(facts, other) || strstr(other->path, "/stubs/") ||
			    strcmp(soname_of(other), soname_of(one)) != 0 ||
			    (one->dist < facts->dist_count && other->dist < facts->dist_count))
				continue;
			copies++;
			wasted += bytes(other) < bytes(one) ? bytes(other) : bytes(one);
			last = other;
		}
		if (copies)
			rules__push(&names, soname_of(one), out->arena);
	}
	if (wasted < WASTE_MIN)
		return; /* two small copies cost nothing worth a word; shadowing is judged apart */
	finding_add(out, "loader/duplicate-cuda", "CUDA libraries",
		    "one copy of each: of the base image or of pip's wheels",
		    TEXT("%s twice: %s", units_size(wasted, text, sizeof(text)),
			 rules__join(&names, 6, out->arena)),
		    place(last, out->arena));
}

/* ---- cuDNN: a front library that loads its parts by name ---- */

struct cudnn {
	const struct library *library;
	const char *folder;
	const char *soname;
	unsigned major;
};

struct cudnns {
	struct cudnn *items;
	size_t count;
};

static bool is_default_folder(const char *folder)
{
	static const char *const folders[] = {"/lib",
					      "/usr/lib",
					      "/lib64",
					      "/usr/lib64",
					      "/usr/local/lib",
					      "/usr/lib/x86_64-linux-gnu",
					      "/lib/x86_64-linux-gnu",
					      "/usr/lib/aarch64-linux-gnu",
					      "/usr/local/cuda/lib64",
					      NULL};

	return rules__is_one_of(folder, folders);
}

static struct cudnns find_cudnn(const struct facts *facts, struct arena *arena)
{
	struct cudnns all = {0};

	for (size_t i = 0; i < facts->library_count; i++) {
		const struct library *library = &facts->libraries[i];
		const char *major;
		unsigned minor;
		struct cudnn *one;

		if (is_out_of_play(facts, library) ||
		    !rules__begins(rules__base(library->path), "libcudnn"))
			continue;
		major = rules__capture("^libcudnn(?:_[a-z_]+|-[0-9a-f]+)?\\.so\\.([0-9]+)",
				       rules__base(library->path), arena);
		if (!major)
			continue;
		one = arena_push(arena, &all.items, &all.count, sizeof(*one));
		one->library = library;
		one->folder = rules__folder(library->path, arena);
		one->soname = soname_of(library);
		(void)rules__numbers(major, &one->major, &minor);
	}
	return all;
}

static const struct cudnn *in_folder(const struct cudnns *all, const char *folder,
				     const char *soname)
{
	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->items[i].soname, soname) == 0 &&
		    strcmp(all->items[i].folder, folder) == 0)
			return &all->items[i];
	return NULL;
}

static const struct cudnn *on_path(const struct cudnns *all, const char *list, const char *soname,
				   struct arena *arena)
{
	for (const char *at = list; at && *at;) {
		size_t len = strcspn(at, ":"), bare = len;
		const struct cudnn *found;

		while (bare > 1 && at[bare - 1] == '/')
			bare--;
		found = in_folder(all, arena_strndup(arena, at, bare), soname);
		if (found)
			return found;
		at += len + (at[len] == ':');
	}
	return NULL;
}

static const struct cudnn *in_default(const struct cudnns *all, const char *soname)
{
	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->items[i].soname, soname) == 0 &&
		    is_default_folder(all->items[i].folder))
			return &all->items[i];
	return NULL;
}

/* "9.1.0" of the file's name or of its distribution; NULL unknown. */
static const char *cudnn_version(const struct facts *facts, const struct cudnn *one,
				 struct arena *arena)
{
	const struct dist *dist = rules__dist_of(facts, one->library);
	const char *named =
		rules__capture("\\.so\\.([0-9]+\\.[0-9]+\\.[0-9]+)", one->library->path, arena);

	return named ? named
		     : rules__capture("^([0-9]+\\.[0-9]+\\.[0-9]+)", dist ? dist->version : NULL,
				      arena);
}

static bool is_same_build(const struct facts *facts, const struct cudnns *all,
			  const struct cudnn *front, const struct cudnn *part, struct arena *arena)
{
	const char *a = cudnn_version(facts, front, arena), *b = cudnn_version(facts, part, arena);
	const struct cudnn *twin = in_folder(all, front->folder, part->soname);

	if (a && b)
		return strcmp(a, b) == 0;
	return twin && bytes(twin->library) == bytes(part->library);
}

/* Where the front library of MAJOR is loaded from: as its users resolve it, else by the path. */
static const struct cudnn *front_of(const struct facts *facts, const struct cudnns *all,
				    unsigned major, struct arena *arena)
{
	const char *soname = arena_printf(arena, "libcudnn.so.%u", major);
	const struct cudnn *found;

	for (size_t i = 0; i < facts->library_count; i++)
		for (size_t k = 0; k < facts->libraries[i].needed_count; k++) {
			const struct resolved *needed = &facts->libraries[i].needed[k];

			if (!needed->path || strcmp(needed->soname, soname) != 0)
				continue;
			found = in_folder(all, rules__folder(needed->path, arena), soname);
			if (found)
				return found;
		}
	found = on_path(all, facts_env(facts, "LD_LIBRARY_PATH"), soname, arena);
	if (found)
		return found;
	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->items[i].soname, soname) == 0 &&
		    all->items[i].library->dist < facts->dist_count)
			return &all->items[i];
	return in_default(all, soname);
}

static void judge_parts(const struct facts *facts, const struct cudnns *all,
			const struct cudnn *front, struct findings *out)
{
	const char *list = facts_env(facts, "LD_LIBRARY_PATH");

	for (size_t i = 0; i < all->count; i++) {
		const struct cudnn *part = &all->items[i], *loaded;

		if (part->major != front->major || !rules__begins(part->soname, "libcudnn_"))
			continue;
		loaded = on_path(all, list, part->soname, out->arena);
		if (!loaded)
			loaded = in_folder(all, front->folder, part->soname);
		if (!loaded)
			loaded = in_default(all, part->soname);
		if (!loaded || strcmp(loaded->folder, front->folder) == 0 ||
		    is_same_build(facts, all, front, loaded, out->arena))
			continue;
		finding_add(out, "loader/mixed-cudnn", part->soname,
			    TEXT("all of cuDNN from %s", front->folder),
			    TEXT("%s from %s", part->soname, loaded->folder),
			    place(loaded->library, out->arena));
		return;
	}
}

/* A front library that a wheel brings under a name of its own, without the parts. */
static void judge_vendored(const struct facts *facts, const struct cudnns *all,
			   const struct cudnn *front, struct findings *out)
{
	static const char *const parts[] = {"ops", "cnn", "ops_infer", "cnn_infer", NULL};
	bool found = false;

	for (size_t i = 0; parts[i] && !found; i++) {
		const char *soname = TEXT("libcudnn_%s.so.%u", parts[i], front->major);

		found = on_path(all, facts_env(facts, "LD_LIBRARY_PATH"), soname, out->arena) ||
			in_folder(all, front->folder, soname) || in_default(all, soname);
	}
	if (!found)
		finding_add(
			out, "loader/cudnn-parts", rules__base(front->library->path),
			TEXT("libcudnn_ops.so.%u and its like on the loader's path", front->major),
			"not beside it, not on LD_LIBRARY_PATH, not in a default folder",
			place(front->library, out->arena));
}

static void judge_cudnn(const struct facts *facts, struct findings *out)
{
	struct cudnns all = find_cudnn(facts, out->arena);
	unsigned done = 0;

	for (size_t i = 0; i < all.count; i++) {
		const struct cudnn *front;

		if (rules__matches("/libcudnn-[0-9a-f]+\\.so", all.items[i].library->path))
			judge_vendored(facts, &all, &all.items[i], out);
		if (all.items[i].major >= 32 || done & (1U << all.items[i].major))
			continue;
		done |= 1U << all.items[i].major;
		front = front_of(facts, &all, all.items[i].major, out->arena);
		if (front)
			judge_parts(facts, &all, front, out);
	}
}

static void run(const struct rule_input *input, struct findings *out)
{
	const struct facts *facts = input->facts;

	if (!facts)
		return;
	judge_needed(facts, out);
	for (size_t i = 0; i < facts->library_count; i++) {
		if (is_out_of_play(facts, &facts->libraries[i]))
			continue;
		judge_shadowed(facts, &facts->libraries[i], out);
	}
	for (size_t i = 0; i < facts->missing_version_count; i++)
		judge_version(facts, i, out);
	for (size_t i = 0; i < facts->missing_symbols_count; i++)
		judge_symbols(facts, &facts->missing_symbols[i], out);
	judge_copies(facts, out);
	judge_cudnn(facts, out);
}

static const struct rule_label labels[] = {
	{"loader/cudnn-parts", SEVERITY_ERROR},	    {"loader/duplicate-cuda", SEVERITY_WARNING},
	{"loader/glibc", SEVERITY_ERROR},	    {"loader/library-missing", SEVERITY_ERROR},
	{"loader/libstdcxx", SEVERITY_ERROR},	    {"loader/missing-symbols", SEVERITY_ERROR},
	{"loader/mixed-cudnn", SEVERITY_ERROR},	    {"loader/not-findable", SEVERITY_WARNING},
	{"loader/optional-missing", SEVERITY_NOTE}, {"loader/shadowed", SEVERITY_WARNING},
	{"loader/version-missing", SEVERITY_ERROR}, {NULL, SEVERITY_NOTE},
};

const struct rule_ops rule_loader = {
	.topic = "loader",
	.summary = "libraries, versions and symbols as the dynamic loader will find them",
	.labels = labels,
	.run = run,
};

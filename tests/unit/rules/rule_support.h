/* Facts made by hand, one field at a time, and questions about what the rules say of them. */
#ifndef TESTS_UNIT_RULES_RULE_SUPPORT_H
#define TESTS_UNIT_RULES_RULE_SUPPORT_H

#include "rules/rules.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
	struct arena *arena;
	struct facts facts;
	struct image_config config;
	const struct gpu *targets[4];
	struct repo_file files[8], before_files[8];
	struct rule_input input;
	struct findings found;
	char root[64]; /* of the image, "" none */
	struct image *image;
};

static struct world w;

/* A fresh, empty image and no target. */
static inline int new_world(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	w.arena = arena_new();
	w.facts.arena = w.arena;
	w.facts.config = &w.config;
	w.input.facts = &w.facts;
	w.input.targets = w.targets;
	w.input.files = w.files;
	w.input.before_files = w.before_files;
	return 0;
}

static inline int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
	(void)info;
	(void)type;
	(void)walk;
	return remove(path);
}

static inline void remove_tree(const char *root)
{
	(void)nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline int end_world(void **state)
{
	(void)state;
	image_close(w.image);
	if (*w.root)
		remove_tree(w.root);
	arena_free(w.arena);
	return 0;
}

/* A file of the image, which open_image reads afterwards. */
static inline void image_file(const char *path, mode_t mode, const char *text)
{
	char full[512];
	FILE *to;

	if (!*w.root) {
		(void)snprintf(w.root, sizeof(w.root), "/tmp/rules-test.XXXXXX");
		assert_non_null(mkdtemp(w.root));
	}
	(void)snprintf(full, sizeof(full), "%s%s", w.root, path);
	for (char *slash = strchr(full + strlen(w.root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(full, 0755);
		*slash = '/';
	}
	to = fopen(full, "w");
	assert_non_null(to);
	assert_true(fputs(text, to) >= 0);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(chmod(full, mode), 0);
}

static inline void open_image(void)
{
	struct image_options options = {0};
	struct err err = {0};

	if (image_open_root(w.root, &options, &w.image, &err) != 0)
		fail_msg("%s", err.msg);
	w.input.image = w.image;
}

static inline struct strings *push(struct strings *to, const char *text)
{
	*(const char **)arena_push(w.arena, &to->items, &to->count, sizeof(char *)) = text;
	return to;
}

static inline void target(const char *name)
{
	w.targets[w.input.target_count] = gpu_find(name);
	assert_non_null(w.targets[w.input.target_count++]);
}

static inline void env(const char *assignment)
{
	push(&w.config.env, assignment);
}

static inline void file(const char *path, const char *text)
{
	w.files[w.input.file_count++] = (struct repo_file){path, text, strlen(text)};
}

static inline void file_before(const char *path, const char *text)
{
	w.before_files[w.input.before_file_count++] = (struct repo_file){path, text, strlen(text)};
}

static inline void dockerfile(const char *text)
{
	file("Dockerfile", text);
	w.input.dockerfile = "Dockerfile";
}

/* An installed distribution; found again by its index. */
static inline size_t dist(const char *name, const char *version)
{
	struct dist *d = arena_push(w.arena, &w.facts.dists, &w.facts.dist_count, sizeof(*d));

	d->name = d->normalised = name;
	d->version = version;
	d->local = strchr(version, '+') ? strchr(version, '+') + 1 : NULL;
	d->site = "/site-packages";
	d->path = arena_printf(w.arena, "/site-packages/%s-%s.dist-info", name, version);
	d->files.known = true;
	d->duplicate_of = SIZE_MAX;
	d->origin = (struct origin){3, 5, "RUN pip install"};
	return w.facts.dist_count - 1;
}

static inline void requirement_unmet(size_t of, const char *requirement, const char *found)
{
	struct broken_requirement *b =
		arena_push(w.arena, &w.facts.broken, &w.facts.broken_count, sizeof(*b));

	*b = (struct broken_requirement){of, requirement, found};
}

/* A library of DIST (SIZE_MAX: of none); later calls may move earlier ones. */
static inline struct library *library(const char *path, size_t of)
{
	struct image_file *f = arena_alloc(w.arena, sizeof(*f));
	struct library *l =
		arena_push(w.arena, &w.facts.libraries, &w.facts.library_count, sizeof(*l));

	f->path = path;
	f->type = FILE_REGULAR;
	f->size_bytes = 1000;
	l->path = path;
	l->file = f;
	l->binary = arena_alloc(w.arena, sizeof(struct binary));
	((struct binary *)l->binary)->machine = "x86_64";
	l->dist = of;
	l->origin = (struct origin){3, 5, "RUN pip install"};
	return l;
}

/* Device code as "75 80 +90" (+: PTX, a letter behind: suffix), in each of FATBINS. */
static inline void device_code(const struct library *l, const char *archs, uint64_t fatbins)
{
	struct fatbin_summary *s = &((struct binary *)l->binary)->device;

	if (s->fatbin_count < fatbins)
		s->fatbin_count = fatbins;
	while (*archs) {
		struct fatbin_arch *a = arena_push(w.arena, &s->archs, &s->arch_count, sizeof(*a));

		a->kind = *archs == '+' ? FATBIN_PTX : FATBIN_SASS;
		archs += *archs == '+';
		for (; *archs >= '0' && *archs <= '9'; archs++)
			a->cc = a->cc * 10 + (unsigned)(*archs - '0');
		if (*archs && *archs != ' ')
			a->suffix = *archs++;
		a->entries = a->fatbins = fatbins;
		archs += *archs == ' ';
	}
}

static inline void needs(struct library *l, const char *soname, const char *path, const char *how)
{
	struct resolved *r = arena_push(w.arena, &l->needed, &l->needed_count, sizeof(*r));

	*r = (struct resolved){soname, path, how};
}

/* torch VERSION with libtorch_cuda.so of ARCHS; CUDA NULL: a CPU build. */
static inline struct library *torch(const char *version, const char *cuda, const char *archs)
{
	size_t of = dist("torch", version);
	struct library *l;

	w.facts.torch.present = true;
	w.facts.torch.path = "/site-packages/torch";
	w.facts.torch.version = version;
	w.facts.torch.metadata_version = version;
	push(&w.facts.torch.metadata_versions, version);
	w.facts.torch.cuda = cuda;
	w.facts.torch.origin = (struct origin){3, 5, "RUN pip install torch"};
	if (!cuda)
		return NULL;
	l = library("/site-packages/torch/lib/libtorch_cuda.so", of);
	device_code(l, archs, 100);
	w.facts.torch.cuda_library = l->binary;
	w.facts.torch.cuda_library_path = l->file->path;
	return l;
}

static inline void judge(void)
{
	struct err err = {0};

	if (rules_run(&w.input, NULL, w.arena, &w.found, &err) != 0)
		fail_msg("%s", err.msg);
}

static inline const struct finding *found(const char *label)
{
	for (size_t i = 0; i < w.found.count; i++)
		if (strcmp(w.found.items[i].label, label) == 0)
			return &w.found.items[i];
	return NULL;
}

static inline void print_found(void)
{
	for (size_t i = 0; i < w.found.count; i++) {
		const struct finding *f = &w.found.items[i];

		print_error("%s %s: expected %s, found %s (%s)\n", f->label, f->subject,
			    f->expected ? f->expected : "-", f->actual ? f->actual : "-", f->where);
	}
}

/* Judge, and want LABEL among the findings, complete. */
static inline const struct finding *expect(const char *label)
{
	const struct finding *f;

	judge();
	f = found(label);
	if (!f) {
		print_found();
		fail_msg("%s was not found", label);
	}
	assert_true(f->expected && *f->expected);
	assert_true(f->actual && *f->actual);
	assert_true(f->severity == rule_severity(label));
	return f;
}

/* Judge, and want nothing worse than a note. */
static inline void expect_clean(void)
{
	judge();
	for (size_t i = 0; i < w.found.count; i++)
		if (w.found.items[i].severity != SEVERITY_NOTE) {
			print_found();
			fail_msg("not clean: %s", w.found.items[i].label);
		}
}

/* Judge, and want nothing at all of LABEL. */
static inline void expect_no(const char *label)
{
	judge();
	if (found(label)) {
		print_found();
		fail_msg("%s was found", label);
	}
}

#define rule_test(function) cmocka_unit_test_setup_teardown(function, new_world, end_world)

#endif

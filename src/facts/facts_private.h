/* Friends of the room only: one file per topic fills its part of the facts, in this order. */
#ifndef FACTS_FACTS_PRIVATE_H
#define FACTS_FACTS_PRIVATE_H

#include "facts/facts.h"

#define FACTS_NONE SIZE_MAX
#define FACTS_PACKAGES_MAX 100000

struct collector {
	struct facts *facts;
	struct arena *arena; /* the facts' */
	struct image *image;
	const struct image_file *files;
	size_t file_count;
	size_t *dist_of;	  /* of each file: index of the distribution that lists it */
	const char **package_of;  /* of each file: system package that lists it */
	struct strings libraries; /* LD_LIBRARY_PATH of the image, split */
	struct strings cached;	  /* folders of ld.so.conf and those the loader always searches */
};

/* Index of a visible file of the image; FACTS_NONE for NULL. */
size_t facts__index(const struct collector *collector, const struct image_file *file);
struct origin facts__origin(const struct facts *facts, const struct image_file *file);
void facts__push(struct collector *collector, struct strings *list, const char *item);
/* PATH's last part. */
const char *facts__base(const char *path);
/* Kept or read now; NULL: not there, too large or unreadable. */
const char *facts__text(struct collector *collector, const struct image_file *file, size_t *len);

void facts__os(struct collector *collector);
void facts__packages(struct collector *collector);
void facts__rpm(struct collector *collector);	 /* or os.unread, where it cannot be read */
void facts__python(struct collector *collector); /* interpreter and sites */
int facts__dists(struct collector *collector, struct err *err);
void facts__records(struct collector *collector);  /* files against RECORD, duplicates */
void facts__requires(struct collector *collector); /* broken requirements */
void facts__libraries(struct collector *collector);
void facts__versions(struct collector *collector);
void facts__symbols(struct collector *collector);
void facts__torch(struct collector *collector);
void facts__bnb(struct collector *collector);
void facts__triton(struct collector *collector);
void facts__sizes(struct collector *collector);

/* Append files that differ; nothing unless both sides have their image. */
void facts__diff_files(const struct facts *before, const struct facts *after, struct arena *arena,
		       struct difference **items, size_t *count);

/* DIST and what it requires, directly or not: indexes into LIST; returns how many. */
#define FACTS_CLOSURE_MAX 256
size_t facts__closure(struct collector *collector, size_t dist, size_t list[FACTS_CLOSURE_MAX]);

/* The library that SONAME, needed by LIBRARY, resolves to; NULL: none. */
const struct library *facts__provider(const struct facts *facts, const struct library *library,
				      const char *soname);

#endif

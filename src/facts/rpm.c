/*
 * rpm's packages out of its SQLite database (rpm 4.16 and later; older ones keep Berkeley DB or
 * ndb, which is told and not read). The database is an image's, so nobody knows what it holds: it
 * is opened in memory, read only, without trust in its schema, and for so many steps.
 */
#include "facts/facts_private.h"
#include "parse/rpm_header.h"

#include <sqlite3.h>
#include <string.h>

#define DATABASE_BYTES_MAX ((size_t)512 * 1024 * 1024)
#define STEPS_AT_ONCE 1000000
#define STEPS_MAX 20	/* times so many at once: enough for FACTS_PACKAGES_MAX rows */
#define VERSION_READ 18 /* where a database says whether it wants a write-ahead log beside it */
#define VERSION_WRITE 19
#define VERSION_JOURNAL 1

static int too_long(void *payload)
{
	unsigned *steps = payload;

	return ++*steps > STEPS_MAX;
}

/* A database whose last changes are in the log beside it is not whole. */
static bool is_whole(struct collector *collector, const char *path)
{
	const struct image_file *log =
		image_find(collector->image, arena_printf(collector->arena, "%s-wal", path), true);

	return !log || log->size_bytes == 0;
}

struct reader {
	struct collector *collector;
	const struct image_file *database;
	size_t *owned; /* files that no package had before */
	size_t owned_count;
};

static void own(struct reader *reader, const struct rpm_header *header, struct package *package)
{
	struct collector *collector = reader->collector;
	const struct image_file *first = NULL;

	for (size_t i = 0; i < header->path_count; i++) {
		const struct image_file *file =
			image_find(collector->image, header->paths[i], false);
		size_t index = facts__index(collector, file);

		if (index == FACTS_NONE || file->type == FILE_FOLDER ||
		    collector->package_of[index])
			continue;
		collector->package_of[index] = package->name;
		*(size_t *)arena_push(collector->arena, &reader->owned, &reader->owned_count,
				      sizeof(index)) = index;
		if (!first)
			first = file;
	}
	package->origin = facts__origin(collector->facts, first ? first : reader->database);
}

static void add(struct reader *reader, const void *blob, size_t len)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	struct collector *collector = reader->collector;
	struct facts *facts = collector->facts;
	struct rpm_header header;
	struct package *package;
	struct err ignored; /* one that is damaged is not there, as for rpm itself */

	if (facts->package_count == FACTS_PACKAGES_MAX ||
	    rpm_header_read(blob, len, scratch, &header, &ignored) < 0 ||
	    strcmp(header.name, "gpg-pubkey") == 0) /* a key */
		return;
	package = arena_push(collector->arena, &facts->packages, &facts->package_count,
			     sizeof(*package));
	package->name = arena_strdup(collector->arena, header.name);
	package->version = arena_strdup(collector->arena, header.version);
	package->arch = arena_strdup(collector->arena, header.arch);
	package->source = "rpm";
	package->size_bytes = header.size_bytes;
	own(reader, &header, package);
}

/* What was read of a database that cannot be read to its end is no list. */
static void forget(struct reader *reader, size_t known)
{
	for (size_t i = 0; i < reader->owned_count; i++)
		reader->collector->package_of[reader->owned[i]] = NULL;
	reader->collector->facts->package_count = known;
}

/* False: not a database of rpm's, or not a whole one. */
static bool read_rows(struct reader *reader, sqlite3 *db)
{
	size_t known = reader->collector->facts->package_count;
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(db, "SELECT blob FROM Packages ORDER BY hnum", -1, &statement,
				    NULL);

	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(statement);
		if (rc == SQLITE_ROW)
			add(reader, sqlite3_column_blob(statement, 0),
			    (size_t)sqlite3_column_bytes(statement, 0));
	}
	(void)sqlite3_finalize(statement);
	if (rc != SQLITE_DONE)
		forget(reader, known);
	return rc == SQLITE_DONE;
}

static bool read_database(struct collector *collector, struct buf *bytes,
			  const struct image_file *database)
{
	struct reader reader = {.collector = collector, .database = database};
	sqlite3 *db = NULL;
	unsigned steps = 0;
	bool read = false;

	if (bytes->len <= VERSION_WRITE)
		return false;
	bytes->data[VERSION_READ] = bytes->data[VERSION_WRITE] = VERSION_JOURNAL;
	if (sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
	    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) == SQLITE_OK &&
	    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) == SQLITE_OK &&
	    sqlite3_deserialize(db, "main", (unsigned char *)bytes->data, (sqlite3_int64)bytes->len,
				(sqlite3_int64)bytes->len,
				SQLITE_DESERIALIZE_READONLY) == SQLITE_OK) {
		sqlite3_progress_handler(db, STEPS_AT_ONCE, too_long, &steps);
		read = read_rows(&reader, db);
	}
	(void)sqlite3_close(db);
	return read;
}

void facts__rpm(struct collector *collector)
{
	static const char *const paths[] = {
		"/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite",
		"/usr/lib/sysimage/rpm/Packages.db",  "/var/lib/rpm/Packages.db",
		"/usr/lib/sysimage/rpm/Packages",     "/var/lib/rpm/Packages"};
	struct err ignored;
	struct buf bytes;
	bool read;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const struct image_file *file = image_find(collector->image, paths[i], true);

		if (!file || file->type != FILE_REGULAR)
			continue;
		read = strstr(paths[i], ".sqlite") && is_whole(collector, paths[i]) &&
		       image_read(collector->image, file, DATABASE_BYTES_MAX, &bytes, &ignored) ==
			       0;
		if (read) {
			read = !bytes.truncated && read_database(collector, &bytes, file);
			buf_done(&bytes);
		}
		if (!read)
			collector->facts->os.unread = paths[i];
		return;
	}
}

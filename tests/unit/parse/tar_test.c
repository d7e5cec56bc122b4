/*
 * The reader against archives of GNU tar 1.34 (data/gnu.tar, pax.tar, ustar.tar: made with
 * `tar --format=F --owner=o:1000 --group=g:N --mtime=@1700000000 -b1`), the writer against the tar
 * of this machine.
 */
#include "parse/tar.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ARCHIVE_MAX ((size_t)1024 * 1024)

/* One line per entry: "type mode uid gid size mtime path[ -> link] content". */
struct seen {
	struct buf text;
	const char *skip; /* path whose content is not wanted */
};

static int on_entry(void *payload, const struct tar_entry *entry, struct err *err)
{
	struct seen *seen = payload;

	(void)err;
	buf_printf(&seen->text, "%s%c %o %u %u %llu %lld %s", seen->text.len ? "\n" : "",
		   "fdlho"[entry->type], entry -> mode, entry -> uid, entry -> gid,
		   (unsigned long long)entry -> size, (long long)entry -> mtime_s, entry -> path);
	if (entry->link)
		buf_printf(&seen->text, " -> %s", entry->link);
	buf_addstr(&seen->text, " ");
	return seen->skip && !strcmp(seen->skip, entry->path);
}

static int on_data(void *payload, const void *data, size_t len, struct err *err)
{
	struct seen *seen = payload;

	(void)err;
	buf_add(&seen->text, data, len);
	return 0;
}

/* Feed the archive in pieces of STEP bytes. */
static int read_archive(const struct buf *archive, size_t step, struct seen *seen, struct err *err)
{
	struct tar_visitor visitor = {on_entry, on_data, seen};
	struct tar_reader *reader = tar_reader_new(&visitor);
	int rc = 0;

	buf_init(&seen->text, ARCHIVE_MAX);
	for (size_t at = 0; at < archive->len && rc == 0; at += step) {
		size_t left = archive->len - at;

		rc = tar_reader_feed(reader, archive->data + at, left < step ? left : step, err);
	}
	if (rc == 0)
		rc = tar_reader_end(reader, err);
	tar_reader_free(reader);
	return rc;
}

static void load(const char *name, struct buf *out)
{
	char path[512], piece[4096];
	size_t got;
	FILE *in;

	(void)snprintf(path, sizeof(path), TEST_DATA "/unit/parse/data/%s", name);
	in = fopen(path, "re");
	assert_non_null(in);
	buf_init(out, ARCHIVE_MAX);
	while ((got = fread(piece, 1, sizeof(piece), in)) > 0)
		buf_add(out, piece, got);
	(void)fclose(in);
}

static void repeat(struct buf *out, char c, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_add(out, &c, 1);
}

/* What the files were made from. Only ustar has no long names and a small group. */
static void expected(bool long_names, unsigned gid, struct buf *out)
{
	buf_init(out, ARCHIVE_MAX);
	buf_printf(out, "f 644 1000 %u 5 1700000000 a.txt hello\n", gid);
	buf_printf(out,
		   "f 640 1000 %u 0 1700000000 empty \n"
		   "d 755 1000 %u 0 1700000000 ",
		   gid, gid);
	repeat(out, 'd', 90);
	if (long_names) {
		buf_printf(out, " \nf 644 1000 %u 700 1700000000 ", gid);
		repeat(out, 'd', 90);
		buf_addstr(out, "/");
		repeat(out, 'n', 120);
		buf_addstr(out, " ");
		repeat(out, 'z', 700);
		buf_addstr(out, "\n");
	} else {
		buf_addstr(out, " \n");
	}
	buf_printf(out, "h 644 1000 %u 0 1700000000 hard -> a.txt \n", gid);
	buf_printf(out, "f 644 1000 %u 1 1700000000 caf\xc3\xa9 u\n", gid);
	buf_printf(out, "o 644 1000 %u 0 1700000000 fifo ", gid);
	if (long_names) {
		buf_printf(out, "\nl 777 1000 %u 0 1700000000 link -> ", gid);
		repeat(out, 'n', 240);
		buf_addstr(out, " ");
	}
}

static void check_archive(const char *name, bool long_names, unsigned gid)
{
	static const size_t steps[] = {1, 7, 511, 512, 513, ARCHIVE_MAX};
	struct buf archive, want;
	struct err err = {0};

	load(name, &archive);
	expected(long_names, gid, &want);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct seen seen = {0};

		if (read_archive(&archive, steps[i], &seen, &err) < 0)
			fail_msg("%s: %s", name, err.msg);
		assert_string_equal(buf_str(&seen.text), buf_str(&want));
		buf_done(&seen.text);
	}
	buf_done(&archive);
	buf_done(&want);
}

static void reads_gnu_long_names_and_base_256(void **state)
{
	(void)state;
	check_archive("gnu.tar", true, 3000000);
}

static void reads_pax_records(void **state)
{
	(void)state;
	check_archive("pax.tar", true, 3000000);
}

static void reads_ustar(void **state)
{
	(void)state;
	check_archive("ustar.tar", false, 100);
}

static void leaves_out_content_that_is_not_wanted(void **state)
{
	struct seen seen = {.skip = "a.txt"};
	struct buf archive;

	(void)state;
	load("ustar.tar", &archive);
	assert_int_equal(read_archive(&archive, 100, &seen, NULL), 0);
	assert_null(strstr(buf_str(&seen.text), "hello"));
	assert_non_null(strstr(buf_str(&seen.text), " empty "));
	buf_done(&seen.text);
	buf_done(&archive);
}

static void notices_an_archive_that_is_cut_off(void **state)
{
	static const struct {
		size_t len;
		int rc;
	} cuts[] = {{0, 0}, {100, -1}, {512, -1}, {515, -1}, {517, -1}, {1024, 0}};
	struct buf archive;

	(void)state;
	load("ustar.tar", &archive);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct buf part = archive;
		struct seen seen = {0};
		struct err err = {0};

		part.len = cuts[i].len;
		assert_int_equal(read_archive(&part, 100, &seen, &err), cuts[i].rc);
		assert_int_equal(err.code, cuts[i].rc ? ERR_USAGE : ERR_NONE);
		buf_done(&seen.text);
	}
	buf_done(&archive);
}

/* Write OFFSET of the first header anew and mend its checksum. */
static void forge(struct buf *archive, size_t offset, const char *bytes, size_t len)
{
	unsigned sum = 0;

	memcpy(archive->data + offset, bytes, len);
	memset(archive->data + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += (unsigned char)archive->data[i];
	(void)snprintf(archive->data + 148, 8, "%06o", sum);
}

static int forged(const char *name, size_t offset, const char *bytes, size_t len, struct err *err)
{
	struct seen seen = {0};
	struct buf archive;
	int rc;

	*err = (struct err){0};
	load(name, &archive);
	forge(&archive, offset, bytes, len);
	rc = read_archive(&archive, 100, &seen, err);
	buf_done(&seen.text);
	buf_done(&archive);
	return rc;
}

static void refuses_forged_headers(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(forged("ustar.tar", 124, "0000000000x", 11, &err), -1); /* size */
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(forged("ustar.tar", 124,
				"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, &err),
			 -1); /* negative */
	assert_int_equal(forged("ustar.tar", 124, "\x80\0\0\1\0\0\0\0\0\0\0\0", 12, &err), -1);
	assert_int_equal(forged("ustar.tar", 124, "77777777777", 11, &err), -1); /* cut off */
	assert_int_equal(forged("ustar.tar", 156, "S", 1, &err), -1);
	assert_non_null(strstr(err.msg, "sparse"));
	assert_int_equal(forged("ustar.tar", 0, "\0\0\0\0\0", 5, &err), -1); /* no name */
	assert_int_equal(forged("pax.tar", 124, "00077777777", 11, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void refuses_a_wrong_checksum(void **state)
{
	struct seen seen = {0};
	struct err err = {0};
	struct buf archive;

	(void)state;
	load("ustar.tar", &archive);
	archive.data[0] = 'b';
	assert_int_equal(read_archive(&archive, 100, &seen, &err), -1);
	assert_non_null(strstr(err.msg, "checksum"));
	buf_done(&seen.text);
	buf_done(&archive);
}

static int read_pax_text(const char *records, struct seen *seen, struct err *err)
{
	struct tar_entry meta = {.path = "x", .type = TAR_FILE, .size = strlen(records)};
	struct tar_entry file = {.path = "f", .type = TAR_FILE};
	struct buf archive;
	int rc;

	buf_init(&archive, ARCHIVE_MAX);
	tar_header(&meta, &archive);
	forge(&archive, 156, "x", 1);
	buf_addstr(&archive, records);
	repeat(&archive, '\0', tar_padding(strlen(records)));
	tar_header(&file, &archive);
	tar_end(&archive);
	rc = read_archive(&archive, 100, seen, err);
	buf_done(&archive);
	return rc;
}

static void refuses_malformed_pax_records(void **state)
{
	static const char *const records[] = {"9 path=a\nx",
					      "0 path=a\n",
					      "99 path=a\n",
					      "path=a\n",
					      "8 patha\n",
					      "8 path=a\n",
					      "11 size=-1\n",
					      "13 mtime=abc\n",
					      "22 GNU.sparse.major=1\n",
					      "99999999999999999999 path=a\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct seen seen = {0};

		if (read_pax_text(records[i], &seen, NULL) == 0)
			fail_msg("\"%s\" passed", records[i]);
		buf_done(&seen.text);
	}
}

static void pax_times_may_be_fractions_before_1970(void **state)
{
	struct seen seen = {0};

	(void)state;
	assert_int_equal(read_pax_text("14 mtime=-1.5\n9 path=a\n", &seen, NULL), 0);
	assert_string_equal(buf_str(&seen.text), "f 0 0 0 0 -2 a ");
	buf_done(&seen.text);
}

/* A file of 5 MiB with "one" at 1 MiB and "two" at 3 MiB, as GNU tar stores it in FORMAT. */
static void make_sparse(const char *format, const char *version, const char *folder)
{
	char path[128], archive[128];
	FILE *out;

	(void)snprintf(path, sizeof(path), "%s/holes", folder);
	(void)snprintf(archive, sizeof(archive), "%s/sparse.tar", folder);
	out = fopen(path, "we");
	assert_non_null(out);
	for (long mib = 1; mib <= 3; mib += 2) {
		assert_int_equal(fseek(out, mib << 20, SEEK_SET), 0);
		assert_int_equal(fwrite(mib == 1 ? "one" : "two", 1, 3, out), 3);
	}
	assert_int_equal(ftruncate(fileno(out), 5 << 20), 0);
	(void)fclose(out);
	if (fork() == 0) {
		execlp("tar", "tar", format, version, "--hole-detection=raw", "-S", "-C", folder,
		       "--mtime=@1", "-cf", archive, "holes", (char *)NULL);
		_exit(127);
	}
	assert_true(wait(NULL) > 0);
}

/* What came of the file, where it is not zero. */
struct holes {
	uint64_t size, at;
	unsigned entries;
	bool sparse;
	char text[16];
	uint64_t where[16];
	size_t len;
};

static int on_sparse_entry(void *payload, const struct tar_entry *entry, struct err *err)
{
	struct holes *holes = payload;

	(void)err;
	assert_string_equal(entry->path, "holes");
	holes->size = entry->size;
	holes->sparse = entry->sparse;
	holes->entries++;
	return 0;
}

static int on_sparse_data(void *payload, const void *data, size_t len, struct err *err)
{
	struct holes *holes = payload;
	const char *text = data;

	(void)err;
	for (size_t i = 0; i < len; i++) {
		if (!text[i])
			continue;
		assert_true(holes->len < sizeof(holes->text) - 1);
		holes->where[holes->len] = holes->at + i;
		holes->text[holes->len++] = text[i];
	}
	holes->at += len;
	return 0;
}

static void check_sparse(const char *format, const char *version, size_t step)
{
	char folder[] = "/tmp/assay-tar-XXXXXX", path[128];
	struct holes holes = {0};
	struct tar_visitor visitor = {on_sparse_entry, on_sparse_data, &holes};
	struct tar_reader *reader = tar_reader_new(&visitor);
	struct err err = {0};
	struct buf archive;

	assert_non_null(mkdtemp(folder));
	make_sparse(format, version, folder);
	(void)snprintf(path, sizeof(path), "%s/sparse.tar", folder);
	buf_init(&archive, ARCHIVE_MAX);
	assert_int_equal(file_read(path, &archive, &err), 0);
	assert_true(archive.len < ARCHIVE_MAX / 4); /* or the holes were not left out */
	for (size_t at = 0; at < archive.len; at += step) {
		size_t left = archive.len - at;

		if (tar_reader_feed(reader, archive.data + at, left < step ? left : step, &err) < 0)
			fail_msg("%s %s: %s", format, version, err.msg);
	}
	assert_int_equal(tar_reader_end(reader, &err), 0);
	tar_reader_free(reader);
	assert_int_equal(holes.entries, 1);
	assert_true(holes.sparse);
	assert_int_equal(holes.size, 5 << 20);
	assert_int_equal(holes.at, 5 << 20);
	assert_string_equal(holes.text, "onetwo");
	assert_int_equal(holes.where[0], 1 << 20);
	assert_int_equal(holes.where[3], 3 << 20);
	buf_done(&archive);
	assert_int_equal(file_remove_tree(folder, NULL), 0);
}

static void reads_sparse_files_of_every_format(void **state)
{
	static const size_t steps[] = {100, 512, ARCHIVE_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		check_sparse("--format=gnu", "-b1", steps[i]);
		check_sparse("--format=pax", "--sparse-version=0.0", steps[i]);
		check_sparse("--format=pax", "--sparse-version=0.1", steps[i]);
		check_sparse("--format=pax", "--sparse-version=1.0", steps[i]);
	}
}

/* Contents that nobody wants need not be fed. */
static void passes_over_content(void **state)
{
	struct seen seen = {.skip = "big"};
	struct tar_visitor visitor = {on_entry, on_data, &seen};
	struct tar_reader *reader = tar_reader_new(&visitor);
	struct tar_entry big = {.path = "big", .type = TAR_FILE, .size = 1000000};
	struct tar_entry small = {.path = "small", .type = TAR_FILE};
	struct buf archive;

	(void)state;
	buf_init(&seen.text, ARCHIVE_MAX);
	buf_init(&archive, ARCHIVE_MAX);
	tar_header(&big, &archive);
	assert_int_equal(tar_reader_feed(reader, archive.data, archive.len, NULL), 0);
	assert_int_equal(tar_reader_content(reader), TAR_BLOCK);
	assert_int_equal(tar_reader_skip(reader, 1000), 1000);
	assert_int_equal(tar_reader_skip(reader, UINT64_MAX),
			 1000000 - 1000 + tar_padding(1000000));
	assert_int_equal(tar_reader_skip(reader, UINT64_MAX), 0);
	archive.len = 0;
	tar_header(&small, &archive);
	tar_end(&archive);
	assert_int_equal(tar_reader_feed(reader, archive.data, archive.len, NULL), 0);
	assert_int_equal(tar_reader_end(reader, NULL), 0);
	assert_string_equal(buf_str(&seen.text), "f 0 0 0 1000000 0 big \nf 0 0 0 0 0 small ");
	tar_reader_free(reader);
	buf_done(&archive);
	buf_done(&seen.text);
}

static void refuses_lying_sparse_maps(void **state)
{
	static const char *const records[] = {
		/* pieces outside the file, out of order, or with other bytes than stored */
		"21 GNU.sparse.size=5\n22 GNU.sparse.map=9,1\n",
		"22 GNU.sparse.size=50\n26 GNU.sparse.map=9,0,1,0\n",
		"22 GNU.sparse.size=50\n22 GNU.sparse.map=0,5\n",
		"22 GNU.sparse.size=50\n20 GNU.sparse.map=0\n",
		"22 GNU.sparse.size=-1\n",
		"39 GNU.sparse.size=9999999999999999999\n",
		"22 GNU.sparse.map=a,b\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct seen seen = {0};
		struct err err = {0};

		if (read_pax_text(records[i], &seen, &err) == 0)
			fail_msg("\"%s\" passed", records[i]);
		assert_non_null(strstr(err.msg, "the map of a sparse file"));
		buf_done(&seen.text);
	}
}

static void write_sample(struct buf *out)
{
	static char long_name[151], long_link[200];
	const struct tar_entry entries[] = {
		{.path = "a.txt", .type = TAR_FILE, .mode = 0644, .size = 5, .mtime_s = 1},
		{.path = "dir", .type = TAR_FOLDER, .mode = 0755, .uid = 3000000},
		{.path = long_name, .type = TAR_FILE, .mode = 0600, .mtime_s = 1700000000},
		{.path = "caf\xc3\xa9", .type = TAR_SYMLINK, .link = long_link, .mode = 0777},
		{.path = "hard", .type = TAR_HARDLINK, .link = "a.txt", .mode = 0644},
	};

	memset(long_name, 'n', sizeof(long_name) - 1);
	memset(long_link, 'l', sizeof(long_link) - 1);
	buf_init(out, ARCHIVE_MAX);
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		tar_header(&entries[i], out);
		if (entries[i].size) {
			buf_addstr(out, "hello");
			repeat(out, '\0', tar_padding(5));
		}
	}
	tar_end(out);
}

static void reads_back_what_it_wrote(void **state)
{
	struct seen seen = {0};
	struct buf archive, want;

	(void)state;
	write_sample(&archive);
	assert_int_equal(archive.len % TAR_BLOCK, 0);
	assert_int_equal(read_archive(&archive, 77, &seen, NULL), 0);
	buf_init(&want, ARCHIVE_MAX);
	buf_addstr(&want, "f 644 0 0 5 1 a.txt hello\n"
			  "d 755 3000000 0 0 0 dir \n"
			  "f 600 0 0 0 1700000000 ");
	repeat(&want, 'n', 150);
	buf_addstr(&want, " \nl 777 0 0 0 0 caf\xc3\xa9 -> ");
	repeat(&want, 'l', 199);
	buf_addstr(&want, " \nh 644 0 0 0 0 hard -> a.txt ");
	assert_string_equal(buf_str(&seen.text), buf_str(&want));
	buf_done(&want);
	buf_done(&seen.text);
	buf_done(&archive);
}

/* `tar -tf` over FD's file: what it printed. */
static void list_with_tar(const char *path, struct buf *out)
{
	int pipes[2], status = -1;
	char piece[1024];
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(pipes[1], STDOUT_FILENO);
		(void)close(pipes[0]);
		execlp("tar", "tar", "--list", "--verbose", "--numeric-owner", "--utc",
		       "--quoting-style=literal", "--file", path, (char *)NULL);
		_exit(127);
	}
	(void)close(pipes[1]);
	buf_init(out, ARCHIVE_MAX);
	while ((got = read(pipes[0], piece, sizeof(piece))) > 0)
		buf_add(out, piece, (size_t)got);
	(void)close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void gnu_tar_reads_what_it_wrote(void **state)
{
	char path[] = "/tmp/assay-tar-XXXXXX";
	int fd = mkstemp(path);
	struct buf archive, listing;

	(void)state;
	assert_true(fd >= 0);
	write_sample(&archive);
	assert_int_equal(write(fd, archive.data, archive.len), (ssize_t)archive.len);
	(void)close(fd);
	list_with_tar(path, &listing);
	(void)unlink(path);
	assert_non_null(strstr(buf_str(&listing), "-rw-r--r-- 0/0"));
	assert_non_null(strstr(buf_str(&listing), "1970-01-01 00:00 a.txt\n"));
	assert_non_null(strstr(buf_str(&listing), "drwxr-xr-x 3000000/0"));
	assert_non_null(strstr(buf_str(&listing), " dir/\n"));
	assert_non_null(strstr(buf_str(&listing), "caf\xc3\xa9 -> lllllll"));
	assert_non_null(strstr(buf_str(&listing), "hard link to a.txt\n"));
	buf_done(&listing);
	buf_done(&archive);
}

static int stop(void *payload, const struct tar_entry *entry, struct err *err)
{
	(void)payload;
	return err_set(err, ERR_CANCELLED, "%s", entry->path);
}

static void a_visitors_error_stops_the_reading(void **state)
{
	struct tar_visitor visitor = {.entry = stop};
	struct tar_reader *reader = tar_reader_new(&visitor);
	struct err err = {0};
	struct buf archive;

	(void)state;
	load("ustar.tar", &archive);
	assert_int_equal(tar_reader_feed(reader, archive.data, archive.len, &err), -1);
	assert_int_equal(err.code, ERR_CANCELLED);
	assert_string_equal(err.msg, "a.txt");
	tar_reader_free(reader);
	tar_reader_free(NULL);
	buf_done(&archive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_gnu_long_names_and_base_256),
		cmocka_unit_test(reads_pax_records),
		cmocka_unit_test(reads_ustar),
		cmocka_unit_test(leaves_out_content_that_is_not_wanted),
		cmocka_unit_test(notices_an_archive_that_is_cut_off),
		cmocka_unit_test(refuses_forged_headers),
		cmocka_unit_test(refuses_a_wrong_checksum),
		cmocka_unit_test(refuses_malformed_pax_records),
		cmocka_unit_test(reads_sparse_files_of_every_format),
		cmocka_unit_test(passes_over_content),
		cmocka_unit_test(refuses_lying_sparse_maps),
		cmocka_unit_test(pax_times_may_be_fractions_before_1970),
		cmocka_unit_test(reads_back_what_it_wrote),
		cmocka_unit_test(gnu_tar_reads_what_it_wrote),
		cmocka_unit_test(a_visitors_error_stops_the_reading),
	};

	return cmocka_run_group_tests_name("parse/tar", tests, NULL, NULL);
}

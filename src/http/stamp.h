/*
 * When bytes came, by the kernel's stamps (SO_TIMESTAMPNS of socket(7)): a program that lost its
 * core reads late, and would take that for the server's lateness. Seen on TCP, whatever is spoken
 * on it; other sockets have none.
 *
 * The kernel keeps one time for bytes that wait together, that of the last. Stamps are of the wall
 * clock. The distance to clock_ns is read anew for each, to 5 us at worst and 0.1 us as a rule;
 * where it jumps, the wall clock was set, and for a second no stamp is believed.
 */
#ifndef HTTP_STAMP_H
#define HTTP_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of the two clocks. All zero: nothing yet. Used by one thread. */
struct stamp_clock {
	bool known;
	int64_t ahead_ns;	/* the wall clock's distance */
	uint64_t believed_from; /* clock_ns */
};

/* Bytes that wait. */
struct stamp {
	uint64_t at_ns; /* clock_ns, when the last of them came; 0: not known */
	size_t len;
};

/* Stamps of FD from now on. Where the kernel has none to give, they are missing later. */
void stamp_enable(int fd);

/* The first LEN bytes, or what is there, that wait on FD, and stay there; 16 KiB at most. An error
 * of the socket that waits in their place is taken. No byte, no stamp, or none to be believed:
 * zero. */
struct stamp stamp_look(struct stamp_clock *clock, int fd, size_t len);

/* STAMP of the wall clock, which shows WALL_NS where clock_ns shows NOW_NS, as clock_ns; 0: not to
 * be believed. */
uint64_t stamp_convert(struct stamp_clock *clock, uint64_t stamp, uint64_t wall_ns,
		       uint64_t now_ns);

#endif

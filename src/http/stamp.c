#include "http/stamp.h"

#include "base/clock.h"
#include "base/units.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define LOOK_BYTES 16384
#define APART_NS UINT64_C(10000) /* between the readings around the other clock's, at most */
#define TRIES 3
#define STEP_NS UINT64_C(50000) /* more than readings can differ by: the wall clock was set */
#define DOUBT_NS NS_PER_S	/* what came before a step has been read by then */

void stamp_enable(int fd)
{
	const int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
}

uint64_t stamp_convert(struct stamp_clock *clock, uint64_t stamp, uint64_t wall_ns, uint64_t now_ns)
{
	int64_t ahead = (int64_t)(wall_ns - now_ns), change = ahead - clock->ahead_ns;

	if (clock->known && (uint64_t)(change < 0 ? -change : change) > STEP_NS)
		clock->believed_from = now_ns + DOUBT_NS;
	clock->known = true;
	clock->ahead_ns = ahead;
	if (now_ns < clock->believed_from || stamp > wall_ns || wall_ns - stamp >= now_ns)
		return 0;
	return now_ns - (wall_ns - stamp);
}

static uint64_t nanoseconds(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * NS_PER_S + (uint64_t)time->tv_nsec;
}

/* Both clocks at one moment: false when this thread was held up at each try. */
static bool read_clocks(uint64_t *wall_ns, uint64_t *now_ns)
{
	for (int i = 0; i < TRIES; i++) {
		uint64_t before = clock_ns(), after;
		struct timespec wall;

		(void)clock_gettime(CLOCK_REALTIME, &wall);
		after = clock_ns();
		if (after - before > APART_NS)
			continue;
		*wall_ns = nanoseconds(&wall);
		*now_ns = before + (after - before) / 2;
		return true;
	}
	return false;
}

struct stamp stamp_look(struct stamp_clock *clock, int fd, size_t len)
{
	char bytes[LOOK_BYTES];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct timespec))];
	} control;
	struct iovec into = {.iov_base = bytes, .iov_len = len < LOOK_BYTES ? len : LOOK_BYTES};
	struct msghdr message = {.msg_iov = &into,
				 .msg_iovlen = 1,
				 .msg_control = control.space,
				 .msg_controllen = sizeof(control.space)};
	const struct stamp none = {0};
	uint64_t wall, now;
	ssize_t got = recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT);

	if (got <= 0)
		return none;
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at; at = CMSG_NXTHDR(&message, at)) {
		struct timespec time;

		if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&time, CMSG_DATA(at), sizeof(time));
		if (read_clocks(&wall, &now))
			return (struct stamp){stamp_convert(clock, nanoseconds(&time), wall, now),
					      (size_t)got};
	}
	return none;
}

#include <stdlib.h>

int give_one(void);
int give_two(void);
int nowhere(void);
int perhaps(void) __attribute__((weak));
int take(void);

int take(void)
{
	return give_one() + give_two() + nowhere() + (perhaps ? perhaps() : 0) + atexit(NULL);
}

/*
 * The start file of the build machine calls __libc_start_main of glibc 2.34; the linker is told to
 * send it here (--wrap), and from here to the version that older ones have, too. Nothing of ours
 * has constructors, which that version would not run from a program linked against a newer glibc.
 */
#include "gpu/floor.h"

typedef int main_function(int argc, char **argv, char **environment);

int start_main(main_function *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
	       void (*loader_fini)(void), void *stack_end);
__asm__(".symver start_main, __libc_start_main@" FLOOR_VERSION);

int __wrap___libc_start_main(main_function *main, int argc, char **argv, void (*init)(void),
			     void (*fini)(void), void (*loader_fini)(void), void *stack_end);

int __wrap___libc_start_main(main_function *main, int argc, char **argv, void (*init)(void),
			     void (*fini)(void), void (*loader_fini)(void), void *stack_end)
{
	return start_main(main, argc, argv, init, fini, loader_fini, stack_end);
}

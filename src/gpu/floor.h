/*
 * Included before every file of the program: names of glibc that moved to a new version are bound
 * to the version they had before, so that the program runs where glibc is 2.31. The C library keeps
 * both for ever. They live in libdl there, which the link names.
 */
#ifndef GPU_FLOOR_H
#define GPU_FLOOR_H

#if defined(__x86_64__)
#define FLOOR_VERSION "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define FLOOR_VERSION "GLIBC_2.17"
#else
#error "no floor for this architecture"
#endif

__asm__(".symver dlopen, dlopen@" FLOOR_VERSION);
__asm__(".symver dlsym, dlsym@" FLOOR_VERSION);
__asm__(".symver dlerror, dlerror@" FLOOR_VERSION);

#endif

/*
 * Lets the gateway run under Valgrind 3.19; preload it:
 *   cc -shared -fPIC -O2 -o callgrind-preload.so callgrind-preload.c -ldl
 *
 * - Valgrind takes its own signals out of sigsuspend's mask, in the caller's memory. libdispatch keeps that mask in read-only
 *   memory, and Valgrind dies of its own write: here it gets a copy.
 * - An index is mapped with 64 GiB of address space, which Valgrind has not got: here it is 4 GiB.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

int sigsuspend(const sigset_t *mask) {
    sigset_t copy = *mask;
    return (int)syscall(SYS_rt_sigsuspend, &copy, _NSIG / 8);
}

int mdb_env_set_mapsize(void *environment, size_t bytes) {
    int (*real)(void *, size_t) = (int (*)(void *, size_t))dlsym(RTLD_NEXT, "mdb_env_set_mapsize");
    size_t most = (size_t)4 << 30;
    return real(environment, bytes < most ? bytes : most);
}

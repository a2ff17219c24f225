/*
 * Counts heap allocations of the workers' threads: preload it, and read the counter from the file that MALLOC_COUNT_FILE names.
 *   cc -shared -fPIC -O2 -o malloc-count.so malloc-count.c -ldl
 * Threads are told apart by name ("oap-worker-…"), so that the admin port's own allocations do not count; with
 * MALLOC_COUNT_THREADS=all every thread's do.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static int (*real_posix_memalign)(void **, size_t, size_t);
static void *(*real_aligned_alloc)(size_t, size_t);
static _Atomic unsigned long *counter;
static int counts_all;

/* What dlsym itself allocates while the real functions are being looked up; never freed. */
static char early[4096];
static size_t early_used;
static int resolving;

static void *early_memory(size_t size) {
    if (early_used + size > sizeof early) abort();
    void *memory = early + early_used;
    early_used += (size + 15) & ~(size_t)15;
    return memory;
}

/* At the first allocation, which other libraries' constructors make before ours could run. */
static void resolve(void) {
    resolving = 1;
    real_calloc = dlsym(RTLD_NEXT, "calloc");
    real_realloc = dlsym(RTLD_NEXT, "realloc");
    real_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
    real_aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
    real_malloc = dlsym(RTLD_NEXT, "malloc");
    resolving = 0;
}

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("MALLOC_COUNT_FILE");
    const char *threads = getenv("MALLOC_COUNT_THREADS");
    counts_all = threads != NULL && strcmp(threads, "all") == 0;
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, 4096) < 0) return;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED) counter = page;
    close(fd);
}

static void count(void) {
    static __thread int is_worker = -1;
    static __thread int asked;
    if (counter == NULL) return;
    /* The name is set shortly after a thread's start: ask a few times before believing that it is none of ours. */
    if (is_worker < 1 && counts_all) is_worker = 1;
    if (is_worker < 1 && asked < 64) {
        char name[16] = {0};
        asked++;
        prctl(PR_GET_NAME, name);
        is_worker = strncmp(name, "oap-worker-", 11) == 0;
    }
    if (is_worker == 1) atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void *malloc(size_t size) {
    if (resolving) return early_memory(size);
    if (real_malloc == NULL) resolve();
    count();
    return real_malloc(size);
}

void *calloc(size_t members, size_t size) {
    if (resolving) return early_memory(members * size);
    if (real_malloc == NULL) resolve();
    count();
    return real_calloc(members, size);
}

void *realloc(void *memory, size_t size) {
    if (real_malloc == NULL) resolve();
    count();
    return real_realloc(memory, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    if (real_malloc == NULL) resolve();
    count();
    return real_posix_memalign(out, alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    if (real_malloc == NULL) resolve();
    count();
    return real_aligned_alloc(alignment, size);
}

void free(void *memory) {
    static void (*real_free)(void *);
    if ((char *)memory >= early && (char *)memory < early + sizeof early) return;
    if (real_free == NULL) real_free = dlsym(RTLD_NEXT, "free");
    real_free(memory);
}

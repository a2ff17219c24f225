#include "CIngress.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

uint64_t ingress_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

uint64_t ingress_realtime_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

int32_t ingress_eventfd(void) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int32_t ingress_eventfd_signal(int32_t fd) {
    uint64_t one = 1;
    return write(fd, &one, sizeof one) < 0 ? -errno : 0;
}

int32_t ingress_eventfd_drain(int32_t fd) {
    uint64_t count;
    return read(fd, &count, sizeof count) < 0 ? -errno : 0;
}

int32_t ingress_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 && getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int32_t)limit.rlim_cur;
}

int32_t ingress_online_cpus(void) {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
    return (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
}

void ingress_processor_time(uint64_t *user_us, uint64_t *system_us) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage); /* cannot fail for the own process */
    *user_us = (uint64_t)usage.ru_utime.tv_sec * 1000000 + (uint64_t)usage.ru_utime.tv_usec;
    *system_us = (uint64_t)usage.ru_stime.tv_sec * 1000000 + (uint64_t)usage.ru_stime.tv_usec;
}

static uint64_t thread_running_ns(void) {
    struct timespec running;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &running);
    return (uint64_t)running.tv_sec * 1000000000ull + (uint64_t)running.tv_nsec;
}

int32_t ingress_thread_account_open(void) {
    int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static bool read_account(int fd, uint64_t *running_ns, uint64_t *waiting_ns) {
    char text[96]; /* running, waiting, slices: decimal, with spaces between them */
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    if (length <= 0) return false;
    text[length] = 0;
    char *second;
    *running_ns = strtoull(text, &second, 10);
    if (*second != ' ') return false;
    *waiting_ns = strtoull(second, NULL, 10);
    return true;
}

void ingress_thread_time(uint64_t *running_ns, uint64_t *waiting_ns) {
    *running_ns = thread_running_ns();
    *waiting_ns = 0;
    int32_t fd = ingress_thread_account_open();
    if (fd < 0) return;
    uint64_t running_seen;
    if (!read_account(fd, &running_seen, waiting_ns)) *waiting_ns = 0;
    close(fd);
}

void ingress_thread_account_read(int32_t fd, uint64_t *running_ns, uint64_t *waiting_ns) {
    if (fd >= 0 && read_account(fd, running_ns, waiting_ns)) return;
    *running_ns = thread_running_ns();
    *waiting_ns = 0;
}

void ingress_wake_precisely(void) { prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); }

int32_t ingress_open_descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL) return -errno;
    int32_t count = -3; /* ".", ".." and the directory's own descriptor */
    while (readdir(directory) != NULL) count++;
    closedir(directory);
    return count;
}

typedef struct {
    void (*body)(void *);
    void *context;
    char name[16];
} thread_start;

static void *run_thread(void *argument) {
    thread_start start = *(thread_start *)argument;
    free(argument);
    pthread_setname_np(pthread_self(), start.name);
    start.body(start.context);
    return NULL;
}

int32_t ingress_thread_start(const char *name, int32_t cpu, void (*body)(void *), void *context, pthread_t *out) {
    thread_start *start = calloc(1, sizeof *start);
    if (start == NULL) return -ENOMEM;
    start->body = body;
    start->context = context;
    strncpy(start->name, name, sizeof start->name - 1);
    /* Signals belong to the thread that waits for them; a worker never runs a handler. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(out, NULL, run_thread, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0) {
        free(start);
        return -result;
    }
    if (cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((size_t)cpu, &set);
        pthread_setaffinity_np(*out, sizeof set, &set);
    }
    return 0;
}

int32_t ingress_thread_join(pthread_t thread) { return -pthread_join(thread, NULL); }

void *ingress_map(uint64_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void ingress_unmap(void *memory, uint64_t bytes) { munmap(memory, bytes); }

const char *ingress_errno_name(int32_t code) {
    const char *name = strerrorname_np(code);
    return name == NULL ? "unknown" : name;
}

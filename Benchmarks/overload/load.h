// What the programs of this folder share: time, histograms, OAP/1 frames, and how they end.
#ifndef LOAD_H
#define LOAD_H

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ull
#define MILLISECOND 1000000ull
#define HEADER_BYTES 38

static void fail(int status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(status);
}

static inline uint64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static inline double processor_seconds(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

// splitmix64.
static inline uint64_t random_number(uint64_t *state) {
    uint64_t word = *state += 0x9E3779B97F4A7C15ull;
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9ull;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBull;
    return word ^ (word >> 31);
}

static inline void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// A socket that has begun to connect to that port of 127.0.0.1, or has done so; -1 with errno.
static inline int begin_connect(int port) {
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS)
        return descriptor;
    int problem = errno;
    close(descriptor);
    errno = problem;
    return -1;
}

// ---- OAP/1 ----------------------------------------------------------------------------------------------------------

static inline uint32_t get32(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, 4);
    return be32toh(value);
}

static inline void put(uint8_t *at, uint64_t value, int bytes) {
    for (int place = bytes - 1; place >= 0; place--, value >>= 8) at[place] = (uint8_t)value;
}

static inline void put_header(uint8_t *at, size_t payload_bytes, uint16_t method, uint16_t application, uint64_t tenant,
                              uint64_t correlation) {
    memset(at, 0, HEADER_BYTES);
    put(at, HEADER_BYTES + payload_bytes, 4);
    put(at + 4, 1, 2);
    put(at + 6, 1, 2); // REQ
    put(at + 8, method, 2);
    put(at + 10, application, 2);
    put(at + 20, tenant, 8);
    put(at + 30, correlation, 8);
}

// ---- histogram: 128 steps to a doubling, up to 18 minutes in nanoseconds
// ---------------------------------------------

#define STEPS 128u
#define HISTOGRAM_CELLS (35u * STEPS)

struct histogram {
    uint64_t count, most;
    uint32_t cells[HISTOGRAM_CELLS];
};

static inline void record(struct histogram *histogram, uint64_t value) {
    uint64_t bounded = value < (1ull << 40) ? value : (1ull << 40) - 1;
    unsigned cell = (unsigned)bounded;
    if (bounded >= STEPS) {
        unsigned shift = 63u - (unsigned)__builtin_clzll(bounded) - 7u;
        cell = (shift + 1) * STEPS + (unsigned)(bounded >> shift) - STEPS;
    }
    histogram->cells[cell]++;
    histogram->count++;
    if (value > histogram->most) histogram->most = value;
}

// The highest value of the cell that holds the percentile, never above the highest that was recorded; 0 when empty.
static inline double percentile_microseconds(const struct histogram *histogram, double percentile) {
    uint64_t wanted = (uint64_t)((double)histogram->count * percentile / 100.0 + 0.999999), seen = 0;
    if (wanted == 0) wanted = 1;
    for (unsigned cell = 0; cell < HISTOGRAM_CELLS; cell++) {
        seen += histogram->cells[cell];
        if (seen < wanted) continue;
        unsigned shift = cell < STEPS ? 0 : cell / STEPS - 1;
        uint64_t low = cell < STEPS ? cell : (uint64_t)(cell % STEPS + STEPS) << shift;
        uint64_t high = low + (1ull << shift) - 1;
        return (double)(high < histogram->most ? high : histogram->most) / 1000.0;
    }
    return 0;
}

static inline void print_times(const char *name, const struct histogram *histogram) {
    printf("\"%s\":{\"count\":%llu,\"p50\":%.1f,\"p99\":%.1f,\"p99_9\":%.1f,\"max\":%.1f}", name,
           (unsigned long long)histogram->count, percentile_microseconds(histogram, 50),
           percentile_microseconds(histogram, 99), percentile_microseconds(histogram, 99.9),
           (double)histogram->most / 1000.0);
}

#endif

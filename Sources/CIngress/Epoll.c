#include "CIngress.h"

#include <stdatomic.h>
#include <sys/epoll.h>
#include <time.h>

enum { EVENTS_MAX = 256 };

int32_t ingress_epoll_open(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int32_t ingress_epoll_add(int32_t epoll, int32_t fd, uint64_t token, bool for_writing) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.u64 = token};
    if (for_writing) event.events |= EPOLLOUT;
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* Kernels before 5.11 know milliseconds only. Rounded up: a sleep that ends before its deadline would spin until it. */
static int wait_in_milliseconds(int epoll, struct epoll_event *events, int limit, int64_t timeout_ns) {
    return epoll_wait(epoll, events, limit, (int)((timeout_ns + 999999) / 1000000));
}

static int wait_in_nanoseconds(int epoll, struct epoll_event *events, int limit, int64_t timeout_ns) {
    static atomic_bool unknown;
    if (timeout_ns <= 0) return epoll_wait(epoll, events, limit, timeout_ns < 0 ? -1 : 0);
    if (atomic_load_explicit(&unknown, memory_order_relaxed))
        return wait_in_milliseconds(epoll, events, limit, timeout_ns);
    struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    int count = epoll_pwait2(epoll, events, limit, &timeout, NULL);
    if (count >= 0 || errno != ENOSYS) return count;
    atomic_store_explicit(&unknown, true, memory_order_relaxed);
    return wait_in_milliseconds(epoll, events, limit, timeout_ns);
}

int32_t ingress_epoll_wait(int32_t epoll, ingress_event *out, uint32_t capacity, int64_t timeout_ns) {
    struct epoll_event events[EVENTS_MAX];
    int limit = capacity < EVENTS_MAX ? (int)capacity : EVENTS_MAX;
    int count = wait_in_nanoseconds(epoll, events, limit, timeout_ns);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int index = 0; index < count; index++) {
        uint32_t seen = events[index].events;
        uint32_t ready = 0;
        if (seen & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) ready |= INGRESS_READABLE;
        if (seen & (EPOLLOUT | EPOLLHUP | EPOLLERR)) ready |= INGRESS_WRITABLE;
        if (seen & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) ready |= INGRESS_ENDED;
        out[index] = (ingress_event){.token = events[index].data.u64, .ready = ready};
    }
    return count;
}

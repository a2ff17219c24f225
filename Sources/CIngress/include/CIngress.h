#ifndef C_INGRESS_H
#define C_INGRESS_H
/*
 * What Swift cannot say about sockets, io_uring and epoll: macros, variadic calls, unions and errno.
 * Every function returns a value >= 0 or -errno, so that no runtime call can overwrite errno in between.
 * Only the room Reactor imports this.
 */
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>

/* ---- addresses ---------------------------------------------------------------------------------------------- */

/// An IPv4 or IPv6 address and port in host byte order. `family` is 4 or 6; IPv4 uses the first four bytes.
typedef struct {
    uint8_t bytes[16];
    uint32_t scope;
    uint16_t port;
    uint8_t family;
    uint8_t unused;
} ingress_address;
_Static_assert(sizeof(ingress_address) == 24, "ingress_address is copied by value into Swift");

int32_t ingress_address_parse(const char *host, uint16_t port, ingress_address *out);
/// Writes the numeric host (no port) and returns its length.
int32_t ingress_address_host(const ingress_address *address, char *out, uint32_t capacity);

/* ---- sockets ------------------------------------------------------------------------------------------------ */

/// When a connection is given up whose peer is silent: seconds without traffic until the first probe, seconds between
/// probes, how many of them, and milliseconds that sent bytes may stay unacknowledged.
typedef struct {
    int32_t idle_s;
    int32_t interval_s;
    int32_t probes;
    int32_t unacknowledged_ms;
} ingress_keepalive;

/// Bound and listening when `backlog` > 0, only bound otherwise. TCP_NODELAY and keepalive are set here because Linux
/// lets accepted sockets inherit them: five system calls less per connection.
int32_t ingress_listen(const ingress_address *address, bool reuse_port, int32_t backlog, ingress_keepalive keepalive);
int32_t ingress_local_address(int32_t fd, ingress_address *out);
int32_t ingress_peer_address(int32_t fd, ingress_address *out);
/// A blocking connect bounded by `timeout_ms`, from an address of this machine or, with NULL, from the kernel's choice; the
/// socket returned is blocking.
int32_t ingress_connect(const ingress_address *address, const ingress_address *from, int32_t timeout_ms);
/// A connect that goes on in the kernel; the socket returned is blocking or not.
int32_t ingress_connect_begin(const ingress_address *address, bool blocking);
/// A connection to a Unix socket of this machine: -ENAMETOOLONG for a path that no socket can have, -EAGAIN when its queue is full.
int32_t ingress_connect_unix(const char *path, bool blocking);
/// A file, whatever is called by its path later.
typedef struct {
    uint64_t device;
    uint64_t inode;
} ingress_file;

/// Listens on a Unix socket. Its file appears under `path` when it listens and has the permissions `mode`, in one step from
/// `path~`, in the place of a socket that nobody listens on any more. -EADDRINUSE when somebody does, -EEXIST when something
/// else stands there.
int32_t ingress_listen_unix(const char *path, int32_t backlog, uint32_t mode, ingress_file *made);
/// Removes the file unless another one stands under its path.
void ingress_unlink_same(const char *path, const ingress_file *made);
int32_t ingress_accept(int32_t fd);
int32_t ingress_receive(int32_t fd, void *into, uint32_t capacity);
int32_t ingress_send(int32_t fd, const void *from, uint32_t count);
/// Waits until `fd` can be read (or written); 0 on timeout, 1 when ready.
int32_t ingress_poll(int32_t fd, bool for_writing, int32_t timeout_ms);
int32_t ingress_shutdown_write(int32_t fd);
int32_t ingress_shutdown_both(int32_t fd);
int32_t ingress_close(int32_t fd);
/// Closes with a reset: unsent output is thrown away at once instead of living on in the kernel.
int32_t ingress_close_reset(int32_t fd);
int32_t ingress_set_nonblocking(int32_t fd, bool nonblocking);
int32_t ingress_set_buffers(int32_t fd, int32_t send_bytes, int32_t receive_bytes);

/* ---- process ------------------------------------------------------------------------------------------------ */

uint64_t ingress_monotonic_ns(void);
uint64_t ingress_realtime_ns(void);
int32_t ingress_eventfd(void);
int32_t ingress_eventfd_signal(int32_t fd);
int32_t ingress_eventfd_drain(int32_t fd);
/// Raises the soft limit of open descriptors to the hard limit and returns it (saturated to INT32_MAX).
int32_t ingress_raise_descriptor_limit(void);
int32_t ingress_online_cpus(void);
int32_t ingress_open_descriptors(void);
/// Processor time of the whole process in microseconds.
void ingress_processor_time(uint64_t *user_us, uint64_t *system_us);
/// Nanoseconds that the calling thread has run, and has waited for a processor (0 without schedstat).
void ingress_thread_time(uint64_t *running_ns, uint64_t *waiting_ns);
/// The calling thread's account with the scheduler, to be read with one call each time; -errno where there is none.
int32_t ingress_thread_account_open(void);
/// As `ingress_thread_time`, from that account; without one (`fd` < 0) the calling thread's running time only.
void ingress_thread_account_read(int32_t fd, uint64_t *running_ns, uint64_t *waiting_ns);
/// Timer slack of 1 ns for the calling thread.
void ingress_wake_precisely(void);
/// Runs `body(context)` on a new detached-at-exit thread. `cpu` < 0 leaves the affinity alone.
int32_t ingress_thread_start(const char *name, int32_t cpu, void (*body)(void *), void *context, pthread_t *out);
int32_t ingress_thread_join(pthread_t thread);
/// Page-aligned anonymous memory that is not touched, or NULL.
void *ingress_map(uint64_t bytes);
void ingress_unmap(void *memory, uint64_t bytes);
const char *ingress_errno_name(int32_t code);

/* ---- io_uring ----------------------------------------------------------------------------------------------- */

/// Constants that Debian 12's liburing 2.3 may lack; values are the kernel's.
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN (1U << 13)
#endif
#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER (1U << 12)
#endif

/// What to use, and after `ingress_ring_open` what is used. A bit that the kernel refuses is cleared, one by one.
enum {
    INGRESS_SINGLE_ISSUER = 1 << 0,
    INGRESS_DEFER_TASKRUN = 1 << 1,
    INGRESS_COOP_TASKRUN = 1 << 2,
    INGRESS_MULTISHOT_ACCEPT = 1 << 3,
    INGRESS_MULTISHOT_RECEIVE = 1 << 4,
    INGRESS_REGISTERED_RING = 1 << 5,
};

typedef struct {
    struct io_uring ring;
    struct io_uring_buf_ring *buffers;
    uint8_t *memory;
    uint32_t buffer_bytes;
    uint32_t buffer_count;
    uint32_t features;
} ingress_ring;

/// Opens a ring for the calling thread with a ring of provided buffers. Returns 0 or -errno; `step` then names the call.
int32_t ingress_ring_open(ingress_ring *ring, uint32_t entries, uint32_t completions, uint32_t buffer_count,
                          uint32_t buffer_bytes, uint32_t wanted, const char **step);
void ingress_ring_close(ingress_ring *ring);

typedef struct {
    uint64_t token;
    int32_t result;
    uint32_t flags;
} ingress_completion;
_Static_assert(sizeof(ingress_completion) == 16, "ingress_completion is copied by value into Swift arrays");

enum {
    INGRESS_FLAG_MORE = IORING_CQE_F_MORE,
    INGRESS_FLAG_BUFFER = IORING_CQE_F_BUFFER,
    INGRESS_BUFFER_SHIFT = IORING_CQE_BUFFER_SHIFT,
};

/// Submits everything prepared; sleeps until a completion or `timeout_ns` (0: do not sleep; < 0: no limit).
/// Returns 0, or -errno (-ETIME and -EINTR are reported as 0).
int32_t ingress_ring_wait(ingress_ring *ring, int64_t timeout_ns);
/// Moves at most `capacity` completions out of the ring. Never blocks and never calls back.
uint32_t ingress_ring_reap(ingress_ring *ring, ingress_completion *out, uint32_t capacity);
/// Completions that the kernel had to keep outside the ring: the ring was too small.
uint32_t ingress_ring_overflow(const ingress_ring *ring);

/// A full queue is submitted early. A kernel that refuses (-EBUSY while completions overflow, -EAGAIN without memory) is
/// asked to move its completions along, and given up on only after a million times.
static inline struct io_uring_sqe *ingress_sqe(ingress_ring *ring) {
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->ring);
    for (uint32_t attempt = 0; sqe == NULL; attempt++) {
        if (io_uring_submit(&ring->ring) < 0) io_uring_get_events(&ring->ring);
        if (attempt == 1000000) abort();
        sqe = io_uring_get_sqe(&ring->ring);
    }
    return sqe;
}

/* Sockets stay blocking here: the ring waits for them by itself, and older kernels answer -EAGAIN for O_NONBLOCK. */
static inline void ingress_prepare_accept(ingress_ring *ring, int32_t fd, uint64_t token) {
    struct io_uring_sqe *sqe = ingress_sqe(ring);
    if (ring->features & INGRESS_MULTISHOT_ACCEPT) {
        io_uring_prep_multishot_accept(sqe, fd, NULL, NULL, SOCK_CLOEXEC);
    } else {
        io_uring_prep_accept(sqe, fd, NULL, NULL, SOCK_CLOEXEC);
    }
    io_uring_sqe_set_data64(sqe, token);
}

static inline void ingress_prepare_receive(ingress_ring *ring, int32_t fd, uint64_t token) {
    struct io_uring_sqe *sqe = ingress_sqe(ring);
    if (ring->features & INGRESS_MULTISHOT_RECEIVE) {
        io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    } else {
        io_uring_prep_recv(sqe, fd, NULL, ring->buffer_bytes, 0);
    }
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    io_uring_sqe_set_data64(sqe, token);
}

static inline void ingress_prepare_send(ingress_ring *ring, int32_t fd, const void *from, uint32_t count, uint64_t token) {
    struct io_uring_sqe *sqe = ingress_sqe(ring);
    io_uring_prep_send(sqe, fd, from, count, MSG_NOSIGNAL);
    io_uring_sqe_set_data64(sqe, token);
}

static inline void ingress_prepare_cancel(ingress_ring *ring, uint64_t cancelled, uint64_t token) {
    struct io_uring_sqe *sqe = ingress_sqe(ring);
    io_uring_prep_cancel64(sqe, cancelled, 0);
    io_uring_sqe_set_data64(sqe, token);
}

static inline void ingress_prepare_readable(ingress_ring *ring, int32_t fd, uint64_t token) {
    struct io_uring_sqe *sqe = ingress_sqe(ring);
    io_uring_prep_poll_add(sqe, fd, POLLIN);
    io_uring_sqe_set_data64(sqe, token);
}

static inline uint8_t *ingress_ring_buffer(const ingress_ring *ring, uint32_t index) {
    return ring->memory + (size_t)index * ring->buffer_bytes;
}

/// Lends buffer `index` to the kernel again.
static inline void ingress_ring_give(ingress_ring *ring, uint32_t index) {
    io_uring_buf_ring_add(ring->buffers, ingress_ring_buffer(ring, index), ring->buffer_bytes, (uint16_t)index,
                          io_uring_buf_ring_mask(ring->buffer_count), 0);
    io_uring_buf_ring_advance(ring->buffers, 1);
}

/* ---- epoll -------------------------------------------------------------------------------------------------- */

enum {
    INGRESS_READABLE = 1,
    INGRESS_WRITABLE = 2,
    /// The peer has shut its side down, or the socket has failed: a read will say which.
    INGRESS_ENDED = 4,
};

typedef struct {
    uint64_t token;
    uint32_t ready;
    uint32_t unused;
} ingress_event;

int32_t ingress_epoll_open(void);
/// Edge-triggered, both directions, registered once for the life of the descriptor.
int32_t ingress_epoll_add(int32_t epoll, int32_t fd, uint64_t token, bool for_writing);
/// `timeout_ns` as for `ingress_ring_wait`; returns how many of `out` were filled (at most 256).
int32_t ingress_epoll_wait(int32_t epoll, ingress_event *out, uint32_t capacity, int64_t timeout_ns);

#endif

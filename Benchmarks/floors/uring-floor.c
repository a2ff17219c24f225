/*
 * The floor on io_uring: what a server must cost that parses every OAP/1 header and answers a constant.
 *
 * One thread, one ring (SINGLE_ISSUER, DEFER_TASKRUN, its descriptor registered), direct descriptors, multishot accept
 * and receive into a ring of provided buffers, one send for a connection at a time. A turn is one system call that
 * submits the sends of the last turn and waits for what comes next. Bytes are copied only when a frame is split.
 *
 * usage: uring-floor PORT
 */
#define _GNU_SOURCE
#include "floor.h"
#include <liburing.h>
#include <stdbool.h>
#include <sys/mman.h>

enum {
    CONNECTIONS_MAX = 16384,
    /* Queues and buffers are used round and round: small ones stay in the first caches. A full queue is submitted. */
    SUBMISSIONS_MAX = 128,
    COMPLETIONS_MAX = 4096,
    BUFFERS_COUNT = 256,
    BUFFER_BYTES = 4096,
    OUTPUT_BYTES_FIRST = 4096,
    OUTPUT_BYTES_MAX = 4 << 20,
};

struct output {
    uint8_t *bytes;
    uint32_t count, capacity;
};

struct connection {
    struct output next;     /* answers that no send has taken yet */
    struct output sent;     /* in flight exactly when `sending` */
    uint32_t sent_count;    /* of `sent`, by the kernel */
    uint32_t partial_bytes; /* of a split frame, in `partial` */
    uint8_t *partial;
    uint16_t pending; /* operations of the ring that will still report */
    bool sending, queued, ending;
};

enum operation { ACCEPT, RECEIVE, SEND, CLOSE };

static struct io_uring ring;
static struct io_uring_buf_ring *buffers;
static uint8_t *memory;
static struct connection connections[CONNECTIONS_MAX];
static uint32_t turn[CONNECTIONS_MAX], turn_count;

static struct io_uring_sqe *prepare(void) {
    struct io_uring_sqe *sqe;
    while ((sqe = io_uring_get_sqe(&ring)) == NULL) io_uring_submit(&ring);
    return sqe;
}

static void mark(struct io_uring_sqe *sqe, enum operation operation, uint32_t index) {
    io_uring_sqe_set_data64(sqe, (uint64_t)operation << 32 | index);
}

static void prepare_accept(int listener) {
    struct io_uring_sqe *sqe = prepare();
    io_uring_prep_multishot_accept_direct(sqe, listener, NULL, NULL, 0);
    mark(sqe, ACCEPT, 0);
}

static void prepare_receive(uint32_t index) {
    struct io_uring_sqe *sqe = prepare();
    io_uring_prep_recv_multishot(sqe, (int)index, NULL, 0, 0);
    sqe->flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    mark(sqe, RECEIVE, index);
    connections[index].pending++;
}

static void prepare_send(uint32_t index) {
    struct connection *connection = &connections[index];
    struct io_uring_sqe *sqe = prepare();
    io_uring_prep_send(sqe, (int)index, connection->sent.bytes + connection->sent_count,
                       connection->sent.count - connection->sent_count, MSG_NOSIGNAL);
    sqe->flags |= IOSQE_FIXED_FILE;
    mark(sqe, SEND, index);
    connection->sending = true;
    connection->pending++;
}

/* Takes the whole connection down once nothing of it is in flight: the receive ends when its socket is shut down. */
static void end(uint32_t index) {
    struct connection *connection = &connections[index];
    if (!connection->ending) {
        connection->ending = true;
        if (connection->pending > 0) {
            struct io_uring_sqe *sqe = prepare();
            io_uring_prep_shutdown(sqe, (int)index, SHUT_RDWR);
            sqe->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
            mark(sqe, CLOSE, index);
        }
    }
    if (connection->pending > 0 || connection->queued) return;
    free(connection->next.bytes);
    free(connection->sent.bytes);
    free(connection->partial);
    memset(connection, 0, sizeof *connection);
    struct io_uring_sqe *sqe = prepare();
    io_uring_prep_close_direct(sqe, index);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    mark(sqe, CLOSE, index);
}

/* Answers the whole frames of `count` bytes; returns how many bytes they took, or -1 when the connection has to end. */
static ssize_t answer_all(uint32_t index, const uint8_t *bytes, size_t count) {
    struct connection *connection = &connections[index];
    struct output *next = &connection->next;
    size_t at = 0;
    while (count - at >= HEADER_BYTES) {
        uint32_t length = frame_bytes(bytes + at);
        if (length == 0) return -1;
        if (count - at < length) break;
        if (__builtin_expect(next->capacity - next->count < ANSWER_BYTES_MAX, 0)) {
            if (next->capacity >= OUTPUT_BYTES_MAX) return -1;
            next->capacity = next->capacity == 0 ? OUTPUT_BYTES_FIRST : next->capacity * 2;
            next->bytes = grow(next->bytes, next->capacity);
        }
        uint32_t answered = answer(bytes + at, length, next->bytes + next->count);
        if (answered == 0) return -1;
        next->count += answered;
        at += length;
    }
    if (next->count > 0 && !connection->queued) {
        connection->queued = true;
        turn[turn_count++] = index;
    }
    return (ssize_t)at;
}

/* False when the connection has to end. */
static bool received(uint32_t index, const uint8_t *bytes, size_t count) {
    struct connection *connection = &connections[index];
    bool split = connection->partial_bytes != 0;
    if (__builtin_expect(split, 0)) {
        connection->partial = grow(connection->partial, connection->partial_bytes + count);
        memcpy(connection->partial + connection->partial_bytes, bytes, count);
        bytes = connection->partial;
        count += connection->partial_bytes;
    }
    ssize_t taken = answer_all(index, bytes, count);
    if (taken < 0) return false;
    connection->partial_bytes = (uint32_t)(count - (size_t)taken);
    if (__builtin_expect(connection->partial_bytes != 0, 0)) {
        if (!split) connection->partial = grow(connection->partial, connection->partial_bytes);
        memmove(connection->partial, bytes + taken, connection->partial_bytes);
    }
    return true;
}

static void give_back(uint32_t buffer, uint32_t offset) {
    io_uring_buf_ring_add(buffers, memory + (size_t)buffer * BUFFER_BYTES, BUFFER_BYTES, (uint16_t)buffer,
                          BUFFERS_COUNT - 1, (int)offset);
}

static void receive_finished(const struct io_uring_cqe *cqe, uint32_t index, uint32_t *given) {
    struct connection *connection = &connections[index];
    bool alive = cqe->res > 0 || cqe->res == -ENOBUFS;
    if (cqe->flags & IORING_CQE_F_BUFFER) {
        uint32_t buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
        if (cqe->res > 0 && !connection->ending) {
            alive = received(index, memory + (size_t)buffer * BUFFER_BYTES, (size_t)cqe->res);
        }
        give_back(buffer, (*given)++);
    }
    if (!(cqe->flags & IORING_CQE_F_MORE)) {
        connection->pending--;
        if (alive && !connection->ending) prepare_receive(index);
    }
    if (!alive || connection->ending) end(index);
}

static void send_finished(const struct io_uring_cqe *cqe, uint32_t index) {
    struct connection *connection = &connections[index];
    connection->sending = false;
    connection->pending--;
    if (cqe->res < 0 || connection->ending) {
        end(index);
        return;
    }
    connection->sent_count += (uint32_t)cqe->res;
    if (connection->sent_count < connection->sent.count) {
        prepare_send(index);
        return;
    }
    connection->sent.count = 0;
    if (connection->next.count > 0 && !connection->queued) {
        connection->queued = true;
        turn[turn_count++] = index;
    }
}

static void accept_finished(const struct io_uring_cqe *cqe, int listener) {
    if (cqe->res >= 0) prepare_receive((uint32_t)cqe->res);
    if (!(cqe->flags & IORING_CQE_F_MORE)) prepare_accept(listener);
}

static void handle(const struct io_uring_cqe *cqe, int listener, uint32_t *given) {
    uint32_t index = (uint32_t)cqe->user_data;
    switch ((enum operation)(cqe->user_data >> 32)) {
    case ACCEPT: accept_finished(cqe, listener); break;
    case RECEIVE: receive_finished(cqe, index, given); break;
    case SEND: send_finished(cqe, index); break;
    case CLOSE: break;
    }
}

/* One send for each connection that has answers and none in flight. */
static void send_all(void) {
    for (uint32_t position = 0; position < turn_count; position++) {
        struct connection *connection = &connections[turn[position]];
        connection->queued = false;
        if (connection->ending) {
            end(turn[position]);
        } else if (!connection->sending) {
            struct output sent = connection->sent;
            connection->sent = connection->next;
            connection->next = sent;
            connection->sent_count = 0;
            prepare_send(turn[position]);
        }
    }
    turn_count = 0;
}

static void open_ring(void) {
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
        .cq_entries = COMPLETIONS_MAX};
    errno = -io_uring_queue_init_params(SUBMISSIONS_MAX, &ring, &parameters);
    if (errno != 0) fail("io_uring_setup (this floor needs Linux 6.1 or newer, and io_uring permitted)");
    if (io_uring_register_ring_fd(&ring) != 1) fail("register ring descriptor");
    errno = -io_uring_register_files_sparse(&ring, CONNECTIONS_MAX);
    if (errno != 0) fail("register files");
    size_t ring_bytes = BUFFERS_COUNT * sizeof(struct io_uring_buf), bytes = (size_t)BUFFERS_COUNT * BUFFER_BYTES;
    buffers = mmap(NULL, ring_bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (buffers == MAP_FAILED || memory == MAP_FAILED) fail("mmap");
    struct io_uring_buf_reg registration = {.ring_addr = (uintptr_t)buffers, .ring_entries = BUFFERS_COUNT, .bgid = 0};
    errno = -io_uring_register_buf_ring(&ring, &registration, 0);
    if (errno != 0) fail("register buffer ring");
    io_uring_buf_ring_init(buffers);
    for (uint32_t buffer = 0; buffer < BUFFERS_COUNT; buffer++) give_back(buffer, buffer);
    io_uring_buf_ring_advance(buffers, BUFFERS_COUNT);
}

int main(int argc, char **argv) {
    int listener = listen_as_told(argc, argv, 0);
    open_ring();
    prepare_accept(listener);
    for (;;) {
        int status = io_uring_submit_and_wait(&ring, 1);
        if (status < 0 && status != -EINTR && status != -EBUSY && status != -EAGAIN) {
            errno = -status;
            fail("io_uring_enter");
        }
        unsigned head, seen = 0;
        uint32_t given = 0;
        struct io_uring_cqe *cqe;
        io_uring_for_each_cqe(&ring, head, cqe) {
            handle(cqe, listener, &given);
            seen++;
        }
        io_uring_buf_ring_advance(buffers, (int)given);
        io_uring_cq_advance(&ring, seen);
        send_all();
    }
}

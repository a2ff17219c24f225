/*
 * The floor on epoll: what a server must cost that parses every OAP/1 header and answers a constant.
 *
 * One thread, edge-triggered. An event costs one recv into the one buffer of the process, and one send of all answers
 * from another. A recv that did not fill its room has emptied the socket, so no second one asks. Only what could not be
 * handled at once stays with its connection: the beginning of a split frame, or answers that the socket did not take,
 * which also stop its reading.
 *
 * usage: epoll-floor PORT
 */
#define _GNU_SOURCE
#include "floor.h"
#include <stdbool.h>
#include <sys/epoll.h>

enum {
    RECEIVE_BYTES = 65536,
    EVENTS_MAX = 512,
};

struct connection {
    int fd;
    uint32_t partial_bytes; /* of a split frame, in `partial` */
    uint32_t unsent_bytes;  /* of answers that the socket did not take, in `unsent` */
    uint8_t *partial;
    uint8_t *unsent;
};

/* Room for a frame that was split, with what one receive brings behind it. */
static uint8_t input[FRAME_BYTES_MAX + RECEIVE_BYTES];
/* A receive completes at most one frame for each header that it can bring, and one that was split. */
static uint8_t output[(RECEIVE_BYTES / HEADER_BYTES + 2) * ANSWER_BYTES_MAX];

static void end(struct connection *connection) {
    close(connection->fd);
    free(connection->partial);
    free(connection->unsent);
    free(connection);
}

/* Answers the whole frames of `bytes` at `input` into `output`, keeps the rest; the length of the answers, or -1. */
static ssize_t answer_all(struct connection *connection, size_t bytes) {
    size_t at = 0;
    uint8_t *out = output;
    while (bytes - at >= HEADER_BYTES) {
        uint32_t length = frame_bytes(input + at);
        if (length == 0) return -1;
        if (bytes - at < length) break;
        uint32_t answered = answer(input + at, length, out);
        if (answered == 0) return -1;
        out += answered;
        at += length;
    }
    connection->partial_bytes = (uint32_t)(bytes - at);
    if (__builtin_expect(connection->partial_bytes != 0, 0)) {
        connection->partial = grow(connection->partial, connection->partial_bytes);
        memcpy(connection->partial, input + at, connection->partial_bytes);
    }
    return out - output;
}

/* False when the connection has to end. */
static bool deliver(struct connection *connection, const uint8_t *from, size_t bytes) {
    ssize_t sent = send(connection->fd, from, bytes, MSG_NOSIGNAL);
    if (__builtin_expect(sent == (ssize_t)bytes, 1)) {
        connection->unsent_bytes = 0;
        return true;
    }
    if (sent < 0 && errno != EAGAIN) return false;
    size_t done = sent < 0 ? 0 : (size_t)sent;
    if (from == output) {
        connection->unsent = grow(connection->unsent, bytes - done);
        memcpy(connection->unsent, from + done, bytes - done);
    } else {
        memmove(connection->unsent, from + done, bytes - done);
    }
    connection->unsent_bytes = (uint32_t)(bytes - done);
    return true;
}

/* Reads until the socket is empty or takes no more answers. False when the connection has to end. */
static bool serve(struct connection *connection) {
    for (;;) {
        uint32_t kept = connection->partial_bytes;
        if (__builtin_expect(kept != 0, 0)) memcpy(input, connection->partial, kept);
        ssize_t received = recv(connection->fd, input + kept, RECEIVE_BYTES, 0);
        if (received <= 0) return received < 0 && errno == EAGAIN;
        ssize_t answers = answer_all(connection, kept + (size_t)received);
        if (answers < 0) return false;
        if (answers > 0 && !deliver(connection, output, (size_t)answers)) return false;
        if (received < RECEIVE_BYTES || connection->unsent_bytes != 0) return true;
    }
}

static bool handle(struct connection *connection, uint32_t ready) {
    if (ready & (EPOLLERR | EPOLLHUP)) return false;
    if (__builtin_expect(connection->unsent_bytes != 0, 0)) {
        if (!(ready & EPOLLOUT)) return true;
        if (!deliver(connection, connection->unsent, connection->unsent_bytes)) return false;
        return connection->unsent_bytes != 0 || serve(connection);
    }
    return !(ready & EPOLLIN) || serve(connection);
}

static void accept_all(int epoll, int listener) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *connection = calloc(1, sizeof *connection);
        if (connection == NULL) fail("calloc");
        connection->fd = fd;
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
    }
    if (errno != EAGAIN && errno != ECONNABORTED) fail("accept4");
}

int main(int argc, char **argv) {
    int listener = listen_as_told(argc, argv, SOCK_NONBLOCK), epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) fail("epoll_create1");
    struct epoll_event added = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS_MAX];
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &added) < 0) fail("epoll_ctl");
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR) fail("epoll_wait");
        for (int index = 0; index < count; index++) {
            struct connection *connection = events[index].data.ptr;
            if (connection == NULL) {
                accept_all(epoll, listener);
            } else if (!handle(connection, events[index].events)) {
                end(connection);
            }
        }
    }
}

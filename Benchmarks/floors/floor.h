#ifndef FLOOR_H
#define FLOOR_H
/*
 * OAP/1 as the two floor servers need it: every header is parsed and checked, every answer is a constant but for the
 * bytes that it repeats from its request. A frame is a header of 38 bytes, a capability and a payload; big-endian.
 *
 *   offset 0 len u32 | 4 ver u16 | 6 flags u16 | 8 code u16 | 10 app u16 | 12 tenant u128 | 28 cap_len u16 | 30 corr u64
 *
 * PING repeats its payload. A resolve answers 200 with one record of about 200 bytes whose key is the one asked for,
 * copied as it is, so that a load generator which checks answers can drive a floor. HELLO answers its fixed reply.
 * Anything else, and any header that fails its checks, ends the connection: a floor has no errors to tell.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HEADER_BYTES = 38,
    FRAME_BYTES_MAX = 1048576,
    KEY_BYTES_MAX = 511,
    PING_BYTES_MAX = 64,
    /* No answer is longer: header, head of the record, key, rest of the record. */
    ANSWER_BYTES_MAX = 1024,
    APP_CONTROL = 0,
    APP_INDEX = 0x0101,
    FLAG_REQUEST = 1,
    FLAG_RESPONSE = 2,
    FLAG_START = 8,
    FLAG_END = 16,
};

static const char RECORD_HEAD[] = "{\"key\":\"";
static const char RECORD_REST[] =
    "\",\"manifest\":null,\"providers\":[{\"id\":\"node-001.example\",\"region\":\"eu-west\",\"score\":0.5},"
    "{\"id\":\"node-002.example\",\"region\":\"us-east\",\"score\":0.25}],\"etag\":\"5f0c6d3a1b2e4f78\"}";
static const char HELLO_REPLY[] =
    "{\"max_frame\":1048576,\"max_inflight\":64,\"flags_supported\":255,\"versions\":[1],\"transports\":[\"tcp\"]}";

_Static_assert(HEADER_BYTES + sizeof RECORD_HEAD + KEY_BYTES_MAX + sizeof RECORD_REST <= ANSWER_BYTES_MAX, "answer");
_Static_assert(HEADER_BYTES + sizeof HELLO_REPLY <= ANSWER_BYTES_MAX, "answer");

static inline uint16_t load16(const uint8_t *at) {
    uint16_t value;
    memcpy(&value, at, 2);
    return ntohs(value);
}

static inline uint32_t load32(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, 4);
    return ntohl(value);
}

static inline void store16(uint8_t *at, uint16_t value) {
    value = htons(value);
    memcpy(at, &value, 2);
}

static inline void store32(uint8_t *at, uint32_t value) {
    value = htonl(value);
    memcpy(at, &value, 4);
}

/* The length of the frame whose header is at `header`, or 0 when the header fails a check. */
static inline uint32_t frame_bytes(const uint8_t *header) {
    uint16_t flags = load16(header + 6), cap = load16(header + 28);
    uint32_t length = load32(header);
    if (flags & 0xFF00 || load16(header + 4) != 1) return 0;
    if (length < HEADER_BYTES || length > FRAME_BYTES_MAX) return 0;
    if (cap != 0 && (!(flags & FLAG_START) || cap > length - HEADER_BYTES)) return 0;
    return length;
}

/* Writes the answer to the frame of `length` bytes at `frame`; returns its length, or 0 when there is none to give. */
static inline uint32_t answer(const uint8_t *frame, uint32_t length, uint8_t *out) {
    uint16_t flags = load16(frame + 6), method = load16(frame + 8), app = load16(frame + 10);
    uint32_t body = HEADER_BYTES + load16(frame + 28), payload = length - body, bytes = HEADER_BYTES;
    if ((flags & (FLAG_REQUEST | FLAG_RESPONSE | 4)) != FLAG_REQUEST) return 0;
    flags = FLAG_RESPONSE | FLAG_END;
    memcpy(out, frame, HEADER_BYTES);
    if (app == APP_INDEX && method == 0 && payload >= 1 && payload <= KEY_BYTES_MAX) {
        memcpy(out + bytes, RECORD_HEAD, sizeof RECORD_HEAD - 1);
        bytes += sizeof RECORD_HEAD - 1;
        memcpy(out + bytes, frame + body, payload);
        bytes += payload;
        memcpy(out + bytes, RECORD_REST, sizeof RECORD_REST - 1);
        bytes += sizeof RECORD_REST - 1;
    } else if (app == APP_CONTROL && method == 1 && payload <= PING_BYTES_MAX) {
        memcpy(out + bytes, frame + body, payload);
        bytes += payload;
    } else if (app == APP_CONTROL && method == 0) {
        flags = FLAG_RESPONSE;
        memcpy(out + bytes, HELLO_REPLY, sizeof HELLO_REPLY - 1);
        bytes += sizeof HELLO_REPLY - 1;
    } else {
        return 0;
    }
    store32(out, bytes);
    store16(out + 6, flags);
    store16(out + 8, 200);
    store16(out + 28, 0);
    return bytes;
}

static inline void fail(const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(69);
}

static inline void *grow(void *memory, size_t bytes) {
    memory = realloc(memory, bytes);
    if (memory == NULL) fail("realloc");
    return memory;
}

/* Listens on 127.0.0.1 at the port that the command line names; accepted sockets inherit TCP_NODELAY. */
static inline int listen_as_told(int argc, char **argv, int type) {
    char *end = NULL;
    long port = argc == 2 ? strtol(argv[1], &end, 10) : 0;
    if (port < 1 || port > 65535 || *end != 0) {
        fprintf(stderr, "usage: %s PORT  (1 to 65535, on 127.0.0.1)\n", argv[0]);
        exit(64);
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | type, 0);
    if (fd < 0) fail("socket");
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0) fail("SO_REUSEADDR");
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0) fail("TCP_NODELAY");
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
    if (listen(fd, 4096) < 0) fail("listen");
    printf("listening on 127.0.0.1:%ld\n", port);
    fflush(stdout);
    return fd;
}
#endif

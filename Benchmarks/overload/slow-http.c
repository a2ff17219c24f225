// An HTTP/1.1 service that answers every GET so many microseconds later with a record's bytes: what stands behind a
// peer in place of the slow index. Keep-alive, one request at a time on a connection, as a proxy with `http-reuse`
// sends them.
//
//   slow-http PORT MICROSECONDS

#include "load.h"

#define CONNECTIONS_MAX 4096
#define PENDING_MAX 65536

static const char body[] =
    "{\"key\":\"name:000000000001\",\"manifest\":null,\"providers\":[{\"id\":\"node-001.example\",\"region\":\"eu-"
    "west\",\"score\":0.5},"
    "{\"id\":\"node-002.example\",\"region\":\"us-east\",\"score\":0.25}],\"etag\":\"0000000000000001\"}";

// In the order of their time, which is the order they came in.
static struct pending {
    uint64_t due;
    int descriptor;
    uint32_t generation;
} pending[PENDING_MAX];
static size_t pending_head, pending_count;
// A descriptor is used again: an answer must not reach the one that has it now.
static uint32_t generations[CONNECTIONS_MAX];
static uint16_t matched[CONNECTIONS_MAX];

static void hang_up(int descriptor) {
    generations[descriptor]++;
    close(descriptor);
}

// Counts the ends of request heads, which may come in pieces.
static void receive(int descriptor, uint64_t delay, uint64_t now) {
    char data[16384];
    ssize_t count = recv(descriptor, data, sizeof data, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
        hang_up(descriptor);
        return;
    }
    static const char blank[] = "\r\n\r\n";
    for (ssize_t place = 0; place < count; place++) {
        uint16_t *seen = &matched[descriptor];
        *seen = (uint16_t)(data[place] == blank[*seen] ? *seen + 1 : data[place] == '\r' ? 1 : 0);
        if (*seen < 4) continue;
        *seen = 0;
        if (pending_count == PENDING_MAX) fail(1, "slow-http: more than %d requests are pending", PENDING_MAX);
        pending[(pending_head + pending_count++) % PENDING_MAX] =
            (struct pending){now + delay, descriptor, generations[descriptor]};
    }
}

static void answer_due(uint64_t now, const char *response, size_t length) {
    while (pending_count > 0 && pending[pending_head].due <= now) {
        struct pending request = pending[pending_head];
        pending_head = (pending_head + 1) % PENDING_MAX;
        pending_count--;
        if (generations[request.descriptor] != request.generation) continue;
        if (send(request.descriptor, response, length, MSG_NOSIGNAL) != (ssize_t)length) hang_up(request.descriptor);
    }
}

int main(int count, char **arguments) {
    int port = count == 3 ? atoi(arguments[1]) : 0;
    uint64_t delay = count == 3 ? strtoull(arguments[2], NULL, 10) * 1000 : 0;
    if (port <= 0 || port > 65535) fail(64, "usage: slow-http PORT MICROSECONDS");
    raise_descriptor_limit();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0)
        fail(69, "slow-http: 127.0.0.1:%d: %s", port, strerror(errno));
    int poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    char response[1024];
    size_t length = (size_t)snprintf(
        response, sizeof response, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
        sizeof body - 1, body);
    for (;;) {
        uint64_t now = nanoseconds();
        struct timespec timeout = {.tv_sec = 1};
        if (pending_count > 0)
            timeout = (struct timespec){
                .tv_nsec = (long)(pending[pending_head].due > now ? pending[pending_head].due - now : 0)};
        struct epoll_event events[256];
        int ready = epoll_pwait2(poller, events, 256, &timeout, NULL);
        now = nanoseconds();
        for (int place = 0; place < ready; place++) {
            if (events[place].data.fd != listener) {
                receive(events[place].data.fd, delay, now);
                continue;
            }
            int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (descriptor < 0) continue;
            if (descriptor >= CONNECTIONS_MAX) {
                close(descriptor);
                continue;
            }
            setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            matched[descriptor] = 0;
            struct epoll_event own = {.events = EPOLLIN, .data.fd = descriptor};
            epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &own);
        }
        answer_due(now, response, length);
    }
}

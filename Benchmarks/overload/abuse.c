// What hostile or broken clients do, in bounded amounts, all at once, for so many seconds:
//
//   slow readers   ask for large answers without end and never read one
//   tricklers      send a frame byte by byte
//   HELLO flood    HELLOs, pipelined, at a rate
//   connect flood  connections that are reset as soon as they are there, at a rate
//   cancel storm   connections that send 64 resolves and are reset before an answer, at a rate
//
//   abuse PORT SECONDS SLOW TRICKLERS HELLOS/S CONNECTS/S CANCELS/S
//
// Reports what it has done as JSON. A connection that the gateway ends is opened again, at most one a millisecond of
// each kind.

#include "load.h"

#define CONNECTIONS_MAX 4096
#define HELLO_CONNECTIONS 8
#define MANY_KEYS 256

enum kind { SLOW, TRICKLE, HELLO };

struct peer {
    int descriptor;
    enum kind kind;
    size_t offset;
    uint64_t next;
};

static struct peer peers[CONNECTIONS_MAX];
static int peers_count, port, poller;
static struct {
    uint64_t bytes_slow, bytes_trickled, hellos, connects, cancels, ended, refused;
} done;
static uint8_t many[16384], hello_frames[64 * HEADER_BYTES], resolves[64 * 64];
static size_t many_bytes, resolves_bytes;

static void build_frames(void) {
    char *text = (char *)many + HEADER_BYTES;
    size_t length = 0;
    text[length++] = '[';
    for (int key = 0; key < MANY_KEYS; key++)
        length += (size_t)sprintf(text + length, "%s\"name:%012d\"", key ? "," : "", key);
    text[length++] = ']';
    put_header(many, length, 1, 0x0101, 666, 1);
    many_bytes = HEADER_BYTES + length;
    for (int number = 0; number < 64; number++) {
        put_header(hello_frames + number * HEADER_BYTES, 0, 0, 0, 666, (uint64_t)number);
        uint8_t *at = resolves + resolves_bytes;
        int bytes = sprintf((char *)at + HEADER_BYTES, "name:%012d", number);
        put_header(at, (size_t)bytes, 0, 0x0101, 666, (uint64_t)number);
        resolves_bytes += HEADER_BYTES + (size_t)bytes;
    }
}

static void open_peer(struct peer *peer, uint64_t now) {
    peer->descriptor = begin_connect(port);
    peer->offset = 0;
    peer->next = now + MILLISECOND;
    if (peer->descriptor < 0) {
        done.refused++;
        return;
    }
    int small = 4096;
    if (peer->kind == SLOW) setsockopt(peer->descriptor, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (peer->kind != SLOW) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
        epoll_ctl(poller, EPOLL_CTL_ADD, peer->descriptor, &event);
    }
}

static void reopen(struct peer *peer, uint64_t now) {
    if (peer->descriptor >= 0) close(peer->descriptor);
    peer->descriptor = -1;
    peer->next = now + 10 * MILLISECOND;
    done.ended++;
}

// Sends on from where the peer is in `data`; false when the connection has ended.
static bool send_part(struct peer *peer, const uint8_t *data, size_t bytes, size_t most, uint64_t *count) {
    size_t left = bytes - peer->offset;
    ssize_t sent = send(peer->descriptor, data + peer->offset, left < most ? left : most, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == ENOTCONN || errno == EINTR;
    *count += (uint64_t)sent;
    peer->offset = (peer->offset + (size_t)sent) % bytes;
    return true;
}

static void act(struct peer *peer, uint64_t now) {
    if (peer->descriptor < 0) {
        open_peer(peer, now);
        return;
    }
    bool lives = true;
    switch (peer->kind) {
    case SLOW:
        lives = send_part(peer, many, many_bytes, many_bytes, &done.bytes_slow);
        peer->next = now + 20 * MILLISECOND;
        break;
    case TRICKLE:
        lives = send_part(peer, many, many_bytes, 1, &done.bytes_trickled);
        peer->next = now + 100 * MILLISECOND;
        break;
    case HELLO:
        break;
    }
    if (!lives) reopen(peer, now);
}

static void flood_hellos(uint64_t wanted) {
    // What full sockets do not take is not owed: the flood has a rate and no memory.
    static uint64_t forgiven, bytes;
    for (int tried = 0; done.hellos + forgiven < wanted && tried < 4 * HELLO_CONNECTIONS; tried++) {
        struct peer *peer = &peers[tried % HELLO_CONNECTIONS];
        if (peer->descriptor < 0) continue;
        if (!send_part(peer, hello_frames, sizeof hello_frames, sizeof hello_frames, &bytes))
            reopen(peer, nanoseconds());
        done.hellos = bytes / HEADER_BYTES;
    }
    if (done.hellos + forgiven < wanted) forgiven = wanted - done.hellos;
}

// Connects, sends `data`, and resets the connection.
static bool hit(const uint8_t *data, size_t bytes) {
    int descriptor = begin_connect(port);
    if (descriptor < 0) return false;
    // On loopback a connect has ended when it returns, unless the backlog is full.
    bool is_sent = bytes == 0 || send(descriptor, data, bytes, MSG_NOSIGNAL) > 0;
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(descriptor);
    return is_sent;
}

static void drain(void) {
    static uint8_t sink[262144];
    struct epoll_event events[256];
    int count = epoll_wait(poller, events, 256, 1);
    for (int place = 0; place < count; place++) {
        struct peer *peer = events[place].data.ptr;
        ssize_t got = recv(peer->descriptor, sink, sizeof sink, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) reopen(peer, nanoseconds());
    }
}

int main(int count, char **arguments) {
    if (count != 8) fail(64, "usage: abuse PORT SECONDS SLOW TRICKLERS HELLOS/S CONNECTS/S CANCELS/S");
    port = atoi(arguments[1]);
    double seconds = atof(arguments[2]), hellos = atof(arguments[5]), connects = atof(arguments[6]),
           cancels = atof(arguments[7]);
    int slow = atoi(arguments[3]), tricklers = atoi(arguments[4]);
    if (port <= 0 || port > 65535 || seconds <= 0 || seconds > 600 || slow < 0 || tricklers < 0 ||
        slow + tricklers + HELLO_CONNECTIONS > CONNECTIONS_MAX)
        fail(64, "abuse: a number is out of range");
    raise_descriptor_limit();
    build_frames();
    poller = epoll_create1(EPOLL_CLOEXEC);
    uint64_t start = nanoseconds(), end = start + (uint64_t)(seconds * 1e9);
    for (int number = 0; number < HELLO_CONNECTIONS + slow + tricklers; number++) {
        struct peer *peer = &peers[peers_count++];
        peer->kind = number < HELLO_CONNECTIONS ? HELLO : number < HELLO_CONNECTIONS + slow ? SLOW : TRICKLE;
        open_peer(peer, start);
        if (number % 100 == 99) usleep(5000);
    }
    start = nanoseconds();
    double before = processor_seconds();
    uint64_t missed = 0;
    for (uint64_t now = start; now < end; now = nanoseconds()) {
        double elapsed = (double)(now - start) / 1e9;
        for (int number = 0; number < peers_count; number++)
            if (peers[number].next <= now) act(&peers[number], now);
        flood_hellos((uint64_t)(elapsed * hellos));
        for (int burst = 0; burst < 64 && (double)(done.connects + missed) < elapsed * connects; burst++)
            if (hit(NULL, 0))
                done.connects++;
            else
                missed++;
        for (int burst = 0; burst < 64 && (double)done.cancels < elapsed * cancels; burst++)
            if (hit(resolves, resolves_bytes))
                done.cancels++;
            else {
                done.refused++;
                break;
            }
        drain();
    }
    printf("{\"seconds\":%.2f,\"slow_readers\":%d,\"slow_reader_bytes\":%llu,\"tricklers\":%d,\"bytes_trickled\":%llu,"
           "\"hellos\":%llu,"
           "\"connects\":%llu,\"cancels\":%llu,\"ended_by_the_gateway\":%llu,\"refused\":%llu,\"processor_s\":%.2f}\n",
           (double)(nanoseconds() - start) / 1e9, slow, (unsigned long long)done.bytes_slow, tricklers,
           (unsigned long long)done.bytes_trickled, (unsigned long long)done.hellos, (unsigned long long)done.connects,
           (unsigned long long)done.cancels, (unsigned long long)done.ended,
           (unsigned long long)(done.refused + missed), processor_seconds() - before);
    return 0;
}

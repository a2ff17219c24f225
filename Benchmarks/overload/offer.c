// An open loop of resolves from several groups of connections at once, each group one tenant with a rate of its own, in
// phases that multiply those rates. Says what came of it by group and by bins of a few milliseconds: how a gateway
// takes a step in load, and what tenants do to each other. oap-bench has neither groups nor bins below a second.
//
//   offer PORT --phases 1000:1,500:1.4 --group NAME:TENANT:CONNECTIONS:DEPTH:RATE ... [options]
//
// A request that is due while all connections of its group have DEPTH in flight waits its turn; latency counts from
// when it was due. With --http the same over HTTP/1.1 (GET, keep-alive), for a peer.

#include "offer.h"

static bool is_measured(uint64_t due) { return due >= start + plan.skip && due < end; }

static struct bin *bin_at(uint64_t now) {
    size_t number = (size_t)((now - start) / plan.bin);
    return &bins[number < bins_count ? number : bins_count - 1];
}

static void open_connection(int number) {
    struct connection *connection = &connections[number];
    connection->descriptor = begin_connect(plan.port);
    if (connection->descriptor < 0) fail(69, "offer: connect to 127.0.0.1:%d: %s", plan.port, strerror(errno));
    connection->free_count = groups[connection->group].depth;
    for (int slot = 0; slot < connection->free_count; slot++) connection->free[slot] = slot;
    connection->order_head = connection->order_count = 0;
    connection->out_start = connection->out_end = connection->rest_count = 0;
    connection->dirty = connection->wants_write = false;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)number};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, connection->descriptor, &event) != 0)
        fail(71, "offer: epoll_ctl: %s", strerror(errno));
}

static void append_request(struct connection *connection, struct group *group, int slot) {
    uint8_t *at = connection->out + connection->out_end;
    int key = (int)(random_number(&randomness) % (uint64_t)plan.keys);
    if (plan.http) {
        connection->out_end += (size_t)sprintf((char *)at, "GET /name:%012d HTTP/1.1\r\nHost: service\r\n\r\n", key);
        connection->order[(connection->order_head + connection->order_count++) % group->depth] = slot;
        return;
    }
    int bytes = sprintf((char *)at + HEADER_BYTES, "name:%012d", key);
    put_header(at, (size_t)bytes, 0, 0x0101, group->tenant, (uint64_t)slot);
    connection->out_end += HEADER_BYTES + (size_t)bytes;
}

static void send_on(int number, uint64_t due, uint64_t now) {
    struct connection *connection = &connections[number];
    struct group *group = &groups[connection->group];
    int slot = connection->free[--connection->free_count];
    connection->slots[slot] = (struct slot){due, now};
    append_request(connection, group, slot);
    if (is_measured(due)) group->sent++;
    if (!connection->dirty) {
        connection->dirty = true;
        dirty[dirty_count++] = number;
    }
}

static void keep_waiting(struct group *group, uint64_t due) {
    if (group->waiting_count == group->waiting_max) {
        size_t more = group->waiting_max ? 2 * group->waiting_max : 4096;
        uint64_t *ring = malloc(more * sizeof *ring);
        if (!ring) fail(71, "offer: out of memory");
        for (size_t place = 0; place < group->waiting_count; place++)
            ring[place] = group->waiting[(group->waiting_head + place) % group->waiting_max];
        free(group->waiting);
        group->waiting = ring;
        group->waiting_head = 0;
        group->waiting_max = more;
    }
    group->waiting[(group->waiting_head + group->waiting_count++) % group->waiting_max] = due;
}

static double factor_at(uint64_t moment) {
    for (int phase = 0; phase < plan.phases_count; phase++)
        if (moment < start + plan.phases[phase].end) return plan.phases[phase].factor;
    return plan.phases[plan.phases_count - 1].factor;
}

// Everything that is due by now goes to the group's connections in turn, or waits.
static void offer(struct group *group, uint64_t now) {
    while (group->next_due <= now && group->next_due < end) {
        uint64_t due = group->next_due;
        group->next_due += (uint64_t)(1e9 / (group->rate * factor_at(due)));
        bin_at(due)->due++;
        if (is_measured(due)) group->due++;
        int tried = 0;
        while (tried < group->connections && connections[group->first + group->turn].free_count == 0) {
            group->turn = (group->turn + 1) % group->connections;
            tried++;
        }
        if (tried == group->connections || group->waiting_count > 0) {
            keep_waiting(group, due);
            continue;
        }
        record(&own_lag, now - due);
        send_on(group->first + group->turn, due, now);
        group->turn = (group->turn + 1) % group->connections;
    }
}

static void lost(int number) {
    struct connection *connection = &connections[number];
    struct group *group = &groups[connection->group];
    bool is_free[4096] = {false};
    for (int place = 0; place < connection->free_count; place++) is_free[connection->free[place]] = true;
    for (int slot = 0; slot < group->depth; slot++)
        if (!is_free[slot] && is_measured(connection->slots[slot].due)) group->lost++;
    close(connection->descriptor);
    reconnects++;
    open_connection(number);
}

static void flush_output(int number) {
    struct connection *connection = &connections[number];
    connection->dirty = false;
    while (connection->out_start < connection->out_end) {
        ssize_t sent = send(connection->descriptor, connection->out + connection->out_start,
                            connection->out_end - connection->out_start, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) break;
        connection->out_start += (size_t)sent;
    }
    bool left = connection->out_start < connection->out_end;
    if (!left)
        connection->out_start = connection->out_end = 0;
    else {
        memmove(connection->out, connection->out + connection->out_start, connection->out_end - connection->out_start);
        connection->out_end -= connection->out_start;
        connection->out_start = 0;
    }
    if (left != connection->wants_write) {
        struct epoll_event event = {.events = EPOLLIN | (left ? EPOLLOUT : 0), .data.u32 = (uint32_t)number};
        epoll_ctl(poller, EPOLL_CTL_MOD, connection->descriptor, &event);
        connection->wants_write = left;
    }
}

static void count_code(int group, const char *name, size_t length) {
    if (length >= sizeof codes[0].name) length = sizeof codes[0].name - 1;
    for (int code = 0; code < codes_count; code++)
        if (strlen(codes[code].name) == length && memcmp(codes[code].name, name, length) == 0) {
            codes[code].count[group]++;
            return;
        }
    if (codes_count == CODES_MAX) fail(70, "offer: more kinds of refusal than %d", CODES_MAX);
    memcpy(codes[codes_count].name, name, length);
    codes[codes_count++].count[group]++;
}

static void answered(int number, int slot, bool ok, const char *code, size_t code_length, uint64_t now) {
    struct connection *connection = &connections[number];
    struct group *group = &groups[connection->group];
    struct slot request = connection->slots[slot];
    connection->free[connection->free_count++] = slot;
    struct bin *bin = bin_at(now);
    if (ok) {
        bin->ok++;
        record(&bin->latency, now - request.due);
    } else {
        bin->refused++;
    }
    if (is_measured(request.due)) {
        if (ok) {
            group->ok++;
            record(&group->latency, now - request.due);
            record(&group->service, now - request.sent);
        } else {
            count_code(connection->group, code, code_length);
        }
    }
    if (group->waiting_count > 0) {
        uint64_t due = group->waiting[group->waiting_head];
        group->waiting_head = (group->waiting_head + 1) % group->waiting_max;
        group->waiting_count--;
        send_on(number, due, now);
    }
}

// Takes whole answers from `data`; returns the bytes taken.
static size_t take_frames(int number, const uint8_t *data, size_t count, uint64_t now) {
    size_t taken = 0;
    while (count - taken >= HEADER_BYTES) {
        const uint8_t *frame = data + taken;
        size_t length = get32(frame);
        if (length < HEADER_BYTES || length > REST_BYTES) fail(1, "offer: an answer of %zu bytes", length);
        if (count - taken < length) break;
        uint64_t slot = be64toh(*(const uint64_t __attribute__((aligned(1))) *)(frame + 30));
        if (slot >= (uint64_t)groups[connections[number].group].depth) fail(1, "offer: an answer to nothing");
        unsigned status = (unsigned)(frame[8] << 8 | frame[9]);
        const char *code = "?";
        size_t code_length = 1;
        if (status != 200) {
            static const char mark[] = "\"code\":\"";
            const char *found = memmem(frame + HEADER_BYTES, length - HEADER_BYTES, mark, sizeof mark - 1);
            if (found) {
                code = found + sizeof mark - 1;
                const char *close = memchr(code, '"', (size_t)((const char *)frame + length - code));
                code_length = close ? (size_t)(close - code) : 0;
            }
        }
        answered(number, (int)slot, status == 200, code, code_length, now);
        taken += length;
    }
    return taken;
}

static size_t take_responses(int number, const uint8_t *data, size_t count, uint64_t now) {
    struct connection *connection = &connections[number];
    size_t taken = 0;
    while (count > taken) {
        const char *response = (const char *)data + taken;
        const char *blank = memmem(response, count - taken, "\r\n\r\n", 4);
        if (!blank) break;
        size_t body = 0;
        for (const char *line = response; line < blank;
             line = (const char *)memmem(line, (size_t)(blank - line) + 2, "\r\n", 2) + 2)
            if (strncasecmp(line, "content-length:", 15) == 0) body = (size_t)strtoul(line + 15, NULL, 10);
        size_t length = (size_t)(blank + 4 - response) + body;
        if (length > REST_BYTES) fail(1, "offer: a response of %zu bytes", length);
        if (count - taken < length) break;
        if (connection->order_count == 0) fail(1, "offer: a response to nothing");
        int slot = connection->order[connection->order_head];
        connection->order_head = (connection->order_head + 1) % groups[connection->group].depth;
        connection->order_count--;
        answered(number, slot, strncmp(response + 9, "200", 3) == 0, response + 9, 3, now);
        taken += length;
    }
    return taken;
}

static void receive(int number, uint64_t now) {
    static uint8_t buffer[REST_BYTES + 262144];
    struct connection *connection = &connections[number];
    size_t kept = connection->rest_count;
    memcpy(buffer, connection->rest, kept);
    ssize_t got = recv(connection->descriptor, buffer + kept, sizeof buffer - kept, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        lost(number);
        return;
    }
    size_t count = kept + (size_t)got;
    size_t taken = plan.http ? take_responses(number, buffer, count, now) : take_frames(number, buffer, count, now);
    connection->rest_count = count - taken;
    memcpy(connection->rest, buffer + taken, connection->rest_count);
}

static void flush_dirty(void) {
    for (int place = 0; place < dirty_count; place++) flush_output(dirty[place]);
    dirty_count = 0;
}

static void run(void) {
    struct epoll_event events[512];
    uint64_t close_at = end + plan.drain;
    for (;;) {
        uint64_t now = nanoseconds(), next = close_at;
        if (now >= close_at) break;
        size_t in_flight = 0;
        for (int group = 0; group < plan.groups_count; group++) {
            offer(&groups[group], now);
            if (groups[group].next_due >= end) continue;
            // While requests wait for a slot nothing can be sent before an answer: no need to look at each due time.
            uint64_t wanted = groups[group].next_due + (groups[group].waiting_count > 0 ? MILLISECOND : 0);
            if (wanted < next) next = wanted;
        }
        flush_dirty();
        if (now >= end) {
            for (int number = 0; number < plan.connections_count; number++)
                in_flight += (size_t)(groups[connections[number].group].depth - connections[number].free_count);
            if (in_flight == 0) break;
        }
        now = nanoseconds();
        uint64_t pause = next > now ? next - now : 0;
        if (pause > 5 * MILLISECOND) pause = 5 * MILLISECOND;
        struct timespec timeout = {.tv_nsec = (long)pause};
        int count = epoll_pwait2(poller, events, 512, &timeout, NULL);
        if (count < 0 && errno != EINTR) fail(71, "offer: epoll_pwait2: %s", strerror(errno));
        now = nanoseconds();
        for (int place = 0; place < count; place++) {
            int number = (int)events[place].data.u32;
            if (events[place].events & EPOLLOUT) flush_output(number);
            if (events[place].events & ~(uint32_t)EPOLLOUT) receive(number, now);
        }
        flush_dirty();
    }
}

static void print_report(double used) {
    printf("{\"elapsed_s\":%.3f,\"processor_s\":%.3f,\"reconnects\":%llu,", (double)(nanoseconds() - start) / 1e9, used,
           (unsigned long long)reconnects);
    print_times("own_lag_us", &own_lag);
    printf(",\"groups\":[");
    for (int number = 0; number < plan.groups_count; number++) {
        struct group *group = &groups[number];
        printf("%s{\"name\":\"%s\",\"due\":%llu,\"sent\":%llu,\"ok\":%llu,\"lost\":%llu,\"refused\":{",
               number ? "," : "", group->name, (unsigned long long)group->due, (unsigned long long)group->sent,
               (unsigned long long)group->ok, (unsigned long long)group->lost);
        bool first = true;
        for (int code = 0; code < codes_count; code++)
            if (codes[code].count[number]) {
                printf("%s\"%s\":%llu", first ? "" : ",", codes[code].name,
                       (unsigned long long)codes[code].count[number]);
                first = false;
            }
        printf("},");
        print_times("latency_us", &group->latency);
        printf(",");
        print_times("service_us", &group->service);
        printf("}");
    }
    printf("],\"bin_ms\":%.3f,\"bins\":[", (double)plan.bin / 1e6);
    for (size_t number = 0; number < bins_count; number++)
        printf("%s[%llu,%llu,%llu,%.1f,%.1f]", number ? "," : "", (unsigned long long)bins[number].due,
               (unsigned long long)bins[number].ok, (unsigned long long)bins[number].refused,
               percentile_microseconds(&bins[number].latency, 50), percentile_microseconds(&bins[number].latency, 99));
    printf("]}\n");
}

static void *must(void *memory) {
    if (!memory) fail(71, "offer: out of memory");
    return memory;
}

static void open_all(void) {
    connections = must(calloc((size_t)plan.connections_count, sizeof *connections));
    dirty = must(calloc((size_t)plan.connections_count, sizeof *dirty));
    for (int number = 0, group = 0; number < plan.connections_count; number++) {
        while (number >= groups[group].first + groups[group].connections) group++;
        struct connection *connection = &connections[number];
        size_t depth = (size_t)groups[group].depth;
        connection->group = group;
        connection->slots = must(calloc(depth, sizeof(struct slot)));
        connection->free = must(calloc(depth, sizeof(int)));
        connection->order = must(calloc(depth, sizeof(int)));
        connection->out = must(malloc(depth * FRAME_BYTES_MAX));
        connection->rest = must(malloc(REST_BYTES));
        open_connection(number);
        // So that no listener's backlog overflows.
        if (number % 100 == 99) usleep(10000);
    }
    usleep(200000);
}

int main(int count, char **arguments) {
    raise_descriptor_limit();
    read_plan(count, arguments);
    poller = epoll_create1(EPOLL_CLOEXEC);
    open_all();
    uint64_t length = plan.phases[plan.phases_count - 1].end;
    bins_count = (size_t)((length + plan.drain) / plan.bin) + 1;
    bins = must(calloc(bins_count, sizeof *bins));
    start = nanoseconds() + 10 * MILLISECOND;
    end = start + length;
    // Groups of one rate do not send in step.
    for (int group = 0; group < plan.groups_count; group++)
        groups[group].next_due =
            start + (uint64_t)(1e9 / groups[group].rate * (double)(random_number(&randomness) % 1000) / 1000.0);
    double before = processor_seconds();
    run();
    print_report(processor_seconds() - before);
    return 0;
}

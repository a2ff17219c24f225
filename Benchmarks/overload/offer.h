// What an offer is asked for and what it counts: the plan of offer.c, its groups and connections.
#ifndef OFFER_H
#define OFFER_H

#include "load.h"

#define GROUPS_MAX 32
#define CODES_MAX 16
#define REST_BYTES 16384
#define FRAME_BYTES_MAX 128

struct slot {
    uint64_t due, sent;
};

struct group {
    char name[32];
    uint64_t tenant;
    int connections, depth;
    double rate;
    uint64_t next_due;
    int first, turn;
    // Due times that wait for a free slot: a ring.
    uint64_t *waiting;
    size_t waiting_head, waiting_count, waiting_max;
    uint64_t due, sent, ok, lost;
    struct histogram latency, service;
};

struct connection {
    int descriptor, group;
    bool dirty, wants_write;
    struct slot *slots;
    int *free, free_count;
    // In HTTP answers come in the order of requests: the slots in that order.
    int *order, order_head, order_count;
    uint8_t *out;
    size_t out_start, out_end, rest_count;
    uint8_t *rest;
};

struct bin {
    uint64_t due, ok, refused;
    struct histogram latency;
};

static struct {
    int port, groups_count, connections_count, phases_count, keys;
    bool http;
    uint64_t bin, skip, drain;
    struct {
        uint64_t end;
        double factor;
    } phases[16];
} plan = {.keys = 1000, .bin = 10 * MILLISECOND, .drain = 1000 * MILLISECOND};

static struct group groups[GROUPS_MAX];
static struct connection *connections;
static struct bin *bins;
static size_t bins_count;
static struct {
    char name[40];
    uint64_t count[GROUPS_MAX];
} codes[CODES_MAX];
static int codes_count;
static struct histogram own_lag;
static uint64_t start, end, reconnects, randomness = 1;
static int poller;
static int *dirty, dirty_count;

static void add_group(char *text) {
    if (plan.groups_count == GROUPS_MAX) fail(64, "offer: at most %d groups", GROUPS_MAX);
    struct group *group = &groups[plan.groups_count];
    unsigned long long tenant;
    if (sscanf(text, "%31[^:]:%llu:%d:%d:%lf", group->name, &tenant, &group->connections, &group->depth,
               &group->rate) != 5 ||
        group->connections < 1 || group->connections > 16000 || group->depth < 1 || group->depth > 4096 ||
        group->rate <= 0)
        fail(64, "offer: --group is NAME:TENANT:CONNECTIONS:DEPTH:RATE, not %s", text);
    group->tenant = tenant;
    group->first = plan.connections_count;
    plan.connections_count += group->connections;
    plan.groups_count++;
}

static void add_phases(char *text) {
    uint64_t until = 0;
    for (char *part = strtok(text, ","); part; part = strtok(NULL, ",")) {
        double milliseconds, factor;
        if (plan.phases_count == 16 || sscanf(part, "%lf:%lf", &milliseconds, &factor) != 2 || milliseconds <= 0 ||
            factor <= 0)
            fail(64, "offer: --phases is MILLISECONDS:FACTOR,... of at most 16, not %s", part);
        until += (uint64_t)(milliseconds * 1e6);
        plan.phases[plan.phases_count].end = until;
        plan.phases[plan.phases_count++].factor = factor;
    }
}

static void read_plan(int count, char **arguments) {
    plan.port = count > 1 ? atoi(arguments[1]) : 0;
    for (int place = 2; place < count; place++) {
        const char *name = arguments[place];
        if (strcmp(name, "--http") == 0) {
            plan.http = true;
            continue;
        }
        if (++place == count) fail(64, "offer: %s needs a value", name);
        char *value = arguments[place];
        if (strcmp(name, "--group") == 0)
            add_group(value);
        else if (strcmp(name, "--phases") == 0)
            add_phases(value);
        else if (strcmp(name, "--keys") == 0)
            plan.keys = atoi(value);
        else if (strcmp(name, "--bin-ms") == 0)
            plan.bin = (uint64_t)(atof(value) * 1e6);
        else if (strcmp(name, "--skip-ms") == 0)
            plan.skip = (uint64_t)(atof(value) * 1e6);
        else if (strcmp(name, "--drain-ms") == 0)
            plan.drain = (uint64_t)(atof(value) * 1e6);
        else
            fail(64, "offer: there is no %s", name);
    }
    if (plan.port <= 0 || plan.port > 65535 || !plan.groups_count || !plan.phases_count || plan.keys < 1 ||
        plan.bin < MILLISECOND)
        fail(64, "usage: offer PORT --phases MS:FACTOR,... --group NAME:TENANT:CONNECTIONS:DEPTH:RATE ...\n"
                 "             [--http] [--keys N] [--bin-ms MS] [--skip-ms MS] [--drain-ms MS]");
}

#endif

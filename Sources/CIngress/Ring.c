#include "CIngress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int32_t open_queue(ingress_ring *ring, uint32_t entries, uint32_t completions, uint32_t features) {
    struct io_uring_params params = {.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP, .cq_entries = completions};
    if (features & INGRESS_SINGLE_ISSUER) params.flags |= IORING_SETUP_SINGLE_ISSUER;
    if (features & INGRESS_DEFER_TASKRUN) params.flags |= IORING_SETUP_DEFER_TASKRUN;
    else if (features & INGRESS_COOP_TASKRUN) params.flags |= IORING_SETUP_COOP_TASKRUN;
    int32_t result = io_uring_queue_init_params(entries, &ring->ring, &params);
    if (result < 0) return result;
    /* Waiting with a timeout in one call, and completions that are never dropped: kernels since 5.11. */
    if (!(params.features & IORING_FEAT_EXT_ARG) || !(params.features & IORING_FEAT_NODROP)) {
        io_uring_queue_exit(&ring->ring);
        return -ENOSYS;
    }
    return 0;
}

/* Multishot receive has no opcode of its own to probe: it came with kernel 6.0, as did IORING_OP_SEND_ZC. */
static void clear_unprobed(ingress_ring *ring) {
    struct io_uring_probe *probe = io_uring_get_probe_ring(&ring->ring);
    if (probe == NULL) {
        ring->features &= ~(uint32_t)(INGRESS_MULTISHOT_ACCEPT | INGRESS_MULTISHOT_RECEIVE);
        return;
    }
    if (!io_uring_opcode_supported(probe, IORING_OP_SEND_ZC)) ring->features &= ~(uint32_t)INGRESS_MULTISHOT_RECEIVE;
    /* Multishot accept came with 5.19, as did IORING_OP_SOCKET. */
    if (!io_uring_opcode_supported(probe, IORING_OP_SOCKET)) ring->features &= ~(uint32_t)INGRESS_MULTISHOT_ACCEPT;
    io_uring_free_probe(probe);
}

static int32_t open_buffers(ingress_ring *ring, uint32_t count, uint32_t bytes) {
    size_t ring_bytes = count * sizeof(struct io_uring_buf);
    ring->buffers = ingress_map(ring_bytes);
    if (ring->buffers == NULL) return -ENOMEM;
    ring->memory = ingress_map((uint64_t)count * bytes);
    if (ring->memory == NULL) return -ENOMEM;
    ring->buffer_count = count;
    ring->buffer_bytes = bytes;
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)ring->buffers, .ring_entries = count, .bgid = 0};
    int32_t result = io_uring_register_buf_ring(&ring->ring, &registration, 0);
    if (result < 0) return result;
    io_uring_buf_ring_init(ring->buffers);
    for (uint32_t index = 0; index < count; index++) {
        io_uring_buf_ring_add(ring->buffers, ingress_ring_buffer(ring, index), bytes, (uint16_t)index,
                              io_uring_buf_ring_mask(count), (int)index);
    }
    io_uring_buf_ring_advance(ring->buffers, (int)count);
    return 0;
}

int32_t ingress_ring_open(ingress_ring *ring, uint32_t entries, uint32_t completions, uint32_t buffer_count,
                          uint32_t buffer_bytes, uint32_t wanted, const char **step) {
    memset(ring, 0, sizeof *ring);
    *step = "io_uring_setup";
    /* From newest to oldest: each refusal costs one feature, not all of them. */
    const uint32_t ladder[] = {INGRESS_DEFER_TASKRUN, INGRESS_SINGLE_ISSUER, INGRESS_COOP_TASKRUN};
    uint32_t features = wanted;
    if (!(features & INGRESS_SINGLE_ISSUER)) features &= ~(uint32_t)INGRESS_DEFER_TASKRUN;
    int32_t result = open_queue(ring, entries, completions, features);
    for (size_t rung = 0; result == -EINVAL && rung < sizeof ladder / sizeof ladder[0]; rung++) {
        features &= ~ladder[rung];
        result = open_queue(ring, entries, completions, features);
    }
    if (result < 0) return result;
    ring->features = features;
    clear_unprobed(ring);
    *step = "io_uring_register_buf_ring";
    result = open_buffers(ring, buffer_count, buffer_bytes);
    if (result < 0) {
        ingress_ring_close(ring);
        return result;
    }
    if ((ring->features & INGRESS_REGISTERED_RING) && io_uring_register_ring_fd(&ring->ring) != 1)
        ring->features &= ~(uint32_t)INGRESS_REGISTERED_RING;
    return 0;
}

void ingress_ring_close(ingress_ring *ring) {
    io_uring_queue_exit(&ring->ring);
    if (ring->buffers != NULL) ingress_unmap(ring->buffers, ring->buffer_count * sizeof(struct io_uring_buf));
    if (ring->memory != NULL) ingress_unmap(ring->memory, (uint64_t)ring->buffer_count * ring->buffer_bytes);
    memset(ring, 0, sizeof *ring);
}

int32_t ingress_ring_wait(ingress_ring *ring, int64_t timeout_ns) {
    int32_t result;
    if (timeout_ns == 0) {
        /* With DEFER_TASKRUN a bare submit posts nothing: completions need a call that asks for events. */
        result = io_uring_submit_and_get_events(&ring->ring);
    } else if (timeout_ns < 0) {
        result = io_uring_submit_and_wait(&ring->ring, 1);
    } else {
        struct __kernel_timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
        struct io_uring_cqe *first;
        result = io_uring_submit_and_wait_timeout(&ring->ring, &first, 1, &timeout, NULL);
    }
    if (result == -ETIME || result == -EINTR) return 0;
    return result < 0 ? result : 0;
}

uint32_t ingress_ring_reap(ingress_ring *ring, ingress_completion *out, uint32_t capacity) {
    uint32_t count = 0;
    uint32_t head;
    struct io_uring_cqe *cqe;
    io_uring_for_each_cqe(&ring->ring, head, cqe) {
        if (count == capacity) break;
        out[count++] = (ingress_completion){.token = cqe->user_data, .result = cqe->res, .flags = cqe->flags};
    }
    io_uring_cq_advance(&ring->ring, count);
    return count;
}

uint32_t ingress_ring_overflow(const ingress_ring *ring) { return *ring->ring.cq.koverflow; }

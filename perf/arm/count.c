/*
 * A plugin of QEMU's user mode that counts instructions, by block and by call path, and system calls, of each thread: the same counter
 * for every architecture that QEMU executes.
 *   cc -O2 -shared -fPIC -Wall -Wextra -Werror -pthread -o count.so count.c
 *   qemu-aarch64 -plugin ./count.so,fifo=PATH PROGRAM
 *
 * Commands come by the FIFO, a line each: `zero` forgets what was counted; `dump FILE` writes it and renames FILE.tmp to FILE. Both count
 * as done when FILE, or `PATH.zeroed`, is there. A dump has, for the thread that executed the most instructions since:
 *   block ADDRESS INSTRUCTIONS         instructions executed in a translated block
 *   path NODE PARENT ADDRESS INSTRUCTIONS   node of the call tree, entered by a call to ADDRESS, without its callees
 *   syscall NUMBER CALLS
 *
 * Calls and returns are told apart by the last instruction of a block; a return goes back to the frame that waits for its address, so
 * that a tail call or an unwinding does not confuse it. Counters are written by their own thread only.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is used of the plugin API, version 1, which Debian's packages have no header of. */
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef struct {
    const char *target_name;
} qemu_info_t;
enum { NO_REGISTERS = 0 };
#define EXPORT __attribute__((visibility("default")))
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_vcpu_syscall_cb(
    qemu_plugin_id_t,
    void (*)(qemu_plugin_id_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t));
EXPORT int qemu_plugin_version = 1;

enum { THREADS = 32, DEPTH = 1024, SYSCALLS = 512, NODES = 1 << 16 };

struct block {
    uint64_t address, after;
    uint32_t instructions;
    enum { ONWARD, CALL, RETURN } ending;
    struct block *next;
    uint64_t runs[THREADS];
};

struct node {
    uint64_t address, instructions;
    uint32_t parent, firstChild, sibling;
};

struct thread {
    uint64_t instructions, epoch;
    uint64_t syscalls[SYSCALLS];
    struct node *nodes;
    uint32_t nodesCount, node, depth;
    const struct block *last;
    struct { uint64_t back; uint32_t node; } frames[DEPTH];
};

static struct thread threads[THREADS];
static struct block *blocks;
static pthread_mutex_t blocksLock = PTHREAD_MUTEX_INITIALIZER;
static bool isAArch64;
static char fifo[512];
/* Counted up by `zero`; each thread then forgets by itself, which no other could do to it. */
static volatile uint64_t epoch = 1;

static int ending(const struct qemu_plugin_insn *instruction) {
    const uint8_t *bytes = qemu_plugin_insn_data(instruction);
    size_t size = qemu_plugin_insn_size(instruction);
    if (isAArch64) {
        uint32_t word;
        memcpy(&word, bytes, 4);
        if ((word & 0xfc000000) == 0x94000000 || (word & 0xfffffc1f) == 0xd63f0000) return CALL; /* bl, blr */
        return (word & 0xfffffc1f) == 0xd65f0000 || (word & 0xfffffbff) == 0xd65f0bff ? RETURN : ONWARD; /* ret, retaa, retab */
    }
    size_t at = 0;
    while (at + 1 < size && (bytes[at] == 0x66 || bytes[at] == 0x3e || bytes[at] == 0xf2 || bytes[at] == 0xf3 || (bytes[at] & 0xf0) == 0x40))
        at++;
    if (bytes[at] == 0xe8 || (bytes[at] == 0xff && at + 1 < size && ((bytes[at + 1] >> 3) & 7) == 2)) return CALL;
    return bytes[at] == 0xc3 || bytes[at] == 0xc2 ? RETURN : ONWARD;
}

static uint32_t child(struct thread *thread, uint64_t address) {
    for (uint32_t node = thread->nodes[thread->node].firstChild; node != 0; node = thread->nodes[node].sibling)
        if (thread->nodes[node].address == address) return node;
    if (thread->nodesCount == NODES) return thread->node;
    uint32_t node = thread->nodesCount++;
    thread->nodes[node] = (struct node){.address = address, .parent = thread->node, .sibling = thread->nodes[thread->node].firstChild};
    thread->nodes[thread->node].firstChild = node;
    return node;
}

/* Follows what the last block did: into a callee, or back to who waits for this address. */
static void follow(struct thread *thread, const struct block *block) {
    const struct block *last = thread->last;
    if (last == NULL) return;
    if (last->ending == CALL && block->address != last->after && thread->depth < DEPTH) {
        thread->frames[thread->depth].back = last->after;
        thread->frames[thread->depth++].node = thread->node;
        thread->node = child(thread, block->address);
    } else if (last->ending == RETURN) {
        for (uint32_t depth = thread->depth; depth > 0; depth--)
            if (thread->frames[depth - 1].back == block->address) {
                thread->depth = depth - 1;
                thread->node = thread->frames[depth - 1].node;
                break;
            }
    }
}

static void forget(struct thread *thread, unsigned number) {
    if (thread->nodes == NULL) {
        thread->nodes = calloc(NODES, sizeof *thread->nodes);
        if (thread->nodes == NULL) abort();
        thread->nodesCount = 1;
    }
    pthread_mutex_lock(&blocksLock);
    for (struct block *block = blocks; block != NULL; block = block->next) block->runs[number] = 0;
    pthread_mutex_unlock(&blocksLock);
    for (uint32_t node = 0; node < thread->nodesCount; node++) thread->nodes[node].instructions = 0;
    memset(thread->syscalls, 0, sizeof thread->syscalls);
    thread->instructions = 0;
    thread->epoch = epoch;
}

static void executed(unsigned number, void *data) {
    struct block *block = data;
    if (number >= THREADS) return;
    struct thread *thread = &threads[number];
    if (thread->epoch != epoch) forget(thread, number);
    follow(thread, block);
    thread->last = block;
    block->runs[number]++;
    thread->instructions += block->instructions;
    thread->nodes[thread->node].instructions += block->instructions;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    struct block *block = calloc(1, sizeof *block);
    if (block == NULL) abort();
    size_t count = qemu_plugin_tb_n_insns(tb);
    const struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(tb, count - 1);
    block->address = qemu_plugin_tb_vaddr(tb);
    block->instructions = (uint32_t)count;
    block->after = qemu_plugin_insn_vaddr(last) + qemu_plugin_insn_size(last);
    block->ending = ending(last);
    pthread_mutex_lock(&blocksLock);
    block->next = blocks;
    blocks = block;
    pthread_mutex_unlock(&blocksLock);
    qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, NO_REGISTERS, block);
}

static void called(
    qemu_plugin_id_t id, unsigned number, int64_t syscall, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f,
    uint64_t g, uint64_t h) {
    (void)id, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
    if (number < THREADS && syscall >= 0 && syscall < SYSCALLS) threads[number].syscalls[syscall]++;
}

static void dump(const char *path) {
    char temporary[600];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    FILE *file = fopen(temporary, "w");
    if (file == NULL) return;
    unsigned most = THREADS;
    for (unsigned number = 0; number < THREADS; number++)
        if (threads[number].epoch == epoch && (most == THREADS || threads[number].instructions > threads[most].instructions)) most = number;
    if (most == THREADS) { /* Nothing was executed. */
        if (fclose(file) == 0) rename(temporary, path);
        return;
    }
    const struct thread *thread = &threads[most];
    pthread_mutex_lock(&blocksLock);
    for (const struct block *block = blocks; block != NULL; block = block->next)
        if (block->runs[most] != 0)
            fprintf(file, "block %lx %lu\n", (unsigned long)block->address, (unsigned long)(block->runs[most] * block->instructions));
    pthread_mutex_unlock(&blocksLock);
    for (uint32_t node = 0; node < thread->nodesCount; node++)
        fprintf(file, "path %u %u %lx %lu\n", node, thread->nodes[node].parent, (unsigned long)thread->nodes[node].address,
            (unsigned long)thread->nodes[node].instructions);
    for (unsigned number = 0; number < SYSCALLS; number++)
        if (thread->syscalls[number] != 0) fprintf(file, "syscall %u %lu\n", number, (unsigned long)thread->syscalls[number]);
    if (fclose(file) == 0) rename(temporary, path);
}

static void *commanded(void *unused) {
    (void)unused;
    char line[512];
    for (;;) {
        FILE *input = fopen(fifo, "r");
        if (input == NULL) return NULL;
        while (fgets(line, sizeof line, input) != NULL) {
            line[strcspn(line, "\n")] = 0;
            if (strcmp(line, "zero") == 0) {
                epoch++;
                char done[600];
                snprintf(done, sizeof done, "%s.zeroed", fifo);
                close(open(done, O_CREAT | O_WRONLY, 0600));
            } else if (strncmp(line, "dump ", 5) == 0) {
                dump(line + 5);
            }
        }
        fclose(input);
    }
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int count, char **arguments) {
    isAArch64 = strcmp(info->target_name, "aarch64") == 0;
    if (!isAArch64 && strcmp(info->target_name, "x86_64") != 0) return -1;
    for (int index = 0; index < count; index++)
        if (strncmp(arguments[index], "fifo=", 5) == 0) snprintf(fifo, sizeof fifo, "%s", arguments[index] + 5);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    /* The guest's signals are not for this thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, commanded, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

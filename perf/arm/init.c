/*
 * The first process of the guest: mounts what a Linux program expects, brings the loopback interface up, runs what it is told, and
 * powers off. Static, for the guest has nothing yet.
 *   aarch64-linux-gnu-gcc -O2 -static -o init init.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void mounted(const char *type, const char *path, const char *options) {
    mkdir(path, 0755);
    if (mount(type, path, type, 0, options) != 0 && errno != EBUSY)
        printf("guest: mount %s on %s: %s\n", type, path, strerror(errno));
}

static void written(const char *path, const char *text) {
    int file = open(path, O_WRONLY);
    if (file < 0 || write(file, text, strlen(text)) < 0) printf("guest: %s: %s\n", path, strerror(errno));
    if (file >= 0) close(file);
}

static void loopback_up(void) {
    int socket_ = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq request = {.ifr_name = "lo"};
    if (socket_ < 0 || ioctl(socket_, SIOCGIFFLAGS, &request) != 0) {
        printf("guest: no loopback interface: %s\n", strerror(errno));
        return;
    }
    request.ifr_flags |= IFF_UP | IFF_RUNNING;
    if (ioctl(socket_, SIOCSIFFLAGS, &request) != 0) printf("guest: lo stays down: %s\n", strerror(errno));
    close(socket_);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    mounted("proc", "/proc", NULL);
    mounted("sysfs", "/sys", NULL);
    mounted("devtmpfs", "/dev", NULL);
    mounted("cgroup2", "/sys/fs/cgroup", NULL);
    /* The baseline's gateway runs in a group with a limit of memory. */
    written("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
    loopback_up();
    struct rlimit files = {.rlim_cur = 65536, .rlim_max = 65536};
    setrlimit(RLIMIT_NOFILE, &files);

    pid_t child = fork();
    if (child == 0) {
        char *arguments[] = {"/usr/bin/python3", "-B", "/guest/inside.py", NULL};
        char *environment[] = {"PATH=/usr/bin:/bin", "HOME=/tmp", "LC_ALL=C.UTF-8", "LD_LIBRARY_PATH=/guest/lib", NULL};
        execve(arguments[0], arguments, environment);
        printf("guest: %s: %s\n", arguments[0], strerror(errno));
        _exit(127);
    }
    int status = 0;
    while (waitpid(-1, &status, 0) != child) {
        /* Orphans end here. */
    }
    printf("guest: ended with status %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    sync();
    reboot(RB_POWER_OFF);
    return 1;
}

#include "CIngress.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int32_t checked(int result) { return result < 0 ? -errno : result; }

static socklen_t to_kernel(const ingress_address *address, struct sockaddr_storage *out) {
    memset(out, 0, sizeof *out);
    if (address->family == 6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(address->port);
        in6->sin6_scope_id = address->scope;
        memcpy(&in6->sin6_addr, address->bytes, 16);
        return sizeof *in6;
    }
    struct sockaddr_in *in4 = (struct sockaddr_in *)out;
    in4->sin_family = AF_INET;
    in4->sin_port = htons(address->port);
    memcpy(&in4->sin_addr, address->bytes, 4);
    return sizeof *in4;
}

static int32_t from_kernel(const struct sockaddr_storage *in, ingress_address *out) {
    memset(out, 0, sizeof *out);
    if (in->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)in;
        out->family = 6;
        out->port = ntohs(in6->sin6_port);
        out->scope = in6->sin6_scope_id;
        memcpy(out->bytes, &in6->sin6_addr, 16);
        return 0;
    }
    if (in->ss_family == AF_INET) {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *)in;
        out->family = 4;
        out->port = ntohs(in4->sin_port);
        memcpy(out->bytes, &in4->sin_addr, 4);
        return 0;
    }
    return -EAFNOSUPPORT;
}

int32_t ingress_address_parse(const char *host, uint16_t port, ingress_address *out) {
    memset(out, 0, sizeof *out);
    out->port = port;
    if (inet_pton(AF_INET, host, out->bytes) == 1) {
        out->family = 4;
        return 0;
    }
    char copy[64 + IF_NAMESIZE];
    size_t length = strnlen(host, sizeof copy);
    if (length >= sizeof copy) return -EINVAL;
    memcpy(copy, host, length + 1);
    char *scope = strchr(copy, '%');
    if (scope != NULL) {
        *scope++ = 0;
        out->scope = if_nametoindex(scope);
        if (out->scope == 0) return -ENODEV;
    }
    if (inet_pton(AF_INET6, copy, out->bytes) == 1) {
        out->family = 6;
        return 0;
    }
    return -EINVAL;
}

int32_t ingress_address_host(const ingress_address *address, char *out, uint32_t capacity) {
    int family = address->family == 6 ? AF_INET6 : AF_INET;
    if (inet_ntop(family, address->bytes, out, capacity) == NULL) return -errno;
    return (int32_t)strlen(out);
}

static int32_t set_option(int fd, int level, int name, int value) {
    return checked(setsockopt(fd, level, name, &value, sizeof value));
}

static int32_t set_keepalive(int fd, ingress_keepalive keepalive) {
    int32_t result = set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (result >= 0) result = set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive.idle_s);
    if (result >= 0) result = set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepalive.interval_s);
    if (result >= 0) result = set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, keepalive.probes);
    if (result >= 0) result = set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, keepalive.unacknowledged_ms);
    return result;
}

int32_t ingress_listen(const ingress_address *address, bool reuse_port, int32_t backlog, ingress_keepalive keepalive) {
    struct sockaddr_storage storage;
    socklen_t length = to_kernel(address, &storage);
    int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (fd < 0) return -errno;
    int32_t result = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (result >= 0 && reuse_port) result = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (result >= 0) result = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (result >= 0) result = set_keepalive(fd, keepalive);
    if (result >= 0 && address->family == 6) result = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (result >= 0) result = checked(bind(fd, (struct sockaddr *)&storage, length));
    if (result >= 0 && backlog > 0) result = checked(listen(fd, backlog));
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}

int32_t ingress_local_address(int32_t fd, ingress_address *out) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    if (getsockname(fd, (struct sockaddr *)&storage, &length) < 0) return -errno;
    return from_kernel(&storage, out);
}

int32_t ingress_peer_address(int32_t fd, ingress_address *out) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    if (getpeername(fd, (struct sockaddr *)&storage, &length) < 0) return -errno;
    return from_kernel(&storage, out);
}

int32_t ingress_set_nonblocking(int32_t fd, bool nonblocking) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return -errno;
    flags = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    return checked(fcntl(fd, F_SETFL, flags));
}

int32_t ingress_set_buffers(int32_t fd, int32_t send_bytes, int32_t receive_bytes) {
    int32_t result = 0;
    if (send_bytes > 0) result = set_option(fd, SOL_SOCKET, SO_SNDBUF, send_bytes);
    if (result >= 0 && receive_bytes > 0) result = set_option(fd, SOL_SOCKET, SO_RCVBUF, receive_bytes);
    return result;
}

int32_t ingress_poll(int32_t fd, bool for_writing, int32_t timeout_ms) {
    struct pollfd entry = {.fd = fd, .events = for_writing ? POLLOUT : POLLIN};
    int result;
    do {
        result = poll(&entry, 1, timeout_ms);
    } while (result < 0 && errno == EINTR);
    return checked(result);
}

/* A non-blocking socket that connects, or -errno; `result` is what connect came to, as -EINPROGRESS. */
static int32_t begin_connect(const ingress_address *address, const ingress_address *from, int32_t *result) {
    struct sockaddr_storage storage;
    socklen_t length = to_kernel(address, &storage);
    int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (fd < 0) return -errno;
    *result = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (*result >= 0 && from != NULL) {
        struct sockaddr_storage own;
        socklen_t own_length = to_kernel(from, &own);
        *result = checked(bind(fd, (struct sockaddr *)&own, own_length));
    }
    if (*result >= 0) *result = checked(connect(fd, (struct sockaddr *)&storage, length));
    return fd;
}

int32_t ingress_connect(const ingress_address *address, const ingress_address *from, int32_t timeout_ms) {
    int32_t result;
    int32_t fd = begin_connect(address, from, &result);
    if (fd < 0) return fd;
    if (result == -EINPROGRESS || result == -EINTR) {
        result = ingress_poll(fd, true, timeout_ms);
        if (result == 0) {
            result = -ETIMEDOUT;
        } else if (result > 0) {
            int failure = 0;
            socklen_t size = sizeof failure;
            result = checked(getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size));
            if (result >= 0) result = -failure;
        }
    }
    if (result >= 0) result = ingress_set_nonblocking(fd, false);
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}

int32_t ingress_connect_begin(const ingress_address *address, bool blocking) {
    int32_t result;
    int32_t fd = begin_connect(address, NULL, &result);
    if (fd < 0) return fd;
    if (result == -EINPROGRESS || result == -EINTR) result = 0;
    if (result >= 0 && blocking) result = ingress_set_nonblocking(fd, false);
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}

static int32_t unix_socket(const char *path, struct sockaddr_un *address) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    size_t length = strlen(path);
    if (length >= sizeof address->sun_path) return -ENAMETOOLONG;
    memcpy(address->sun_path, path, length);
    return checked(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

/// 0 where a socket may be put: nothing is there, or one that nobody listens on.
static int32_t vacant(const char *path) {
    struct stat found;
    if (lstat(path, &found) < 0) return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(found.st_mode)) return -EEXIST;
    int32_t probe = ingress_connect_unix(path, false);
    if (probe >= 0) close(probe);
    return probe == -ECONNREFUSED ? 0 : -EADDRINUSE;
}

int32_t ingress_listen_unix(const char *path, int32_t backlog, uint32_t mode, ingress_file *made) {
    struct sockaddr_un address;
    struct stat file;
    char fresh[sizeof address.sun_path];
    size_t length = strlen(path);
    if (length + 1 >= sizeof fresh) return -ENAMETOOLONG;
    memcpy(fresh, path, length);
    memcpy(fresh + length, "~", 2);
    int32_t fd = unix_socket(fresh, &address);
    if (fd < 0) return fd;
    int32_t result = vacant(path);
    if (result >= 0) result = vacant(fresh);
    if (result >= 0 && unlink(fresh) < 0 && errno != ENOENT) result = -errno;
    if (result >= 0) result = checked(bind(fd, (struct sockaddr *)&address, sizeof address));
    bool is_bound = result >= 0;
    if (result >= 0) result = checked(chmod(fresh, (mode_t)mode));
    if (result >= 0) result = checked(listen(fd, backlog));
    if (result >= 0) result = checked(lstat(fresh, &file));
    if (result >= 0) result = checked(rename(fresh, path));
    if (result < 0) {
        if (is_bound) unlink(fresh);
        close(fd);
        return result;
    }
    made->device = file.st_dev;
    made->inode = file.st_ino;
    return fd;
}

void ingress_unlink_same(const char *path, const ingress_file *made) {
    struct stat found;
    if (lstat(path, &found) == 0 && found.st_dev == made->device && found.st_ino == made->inode) unlink(path);
}

int32_t ingress_connect_unix(const char *path, bool blocking) {
    struct sockaddr_un address;
    int32_t fd = unix_socket(path, &address);
    if (fd < 0) return fd;
    int32_t result = checked(connect(fd, (struct sockaddr *)&address, sizeof address));
    if (result >= 0 && blocking) result = ingress_set_nonblocking(fd, false);
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}

int32_t ingress_accept(int32_t fd) {
    int accepted;
    do {
        accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    } while (accepted < 0 && errno == EINTR);
    return checked(accepted);
}

int32_t ingress_receive(int32_t fd, void *into, uint32_t capacity) {
    ssize_t count;
    do {
        count = recv(fd, into, capacity, 0);
    } while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : (int32_t)count;
}

int32_t ingress_send(int32_t fd, const void *from, uint32_t count) {
    ssize_t sent;
    do {
        sent = send(fd, from, count, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : (int32_t)sent;
}

int32_t ingress_shutdown_write(int32_t fd) { return checked(shutdown(fd, SHUT_WR)); }
int32_t ingress_shutdown_both(int32_t fd) { return checked(shutdown(fd, SHUT_RDWR)); }

/* Linux frees the descriptor even when close says EINTR: trying again could close somebody else's. */
int32_t ingress_close(int32_t fd) { return checked(close(fd)); }

int32_t ingress_close_reset(int32_t fd) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    return checked(close(fd));
}

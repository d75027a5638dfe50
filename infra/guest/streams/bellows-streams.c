/*
 * bellows-streams: the guest's end of the streams that the platform opens into an instance.
 *
 *   bellows-streams [--port PATH] [--docker PATH]
 *
 * One virtio-serial port (org.bellows.streams.0) carries up to 512 streams; each is connected to a UNIX socket
 * of this guest, so far only the container engine's. The protocol is in README.md beside this file.
 *
 * All descriptors are watched edge-triggered: a virtio port that nobody holds open on the host is "hung up" for
 * as long, which level-triggered would be a busy loop. What is ready is remembered in the stream, and a stream is
 * only read while it has credit and the port's queue has room, so memory is bounded: towards the sockets 128 KiB a
 * stream and WIDER_ALL for all together, OUT_BYTES towards the port.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { HELLO = 1, OPEN, DATA, CREDIT, FIN /* the protocol's EOF */, RESET, PING, PONG };

#define PORT_NAME "org.bellows.streams.0"
#define HEADER 8
#define MAX_STREAMS 512
#define WINDOW 131072u          /* credit each side starts with */
#define WIDER 917504u           /* more credit, to a stream whose socket keeps up: 1 MiB in all */
#define WIDER_ALL 8388608u      /* of that, for all streams together: it bounds what may be buffered here */
#define CREDIT_STEP 32768u      /* credit is given back in portions of at least this */
#define CREDIT_MAX 0x7fffffffu
#define DATA_BYTES 32760        /* payload of one DATA frame to the host: with its header, one write */
#define WRITE_BYTES 32768       /* what the driver takes at most: one buffer, that the kernel must find in one piece */
#define OUT_BYTES 131072        /* frames waiting for the port */
#define CHUNK 8192              /* of what waits for a socket */
#define PORT_READ 4096          /* the driver's buffers have a page: a read never joins two of the host's writes */
#define PORT_READS 32           /* reads of the port between two rounds of the sockets */
#define RETRY_MS 100

static const unsigned char HELLO_START[24] = {HELLO, 0, 0, 32, 0, 0, 0, 0, 'B', 'E', 'L', 'L', 'O', 'W', 'S', '-',
                                              'S',   'T', 'R', 'E', 'A', 'M', 'S', '1'};
#define HELLO_BYTES 40

struct chunk {
	struct chunk *next;
	unsigned from, to;
	unsigned char bytes[CHUNK];
};

struct stream {
	uint32_t id; /* 0: free */
	int fd;
	bool readable, writable;
	bool deaf;                     /* the other end is closed: what the host sends is thrown away */
	bool read_over, eof_sent;      /* the socket gave its end; the host was told */
	bool host_over, write_over;    /* the host gave its end; the socket was told */
	uint32_t credit;               /* what the host still takes */
	uint32_t window;               /* what the host may still send */
	uint32_t owed;                 /* written to the socket, not yet given back as credit */
	uint32_t wider;                /* granted beyond what it started with */
	struct chunk *first, *last;
};

static struct stream streams[MAX_STREAMS];
static int reach;               /* those from here on are free: most of the time there are few, and they come first */
static uint32_t wider_all;
static int poller = -1, port = -1;
static bool port_is_socket, port_readable, port_writable, port_gone, retry_soon;
static const char *port_path, *docker_path = "/run/docker.sock";

/* ------------------------------------------------------------------------------------------ towards the port */

static unsigned char out[OUT_BYTES];
static size_t out_head, out_tail;

/* A place for `size` bytes at the end of the queue, or NULL. */
static unsigned char *out_room(size_t size) {
	if (out_head == out_tail) out_head = out_tail = 0;
	if (sizeof out - out_tail < size && out_head > 0) {
		memmove(out, out + out_head, out_tail - out_head);
		out_tail -= out_head;
		out_head = 0;
	}
	return sizeof out - out_tail < size ? NULL : out + out_tail;
}

static size_t out_free(void) { return sizeof out - (out_tail - out_head); }

static void header(unsigned char *at, int type, uint32_t id, uint16_t length) {
	id = htonl(id);
	length = htons(length);
	at[0] = (unsigned char)type;
	at[1] = 0;
	memcpy(at + 2, &length, 2);
	memcpy(at + 4, &id, 4);
}

/* A control frame; false if there is no room now. */
static bool put(int type, uint32_t id, const void *payload, uint16_t length) {
	unsigned char *at = out_room(HEADER + (size_t)length);
	if (!at) return false;
	header(at, type, id, length);
	if (length) memcpy(at + HEADER, payload, length);
	out_tail += HEADER + (size_t)length;
	return true;
}

static void flush_port(void) {
	while (out_head < out_tail && port_writable) {
		size_t size = out_tail - out_head;
		ssize_t n = write(port, out + out_head, size > WRITE_BYTES ? WRITE_BYTES : size);
		if (n > 0) out_head += (size_t)n;
		else if (n < 0 && errno == EINTR) continue;
		else if (n < 0 && errno == ENOMEM) { retry_soon = true; return; }
		else if (n == 0 || errno == EAGAIN) port_writable = false;
		else { port_gone = true; return; }
	}
}

/* ------------------------------------------------------------------------------------------------- streams */

static struct stream *find(uint32_t id) {
	static struct stream *latest = streams;
	if (latest->id == id) return latest;
	for (int i = 0; i < reach; i++)
		if (streams[i].id == id) return latest = &streams[i];
	return NULL;
}

static struct stream *find_free(void) {
	for (int i = 0; i < MAX_STREAMS; i++)
		if (!streams[i].id) return &streams[i];
	return NULL;
}

static void drop(struct stream *s) {
	close(s->fd);
	while (s->first) {
		struct chunk *next = s->first->next;
		free(s->first);
		s->first = next;
	}
	wider_all -= s->wider;
	memset(s, 0, sizeof *s);
	while (reach > 0 && !streams[reach - 1].id) reach--;
}

static void drop_all(void) {
	for (int i = reach - 1; i >= 0; i--)
		if (streams[i].id) drop(&streams[i]);
}

static int connect_to(const char *path) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address.sun_path) return -1;
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
	close(fd);
	return -1;
}

static bool watch(int fd, void *what) {
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = what};
	return epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e) == 0;
}

/* Connects the stream; false: it is to be RESET. */
static bool open_stream(uint32_t id, const unsigned char *name, uint16_t length) {
	struct stream *s = find_free();
	if (!s || length != 6 || memcmp(name, "docker", 6) != 0) return false;
	int fd = connect_to(docker_path);
	if (fd < 0) return false;
	if (!watch(fd, s)) {
		close(fd);
		return false;
	}
	*s = (struct stream){.id = id, .fd = fd, .credit = WINDOW, .window = WINDOW, .writable = true};
	if (reach <= s - streams) reach = (int)(s - streams) + 1;
	return true;
}

/* Keeps what the socket did not take at once. The window bounds it. */
static bool keep(struct stream *s, const unsigned char *bytes, size_t size) {
	while (size) {
		if (!s->last || s->last->to == CHUNK) {
			struct chunk *c = malloc(sizeof *c);
			if (!c) return false;
			c->next = NULL;
			c->from = c->to = 0;
			if (s->last) s->last->next = c;
			else s->first = c;
			s->last = c;
		}
		size_t n = CHUNK - s->last->to;
		if (n > size) n = size;
		memcpy(s->last->bytes + s->last->to, bytes, n);
		s->last->to += (unsigned)n;
		bytes += n;
		size -= n;
	}
	return true;
}

/* How much the socket took. One that was closed takes all: its owner may have answered early and gone, and that
   answer, still to be read, must not be lost in a RESET. */
static size_t give(struct stream *s, const unsigned char *bytes, size_t size) {
	size_t done = 0;
	while (done < size && s->writable) {
		ssize_t n = send(s->fd, bytes + done, size - done, MSG_NOSIGNAL);
		if (n >= 0) done += (size_t)n;
		else if (errno == EINTR) continue;
		else if (errno == EAGAIN) s->writable = false;
		else s->deaf = true;
		if (s->deaf) done = size;
	}
	s->owed += (uint32_t)done;
	return done;
}

/* Writes what was kept, then the host's end. */
static void drain(struct stream *s) {
	while (s->first && s->writable) {
		struct chunk *c = s->first;
		c->from += (unsigned)give(s, c->bytes + c->from, c->to - c->from);
		if (c->from < c->to) break;
		if (!(s->first = c->next)) s->last = NULL;
		free(c);
	}
	if (s->host_over && !s->write_over && !s->first) {
		shutdown(s->fd, SHUT_WR);
		s->write_over = true;
	}
}

/* Data of the host for a stream. False: the stream is to be RESET. */
static bool accept_data(struct stream *s, const unsigned char *bytes, uint16_t size) {
	if (s->host_over || size > s->window) return false;
	s->window -= size;
	size_t n = s->first ? 0 : give(s, bytes, size);
	return keep(s, bytes + n, size - n);
}

/* How much wider the stream's window becomes: as much again as its socket took, if that was all there was. */
static uint32_t widening(const struct stream *s) {
	uint32_t more = s->first ? 0 : s->owed;
	if (more > WIDER - s->wider) more = WIDER - s->wider;
	return more > WIDER_ALL - wider_all ? WIDER_ALL - wider_all : more;
}

static void give_credit(struct stream *s) {
	if (s->owed < CREDIT_STEP || s->host_over) return;
	uint32_t more = widening(s), granted = s->owed + more, portion = htonl(granted);
	if (!put(CREDIT, s->id, &portion, 4)) return;
	s->wider += more;
	wider_all += more;
	s->window += granted;
	s->owed = 0;
}

/* One frame's worth from the socket to the port. */
static void take(struct stream *s) {
	unsigned char *at = out_room(HEADER + DATA_BYTES);
	if (!at) return;
	ssize_t n = recv(s->fd, at + HEADER, s->credit < DATA_BYTES ? s->credit : DATA_BYTES, 0);
	if (n > 0) {
		header(at, DATA, s->id, (uint16_t)n);
		out_tail += HEADER + (size_t)n;
		s->credit -= (uint32_t)n;
	} else if (n < 0 && errno == EAGAIN) s->readable = false;
	else if (n == 0 || errno != EINTR) s->read_over = true;
}

static bool can_take(const struct stream *s) {
	return s->id && s->readable && !s->read_over && s->credit > 0 && out_free() >= HEADER + DATA_BYTES;
}

static void serve(struct stream *s) {
	drain(s);
	if (can_take(s)) take(s);
	if (s->read_over && !s->eof_sent) s->eof_sent = put(FIN, s->id, NULL, 0);
	give_credit(s);
	if (s->eof_sent && s->write_over) drop(s);
}

/* One round, beginning one further each time, so that no stream is always first. True: there is more to do now. */
static bool serve_all(void) {
	static unsigned turn;
	bool more = false;
	turn++;
	for (int i = 0, all = reach; i < all; i++) {
		struct stream *s = &streams[(turn + (unsigned)i) % (unsigned)all];
		if (s->id) serve(s);
	}
	flush_port();
	for (int i = 0; i < reach && !more; i++) more = can_take(&streams[i]);
	return more;
}

/* ---------------------------------------------------------------------------------------------- from the port */

static bool in_session; /* else: what comes is searched for a HELLO */
static size_t hello_seen;
static unsigned char hello[HELLO_BYTES];
static unsigned char frame[HEADER + 65535];
static size_t frame_has;

static void lose_session(void) {
	drop_all();
	in_session = false;
	hello_seen = frame_has = 0;
	out_head = out_tail = 0;
	/* for a host that believes in a session; another is waiting for its HELLO and throws this away */
	put(RESET, 0, NULL, 0);
}

static void begin_session(void) {
	lose_session();
	memcpy(out, hello, HELLO_BYTES);
	out_tail = HELLO_BYTES;
	in_session = true;
}

/* Searches for a HELLO; true when this byte completes it. Its first byte comes nowhere else in its fixed part. */
static bool search(unsigned char byte) {
	if (hello_seen < sizeof HELLO_START && byte != HELLO_START[hello_seen]) {
		hello_seen = 0;
		if (byte != HELLO_START[0]) return false;
	}
	hello[hello_seen++] = byte;
	if (hello_seen < HELLO_BYTES) return false;
	hello_seen = 0;
	return true;
}

static bool valid_header(int type, uint32_t id, uint16_t length) {
	switch (type) {
	case HELLO: return id == 0 && length == HELLO_BYTES - HEADER;
	case OPEN: return id % 2 == 1 && length > 0 && length <= 64;
	case DATA: return id != 0;
	case CREDIT: return id != 0 && length == 4;
	case FIN:
	case RESET: return id != 0 && length == 0;
	case PING:
	case PONG: return id == 0 && length == 8;
	default: return false;
	}
}

static void add_credit(struct stream *s, const unsigned char *payload) {
	uint32_t more;
	memcpy(&more, payload, 4);
	more = ntohl(more);
	s->credit = more > CREDIT_MAX - s->credit ? CREDIT_MAX : s->credit + more;
}

/* A whole frame of a session. Answers are never longer than the frame, for which the caller has made room. */
static void handle(int type, uint32_t id, const unsigned char *payload, uint16_t length) {
	struct stream *s = id ? find(id) : NULL;
	bool broken = false;
	if (type == PING) put(PONG, 0, payload, length);
	else if (type == OPEN) broken = s || !open_stream(id, payload, length);
	else if (!s) return;
	else if (type == DATA) broken = !accept_data(s, payload, length);
	else if (type == CREDIT) add_credit(s, payload);
	else if (type == FIN) s->host_over = true;
	else if (type == RESET) drop(s);
	if (!broken) return;
	if ((s = find(id))) drop(s);
	put(RESET, id, NULL, 0);
}

/* As many bytes as belong to the frame that is being read; returns how many. */
static size_t parse(const unsigned char *bytes, size_t size) {
	size_t used = 0;
	uint16_t length = 0;
	uint32_t id;
	while (used < size && frame_has < HEADER) frame[frame_has++] = bytes[used++];
	if (frame_has < HEADER) return used;
	memcpy(&length, frame + 2, 2);
	memcpy(&id, frame + 4, 4);
	length = ntohs(length);
	id = ntohl(id);
	if (frame[1] != 0 || !valid_header(frame[0], id, length)) {
		lose_session();
		/* a HELLO may begin in what was taken for a header; it is longer than that */
		for (size_t i = 0; i < HEADER; i++) search(frame[i]);
		return used;
	}
	size_t missing = HEADER + (size_t)length - frame_has;
	size_t n = missing < size - used ? missing : size - used;
	memcpy(frame + frame_has, bytes + used, n);
	frame_has += n;
	used += n;
	if (n < missing) return used;
	frame_has = 0;
	if (frame[0] != HELLO) handle(frame[0], id, frame + HEADER, length);
	else if (memcmp(frame, HELLO_START, sizeof HELLO_START) != 0) lose_session();
	else {
		memcpy(hello, frame, HELLO_BYTES);
		begin_session();
	}
	return used;
}

static void feed(const unsigned char *bytes, size_t size) {
	/* The host may have gone and come back unseen, in the middle of a frame. Its first write is a HELLO, and the
	   driver keeps the beginning of a new connection's first write at the beginning of a buffer. */
	if (in_session && frame_has && size >= HELLO_BYTES && memcmp(bytes, HELLO_START, sizeof HELLO_START) == 0)
		lose_session();
	while (size) {
		size_t n = 1;
		if (in_session) n = parse(bytes, size);
		else if (search(*bytes)) begin_session();
		bytes += n;
		size -= n;
	}
}

static void read_port(void) {
	unsigned char bytes[PORT_READ];
	/* A frame is answered by less than its own length, but for what an earlier read left of it */
	for (int i = 0; i < PORT_READS && port_readable && out_free() >= 2 * PORT_READ; i++) {
		ssize_t n = read(port, bytes, sizeof bytes);
		if (n > 0) feed(bytes, (size_t)n);
		else if (n < 0 && errno == EINTR) continue;
		else if (n < 0 && errno == EAGAIN) port_readable = false;
		else if (n == 0 && !port_is_socket) {
			/* nobody holds it open on the host; the next event tells when somebody does */
			port_readable = false;
			lose_session();
		} else {
			port_gone = true;
			return;
		}
	}
}

/* ------------------------------------------------------------------------------------------------- the port */

/* /dev/vportNpM by its name in sysfs, which needs no udev. */
static bool port_by_name(char *path, size_t size) {
	DIR *all = opendir("/sys/class/virtio-ports");
	struct dirent *entry;
	bool found = false;
	while (all && !found && (entry = readdir(all))) {
		char file[320], name[64] = "";
		snprintf(file, sizeof file, "/sys/class/virtio-ports/%s/name", entry->d_name);
		FILE *in = fopen(file, "re");
		if (!in) continue;
		if (fgets(name, sizeof name, in)) name[strcspn(name, "\n")] = 0;
		fclose(in);
		found = strcmp(name, PORT_NAME) == 0;
		if (found) snprintf(path, size, "/dev/%s", entry->d_name);
	}
	if (all) closedir(all);
	return found;
}

static bool open_port(void) {
	char found[280];
	const char *path = port_path;
	struct stat st;
	if (!path && !port_by_name(found, sizeof found)) return false;
	if (!path) path = found;
	port_is_socket = stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
	port = port_is_socket ? connect_to(path) : open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (port < 0) return false;
	port_gone = port_readable = port_writable = false;
	if (!watch(port, &port)) port_gone = true;
	lose_session(); /* a guest that was started anew says so: its port stayed connected */
	return true;
}

static void close_port(void) {
	lose_session();
	close(port);
	port = -1;
}

static void port_event(uint32_t events) {
	if (events & EPOLLHUP && !port_is_socket) lose_session();
	/* what is still to be read may be the HELLO of the next: it is read, and searched */
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) port_readable = true;
	if (events & EPOLLOUT) port_writable = true;
}

static void stream_event(struct stream *s, uint32_t events) {
	if (!s->id) return;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) s->readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) s->writable = true;
}

/* Everything there is to do with an open port, until it is gone. */
static void work(void) {
	struct epoll_event events[128];
	bool more = false;
	while (!port_gone) {
		int n = epoll_wait(poller, events, 128, more ? 0 : retry_soon ? RETRY_MS : -1);
		retry_soon = false;
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &port) port_event(events[i].events);
			else stream_event(events[i].data.ptr, events[i].events);
		}
		read_port();
		more = serve_all();
		more = more || (port_readable && out_free() >= 2 * PORT_READ);
	}
}

int main(int argc, char **argv) {
	for (int i = 1; i < argc; i += 2) {
		if (i + 1 < argc && strcmp(argv[i], "--port") == 0) port_path = argv[i + 1];
		else if (i + 1 < argc && strcmp(argv[i], "--docker") == 0) docker_path = argv[i + 1];
		else {
			fprintf(stderr, "usage: bellows-streams [--port PATH] [--docker PATH]\n");
			return 2;
		}
	}
	signal(SIGPIPE, SIG_IGN);
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (poller < 0) {
		perror("bellows-streams: epoll");
		return 1;
	}
	for (unsigned misses = 0;;) {
		if (open_port()) {
			misses = 0;
			work();
			close_port();
		} else if (misses < 100) misses++;
		/* soon while the system comes up, then rarely: a machine without the port is not to notice this process */
		usleep(misses < 100 ? RETRY_MS * 1000 : 10 * 1000 * 1000);
	}
}

/* Two bound UDP sockets, RTP and RTCP, as media_port_open() makes them; for the files of this room. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/address.h"
#include "media/media.h"

enum { MEDIA_MAX_DATAGRAM = 1500 };

struct media_port {
	int rtp, rtcp;
	struct address address; /* RTP's */
};

/* Bytes read, or -1 when nothing waits. What does not fit is cut off. */
ssize_t media_port_receive(int fd, void *buf, size_t size, struct address *ret_from);
/* Best effort: what the kernel does not take is lost, as on the network. */
void media_port_send(int fd, const struct address *to, struct slice datagram);

/* Unpredictable bytes from the kernel. */
void media_random(void *buf, size_t n);

/* One connection to the server under load, over TLS, TCP or UDP: bytes out, whole messages in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"
#include "net/net.h"
#include "sip/frame.h"
#include "sip/transport.h"
#include "tls/conn.h"
#include "tls/context.h"

enum load_wire_state { LOAD_WIRE_CLOSED, LOAD_WIRE_CONNECTING, LOAD_WIRE_HANDSHAKING, LOAD_WIRE_OPEN };

/* Zeroed, it is closed. */
struct load_wire {
	enum load_wire_state state;
	bool is_datagram; /* what is read or sent is one, and what the kernel has no room for is lost */
	int fd;
	struct net_watch *watch;
	struct tls_conn *tls;
	struct address local;
	struct sip_framer framer;
	char *in, *out; /* the beginning of a message; what the socket did not take */
	size_t n_in, n_out;
};

struct load_target {
	struct net *net;
	enum transport_protocol transport;
	struct tls_context *tls; /* NULL: without TLS */
	struct address address;
	struct slice domain; /* that the certificate has to name */
};

/* Why there is no connection, for people. */
struct slice load_wire_reason(enum err err);

/* Begins to connect; events of the watch have the owner. */
MUST_CHECK enum err load_wire_connect(struct load_wire *wire, const struct load_target *target, void *owner);
void load_wire_close(struct load_wire *wire);

/*
 * Goes on until the connection is there. OK: it is; ERR_AGAIN; any other error ends it, with the reason in why (for
 * people, not escaped).
 */
MUST_CHECK enum err load_wire_proceed(struct load_wire *wire, const struct load_target *target,
				      struct now now, struct writer *why);

/* Whether the handshake took a session up again. */
bool load_wire_is_resumed(const struct load_wire *wire);

/* Sends, or keeps what the socket does not take now until it is writable; ERR_AGAIN: a datagram that it does not take. */
MUST_CHECK enum err load_wire_send(struct load_wire *wire, struct slice bytes);
MUST_CHECK enum err load_wire_flush(struct load_wire *wire);

/*
 * Reads once into the buffer, behind what was kept from before. OK: *ret_bytes are the unread bytes; ERR_AGAIN, ERR_CLOSED,
 * ERR_DENIED (nobody has the port), ERR_IO, ERR_LIMIT (no room). *ret_more: there is more to read at once.
 */
MUST_CHECK enum err load_wire_read(struct load_wire *wire, char *buf, size_t size, struct slice *ret_bytes,
				   bool *ret_more);
/* Keeps unread bytes for the next load_wire_read(). */
MUST_CHECK enum err load_wire_keep(struct load_wire *wire, struct slice rest);

/*
 * What the files of this room share: the transport, its wires (connections), and outbound ones on their way
 * (dials).
 */
#pragma once

#include "base/list.h"
#include "base/quota.h"
#include "net/socket.h"
#include "tls/conn.h"
#include "transport/transport.h"

/* The first member of whatever is given to net/ as an owner. */
enum owner { OWNER_LISTENER, OWNER_WIRE, OWNER_DIAL };

enum { LISTENERS_MAX = 16 };

/* Sources that have no connection now are remembered for the sake of their rate, so many of them. */
enum { SOURCES_IDLE_MAX = 4096 };

struct listener {
	enum owner owner;
	struct transport *transport;
	enum transport_protocol protocol;
	int fd;
	struct net_watch *watch;
};

/* What one source (see bans.h) has of us. */
struct source {
	struct map_node node; /* by key */
	uint8_t key[SOURCE_KEY_SIZE];
	size_t n, n_handshaking; /* connections; those of them that are not open yet */
	struct quota rate;
	struct link idle; /* in transport->idle_sources, while it has none */
};

enum { ASSOCIATION_KEY_SIZE = 24 };

/* What one remote address and port exchanges with one of our UDP sockets. Belongs to the transport. */
struct association {
	struct map_node by_flow, by_peer;
	struct listener *listener;
	flow_id id;
	struct address local, peer; /* local: where the last datagram arrived */
	unsigned zone;              /* see struct socket_datagram */
	uint8_t key[ASSOCIATION_KEY_SIZE];
	struct list *heard_in; /* transport->strangers or ->proven */
	struct link order;     /* in it */
	ms_t heard;
	bool is_dialled; /* we wanted it: it is sent whatever there is */
	ms_t window;     /* the beginning of the second in which this was counted: */
	size_t received, sent;
};

enum wire_state {
	WIRE_CONNECTING,
	WIRE_HANDSHAKING,
	WIRE_UPGRADING, /* to a WebSocket */
	WIRE_OPEN,      /* known to the endpoint */
	WIRE_CLOSING,   /* only until what is queued has left */
};

/*
 * A connection: what carries a flow. Belongs to the transport. What each message touches stands first: with thousands of
 * connections every line of the cache is a way to memory.
 */
struct wire {
	enum owner owner;
	enum wire_state state;
	struct transport *transport;
	struct map_node node; /* by id */
	flow_id id;
	struct net_watch *watch;
	struct tls_conn *tls; /* NULL: clear */
	struct ws *ws;        /* NULL: no WebSocket, or not yet */
	ms_t heard;           /* when it last said something */
	ms_t stuck;           /* since when it has taken nothing of what waits; 0: it takes what it gets */
	char *out;            /* what waits to be written: from at_out to n_out */
	size_t at_out, n_out, size_out;
	struct link dirty; /* in transport->dirty: to be written at the end of this turn */
	struct link again; /* in transport->again: its input or handshake goes on at the end of … */
	unsigned turn;     /* … this one */
	int fd;
	bool outbound;
	bool known;      /* to the endpoint */
	bool is_counted; /* among the handshakes */
	bool blocked;    /* the endpoint was told so */

	ms_t opened;   /* when the endpoint came to know it */
	ms_t deadline; /* connecting or handshaking: the end of patience; then that of what proves its user */
	struct link signing; /* in transport->signing: its handshake waits for a signature */
	const char *why;     /* WIRE_CLOSING */
	char *request;       /* WIRE_UPGRADING: of WS_REQUEST_MAX bytes, n_request are there */
	size_t n_request;
	struct dial *dial; /* of an outbound one that is not open yet */
	struct source *source;
	struct address peer;
	char link[LINK_NAME_MAX + 1];          /* declared, that it runs over … */
	char interface[SOCKET_INTERFACE_SIZE]; /* … and the interface that it is held to; empty: none, any */
};

/* An ACTION_CONNECT under way. */
struct dial {
	enum owner owner;
	struct link link; /* in transport->dials */
	struct transport *transport;
	uint64_t question;
	enum transport_protocol protocol;
	struct net_lookup *lookup;
	struct address addresses[NET_ADDRESSES_MAX];
	size_t n_addresses, next;
	ms_t due;
	struct slice host, domain, pin, tlsa, as; /* in this allocation, behind the struct */
};

/* What a connection gets to be written to, which most messages fit in; and how many such buffers are kept for the next ones. */
enum { OUT_FIRST = 2048, SPARES_MAX = 16 };

/* So many connections are written to in one go, or all of this turn if these are fewer. */
enum { FLUSH_TOGETHER_MAX = 64 };

struct transport {
	struct transport_config config;
	uint64_t counter, udp_counter; /* of flow_ids: strangers use up those of UDP alone */
	struct map *wires, *sources;
	struct list idle_sources;         /* those without a connection, the longest first */
	size_t n_handshaking;             /* accepted, and not open yet */
	struct map *associations, *peers; /* the same ones by flow and by peer */
	struct list strangers, proven;    /* associations, those heard least recently first */
	struct quota newcomers;           /* new associations */
	bool is_deaf;                     /* nothing new is accepted */
	struct list dirty, signing, dials;
	struct list letters; /* for other workers, until what was said is sent */
	struct list
		again[2]; /* what goes on at the end of this turn, and of the next: of even and of odd ones */
	struct wire *heard; /* whose event or rest is being seen to; NULL once it is gone */
	struct listener listeners[LISTENERS_MAX];
	size_t n_listeners;
	unsigned turn;
	unsigned handshakes;   /* steps left in this turn */
	struct quota refusals; /* to be logged */
	unsigned unlogged;
	struct transport_counts counts;
	char *input; /* config.limits.input_per_turn bytes */
	char *spares
		[SPARES_MAX]; /* buffers of OUT_FIRST bytes for what is written next: the last lies in the cache still */
	size_t n_spares;
};

/* -- wire.c ---------------------------------------------------------------------------------------------- */

/* Takes the descriptor over in any case. On failure it is closed. ERR_LIMIT, ERR_NOMEM, ERR_IO. */
MUST_CHECK enum err wire_new(struct transport *transport, enum transport_protocol protocol, int fd,
			     struct wire **ret_wire);
/* Ends it without a word to the endpoint. */
void wire_free(struct wire *wire);
/* Goes on: the handshake of a TLS one, or it is open. The wire may be gone afterwards. */
void wire_begin(struct wire *wire, struct now now);
void wire_event(struct wire *wire, unsigned ready, struct now now);
/* Goes on with what was put off. The wire may be gone afterwards. */
void wire_again(struct wire *wire, struct now now);
/* Goes on with its handshake at once. The wire may be gone afterwards. */
void wire_shake_hands(struct wire *wire, struct now now);
/* The connection stands, and what it is to become: now the endpoint knows it. */
void wire_open(struct wire *wire, struct now now);
/* The connection stands: now for the request of the opening handshake. */
void wire_wait_for_request(struct wire *wire);
/* Tells the endpoint. why: of FLOW_LOST. */
void wire_tell(const struct wire *wire, enum flow_event event, struct slice why, struct now now);
/* Has the kernel tell what it waits for now. */
void wire_wait_for_more(struct wire *wire);
void wire_set_deadline(struct wire *wire);
/* Whether the lists of today revoke what the other end was believed by. */
bool wire_is_revoked(const struct wire *wire);

/* Why a wire ends; err is for the answer to a dial. */
struct wire_end {
	enum report_level level;
	enum err err;
	struct slice why;              /* a sentence */
	const struct verdict *verdict; /* that it was made of, or NULL */
};
/* Ends it, and tells the log and whoever knows it: the endpoint or the dial. */
void wire_lose(struct wire *wire, const struct wire_end *end, struct now now);

/* -- wire_out.c ------------------------------------------------------------------------------------------ */

/* Bytes that are queued. */
size_t wire_waiting(const struct wire *wire);
/* Whether something is encrypted that has not left. */
bool wire_holds_sealed(const struct wire *wire);
/* At the end of this turn. */
void wire_flush_later(struct wire *wire);
/* Sends a message, in this turn. The wire may be gone afterwards: it takes no more. */
void wire_send(struct wire *wire, struct slice message, struct now now);
/* Queues bytes as they are. False: the wire is gone. */
bool wire_queue(struct wire *wire, struct slice bytes, struct now now);
/* Takes and says nothing more, and ends when what is queued has left; why is static. May be gone afterwards. */
void wire_finish(struct wire *wire, const char *why, struct now now);
/* Encrypts what is queued, for wire_flush(). */
void wire_seal(struct wire *wire);
/* Writes what is queued, as far as that goes. The wire may be gone afterwards. */
void wire_flush(struct wire *wire, struct now now);

/* -- links.c --------------------------------------------------------------------------------------------- */

/* The declared link by which the address is reached over this transport, or NULL. */
const struct transport_link *link_to(const struct transport *transport, enum transport_protocol protocol,
				     const struct address *peer);
/* An accepted one: it is held to the interface of its link, if it has one. False: it came by another; why is a sentence. */
MUST_CHECK bool wire_takes_link(struct wire *wire, struct writer *why);
/* Whether the links are still declared as they were when it was made. */
bool wire_is_as_declared(const struct wire *wire);
/* Accepts NULL. */
void wire_runs_over(struct wire *wire, const struct transport_link *link);

/* -- wire_report.c --------------------------------------------------------------------------------------- */

/* tls: zeroed, with empty texts, where there is none. */
void wire_report_opened(const struct wire *wire, const struct flow_facts *facts, const struct tls_facts *tls,
			struct now now);
/* Where handshakes are refused often, only some; the next line says how many were left out. */
void wire_report_end(struct wire *wire, const struct wire_end *end, struct now now);

/* -- websocket.c; in a build without the server websocket_none.c, since a phone opens no WebSocket ----------- */

/* The connection stands: waits for the request. The wire may be gone afterwards, here and below. */
void websocket_begin(struct wire *wire, struct now now);
/* Bytes of the peer. False: it is gone, or closing. */
MUST_CHECK bool websocket_hear(struct wire *wire, struct slice bytes, struct now now);
void websocket_send(struct wire *wire, struct slice message, struct now now);
/* Queues the closing frame. False: the wire is gone. */
MUST_CHECK bool websocket_close(struct wire *wire, struct now now);
/* What the wire has of it. */
void websocket_fini(struct wire *wire);

/* -- udp.c ----------------------------------------------------------------------------------------------- */

/*
 * The flow to an address, from the first of our sockets of its family. ERR_NOT_FOUND: there is no such socket. ERR_LIMIT: no
 * room.
 */
MUST_CHECK enum err udp_dial(struct transport *transport, const struct address *peer, struct now now,
			     flow_id *ret_flow);
/* Datagrams have arrived. */
void udp_event(struct listener *listener, struct now now);

struct udp_message {
	struct slice bytes;
	uint16_t port; /* for it, instead of the one that the flow comes from; 0: that one */
};
/* Sends at once, or never. */
void udp_send(struct transport *transport, flow_id flow, const struct udp_message *message, struct now now);
/* Forgets it, and tells the endpoint. */
void udp_close(struct transport *transport, flow_id flow, const char *why, struct now now);
/* Ends those that were silent for too long. */
void udp_sweep(struct transport *transport, struct now now);
/* When that is next needed; 0: not at all. */
ms_t udp_due(const struct transport *transport);
/* Without a word to the endpoint. */
void udp_forget_all(struct transport *transport);

/* -- dial.c ---------------------------------------------------------------------------------------------- */

/* Answers the question by itself if it cannot even begin. */
void dial_start(struct transport *transport, uint64_t question, const struct connect_question *connect,
		struct now now);
void dial_free(struct dial *dial);
void dial_found(struct dial *dial, const struct net_event *event, struct now now);
/* Its wire is open: answers, and the dial is gone. */
void dial_done(struct dial *dial, flow_id flow, struct now now);
/* Its wire did not come about: tries the next address, or answers, and the dial is gone. */
void dial_failed(struct dial *dial, const struct wire_end *end, struct now now);

/* -- accept.c -------------------------------------------------------------------------------------------- */

void listener_event(struct listener *listener, struct now now);
/* The connection that was charged to it has ended. Accepts NULL. */
void source_release(struct transport *transport, struct source *source);
/* All of them, with their table. */
void sources_free(struct transport *transport);
/* An accepted connection is no longer on its way to being open (which may be said again). */
void handshake_ends(struct wire *wire);

/* -- transport.c ----------------------------------------------------------------------------------------- */

/* Whether the other end is known, so that it may be silent for longer. */
bool transport_is_proven(const struct transport *transport, flow_id flow);
/* The other end did something that only an attacker does. True: it is banned, and its flow has to go. */
bool transport_blame(struct transport *transport, const struct address *peer, enum misdeed misdeed,
		     struct now now);
/* Whether a report at this level is wanted. */
bool transport_reports(const struct transport *transport, enum report_level level);
void transport_report(struct transport *transport, const struct report *report);

/*
 * The four transaction machines (RFC 3261 §17, with RFC 6026's Accepted state and RFC 4320's rules for
 * non-INVITE).
 *
 * They send nothing and wait for nothing: each step returns what the caller has to do. The struct belongs to
 * the caller, holds no pointers and may be moved or copied. Each machine is a table that reads like the RFC's
 * figure; what a transport changes is only the timers' values, as in the RFC's table 4.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

enum tsx_machine {
	TSX_INVITE_CLIENT, /* figure 5 */
	TSX_CLIENT,        /* figure 6 */
	TSX_INVITE_SERVER, /* figure 7 */
	TSX_SERVER,        /* figure 8 */
	TSX_MACHINES,
};

enum tsx_state {
	TSX_NONE, /* only in tables: the event is ignored */
	TSX_CALLING,
	TSX_TRYING,
	TSX_PROCEEDING,
	TSX_ACCEPTED,
	TSX_COMPLETED,
	TSX_CONFIRMED,
	TSX_TERMINATED,
	TSX_STATES,
};

enum tsx_event {
	TSX_NO_EVENT,
	/* a client: a response came, or its transaction user wants to cancel */
	TSX_RECV_1XX,
	TSX_RECV_2XX,
	TSX_RECV_FAILURE, /* 300-699 */
	TSX_CANCEL,
	/* a server: the request came again, or its ACK came */
	TSX_RECV_REQUEST,
	TSX_RECV_ACK,
	/* a server: a response from the transaction user */
	TSX_SEND_1XX,
	TSX_SEND_2XX,
	TSX_SEND_FAILURE,
	/* either: the transport cannot send */
	TSX_FLOW_LOST,
	/*
	 * Timers, in the RFC's letters; without one are the wait for the transaction user before a 100
	 * (§17.2.1, RFC 4320 §4.1), the end of a request that nobody answers (RFC 4320 §4.2) and that of a
	 * cancelled one (§9.1).
	 */
	TSX_TIMER_100,
	TSX_TIMER_EXPIRY,
	TSX_TIMER_CANCEL,
	TSX_TIMER_A,
	TSX_TIMER_B,
	TSX_TIMER_D,
	TSX_TIMER_E,
	TSX_TIMER_F,
	TSX_TIMER_G,
	TSX_TIMER_H,
	TSX_TIMER_I,
	TSX_TIMER_J,
	TSX_TIMER_K,
	TSX_TIMER_L,
	TSX_TIMER_M,
	TSX_EVENTS,
};

/* What the caller has to do, in this order. */
enum tsx_action {
	TSX_RESEND = 1 << 0,       /* a client: the request; a server: the last response, if there was one */
	TSX_SEND = 1 << 1,         /* the response that the transaction user passed */
	TSX_SEND_100 = 1 << 2,     /* a 100 (Trying) of the caller's making; it becomes the last response */
	TSX_SEND_ACK = 1 << 3,     /* the ACK to this final response (§17.1.1.3) */
	TSX_SEND_CANCEL = 1 << 4,  /* the CANCEL, in a transaction of its own (§9.1) */
	TSX_PASS_UP = 1 << 5,      /* the response, or the ACK to a 2xx, to the transaction user */
	TSX_TELL_TIMEOUT = 1 << 6, /* tell the transaction user that nothing came */
	TSX_TELL_LOST = 1 << 7,    /* tell the transaction user that the transport failed */
};

enum { T1 = 500, T2 = 4000, T4 = 5000 }; /* ms, RFC 3261 table 4 */

/* Small, since many a transaction only waits for its end. */
struct tsx {
	enum tsx_machine machine : 8;
	enum tsx_state state : 8;
	bool reliable; /* the transport */
	uint8_t timers
		[2]; /* those that run, enum tsx_event; never more: one that repeats and one that ends a state */
	uint16_t interval; /* of the running retransmission timer: at most 64*T1 */
	ms_t due[2];       /* of these timers */
};

/*
 * Enters the first state. A client: right after the request was handed to the transport. A server: before the
 * request is handed to the transaction user.
 */
void tsx_init(struct tsx *tsx, enum tsx_machine machine, bool reliable, ms_t now);

/*
 * Feeds one event; returns the enum tsx_action bits to perform, 0 for none (most often: ignored). In
 * TSX_TERMINATED the caller forgets the transaction. Cannot fail.
 */
unsigned tsx_step(struct tsx *tsx, enum tsx_event event, ms_t now);

/* When the first of the running timers is due; 0: none runs. */
ms_t tsx_due(const struct tsx *tsx);
/* The timer to feed to tsx_step() now, the earliest first; TSX_NO_EVENT if none is due. */
enum tsx_event tsx_timer_due(const struct tsx *tsx, ms_t now);

/* The event that a response of this status is to a client (RECV) or a server (SEND). */
enum tsx_event tsx_recv_event(unsigned status);
enum tsx_event tsx_send_event(unsigned status);

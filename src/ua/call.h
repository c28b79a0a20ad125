/*
 * A call: the dialog of an INVITE with the media that was agreed on (RFC 3261 §13-15). This file is its life;
 * ua/caller.c begins one, ua/callee.c is asked for one, ua/change.c changes one that stands.
 */
#pragma once

#include <stdbool.h>

#include "dlg/dialog.h"
#include "ua/credentials.h"
#include "ua/description.h"
#include "ua/exchange.h"
#include "ua/protect.h"
#include "ua/refer.h"
#include "ua/session_timer.h"
#include "ua/state.h"
#include "ua/transfer.h"

enum call_state {
	CALL_CALLING,  /* our INVITE is out */
	CALL_RINGING,  /* theirs is here and waits for ua_answer() */
	CALL_ANSWERED, /* we sent 2xx, the ACK is to come */
	CALL_UP,
	CALL_LEAVING, /* we cancelled our INVITE and wait for its final response */
	CALL_ENDED,   /* told; kept as long as transactions point to it or a BYE is owed */
};

/* A response that is sent again until the other side has it: 2xx until ACK, a reliable 1xx until PRACK. */
struct repeat {
	struct timer timer;
	ms_t interval, until;
	unsigned status;
	size_t headers_len, body_len;
	char *text; /* headers, then body; NULL: nothing is repeated */
};

struct call {
	struct link link;
	struct ua *ua;
	uint64_t id;
	unsigned refs; /* exchanges and server transactions that point here */
	enum call_state state;
	bool incoming, secure;
	char *peer_text;
	struct slice peer; /* their URI */
	ms_t since;

	/* the INVITE that began it, if it is ours; for the dialog that comes of it */
	struct ua_token call_id, tag; /* tag: ours in either role */
	uint32_t cseq;
	bool rang; /* 180 has been told */

	struct list forks;  /* early dialogs of our INVITE: ua/fork.h */
	struct dlg *dialog; /* NULL: none yet, or early ones only */
	struct description description;

	struct exchange *invite; /* our INVITE, re-INVITE or UPDATE under way, or NULL */
	struct server *asked;    /* their INVITE that waits for our answer or its ACK, or NULL */
	struct repeat repeat;
	uint32_t rseq;         /* of our last reliable 1xx (RFC 3262) */
	bool leave_when_acked; /* hung up between our 2xx and its ACK (§15) */
	enum ua_cause leaving; /* what to tell when a cancelled call is over */
	bool bye_owed;         /* to be sent when there is a flow again */

	struct timer ring_timer;
	struct timer change_timer;
	enum sdp_direction before; /* what description.wish goes back to if our change is refused */
	bool is_refresh;           /* our change is the session timer's: nobody asked for it */
	struct session_timer session;
	struct timer session_timer;
	bool can_update; /* the other side allows UPDATE (RFC 3311) */

	struct transfer transfer; /* ours, of its peer: ua/transfer.h */
	struct referral refer;    /* theirs, of us: ua/refer.h */
	struct call
		*referrer; /* who sent us into this call and is told how it goes; referenced; NULL: nobody */
	uint64_t replaces; /* it is to take that call's place once it is answered; 0: none */
	bool must_encrypt; /* since the media of the call that led to it was */
	bool is_anonymous; /* it does not say who we are; ours alone */

	bool is_sealed; /* what describes it goes signed and encrypted from end to end, either way, or not at all */
	bool is_asking;         /* our INVITE waits for our user's word whether it may go in clear */
	bool is_again;          /* it was refused once, and made again in another way */
	bool is_upward;         /* since it was not protected: it is, or there is none */
	struct chain *enclosed; /* certificates that came with the refusal; NULL: none */
	struct credentials_waiter waiter;  /* or for the certificates of its peer */
	struct ua_protection ours, theirs; /* of the descriptions: how they left, how they came */
};

/* What begins a call of ours. */
struct call_begin {
	struct slice uri;
	const struct address *media;
	struct call *referrer; /* NULL: our user's own wish */
	bool must_encrypt;     /* SRTP or nothing, whatever the policy says */
};
/* Errors as for ua_call(). */
MUST_CHECK enum err caller_begin(struct ua *ua, const struct call_begin *begin, struct now now,
				 uint64_t *ret_call);

/* What its media has to be. */
enum sdp_srtp_policy call_srtp(const struct call *call);
/* The line Contact of a message of the call. */
void put_call_contact(struct writer *out, const struct call *call, bool sips);

/* NULL without memory. */
MUST_CHECK struct call *call_new(struct ua *ua, struct slice peer);
/* How many have not ended. */
size_t calls_count(const struct ua *ua);
/* Not one that has ended. */
struct call *call_find(const struct ua *ua, uint64_t id);
struct call *call_find_dialog(const struct ua *ua, const struct sip_message *request);

void call_ref(struct call *call);
void call_drop_exchange(struct call *call, struct exchange *exchange);
void call_server_gone(struct call *call, struct server *server);

/* What to say when their description is not taken: most often because it would not be encrypted as it must be. */
enum ua_cause call_media_cause(const struct call *call);
/* Tells that the call stands, or stands differently now. */
void call_tell_media(struct call *call, enum ua_event_kind kind);
/* Tells UA_ENDED and wipes what is secret. What is still to be sent was sent before. */
void call_end(struct call *call, enum ua_cause cause, unsigned status, struct slice text, struct now now);
/* BYE, or CANCEL, or a refusal, as its state asks for; then it ends with the cause. */
void call_leave(struct call *call, enum ua_cause cause, struct slice text, struct now now);

/* Sends a request in the dialog. lines: those of its own. *ret_exchange may be ignored. */
struct call_request {
	const struct exchange_user *user;
	struct dlg *dialog; /* NULL: that of the call */
	enum sip_method method;
	struct slice lines, body;
};
MUST_CHECK enum err call_send(struct call *call, const struct call_request *request, struct now now,
			      struct exchange **ret_exchange);
/* The ACK of a 2xx to an INVITE of ours in this dialog. */
void call_send_ack(struct ua *ua, const struct dlg *dialog, const struct exchange *invite, struct now now);

/* Answers 2xx, or a reliable 1xx, and goes on until it has arrived. False without memory: nothing was sent. */
MUST_CHECK bool call_respond_until(struct call *call, struct server *server, const struct sip_reply *reply,
				   struct now now);
void call_stop_repeating(struct call *call);

/*
 * Whether what describes the call in a response or an ACK is protected as it has to be; call->theirs says how it came. Else the
 * fault that ends it.
 */
MUST_CHECK struct ua_fault call_check_answer(struct call *call, const struct sip_message *message);
/*
 * A reply with a description, protected if the call is: *ret_reply is what to send, and points into *ret_what, which the caller
 * ends with protected_fini(). False if it cannot be: nothing may be sent then.
 */
MUST_CHECK bool call_protect_reply(struct call *call, const struct server *server, struct sip_reply *reply,
				   struct now now, struct protected *ret_what);
/* The same, sent at once; false where it cannot be protected, and 500 was sent. */
MUST_CHECK bool call_answer_change(struct call *call, struct server *server, struct sip_reply *reply,
				   struct now now);
/* The program may send our INVITE in clear, or not. */
void caller_in_clear(struct call *call, bool yes, struct now now);

/* Starts the session timer anew, or stops it. */
void call_run_session_timer(struct call *call, struct now now);

/* What happens to calls; see the transaction user in ua/ua.c. */
void call_cancelled(struct call *call, struct server *server, struct now now);
void call_acked(struct call *call, const struct sip_message *ack, struct now now);
void call_timer(struct timer *timer, struct now now);
void calls_flow_lost(struct ua *ua, struct now now);
void calls_registered(struct ua *ua, struct now now);
void calls_hangup(struct ua *ua, struct now now);
/* Ends those that are still waiting for an answer, whatever comes. */
void calls_forget(struct ua *ua, struct now now);
void calls_sweep(struct ua *ua);
/* All of them, when the endpoint is gone. */
void calls_free(struct ua *ua);

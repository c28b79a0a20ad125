/*
 * The phone: one account's user agent on one loop in the main thread, the media thread beside it, and what
 * the command line or the person at the terminal wants of them.
 */
#pragma once

#include <stdbool.h>

#include "base/secret.h"
#include "crypto/lib.h"
#include "crypto/random.h"
#include "endpoint/endpoint.h"
#include "media/media.h"
#include "net/net.h"
#include "sealphone/memory.h"
#include "sealphone/options.h"
#include "sealphone/output.h"
#include "sealphone/trust.h"
#include "sealphone/wallet.h"
#include "tls/context.h"
#include "transport/transport.h"
#include "ua/ua.h"

/* The media of one call. */
struct session {
	uint64_t call;           /* 0: free */
	struct media_port *port; /* until the media thread has it */
	bool started;
};

/* A key that has come in the place of another one, of which a person is asked. */
struct change {
	char aor[CREDENTIALS_AOR_MAX];
	size_t len; /* 0: there is none */
	unsigned char key[KEY_ID_SIZE];
};

enum { PHONE_SESSIONS = UA_MAX_CALLS + 1 }; /* one may still end while all others are in use */

struct phone {
	const struct options *options;
	struct output output;
	struct memory memory;
	struct wallet wallet;

	struct crypto *crypto;
	struct random *random;
	struct net *net;
	struct dns *dns; /* sealphone/resolver.h; NULL: we were told where the server is */
	struct tls_context *tls;
	struct anchors *anchors;            /* those of tls */
	struct trust_seen trusted, refused; /* their files as they were read, and as they were no good */
	struct ua *ua;
	struct endpoint *endpoint;
	struct transport *transport;
	struct media *media;
	struct net_watch *media_watch, *input_watch, *wallet_watch;
	struct net_watch *output_watch; /* tells that nobody reads at the other end; NULL: it is no pipe */
	int wallet_fd; /* tells that something in the state directory has changed; -1: none */

	struct session sessions[PHONE_SESSIONS];
	uint64_t current;  /* the call that a person means; 0: none */
	uint64_t aside;    /* another one, on hold or given up for it; 0: none */
	bool is_following; /* the call aside is left as soon as the current one stands */
	uint64_t
		asking; /* the call of which consent is asked: UA_REFERRED, or UA_INCOMING in another's place */
	uint64_t replaced; /* that other one */
	uint64_t in_clear; /* the call or message of which consent is asked: UA_IN_CLEAR; 0: none */
	struct change change;
	uint64_t replays_kept; /* ua_replays_taken() when they were written last */
	uint64_t message;      /* of the message command */
	uint64_t watch;        /* the latest one; 0: none */
	bool was_registered;
	bool is_away;     /* the server was told to be gone, and is not back yet */
	bool is_ending;   /* ua_stop() was called */
	bool has_stopped; /* and is done */
	ms_t end_at;      /* --for; 0: no limit */
	enum exit_code code;
};

/* Makes everything and connects; EXIT_OK, or a code with a message printed. */
enum exit_code phone_open(struct phone *phone, const struct options *options);
/* Accepts one that was opened half-way. */
void phone_close(struct phone *phone);
/* The loop, until the phone's work is done. */
enum exit_code phone_run(struct phone *phone);

/*
 * For the next connection: the CAs as they are now, if their file has changed. One that is no good is told of once, and what was
 * trusted stays so.
 */
void phone_renew_trust(struct phone *phone);

/* Ends calls and registration; phone_run() returns the code of the first call of this. */
void phone_finish(struct phone *phone, enum exit_code code, struct now now);
/* Begins a call to a URI, or to a user of our own domain when it is no URI. */
void phone_call(struct phone *phone, struct slice whom, struct now now);
void phone_answer(struct phone *phone, uint64_t call, struct now now);
/* From here on we are not heard there, although the end itself may have to wait for the other side (its ACK, RFC 3261 §15). */
void phone_hangup(struct phone *phone, uint64_t call, struct now now);
/* Errors as of ua_hold(). Who is put on hold hears nothing of us from here on, agreed or not. */
MUST_CHECK enum err phone_hold(struct phone *phone, uint64_t call, bool is_hold, struct now now);
/* Calls whom the other side of this call wants us to; that call stands aside until the new one does. */
void phone_follow(struct phone *phone, uint64_t call, struct now now);
/* Takes the call that is to replace another, be that the current one or the one aside. */
void phone_replace(struct phone *phone, uint64_t call, uint64_t replaced, struct now now);
/* What the person at the terminal says to what was asked; nobody else's word counts here. */
void phone_consent(struct phone *phone, bool yes, struct now now);
/* Sends the other side of the current call to somebody; with nobody named: that of the call aside to that of the current
 * one. */
void phone_transfer(struct phone *phone, struct slice whom, struct now now);
/* A call that stands in another's place; see struct phone. */
void phone_swap(struct phone *phone, struct now now);
/* Watches an event package of somebody; empty: of ourselves, and "reg". */
void phone_watch(struct phone *phone, struct slice whom, struct slice package, struct now now);
void phone_message(struct phone *phone, struct slice whom, struct slice text, struct now now);

/*
 * Has our present certificate shown where --client-certificate wants it, from the next connection on. False with a message
 * printed: there is none and no password either, or it is of no use.
 */
bool phone_show_certificate(struct phone *phone);
/* News of certificates (ua/credentials.h), shown and kept. True if the event is one. */
bool phone_take_certificate(struct phone *phone, const struct ua_event *event);
/* One of a call. False: it is none. */
bool phone_take_call_event(struct phone *phone, const struct ua_event *event, struct now now);
/* What the person says of a key that has changed; false: nothing was asked. */
bool phone_decide_change(struct phone *phone, bool yes);
/* From now on what sealphone cert changes is noticed; false with a message printed. */
bool phone_watch_wallet(struct phone *phone);
void phone_unwatch_wallet(struct phone *phone);
void phone_reread_wallet(struct phone *phone);
/* Protected messages that were taken: those of earlier runs are known; false with a message printed. */
bool phone_recall_replays(struct phone *phone);
/* Those that are new are written down. */
void phone_keep_replays(struct phone *phone);
/* Registered: a key of this phone is made, if there is none, and a certificate asked for. */
void phone_enrol(struct phone *phone, struct now now);

/* What happened; true if there was something. */
bool phone_take_events(struct phone *phone, struct now now);

/* What the files of this room share: the user agent itself, and how it writes headers and replies. */
#pragma once

#include "auth/client.h"
#include "base/list.h"
#include "base/quota.h"
#include "base/secret.h"
#include "base/timers.h"
#include "crypto/cms.h"
#include "endpoint/endpoint.h"
#include "locate/locate.h"
#include "sip/build.h"
#include "ua/credentials.h"
#include "ua/event.h"
#include "ua/fault.h"
#include "ua/queue.h"
#include "ua/replay.h"
#include "ua/ua.h"

struct call;
struct exchange;

/* Kinds of the timers: whose they are and what for. */
enum ua_timer {
	UA_TIMER_CONNECT = ENDPOINT_TIMER_USER, /* ua: open the flow */
	UA_TIMER_REFRESH,                       /* ua: REGISTER again */
	UA_TIMER_STOP,                          /* ua: do not wait any longer */
	UA_TIMER_KEEPALIVE,                     /* ua: ping, or give the flow up */
	UA_TIMER_REPEAT,                        /* call: send 2xx or a reliable 1xx again */
	UA_TIMER_RING,                          /* call: nobody answers */
	UA_TIMER_SESSION,                       /* call: refresh the session, or end it */
	UA_TIMER_CHANGE,                        /* call: try the change again that met theirs (491) */
	UA_TIMER_TRANSFER,                      /* call: nothing is heard of our transfer */
	UA_TIMER_SUBSCRIPTION,                  /* subscription: refresh, or no NOTIFY in time */
	UA_TIMER_ENROL,                         /* ua: renew our certificate, or ask for it again */
	UA_TIMER_REFER,                         /* call: our user does not say whether we follow */
	UA_TIMER_DEPARTURE,                     /* departure: our user does not say whether it may go */
};

enum { UA_TOKEN_SIZE = 24, UA_T1 = 500, UA_T2 = 4000, UA_GIVE_UP = 64 * UA_T1 };

/* A random token, written out: a tag, a Call-ID. */
struct ua_token {
	char text[UA_TOKEN_SIZE];
};

/* Why none of the servers that were tried could be reached, so far. */
struct ua_refusal {
	enum err err; /* OK: none was tried */
	char text[500];
	size_t length;
	bool has_verdict;
	struct verdict verdict; /* if it has one: all that the text was made of */
};

struct arrival;

struct ua {
	struct endpoint *endpoint;
	struct ua_queue events;
	struct list calls, exchanges, subscriptions;
	uint64_t next_id;

	/* the account; all slices point into texts, but for the password */
	char *texts;
	struct slice aor, user, domain, instance; /* domain in lower case */
	struct slice proxy;                       /* likewise; empty: there is none */
	struct slice first_hop; /* what the other end of our flow has to prove: proxy, or else domain */
	uint16_t proxy_port;
	struct slice server; /* empty: to be looked for */
	struct secret *password;
	bool aor_is_sips, do_register;
	uint16_t port;
	enum transport_protocol transport;
	enum sdp_srtp_policy srtp;
	enum ua_transfers transfers;
	ms_t ring;
	unsigned session;  /* seconds of the session timer that we ask for; 0: none */
	bool is_anonymous; /* calls and messages that begin now */
	struct auth_client auth;
	enum ua_server_proof proof;
	bool was_proven;                 /* some time, the server knew the password */
	struct credentials *credentials; /* for S/MIME; ua/credentials.h */
	const struct anchors *anchors;   /* by which domains vouch for certificates; NULL: by none */
	bool is_enrol_awaited;           /* the timer is that of who waits for our first certificate */
	bool is_enrolling;               /* PUBLISH is under way; ua/enrolment.h */
	bool has_asked_again;            /* for a certificate that our domain did not tell of */
	struct timer enrol_timer;

	/* protection from end to end; ua/protect.h, ua/arrival.h */
	enum ua_smime smime;
	struct contacts *contacts; /* for whom it is another */
	struct quota strangers;    /* of questions for whoever writes or calls; counted by the minute */
	unsigned n_unasked;        /* how often it was used up */
	enum cms_cipher smime_cipher;
	struct list arrivals; /* requests that came protected */
	struct list
		departures; /* messages that wait for certificates, or for our user's word; ua/departure.h */
	struct arrival *arrival; /* the response or ACK that is handled just now, if it came protected */
	struct replay replay;

	/* the flow; ua/flow.h */
	bool is_stopping, has_stopped;
	flow_id flow; /* 0: none */
	struct address local;
	struct question asked; /* of the DNS, or for a connection */
	struct locate locate;
	struct locate_target place; /* that was tried last; without ua->server only */
	struct ua_refusal refusal;
	unsigned failures; /* in a row */
	struct timer connect_timer, stop_timer;

	/* signs of life; ua/keepalive.h */
	unsigned keepalive;     /* seconds between two at most, by our user's word */
	bool is_keepalive_said; /* it is our user's word indeed */
	unsigned flow_timer;    /* the same on this flow */
	bool awaits_pong;
	bool expects_pong; /* there is a sign that this server answers */
	struct timer keepalive_timer;

	/* the registration; ua/registration.h */
	bool is_registered;       /* on this flow */
	bool is_registration_bad; /* refused for good; not tried again */
	bool no_outbound;         /* the server does without RFC 5626 (439) */
	struct ua_token register_call_id, register_tag;
	uint32_t register_cseq;
	unsigned expires;
	struct exchange *registering;
	struct timer refresh_timer;
};

struct ua_token ua_token_make(struct ua *ua);
static inline struct slice ua_token(const struct ua_token *token)
{
	return slice_from(token->text, sizeof token->text);
}

/* Sets or moves a timer; what cannot be set for lack of memory fires at once, by being told to the program.
 */
void ua_set_timer(struct ua *ua, struct timer *timer, enum ua_timer kind, ms_t due);
void ua_clear_timer(struct ua *ua, struct timer *timer);

/* Queues an event for the program. */
void ua_tell(struct ua *ua, const struct ua_event *event);

/* What stands for our name in messages that are to name nobody. */
#define UA_NOBODY "anonymous"
/* "<sips:alice@192.0.2.1:4711>": where requests reach us, which is the flow's own end. */
void put_ua_contact(struct writer *out, const struct ua *ua, bool sips);
/* The same without our name. */
void put_ua_contact_of_nobody(struct writer *out, const struct ua *ua, bool sips);
/* "<sips:alice@example.org>", or what RFC 3323 §4.1.1.3 has in place of it. */
void put_ua_from(struct writer *out, const struct ua *ua, bool is_anonymous);
/* The line that asks those on the way to name nobody, either (RFC 3325 §9.3). */
void put_ua_privacy(struct writer *out, bool is_anonymous);
/* What we understand, for Allow. */
#define UA_ALLOW "INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE, UPDATE, PRACK, REFER, NOTIFY"
/* The lines Allow and Supported; with 100rel or not (RFC 3262): not in a re-INVITE, whose responses we take as they come. */
void put_ua_abilities(struct writer *out, bool reliable);
/* "Warning: code sealphone "text"" */
void put_ua_warning(struct writer *out, unsigned code, struct slice text);
void put_ua_agent(struct writer *out);
/* From, To, Call-ID and Max-Forwards of a request that belongs to no dialog and begins none, each time new (RFC 3261 §8.1.1). */
void put_ua_identity(struct writer *out, struct ua *ua, struct slice to, bool is_anonymous);
void put_ua_line(struct writer *out, struct slice name, uint64_t number);

/* Replies; headers: lines of its own, or empty. */
void ua_reply(struct ua *ua, struct server *server, unsigned status, struct slice headers, struct now now);
/* The fault's status with its Warning. */
void ua_refuse(struct ua *ua, struct server *server, const struct ua_fault *fault, struct now now);

/* Which cause a final response of another class than 2xx stands for. */
enum ua_cause ua_cause_of(unsigned status);
/* The same; a 480 with Warning 380 says that what was asked for is not to be had under sips (RFC 5630 §9). */
enum ua_cause ua_cause_by(const struct sip_message *response);
/* Whether the same may be had later: a fault of the server's, or the timeout that somebody on the way has met (RFC 3261 §8.1.3.1). */
bool ua_may_pass(unsigned status);
/* Its Warning's text if it has one, else its reason phrase. */
struct slice ua_why_of(const struct sip_message *response);

/* A sip or sips URI that a request can go to as it stands, without header fields for us to fill in. */
bool ua_can_reach(struct slice text, struct sip_uri *ret_uri);

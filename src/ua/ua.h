/*
 * The phone's user agent: one account, its flow to the server, its registration, calls and messages
 * (RFC 3261 §8, §10, §13-15; RFC 5626 §4). It is the transaction user of one endpoint, decides, and does no
 * I/O: commands come in below, events go out by ua_next_event(), the rest goes through the endpoint.
 *
 * Requests are taken only on the flow that we opened and verified. A sips call is had securely or not at all;
 * nothing is tried again lower. Passwords answer only challenges of the account's own realm on a flow whose
 * other end has proven to be that domain.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/time.h"
#include "crypto/anchors.h"
#include "crypto/digest.h"
#include "crypto/lib.h"
#include "endpoint/endpoint.h"
#include "locate/locate.h"
#include "sdp/offer_answer.h"
#include "ua/contacts.h"
#include "ua/credentials.h"
#include "ua/event.h"

struct ua;

enum { UA_MAX_CALLS = 8, UA_MAX_WATCHES = 8, UA_MAX_MESSAGE = 16000 };

/* Whether others may have this phone call somebody else (REFER in a call), or take a call's place (Replaces). */
enum ua_transfers {
	UA_TRANSFERS_PEER, /* who is in the call with us may; nobody else */
	UA_TRANSFERS_NEVER,
	UA_TRANSFERS_ASK,   /* our user is asked each time, but for a peer who replaces his own call */
	UA_TRANSFERS_ALLOW, /* and so may whoever knows of the call */
};

/* What differs for one contact in this run, whatever is remembered of him. */
struct ua_smime_for {
	struct slice uri;
	struct contact_policy policy;
};

/* Whether the server has to prove that it knows the password, when it takes a registration (RFC 7616 §3.5). A wrong proof never counts. */
enum ua_server_proof {
	UA_PROOF_REMEMBERED, /* once it has done so, always */
	UA_PROOF_ACCEPTED,   /* no */
	UA_PROOF_REQUIRED,
};

struct ua_config {
	struct crypto *crypto; /* borrowed */
	struct slice aor;      /* "sips:alice@example.org"; sip and sips decide over our Contact */
	struct slice password; /* empty: none is known, and no challenge is answered */
	struct slice server;   /* host to connect to; empty: what the DNS says of the domain (RFC 3263) */
	uint16_t port;         /* of that host; 0: that of the transport */
	/*
	 * The name of an outbound proxy (RFC 3261 §8.1.2, RFC 5626 §4.2.1): it is the one that we connect to and that has to prove its
	 * name, in place of the domain of the account. Empty: there is none.
	 */
	struct slice proxy;
	uint16_t proxy_port; /* 0: what the DNS says of it */
	/*
	 * TRANSPORT_TLS; or TRANSPORT_TCP, which is asked for explicitly, cannot be had with a sips AOR, and
	 * lets credentials answer a flow in clear.
	 */
	enum transport_protocol transport;
	struct slice instance;     /* "urn:uuid:…", the same for ever (RFC 5626 §4.1) */
	enum sdp_srtp_policy srtp; /* for sip calls; in sips calls SRTP is always required */
	enum ua_transfers transfers;
	enum digest_algorithm least; /* answer no challenge weaker than this; DIGEST_MD5: any */
	enum ua_server_proof proof;
	bool was_proven;     /* it has done so before: UA_PROVEN was told */
	unsigned expires;    /* of the registration in seconds; 0: 600 */
	ms_t ring;           /* how long our calls ring before we give up; 0: 60 s */
	unsigned session;    /* seconds of the session timer that our calls ask for (RFC 4028); 0: none */
	unsigned keepalive;  /* seconds between two pings of the server at most; 0: 120 (RFC 5626 §4.4.1) */
	enum ua_smime smime; /* protection from end to end */
	const struct ua_smime_for *smime_for; /* for some it is another */
	size_t n_smime_for;
	unsigned strangers; /* for so many a minute who write or call certificates are asked for; 0: 60 */
	bool smime_256;     /* encrypt with AES-256-GCM in place of AES-128-GCM */
	const struct anchors *anchors;  /* by which domains vouch for certificates; borrowed; NULL: by none */
	enum credentials_policy policy; /* when the key of somebody changes */
	bool do_register;               /* false: calls and messages only */
	bool is_anonymous;              /* as by ua_set_anonymous() */
};

/* ERR_SYNTAX: the AOR is not sip:user@domain or sips:user@domain. ERR_DENIED: a sips AOR with a transport in clear. */
MUST_CHECK enum err ua_check_account(struct slice aor, enum transport_protocol transport);

/* Copies the texts. What ua_check_account() refuses is refused with the same errors. */
MUST_CHECK enum err ua_new(const struct ua_config *config, struct ua **ret_ua);
/* After its endpoint. */
void ua_free(struct ua *ua);
OWN(ua)

/* For the endpoint's config, with the ua as user_self; then the endpoint is made known to it, once. */
extern const struct endpoint_user ua_user;
void ua_attach(struct ua *ua, struct endpoint *endpoint);

/* -- commands ---------------------------------------------------------------------------------------- */

/* Connects, registers if so configured, and stays registered, whatever it takes. */
void ua_start(struct ua *ua, struct now now);
/* Ends all calls and takes the registration back; UA_STOPPED follows within 2 s. */
void ua_stop(struct ua *ua, struct now now);

/*
 * Calls; what happens is told under *ret_call. media: where we listen for RTP. ERR_SYNTAX: not a sip or sips
 * URI. ERR_DENIED: a sips URI, and our flow is in clear. ERR_CLOSED: no flow to our server now. ERR_LIMIT: as
 * many calls as can be. ERR_NOMEM.
 */
MUST_CHECK enum err ua_call(struct ua *ua, struct slice uri, const struct address *media, struct now now,
			    uint64_t *ret_call);
/* ERR_NOT_FOUND: no such call rings here. ERR_NOMEM. */
MUST_CHECK enum err ua_answer(struct ua *ua, uint64_t id, const struct address *media, struct now now);
/* status: 486 busy, 603 decline, 480. ERR_NOT_FOUND as above. */
MUST_CHECK enum err ua_reject(struct ua *ua, uint64_t id, unsigned status, struct now now);
/* Ends the call in whatever way its state asks for. Does nothing for one that is not there. */
void ua_hangup(struct ua *ua, uint64_t id, struct now now);
/* ERR_NOT_FOUND: not established. ERR_AGAIN: the call is being changed just now. ERR_CLOSED, ERR_NOMEM. */
MUST_CHECK enum err ua_hold(struct ua *ua, uint64_t id, bool hold, struct now now);
/*
 * Sends the other side of a call to a URI (REFER, RFC 3515), or to the other side of another call of ours, whose place the
 * new one takes (Replaces, RFC 3891). UA_TRANSFER tells how it goes; after UA_TRANSFERRED the call is ended by us.
 * ERR_NOT_FOUND: not established. ERR_AGAIN: it is being transferred. ERR_SYNTAX: not a sip or sips URI.
 * ERR_DENIED: a sips call would become one that is not. ERR_LIMIT, ERR_CLOSED, ERR_NOMEM.
 */
MUST_CHECK enum err ua_transfer(struct ua *ua, uint64_t id, struct slice uri, struct now now);
MUST_CHECK enum err ua_transfer_to(struct ua *ua, uint64_t id, uint64_t other, struct now now);
/*
 * After UA_REFERRED of this call: calls as its other side wants, or says that we do not. What is not decided within a
 * minute is refused. ERR_NOT_FOUND: nothing waits for this. Else like ua_call().
 */
MUST_CHECK enum err ua_follow(struct ua *ua, uint64_t id, const struct address *media, struct now now,
			      uint64_t *ret_call);
MUST_CHECK enum err ua_stay(struct ua *ua, uint64_t id, struct now now);
/*
 * Subscribes to an event package of a URI (RFC 6665) and stays subscribed: UA_NOTIFIED tells of each NOTIFY, UA_WATCH_ENDED that
 * there is no more. ERR_SYNTAX: no such URI, or no token. ERR_LIMIT: UA_MAX_WATCHES. Else like ua_call().
 */
MUST_CHECK enum err ua_watch(struct ua *ua, struct slice uri, struct slice package, struct now now,
			     uint64_t *ret_watch);
/* ERR_NOT_FOUND: there is none, or it is being ended. */
MUST_CHECK enum err ua_unwatch(struct ua *ua, uint64_t id, struct now now);
/* A text/plain MESSAGE (RFC 3428). ERR_LIMIT: over UA_MAX_MESSAGE bytes; else like ua_call(). */
MUST_CHECK enum err ua_message(struct ua *ua, struct slice uri, struct slice text, struct now now,
			       uint64_t *ret_message);

/*
 * Whether calls and messages that begin from now on name us to nobody but our server (RFC 3323 §4.1.1, RFC 3325 §7): From, Contact and what else
 * we write, with "Privacy: id". They are not signed, since a signature names who made it. A call that we are sent into by such a
 * call is one, too. Our IP address is in the Contact and in the description, as it has to be.
 */
void ua_set_anonymous(struct ua *ua, bool is_anonymous);

/*
 * After UA_IN_CLEAR of this call or message: it goes without protection, or not at all. What is not decided within a minute, or
 * before a call is given up, does not go. ERR_NOT_FOUND: nothing waits for this.
 */
MUST_CHECK enum err ua_in_clear(struct ua *ua, uint64_t id, bool yes, struct now now);

/*
 * The keys and certificates for S/MIME, to give it our own keys before ua_start(), and to look at; belongs to the user agent. A
 * key that is given later is enrolled by ua_enrol().
 */
struct credentials *ua_credentials(struct ua *ua);
void ua_enrol(struct ua *ua, struct now now);
/* What is different for some contacts; belongs to the user agent. What is said here counts from the next message or call on. */
struct contacts *ua_contacts(struct ua *ua);

/*
 * Protected messages that were taken, so that a phone that is started again knows them: text, at most UA_REPLAYS_MAX bytes, to
 * be given back before ua_start(). ERR_SYNTAX, ERR_NOMEM. The number grows with each that is taken.
 */
enum { UA_REPLAYS_MAX = 64 << 10 };
void put_ua_replays(struct writer *out, const struct ua *ua);
MUST_CHECK enum err ua_replays_parse(struct ua *ua, struct slice text);
uint64_t ua_replays_taken(const struct ua *ua);

/* Other anchors from now on, in place of those of the config; borrowed. */
void ua_trust(struct ua *ua, const struct anchors *anchors);

/* -- what is known
 * -------------------------------------------------------------------------------------------- */

/* The oldest event; false if there is none. */
bool ua_next_event(struct ua *ua, struct ua_event *ret_event);

bool ua_is_registered(const struct ua *ua);
/* Our end of the flow: the IP address to listen on for media. False without a flow. */
bool ua_local_address(const struct ua *ua, struct address *ret_address);
/* The hop between us and our server, as the handshake has shown it; false without a flow. */
bool ua_first_hop(const struct ua *ua, struct flow_view *ret_view);
/* Where the DNS has led us; false without a flow, or if we were told where the server is. */
bool ua_place(const struct ua *ua, struct locate_target *ret_place);

/* What is known of the hops between our server and the other phone. */
enum ua_knowledge {
	UA_UNKNOWN, /* a sip call: each hop may be in clear */
	UA_CLAIMED, /* a sips call: each hop's server promised by accepting it to use TLS; nobody has shown it
		       to us */
};

struct ua_call_view {
	bool incoming, secure, established, on_hold;
	struct slice peer; /* claimed; good for the length of the call of the program */
	enum ua_knowledge beyond;
	ms_t since;  /* when it was established (mono); 0: not yet */
	bool sealed; /* its descriptions go signed and encrypted from end to end, or not at all */
	const struct ua_protection *ours,
		*theirs; /* of the descriptions: as it left and as it came; borrowed */
};
bool ua_call_view(const struct ua *ua, uint64_t id, struct ua_call_view *ret_view);
/*
 * What is agreed on for its media now; on hold as our user wants it, which the other side may not have agreed to yet. False: nothing is, or there
 * is no such call. Has keys in it: to be wiped.
 */
bool ua_call_media(const struct ua *ua, uint64_t id, struct sdp_media *ret_media);

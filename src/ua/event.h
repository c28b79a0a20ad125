/* What the phone's user agent tells the program above it: see ua/ua.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/time.h"
#include "base/verdict.h"
#include "sdp/media.h"
#include "ua/protection.h"

enum ua_event_kind {
	UA_CONNECTED,           /* the flow to our server is open and its name verified */
	UA_DISCONNECTED,        /* it is lost, or could not be opened: cause, text; next try in retry_in */
	UA_REGISTERED,          /* first success on this flow; seconds: granted */
	UA_REGISTRATION_FAILED, /* cause, status, text; retry_in 0: it is not tried again */
	UA_STOPPED,             /* after ua_stop(): nothing is under way any more */
	UA_INCOMING, /* a call for us; peer claims to be the caller; other: whose place it is to take */
	UA_INCOMING_REFUSED, /* one that cannot be had as it should be: status, text */
	UA_RINGING,          /* our call rings there (180) */
	UA_PROGRESS,         /* another 1xx, or our own 2xx; media may begin if has_media */
	UA_ESTABLISHED,      /* the call stands; media */
	UA_MEDIA,            /* hold, resume or another change; media */
	UA_MEDIA_REFUSED,    /* our hold or resume was not accepted; all is as before */
	UA_ENDED,            /* the call's last event; cause, status, text */
	UA_MESSAGE,          /* peer claims to have sent text */
	UA_MESSAGE_SENT,     /* the other side has it (2xx) */
	UA_MESSAGE_FAILED,   /* cause, status, text */
	UA_NOT_TAKEN, /* a request (state: its method) that is not protected as it must be, or cannot be opened;
				refused: peer claims, status, text, protection */
	UA_IN_CLEAR,      /* this call or message to peer cannot be protected, text says why: ua_in_clear() */
	UA_REFERRED,      /* the other side of this call wants us to call text: ua_follow() or ua_stay() */
	UA_REFER_REFUSED, /* somebody wanted us to call text; we refused */
	UA_TRANSFER,      /* the call that we sent our peer to is at status, text */
	UA_TRANSFERRED,   /* and was answered */
	UA_TRANSFER_FAILED, /* or was not: cause, status, text; our call is as it was */
	UA_NOTIFIED,        /* of what we watch: peer, state, text; seconds: until it ends if not refreshed */
	UA_WATCH_ENDED,     /* the watch's last event; cause, status, text */
	/* Certificates (ua/credentials.h): peer is the AOR, text the fingerprint of the key, state that of the old one. */
	UA_CERTIFICATE_OBTAINED,  /* our own: calls and messages can be protected from now on */
	UA_CERTIFICATE_RENEWED,   /* our own, for the same key */
	UA_CERTIFICATE_FAILED,    /* our own: verdict */
	UA_CERTIFICATE_NEW,       /* of somebody whose key was not known before */
	UA_CERTIFICATE_CHANGED,   /* of somebody whose key was another one; consented: it is believed */
	UA_CERTIFICATE_WITHDRAWN, /* the key in state is not vouched for any more */
	UA_CERTIFICATE_REFUSED,   /* what came is not to be believed: verdict */
	UA_ALGORITHM,             /* to be remembered: the server has proven to know this digest algorithm */
	UA_PROVEN,                /* to be remembered: the server has proven to know the password */
	UA_NO_MEMORY,             /* events were lost for lack of memory */
};

/* Why a call, a message or a registration came to nothing. */
enum ua_cause {
	UA_CAUSE_NONE,
	UA_HUNG_UP,        /* by us, in an established call */
	UA_HUNG_UP_THERE,  /* by the other side, in an established call */
	UA_MOVED,          /* another call has taken its place, here or there */
	UA_BUSY,           /* 486, 600 */
	UA_DECLINED,       /* 603, or by us */
	UA_NO_ANSWER,      /* it rang until a limit */
	UA_CANCELLED,      /* by us before the answer, or by the caller before ours */
	UA_UNKNOWN_USER,   /* 404, 410, 604 */
	UA_UNAVAILABLE,    /* 480: known, and not there now */
	UA_WRONG_PASSWORD, /* our credentials were refused */
	UA_NOT_AUTHENTIC,  /* a challenge that we must not answer, or a proof of the server's that is false */
	UA_CERTIFICATE,    /* the server is not who it should be */
	UA_BOGUS_DNS,      /* what the DNS says of our server is forged or broken (DNSSEC) */
	UA_NOT_SECURE,     /* what was asked for cannot be had with the protection that it needs */
	UA_NOT_ACCEPTABLE, /* 488, 606, 415: nothing in common */
	UA_SERVER_GONE,    /* the flow to our server is lost or was not to be had */
	UA_TIMEOUT,        /* nobody answered the request at all */
	UA_REFUSED,        /* another final response */
	UA_FAILED,         /* by a fault of ours */
};

/* "busy", "wrong-password", …: for logs and --json. */
const char *ua_cause_name(enum ua_cause cause);

/* The slices and the keys in media live until the next ua_next_event(). Text from a peer is not escaped. */
struct ua_event {
	enum ua_event_kind kind;
	uint64_t id;    /* of the call or the message; 0: of the account */
	uint64_t other; /* UA_INCOMING: the call that this one is to replace; 0: none */
	bool consented; /* UA_REFERRED, UA_INCOMING with other: by policy, so that nobody needs to be asked */
	enum ua_cause cause;
	unsigned status;               /* of the response that says so; 0: none */
	struct slice text;             /* a sentence; UA_MESSAGE: the message; UA_ALGORITHM: its name */
	const struct verdict *verdict; /* UA_DISCONNECTED: on the server's certificate or TLS; else NULL */
	/* UA_MESSAGE, UA_MESSAGE_SENT, UA_NOT_TAKEN, UA_INCOMING, UA_INCOMING_REFUSED: from end to end; else NULL */
	const struct ua_protection *protection;
	struct slice state; /* UA_NOTIFIED: "active", "pending", "terminated" or another token */
	struct slice peer;  /* a URI, claimed by whoever sent it */
	unsigned seconds;   /* UA_REGISTERED */
	ms_t retry_in;      /* 0: no further try */
	bool secure;        /* sips */
	bool has_media;
	struct sdp_media media;
};

/*
 * The seam: what an endpoint asks of the world above the I/O line (actions), and what comes back later
 * (answers). A question carries an id that its answer repeats.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/dns.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"
#include "base/verdict.h"
#include "endpoint/aor.h"
#include "endpoint/flow.h"
#include "endpoint/letter.h"

enum action_kind {
	ACTION_SEND,    /* write these bytes on one of this worker's flows; the requirement was checked */
	ACTION_CLOSE,   /* close a flow once what is queued on it has left */
	ACTION_RESOLVE, /* question: records of a name in the DNS */
	ACTION_CONNECT, /* question: open a flow */
	ACTION_LOOKUP,  /* question: the snapshot of an AOR */
	ACTION_STORE,   /* question: replace the bindings of an AOR, if it still has that version */
	ACTION_CERTIFY, /* question: issue, keep or withdraw the certificate of a device */
	ACTION_VOUCH,   /* question: sign what a NOTIFY tells of certificates */
	ACTION_POST,    /* carry a letter to another worker */
	ACTION_BLAME,   /* the other end of a flow did what only an attacker does */
	ACTION_REPORT,  /* tell the log */
};

enum report_level { REPORT_ERROR, REPORT_WARNING, REPORT_INFO, REPORT_DEBUG };

/* What only an attacker does, or a phone that is badly broken. */
enum misdeed {
	MISDEED_CREDENTIALS, /* wrong ones */
	MISDEED_MALFORMED,   /* a message that cannot be read */
	MISDEED_PROBING,     /* one request after the other, and no challenge answered */
	MISDEED_RELAYING,    /* something for others than us */
	MISDEED_HANDSHAKE,   /* one that failed */
};

/* One event for the log: `event key=value …`. */
struct report {
	enum report_level level;
	const char *event;    /* static: "register.ok", "auth.failed", "tsx.timeout" */
	flow_id flow;         /* 0: none */
	struct slice call_id; /* empty: none */
	struct slice text;    /* " key=value key=\"…\"" already escaped, or empty */
};

struct connect_question {
	enum transport_protocol transport;
	struct slice host;   /* name or IP address to reach */
	uint16_t port;       /* 0: the default of the transport */
	struct slice domain; /* the SIP domain that the peer must prove (RFC 5922); the SNI; empty for a clear
				transport */
	struct slice pin;    /* SHA-256 of the certificate that the peer must have besides; empty: any */
	struct slice
		tlsa; /* RDATA of TLSA records (RFC 6698), each behind its length in two bytes: the certificate is
				judged by them; empty: by our trust anchors */
	struct slice as; /* our domain whose certificate is shown if the peer asks for one; empty: any */
	ms_t patience;   /* how long it may take in all; 0: as long as the transport allows */
};

struct store_question {
	struct aor *wanted; /* by aor_change() from the snapshot that was decided upon; a reference is held */
	bool durable; /* false: only expiry, CSeq or flow moved within what is stored; the disk need not know */
};

enum certify_kind {
	CERTIFY_REQUEST,  /* body: a request (PKCS #10) that a certificate is to be issued for */
	CERTIFY_OWN,      /* body: a certificate that the account has from elsewhere (X.509, DER) */
	CERTIFY_EXTEND,   /* the one of the tag is kept for longer, as long as it is valid */
	CERTIFY_WITHDRAW, /* the one of the tag goes */
};

struct certify_question {
	enum certify_kind kind;
	struct slice aor;
	struct slice body;
	uint64_t tag;  /* of the publication that it follows; 0: none */
	utc_t expires; /* for how long it shall be told; at most as long as it is valid */
};

struct vouch_question {
	struct slice domain; /* whose certificate signs: RFC 5922 */
	struct slice entity; /* MIME: headers, an empty line, and the body */
};

/* All that an action points to lives until the next endpoint_output(), except what is handed over. */
struct action {
	enum action_kind kind;
	uint64_t question; /* RESOLVE, CONNECT, LOOKUP, STORE, CERTIFY, VOUCH */
	union {
		struct {
			flow_id flow;
			struct slice bytes;
			uint16_t port; /* UDP: of the peer's, for a response without rport; 0: the flow's */
		} send;
		struct {
			flow_id flow;
			const char *why; /* static, for the log */
		} close;
		struct dns_question resolve;
		struct connect_question connect;
		struct {
			struct slice aor;
		} lookup;
		struct store_question store;
		struct certify_question certify;
		struct vouch_question vouch;
		struct letter *post; /* handed over */
		struct {
			flow_id flow;
			enum misdeed misdeed;
		} blame;
		struct report report;
	};
};

/* What came back. Everything lives for the length of endpoint_answer(), which takes references for what it
 * keeps. */
struct answer {
	uint64_t question;
	/*
	 * LOOKUP: OK, ERR_NOT_FOUND, ERR_AGAIN (it may be on the disk, which is being read). STORE: OK, ERR_CONFLICT (read again and decide again), ERR_NOT_FOUND
	 * (the account is gone), ERR_IO. CONNECT: OK, or ERR_NOT_FOUND (no such name), ERR_IO (not reached),
	 * ERR_DENIED (not who it should be), ERR_AGAIN (deadline). RESOLVE: that of dns. CERTIFY: OK, ERR_SYNTAX (the
	 * body is not what it is said to be), ERR_DENIED (it is not good: a weak key, no proof of it, not for the
	 * account, not valid now), ERR_LIMIT (too large), ERR_EXISTS (its key was revoked), ERR_NOT_FOUND (no such
	 * tag, or account), ERR_AGAIN (too many of late), ERR_CLOSED, ERR_IO. VOUCH: OK, ERR_NOT_FOUND (no certificate
	 * proves the domain), ERR_DENIED, ERR_CLOSED.
	 */
	enum err err;
	struct aor *aor;               /* LOOKUP and STORE: the snapshot now */
	flow_id flow;                  /* CONNECT: endpoint_flow(FLOW_OPENED) for it came before */
	struct slice why;              /* CONNECT refused: the verdict's sentence, and with whom */
	const struct verdict *verdict; /* CONNECT refused by a verdict: all of it; else NULL */
	struct dns_answer dns;         /* RESOLVE */
	uint64_t tag;                  /* CERTIFY: of this publication */
	utc_t expires;                 /* CERTIFY: when it ends */
	struct slice fingerprint;      /* CERTIFY: of the certificate; absent where none is told any more */
	struct slice entity;           /* VOUCH: the signed one */
};

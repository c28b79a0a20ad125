/*
 * Whose S/MIME certificates the phone knows (RFC 6072, RFC 8591 §4): its own with their keys, those that other domains vouch
 * for, and what is remembered of a key once it was seen. It decides whom to believe; how certificates come here is the
 * business of its source (ua/vouching.h), what a CMS structure says that of crypto/cms.h.
 *
 * An AOR is "user@domain" as put_aor() writes it. People are known by their keys, not by their certificates, since those
 * are renewed every few weeks for the same key: a fingerprint is the SHA-256 of the public key (certificate_key_id()).
 *
 * Belongs to the user agent; one thread. Certificates and verdicts that are handed out are good until the next call of a
 * ua_ or endpoint_ function: who needs them later asks again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/list.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/time.h"
#include "base/verdict.h"
#include "crypto/anchors.h"
#include "crypto/certificate.h"
#include "crypto/cms.h"
#include "crypto/key.h"
#include "endpoint/certificates.h"

struct credentials;

enum {
	CREDENTIALS_OWN_MAX = 8, /* the present one, and older ones to read with */
	/* certificates of one AOR, one a device: all that a domain tells of */
	CREDENTIALS_DEVICES_MAX = DEVICE_CERTIFICATES_MAX,
	CREDENTIALS_PEERS_MAX = 1000, /* AORs */
	CREDENTIALS_AOR_MAX = 512,    /* bytes */
};

/* What is known of an AOR's certificates just now. */
enum credentials_state {
	CREDENTIALS_UNKNOWN, /* has to be asked for: credentials_want() */
	CREDENTIALS_ASKED,   /* has been, and no answer is there yet */
	CREDENTIALS_KNOWN,   /* its domain vouches for what is there, or our user did */
	CREDENTIALS_NONE,    /* its domain says, signed, that there is none */
	CREDENTIALS_FAILED,  /* it could not be asked: the verdict says why. Nobody has proven anything */
	CREDENTIALS_REFUSED, /* what came is not to be believed (altered, swapped, replayed), or the key has changed and our
				user is to say whether that is right: nothing goes there in clear instead */
};

/* What is done when a domain vouches for a key that is new for an AOR which we know. Without its word nothing changes, ever. */
enum credentials_policy {
	CREDENTIALS_ACCEPT, /* believed, and told */
	CREDENTIALS_ASK,    /* not used until our user says so (credentials_trust()), who is told */
	CREDENTIALS_REFUSE, /* the same, but nobody is asked */
};

/* Why a certificate is believed. */
enum credentials_trust {
	CREDENTIALS_COMPARED,   /* our user has compared its fingerprint, or imported it */
	CREDENTIALS_VOUCHED,    /* its domain's signature vouches for it, in this run */
	CREDENTIALS_REMEMBERED, /* it did in an earlier one, and cannot be asked now */
	CREDENTIALS_CA,         /* a CA that we trust has issued it for the AOR; its domain cannot be asked */
};

/* "compared", "vouched", "remembered", "ca" */
const char *credentials_trust_name(enum credentials_trust trust);

enum credentials_news_kind {
	CREDENTIALS_OWN_OBTAINED, /* a first certificate for our key */
	CREDENTIALS_OWN_RENEWED,  /* another one for the same key */
	CREDENTIALS_OWN_FAILED,   /* verdict */
	CREDENTIALS_PEER_NEW,     /* seen for the first time, and remembered */
	/* another key than the one that was known, or that one again after it was withdrawn: old and new; is_believed says what became of it */
	CREDENTIALS_PEER_CHANGED,
	CREDENTIALS_PEER_WITHDRAWN, /* its domain does not vouch for it any more: old */
	CREDENTIALS_PEER_REFUSED,   /* what came for it is not to be believed: verdict */
};

struct credentials_news {
	enum credentials_news_kind kind;
	struct slice aor;
	const struct certificate *certificate; /* the new one, if there is one */
	bool has_old, has_new, is_believed;
	unsigned char old_key[KEY_ID_SIZE], new_key[KEY_ID_SIZE];
	const struct verdict *verdict; /* or NULL */
};

/* How certificates come here, and who hears of them. All are called from within credentials_ functions, and may call back. */
struct credentials_source {
	void *self;
	/*
	 * Asks the AOR's domain: ends, within a bounded time, in credentials_vouched(), credentials_refused() or
	 * credentials_failed(). An error is a failure told at once. NULL: nobody can be asked.
	 */
	enum err (*ask)(void *self, struct slice aor, struct now now);
	/* May be NULL. */
	void (*tell)(void *self, const struct credentials_news *news);
};

/* own: our AOR. The crypto is borrowed, and so is what the source points to. NULL without memory. */
MUST_CHECK struct credentials *credentials_new(struct crypto *crypto, struct slice own,
					       const struct credentials_source *source);
void credentials_free(struct credentials *credentials);
OWN(credentials)
void credentials_set_policy(struct credentials *credentials, enum credentials_policy policy);
/* By whom a certificate is believed whose domain cannot be asked (CREDENTIALS_CA); borrowed. NULL, as in the beginning: by nobody. */
void credentials_set_anchors(struct credentials *credentials, const struct anchors *anchors);

/* -- our own ------------------------------------------------------------------------------------------- */

/*
 * A key of ours, taken over on success: the first one given is the present one, the others are older. certificate: its own or
 * NULL, taken over as well. ERR_DENIED: the certificate is another key's, or another AOR's. ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK enum err credentials_add_own(struct credentials *credentials, struct key *key,
					struct certificate *certificate);
/*
 * The same for a certificate that is not our domain's to issue, with those of its issuers, its own first; of the present key
 * they go along with what is signed. Both are taken over on success.
 */
MUST_CHECK enum err credentials_add_imported(struct credentials *credentials, struct key *key,
					     struct chain *chain);
/* The chain of the present one, if that is an imported one; else NULL. */
const struct chain *credentials_own_chain(const struct credentials *credentials);
/*
 * What to open envelopes with, and, if the first one is good now, to sign with: those that have a certificate, the present
 * one first. How many.
 */
size_t credentials_own(const struct credentials *credentials,
		       struct cms_recipient ret_own[CREDENTIALS_OWN_MAX]);
/*
 * The one to sign with: KNOWN, and *ret_own. UNKNOWN: none is on its way, since there is no key (S/MIME is off). ASKED: it is
 * on its way, credentials_want() for our own AOR waits for it. FAILED: the verdict says why there is none.
 */
enum credentials_state credentials_signer(const struct credentials *credentials, utc_t now,
					  struct cms_recipient *ret_own, const struct verdict **ret_verdict);
/* The present key; NULL: there is none. */
const struct key *credentials_own_key(const struct credentials *credentials);
/* Our own AOR. */
struct slice credentials_aor(const struct credentials *credentials);

/* -- those of others ------------------------------------------------------------------------------------- */

struct credentials_found {
	enum credentials_state state;
	size_t n; /* KNOWN: at least 1 */
	const struct certificate *at[CREDENTIALS_DEVICES_MAX];
	enum credentials_trust trust;  /* KNOWN: the weakest of them */
	const struct verdict *verdict; /* NONE, FAILED, REFUSED; else NULL */
	/* A key of the AOR was seen before: who could be reached under protection is not written to without it. */
	bool was_protected;
};

/* The certificates to encrypt to: believed, valid now, one a device. */
void credentials_of(const struct credentials *credentials, struct slice aor, utc_t now,
		    struct credentials_found *ret_found);

/* Whoever waits; his to keep until come() or credentials_cease(). */
struct credentials_waiter {
	struct link link;
	/* Called once, when credentials_of() or credentials_signer() says something else than ASKED; not from within
	 * credentials_want(). */
	void (*come)(struct credentials_waiter *waiter, struct now now);
};

/*
 * Asks for the certificates of an AOR (or, of our own, waits for the one on its way) where that is not done already, and has
 * the waiter (may be NULL) called when they have come or failed: in half a minute at most. ERR_EXISTS: there is an answer
 * already, nobody will be called. ERR_CLOSED: there is no connection; ERR_LIMIT, ERR_NOMEM: nobody will be called.
 */
MUST_CHECK enum err credentials_want(struct credentials *credentials, struct slice aor,
				     struct credentials_waiter *waiter, struct now now);
/*
 * The same where the domain has answered, but not of the key that came: it may be newer than the answer. Until the next one comes, and
 * for a moment if none does, the old one stands. ERR_EXISTS: not again within a minute.
 */
MUST_CHECK enum err credentials_want_anew(struct credentials *credentials, struct slice aor,
					  struct credentials_waiter *waiter, struct now now);
/* Waits no more. Does nothing for one that does not wait. */
void credentials_cease(struct credentials *credentials, struct credentials_waiter *waiter);

struct credentials_question {
	const struct certificate *certificate; /* of a signer */
	const struct chain *others;            /* that came along with it; NULL: none */
	struct slice aor;                      /* who the message says it is from */
	struct now now;
	bool may_wait; /* for an answer that is newer than the key */
};

struct credentials_judgement {
	enum credentials_trust trust;
	unsigned char key[KEY_ID_SIZE]; /* the fingerprint */
};

/* certificate_is_for_user() for an AOR that put_aor() has written. ERR_LIMIT: longer than CREDENTIALS_AOR_MAX. */
MUST_CHECK enum err credentials_are_for(const struct certificate *certificate, struct slice aor,
					struct verdict *ret_verdict);

/*
 * Whether a signer's certificate is to be believed for the AOR. ERR_AGAIN: nobody was asked yet; credentials_want(), then
 * again; or, with may_wait, credentials_want_anew(). ERR_DENIED: the verdict says why (another's, expired, withdrawn,
 * changed, not vouched for). ERR_NOMEM.
 */
MUST_CHECK enum err credentials_judge(const struct credentials *credentials,
				      const struct credentials_question *question,
				      struct credentials_judgement *ret_judgement,
				      struct verdict *ret_verdict);

/* -- what is remembered between two runs --------------------------------------------------------------------- */

struct credentials_known {
	struct slice aor;
	unsigned char key[KEY_ID_SIZE];
	utc_t first_seen;
	bool is_believed; /* else it came in the place of another one, and our user has not said that he believes it */
	bool is_compared;  /* our user has compared the fingerprint */
	bool is_withdrawn; /* the domain has vouched for it, and does not any more */
};

/* A key that was known in an earlier run. ERR_EXISTS: it is there. ERR_LIMIT, ERR_NOMEM. */
MUST_CHECK enum err credentials_remember(struct credentials *credentials,
					 const struct credentials_known *known);
/* Calls each for every key of others; it changes nothing. */
void credentials_each(const struct credentials *credentials,
		      void (*each)(void *arg, const struct credentials_known *known), void *arg);
/* Our user has compared the fingerprints of the AOR: of one key, or with key NULL of all that are not withdrawn. ERR_NOT_FOUND. */
MUST_CHECK enum err credentials_trust(struct credentials *credentials, struct slice aor,
				      const unsigned char *key);
/* Our user believes that a key which has come in the place of another one is right, without having compared it. ERR_NOT_FOUND. */
MUST_CHECK enum err credentials_believe(struct credentials *credentials, struct slice aor,
					const unsigned char key[KEY_ID_SIZE]);
/* As if the AOR had never been seen. ERR_NOT_FOUND. */
MUST_CHECK enum err credentials_forget(struct credentials *credentials, struct slice aor);

/* "1a2b 3c4d …": the SHA-256 of a public key as people compare it, 79 characters. */
void put_key_fingerprint(struct writer *out, const unsigned char id[KEY_ID_SIZE]);

/* The same text back, with or without blanks and colons. */
MUST_CHECK bool key_fingerprint_parse(struct slice text, unsigned char ret_id[KEY_ID_SIZE]);

/* -- what the source brings -------------------------------------------------------------------------------- */

/*
 * The AOR's domain vouches for exactly these, which name the AOR and are for nobody else to judge; none: it has none. They are
 * taken over, also on an error. Of our own AOR the one with our key is taken. ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK enum err credentials_vouched(struct credentials *credentials, struct slice aor,
					struct certificate *certificates[], size_t n, struct now now);
/* Something came that is not to be believed. What is known stays. */
void credentials_refused(struct credentials *credentials, struct slice aor, const struct verdict *why,
			 struct now now);
/* Nothing came. What is known stays for as long as it was vouched for. */
void credentials_failed(struct credentials *credentials, struct slice aor, const struct verdict *why,
			struct now now);
/* Nothing is heard of the AOR any more: what it has vouched for counts no longer, and is asked for when it is needed. */
void credentials_lapse(struct credentials *credentials, struct slice aor);

/*
 * The domain of a world as its certificate service (RFC 6072): what it signs of its users' certificates, and what somebody on the way
 * may make of that. One world at a time.
 */
#pragma once

#include "world.h"

#include "authority.h"
#include "ua/credentials.h"

#define DOMAIN_DAY 86400

/* A domain with a CA that the phone trusts, and another one with its own certificate by the same CA; bob's two phones. */
struct domain {
	struct crypto *crypto;
	struct authority ca;
	struct key *key, *other_key, *phone, *tablet;
	struct certificate *certificate, *other; /* of localhost, and of other.example */
	struct anchors *anchors;
	struct random *dice;
	struct world world; /* alice's phone, registered */
	unsigned called;    /* how often the waiter was */
	struct credentials_waiter waiter;
};
extern struct domain domain;

/* For cmocka. */
int domain_setup(void **state);
int domain_teardown(void **state);

/* What a NOTIFY is like; what is not set is as it should be. */
struct notice {
	const struct key *keys[DEVICE_CERTIFICATES_MAX]; /* of the certificates in it, issued now by the CA */
	const struct certificate *certificates;          /* one that is in it instead; NULL: none */
	const char *whose;                               /* certificates they are */
	const char *from;                                /* the signed From; NULL: as asked */
	const char *call_id, *cseq;                      /* the signed ones */
	const struct certificate *signer;
	const struct key *signer_key;
	utc_t issued, date; /* seconds from now */
	bool unsigned_;     /* the signature is taken off */
	bool swap;          /* a bit of the first certificate is turned over after it was signed */
	const char *state;
};
/* Told in the subscription, and answered 200 by the phone. */
void domain_notify(const struct notice *notice, const struct sip_message *subscribe);

/* Somebody wants the certificates of the AOR: the SUBSCRIBE, which was answered 200. */
const struct sip_message *domain_want(const char *aor);
struct credentials_found domain_found(const char *aor);
/* The SUBSCRIBE that was sent, answered 200. */
const struct sip_message *domain_subscribed(void);

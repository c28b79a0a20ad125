/*
 * Who we are: our certificates with their chains, as PEM texts that each worker parses for itself. Their keys are with the
 * signing process alone (signer/process.h), which is told to load them; here are their ids. Both come from the files of
 * the configuration, or else from the development CA in the state directory, which is made on first start.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/time.h"
#include "base/writer.h"
#include "crypto/certificate.h"
#include "crypto/key.h"
#include "crypto/lib.h"
#include "sealined/config.h"
#include "signer/client.h"

/* One certificate and its key. */
struct identity_pair {
	struct slice domain, file;   /* the configuration's; no domain: for all that have none of their own */
	struct secret *certificates; /* PEM, ours first */
	unsigned char key[KEY_ID_SIZE];
	bool must_staple; /* it says that it is not to be believed without (RFC 7633) */
	struct slice staple_file;
	struct secret *staple; /* what its CA says of it (OCSP), for those who ask; NULL: nothing */
	utc_t staple_until;    /* as long as that holds; it may be over */
};

struct identity {
	struct identity_pair *pairs; /* the first is for who asks for no name */
	size_t n;
	struct secret *trusted; /* PEM: the CAs of other domains; NULL: the system's */
	struct secret *revoked; /* PEM: what these have revoked; NULL: there is no list */
	const struct config *config;
	struct secret *
		*of_peers; /* PEM: the CAs of the configuration's peers, by peer; NULL, each: those of all */
	struct secret **
		of_users; /* PEM: whom the configuration's domains believe who their users are, by domain; NULL: users_pem */
	bool development;
	bool has_users;                   /* there is a CA for the certificates of users: */
	unsigned char users[KEY_ID_SIZE]; /* its key */
	struct secret *users_pem;         /* its certificate */
};

void identity_fini(struct identity *identity);

/* Where it comes from, and with whose help. */
struct identity_source {
	struct crypto *crypto;
	struct signer_client *signer; /* one that may load keys */
	const struct config *config;
	utc_t now;
	utc_t *ret_from; /* NULL, or where to write when what is refused will be valid, if its time is yet to come */
};

/*
 * Reads and checks: each key is the certificate's, the chain is whole and valid now, it may be used for SIP, a
 * domain's own proves the domain, and the name that we advertise is proven by whatever is shown to those who ask
 * for it. False: why is a sentence. The configuration has to outlive the identity.
 */
MUST_CHECK bool identity_load(const struct identity_source *source, struct identity *ret_identity,
			      struct writer *why);
/*
 * The same as far as it can be known without a state directory, where the certificate of a development CA would be. True: why may
 * be a sentence all the same, about what will not work.
 */
MUST_CHECK bool identity_is_loadable(const struct identity_source *source, struct writer *why);
/* It is the one that is served: the signing process may forget all other keys. ERR_CLOSED, ERR_NOMEM. */
MUST_CHECK enum err identity_settle(const struct identity *identity, struct signer_client *signer);

/* The n-th certificate with its chain as an object of a thread's own cryptography. ERR_NOMEM. */
MUST_CHECK enum err identity_chain(struct crypto *crypto, const struct identity *identity, size_t n,
				   struct chain **ret_chain);
/*
 * The one that vouches for the certificates of a domain's users (RFC 6072): the domain's own, or one of those that are for all. Its
 * key has to be of a kind that messages are signed with. ERR_NOT_FOUND, ERR_DENIED where there are other kinds only, ERR_NOMEM.
 */
MUST_CHECK enum err identity_voucher(struct crypto *crypto, const struct identity *identity,
				     struct slice domain, const struct identity_pair **ret_pair);
/* A sentence about a domain whose users' certificates nobody vouches for, though it can be called; nothing if all is well. */
void put_identity_remark(struct writer *out, struct crypto *crypto, const struct identity *identity,
			 const struct config *config);
/*
 * How near the end of a certificate is: 0 for more than 30 days, then one more with each of 30, 14, 7 and 1 day left, and 5
 * once it has expired.
 */
int identity_alarm(utc_t not_after, utc_t now);

/*
 * Has made in the state directory what is not there yet: the development CA, and its certificate for all our
 * names; that also when less than a third of its life is left or our names have changed. False: why is a
 * sentence. *ret_made: whether something was made.
 */
MUST_CHECK bool development_make(const struct identity_source *source, bool *ret_made, struct writer *why);

/*
 * Has the CA for the certificates of users made if there is none that lasts, and appointed in the signing process. To be called
 * with what identity_load() gave. False: why is a sentence.
 */
MUST_CHECK bool users_make(const struct identity_source *source, struct identity *identity,
			   struct writer *why);

/*
 * The near end of a channel to the signing process (signer/signer.h): questions that are answered at once, or fail when
 * the deadline has passed. A channel belongs to one thread; asking blocks it, since a signature takes less time than
 * a turn of the loop.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"
#include "base/time.h"
#include "base/writer.h"
#include "crypto/key.h"

#define SIGNER_DEADLINE_MS 2000

/* Made by signer_client_init(), may not be moved afterwards; the descriptor stays the caller's. */
struct signer_client {
	int fd;
	uint32_t number;          /* of the last question */
	struct key_signer signer; /* for key_remote() */
};

void signer_client_init(struct signer_client *client, int fd);

/*
 * Below: ERR_CLOSED if the signing process is gone or does not answer in time, and what is named with the question; ERR_IO.
 *
 * A private key from its file, which the signing process opens: the errors of key_parse_pem(); ERR_NOT_FOUND, ERR_CONFLICT: the
 * file may not be read.
 */
MUST_CHECK enum err signer_load(struct signer_client *client, struct slice path,
				unsigned char ret_id[KEY_ID_SIZE]);
/* A new key (ECDSA on P-256), in a file of this path that takes the place of one that is there. ERR_DENIED, ERR_NOMEM. */
MUST_CHECK enum err signer_generate(struct signer_client *client, struct slice path,
				    unsigned char ret_id[KEY_ID_SIZE]);
/*
 * The certificates and lists of revoked ones in a file (PEM), without whatever else is in it; or the file, if it is an OCSP response (DER)
 * from its first byte to its last. A file's errors: ERR_NOT_FOUND, ERR_DENIED,
 * ERR_LIMIT; ERR_NOMEM.
 */
MUST_CHECK enum err signer_tell(struct signer_client *client, struct slice path, struct secret **ret_text);
/* The file of signer_may_tell(). Errors as above; ERR_DENIED also if there is a private key in it. */
MUST_CHECK enum err signer_tell_text(struct signer_client *client, struct secret **ret_text);
/* Puts certificates of ours into a file whose name ends in ".pem". Errors as above; ERR_SYNTAX. */
MUST_CHECK enum err signer_keep_file(struct signer_client *client, struct slice path, struct slice pem);
/* Forgets all other keys. At most SIGNER_KEYS_MAX of them, one behind the other. */
MUST_CHECK enum err signer_keep(struct signer_client *client, struct slice ids);

/*
 * This chain in PEM form, the certificate of the key first, is what is shown of it. ERR_NOT_FOUND: no such key. ERR_DENIED:
 * it is another one's. ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK enum err signer_present(struct signer_client *client, const unsigned char key[KEY_ID_SIZE],
				   struct slice pem);
/* The same for the CA that issues the certificates of users from now on. */
MUST_CHECK enum err signer_appoint(struct signer_client *client, const unsigned char key[KEY_ID_SIZE],
				   struct slice pem);

/* The certificate of a CA of ours with this key and name, in PEM form. ERR_NOT_FOUND: no such key. ERR_LIMIT, ERR_NOMEM. */
struct signer_ca {
	const unsigned char *key; /* its id */
	struct slice name;
	utc_t now;
};
MUST_CHECK enum err signer_make_ca(struct signer_client *client, const struct signer_ca *ca,
				   struct writer *out);

/* What certificate_make() is to make. */
struct signer_wish {
	const unsigned char *key, *issuer; /* ids */
	struct slice names;                /* with LF between them */
	struct slice issuer_pem;
	utc_t now;
};
/* ERR_DENIED: the issuer's certificate has another key. ERR_NOT_FOUND, ERR_SYNTAX (a name), ERR_LIMIT, ERR_NOMEM. */
MUST_CHECK enum err signer_make_server(struct signer_client *client, const struct signer_wish *wish,
				       struct writer *out);

/*
 * Over any channel: the certificate of a user (crypto/user_certificate.h) in DER. aor: canonical (sip/uri.h). ERR_AGAIN: too
 * many were made of late. ERR_NOT_FOUND: no CA is appointed. ERR_SYNTAX, ERR_DENIED (of csr_parse()), ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK enum err signer_make_user(struct signer_client *client, struct slice aor, struct slice request,
				     struct writer *out);
/*
 * Over any channel: the entity of a certificate NOTIFY as multipart/signed, by a key whose certificate proves the domain of
 * the AOR. ERR_DENIED: it is no such entity (signer/order.h), or of another domain. ERR_NOT_FOUND, ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK enum err signer_vouch(struct signer_client *client, const unsigned char key[KEY_ID_SIZE],
				 struct slice entity, struct writer *out);

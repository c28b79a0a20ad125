/*
 * The Cryptographic Message Syntax (RFC 5652) as S/MIME uses it (RFC 8551, for SIP RFC 8591), on whole contents
 * in memory: SignedData with one signer, EnvelopedData and AuthEnvelopedData for several recipients.
 *
 * A signature is checked here, and nothing else: whether the signer's certificate is to be trusted and whom it
 * names is asked elsewhere, of the certificate that comes back. What is weak is neither written nor read: hashes
 * from SHA-256 on, RSA from 2048 bits, curves from 224, AES. Contents are bytes: no line end is ever changed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"
#include "base/time.h"
#include "base/verdict.h"
#include "crypto/certificate.h"
#include "crypto/key.h"
#include "crypto/lib.h"

enum {
	CMS_DER_MAX = 1 << 20,   /* bytes of a structure, and of a content */
	CMS_RECIPIENTS_MAX = 32, /* of one envelope */
	CMS_OTHERS_MAX = 10,     /* certificates beside a signature that are looked at */
};

struct cms_signer {
	const struct certificate *certificate;
	const struct key *key;
	utc_t now;                 /* the signing time */
	bool detached;             /* the content stays outside, for multipart/signed (RFC 8551 §3.5.3) */
	bool omit_certificate;     /* the reader has it already (RFC 8591 §7.1) */
	const struct chain *chain; /* goes along: the certificate and those of its issuers; NULL: none */
};

/*
 * SignedData in DER: SHA-256, with content type, signing time and message digest as signed attributes. ERR_LIMIT,
 * ERR_DENIED where the key is not the certificate's or the library cannot sign messages with its kind (Ed25519
 * before OpenSSL 3.2), ERR_NOMEM.
 */
MUST_CHECK enum err cms_sign(struct crypto *crypto, const struct cms_signer *signer, struct slice content,
			     struct secret **ret_der);

/* Whether this library signs messages with that kind of key: with Ed25519 it does from OpenSSL 3.2 on. */
bool cms_can_sign(const struct certificate *certificate);

/*
 * Certificates without any signature ("certs-only", RFC 8551 §3.8): proves nothing, and is how one is sent along. One that is
 * given twice is in it once. n: 1 to CMS_RECIPIENTS_MAX. ERR_NOMEM.
 */
MUST_CHECK enum err cms_certificates(struct crypto *crypto, const struct certificate *const certificates[],
				     size_t n, struct secret **ret_der);
/* What such a one brings, CMS_OTHERS_MAX at most, in no order. ERR_SYNTAX: it is none, or brings none. ERR_LIMIT, ERR_NOMEM. */
MUST_CHECK enum err cms_certificates_parse(struct crypto *crypto, struct slice der, struct chain **ret_chain);

/* What a good signature says. cms_signed_fini() accepts a zeroed one. */
struct cms_signed {
	struct certificate *signer;
	struct chain *others;   /* what came along, CMS_OTHERS_MAX at most; may be empty */
	struct secret *content; /* NULL where it was detached */
	utc_t signing_time;     /* 0: not said. The signer's word, not a proof */
	const char *algorithm;  /* "ECDSA with SHA-256"; static */
};
void cms_signed_fini(struct cms_signed *what);

struct cms_question {
	struct slice der;
	struct slice detached;                  /* the content, where that is outside; else absent */
	const struct certificate *const *known; /* certificates that the message may have left out */
	size_t n_known;
};

/*
 * Checks the signature. ERR_SYNTAX: no SignedData with exactly one signer. ERR_DENIED: it is altered, weak, or its
 * certificate is not at hand or not for signing (RFC 8550 §4.4.2). ERR_LIMIT, ERR_NOMEM. Of the first three the verdict tells.
 */
MUST_CHECK enum err cms_verify(struct crypto *crypto, const struct cms_question *question,
			       struct cms_signed *ret_signed, struct verdict *ret_verdict);

/* GCM makes an AuthEnvelopedData (RFC 5083), CBC an EnvelopedData, which nothing protects from alteration. */
enum cms_cipher {
	CMS_AES128_GCM,
	CMS_AES256_GCM,
	CMS_AES128_CBC,
	CMS_AES192_CBC,
	CMS_AES256_CBC,
	CMS_CIPHERS
};

/* "AES-128-GCM" */
const char *cms_cipher_name(enum cms_cipher cipher);
bool cms_cipher_is_authenticated(enum cms_cipher cipher);

struct cms_envelope {
	const struct certificate *const *recipients;
	size_t n_recipients;    /* 1 to CMS_RECIPIENTS_MAX */
	enum cms_cipher cipher; /* AES-192-CBC is only read */
};

/* Whether its keyUsage allows that, and its key is a strong one on a curve or of RSA. */
bool cms_can_encrypt_to(const struct certificate *certificate);

/*
 * To an EC certificate the content key goes by ephemeral ECDH with the X9.63 KDF over SHA-256 and AES-128-WRAP
 * (RFC 5753, RFC 8591 §4.2), to an RSA one by OAEP with SHA-256. ERR_DENIED: to one of them nothing can be
 * encrypted. ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK enum err cms_encrypt(struct crypto *crypto, const struct cms_envelope *envelope,
				struct slice content, struct secret **ret_der);

struct cms_recipient {
	const struct certificate *certificate;
	const struct key *key;
};

struct cms_opened {
	struct secret *content;
	enum cms_cipher cipher;
};

/*
 * Opens an EnvelopedData or AuthEnvelopedData. ERR_SYNTAX: it is neither. ERR_NOT_FOUND: it is for others.
 * ERR_DENIED: altered, or under a cipher that is not read. ERR_LIMIT, ERR_NOMEM. Of the first four the verdict tells.
 */
MUST_CHECK enum err cms_decrypt(struct crypto *crypto, struct slice der,
				const struct cms_recipient *recipient, struct cms_opened *ret_opened,
				struct verdict *ret_verdict);

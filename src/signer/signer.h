/*
 * The keys of a signing process, and its answers: bytes in, bytes out, without sockets. signer/process.h has the process
 * around it, signer/client.h the other end.
 *
 * A key is known by its id (crypto/key.h). One channel, the first, belongs to the thread that loads keys; all others may only
 * have handshakes signed (SIGNER_SIGN), user certificates issued in bounds (SIGNER_MAKE_USER), and what the domain's
 * certificate service tells signed (SIGNER_VOUCH): what these make is decided here, and so is the time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/time.h"
#include "crypto/key.h"

enum {
	SIGNER_KEYS_MAX = 4096,
	SIGNER_REQUEST_MAX = 160 * 1024,
	SIGNER_REPLY_MAX = 64 * 1024,
	SIGNER_ISSUED_PER_ACCOUNT = 30, /* user certificates in an hour */
	SIGNER_ISSUED_PER_HOUR = 100000,
};

enum signer_operation {
	SIGNER_SIGN = 1, /* the text: up to KEY_WISHES_MAX orders, each with what is to be signed */
	SIGNER_LOAD,     /* the text: the path of a key's file, PEM */
	SIGNER_GENERATE, /* the text: the path of the file that a new key is to be in */
	SIGNER_KEEP,     /* the text: ids of the keys that are still wanted */
	SIGNER_MAKE_CA,  /* key, now; the text: the name. The certificate of a CA of ours */
	SIGNER_MAKE_SERVER, /* key, issuer, now; the text: names with LF between them, NUL, the CA's certificate in PEM */
	SIGNER_PRESENT,   /* key; the text: its certificate with its chain in PEM, as what it vouches */
	SIGNER_APPOINT,   /* key; the text likewise: the CA that issues user certificates from now on */
	SIGNER_MAKE_USER, /* the text: an AOR, NUL, a request (PKCS #10). The certificate in DER */
	SIGNER_TELL, /* the text: a path; a descriptor that the certificates and lists of revoked ones in it are written to, or all of an OCSP response */
	SIGNER_TELL_TEXT, /* a descriptor that the file of signer_may_tell() is written to */
	SIGNER_KEEP_FILE, /* the text: the path of a .pem file, NUL, certificates to be in it */
	SIGNER_VOUCH,     /* key; the text: the entity of a certificate NOTIFY. The signed one */
};

/* Between processes of one program on one machine: as it lies in memory. */
struct signer_request {
	uint32_t number; /* comes back in the reply */
	uint8_t operation, spare[3];
	unsigned char key[KEY_ID_SIZE], issuer[KEY_ID_SIZE];
	utc_t now;
};

/* Of SIGNER_SIGN. */
struct signer_order {
	uint32_t len; /* of the text behind it */
	uint8_t hash, pss, spare[2];
	unsigned char key[KEY_ID_SIZE];
};

struct signer_reply {
	uint32_t number;
	uint32_t err;                   /* enum err */
	unsigned char key[KEY_ID_SIZE]; /* LOAD, GENERATE */
};

/* The answer to an order, with the signature behind it. */
struct signer_signature {
	uint32_t err; /* enum err */
	uint32_t len;
};

struct signer;

/* NULL without memory. */
MUST_CHECK struct signer *signer_new(void);
/* A file that is told as it is, unless there is a private key in it. The path is borrowed. */
void signer_may_tell(struct signer *signer, struct slice path);
void signer_free(struct signer *signer);
OWN(signer)

struct signer_message {
	bool may_all; /* it came over the first channel */
	int fd;       /* that came with it, or -1 */
	utc_t now;    /* by the signing process's own clock */
	struct slice bytes;
};

/* Writes a reply of at most SIGNER_REPLY_MAX bytes; returns its length. The descriptor stays the caller's. */
size_t signer_answer(struct signer *signer, const struct signer_message *message,
		     char ret_reply[SIGNER_REPLY_MAX]);

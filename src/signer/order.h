/*
 * What a signing process is asked to sign, looked at before it does: a process that reads the network, and may be in other
 * hands one day, gets signatures for TLS handshakes and for what a domain's certificate service tells, and for nothing else
 * that somebody would take for our word.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "base/time.h"
#include "base/writer.h"

/*
 * Whether the text is what an endpoint signs in a handshake of TLS: the CertificateVerify of 1.3 with its context (RFC 8446
 * §4.4.3), or of 1.2 the ServerKeyExchange with an elliptic curve (RFC 8422 §5.4) or all messages up to the client's
 * CertificateVerify (RFC 5246 §7.4.8). That the randoms and hashes in it are those of a handshake of ours cannot be seen.
 */
bool order_is_handshake(struct slice text);

enum { ORDER_CERTIFICATES_MAX = 16, ORDER_AOR_MAX = 1024 };

/* What a certificate NOTIFY says; the slices point into the text. */
struct order_notify {
	struct writer aor; /* of its From, canonical (sip/uri.h); in buf */
	char buf[ORDER_AOR_MAX];
	struct slice domain; /* the host of its From */
	utc_t date;
	struct slice certificates[ORDER_CERTIFICATES_MAX]; /* DER, of one size with its part */
	size_t n_certificates;
};

/*
 * Whether the text is the entity that a NOTIFY of the certificate service is signed over (docs/smime.md): multipart/mixed, first
 * message/sipfrag with the From, To, Call-ID, CSeq, Date and Event of the NOTIFY, each once and nothing else, then any
 * number of application/pkix-cert in binary. ret_notify may not be moved.
 */
bool order_is_notify(struct slice text, struct order_notify *ret_notify);

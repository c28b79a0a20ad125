/*
 * What a signing process is asked to sign, looked at before it does: a process that reads the network, and may be in other
 * hands one day, gets signatures for TLS handshakes, and for nothing else that somebody would take for our word.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

/*
 * Whether the text is what an endpoint signs in a handshake of TLS: the CertificateVerify of 1.3 with its context (RFC 8446
 * §4.4.3), or of 1.2 the ServerKeyExchange with an elliptic curve (RFC 8422 §5.4) or all messages up to the client's
 * CertificateVerify (RFC 5246 §7.4.8). That the randoms and hashes in it are those of a handshake of ours cannot be seen.
 */
bool order_is_handshake(struct slice text);

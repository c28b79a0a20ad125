/*
 * The SIP domain identities in a certificate (RFC 5922 §7.1), their comparison with the domain that was asked
 * for (§7.2), and whether the certificate may be used for SIP at all (RFC 5280 §4.2.1.12, RFC 5924). Pure
 * functions of certificate and name; that the chain is good is somebody else's proof.
 *
 * An identity is the host of a subjectAltName URI with scheme sip and no user part. Only where there is no
 * such URI it is a DNS name of the subjectAltName, and only where there is no subjectAltName at all the CN. A
 * name with a wildcard, a NUL or anything else that no host name has is never one, nor is an IP address.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/verdict.h"
#include "base/writer.h"
#include "crypto/certificate.h"

#define IDENTITY_NAME_MAX 253

/* Whether the text is a DNS name that can be a SIP domain: LDH labels, the last one beginning with a letter.
 */
bool identity_is_name(struct slice text);

/*
 * OK if the certificate proves the domain: compared whole, without regard to case, a final dot of the domain
 * ignored. Else ERR_DENIED and a verdict that says which names there are. A domain that is no DNS name (an IP
 * address) is never proven.
 */
MUST_CHECK enum err identity_check(const struct certificate *certificate, struct slice domain,
				   struct verdict *ret_verdict);

/*
 * Whether a DNS name of the subjectAltName with "*" for its first label stands for the domain (RFC 9525 §6.3): "*.b.example" for
 * "sip.b.example", not for "b.example" nor "x.sip.b.example", and never directly below a top-level domain. RFC 5922 §7.2 forbids
 * it; this is for peers of which a configuration says so. False where a URI names a SIP domain.
 */
bool identity_covers(const struct certificate *certificate, struct slice domain);

/*
 * OK if extendedKeyUsage is absent or has serverAuth, id-kp-sipDomain or anyExtendedKeyUsage, and keyUsage is
 * absent or allows signing, for an issuer: signing certificates. Else ERR_DENIED and a verdict. serverAuth
 * stands for either end of a connection between domains, since public CAs issue nothing else (RFC 5924 §5
 * alone would refuse it).
 */
MUST_CHECK enum err identity_check_usage(const struct certificate *certificate, bool is_issuer,
					 struct verdict *ret_verdict);

/*
 * Whether the SIP domains that the certificate names by URIs, and those of the users, are among the DNS names that a CA above it may
 * vouch for, and the users among the mail addresses (RFC 5280 §4.2.1.10). OpenSSL holds those constraints against DNS names and mail
 * addresses alone, and a SIP domain is one in either form (RFC 5922 §7.1), as is that of a user.
 */
bool identity_is_within(const struct certificate *certificate, const struct certificate *issuer);

/* The identities for reports: "a.example, b.example"; nothing if there is none. False if there is none. */
bool put_identities(struct writer *out, const struct certificate *certificate);

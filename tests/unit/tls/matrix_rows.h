/*
 * Certificates good, bad and odd, and what is thought of each: the one table for the unit test, which makes them in C
 * (test_matrix.c), and for the tests of the programs, which make them by tests/lib/odd_certificates.py: that reads the lines of
 * `rows` here, one a row.
 */
#pragma once

enum odd {
	NOTHING_ODD,
	SELF_SIGNED, /* the leaf */
	UNKNOWN_CA,
	WRONG_SIGNATURE,
	RSA_1024,
	SIGNED_WITH_SHA1,
	TWO_NAME_LISTS,   /* the extension is there twice */
	MANY_NAMES,       /* before the one of the row */
	CHAIN_IS_MISSING, /* an intermediate that is not sent */
	INTERMEDIATE,     /* a good one */
	INTERMEDIATE_EXPIRED,
	INTERMEDIATE_NO_CA,
	INTERMEDIATE_SHA1,
	INTERMEDIATE_FOR_MAIL,
	INTERMEDIATE_BELOW_PATH, /* of an intermediate that allows none below it */
	CHAIN_TOO_DEEP,
	CHAIN_HUGE, /* others' certificates beside it */
	REVOKED,
	INTERMEDIATE_REVOKED,
	CRL_STALE,
	CRL_OF_OTHERS, /* it revokes another one */
	CRL_OF_FORGER, /* it bears the CA's name, and another signature */
};

struct row {
	const char *label;
	enum odd odd;
	const char *cn, *san;    /* san: "#" stands for NUL */
	const char *eku, *ku;    /* NULL: serverAuth, digitalSignature; "": none */
	const char *constraints; /* of the intermediate, for which there is one then */
	int from, until;         /* days; both 0: good now */
	const char *other;       /* one more extension: "critical" or "plain" */
	const char *asked;       /* NULL: b.example */
	const char *code;        /* of our client's verdict; NULL: it accepts */
};

#define B "DNS:b.example"

static const struct row rows[] = {
	/* clang-format off */
	{ "DNS",                            .san = B },
	{ "URI",                            .san = "URI:sip:b.example" },
	{ "several names",                  .san = "DNS:a.example,DNS:b.example" },
	{ "a name twice",                   .san = "DNS:b.example,DNS:b.example" },
	{ "five hundred names, ours last",  .odd = MANY_NAMES, .san = B },
	{ "an A-label",                     .san = "DNS:xn--bcher-kva.example", .asked = "xn--bcher-kva.example" },
	{ "an A-label in capitals",         .san = "DNS:XN--Bcher-KVA.example", .asked = "xn--bcher-kva.example" },
	{ "an A-label in a URI",            .san = "URI:sip:xn--bcher-kva.example", .asked = "xn--bcher-kva.example" },
	{ "a look-alike A-label",           .san = "DNS:xn--bcher-kua.example", .asked = "xn--bcher-kva.example", .code = "certificate.name-mismatch" },
	{ "a U-label",                      .san = "DNS:b\xc3\xbc" "cher.example", .asked = "xn--bcher-kva.example", .code = "certificate.no-identity" },
	{ "wrong name",                     .san = "DNS:a.example", .code = "certificate.name-mismatch" },
	{ "a subdomain of the name",        .san = "DNS:sip.b.example", .code = "certificate.name-mismatch" },
	{ "name with NUL",                  .san = "DNS:b.example#.evil.example", .code = "certificate.no-identity" },
	{ "NUL in a URI",                   .san = "URI:sip:b.example#.evil.example", .code = "certificate.no-identity" },
	{ "final dot in the certificate",   .san = "DNS:b.example.", .code = "certificate.no-identity" },
	{ "wildcard",                       .san = "DNS:*.example", .code = "certificate.no-identity" },
	{ "wildcard in a URI",              .san = "URI:sip:*.example", .code = "certificate.no-identity" },
	{ "wildcard CN",                    .cn = "*.example", .code = "certificate.no-identity" },
	{ "CN only",                        .cn = "b.example" },
	{ "another CN only",                .cn = "a.example", .code = "certificate.name-mismatch" },
	{ "CN beside a wrong SAN",          .cn = "b.example", .san = "DNS:a.example", .code = "certificate.name-mismatch" },
	{ "CN beside an IP SAN",            .cn = "b.example", .san = "IP:192.0.2.1", .code = "certificate.no-identity" },
	{ "IP for name",                    .san = "IP:192.0.2.1", .code = "certificate.no-identity" },
	{ "IP asked for",                   .san = "IP:192.0.2.1", .asked = "192.0.2.1", .code = "certificate.no-domain-asked" },
	{ "URI with a user",                .san = "URI:sip:alice@b.example", .code = "certificate.no-identity" },
	{ "URI for another beside DNS",     .san = "URI:sip:a.example,DNS:b.example", .code = "certificate.name-mismatch" },
	{ "sips URI",                       .san = "URI:sips:b.example", .code = "certificate.no-identity" },
	{ "only an e-mail address",         .san = "email:postmaster@b.example", .code = "certificate.no-identity" },
	{ "no name at all",                 .cn = "", .code = "certificate.no-identity" },
	{ "two lists of names",             .odd = TWO_NAME_LISTS, .san = B, .code = "certificate.unknown-ca" /* OpenSSL takes it for invalid, and looks no further */ },

	{ "expired",                        .san = B, .from = -90, .until = -1, .code = "certificate.expired" },
	{ "not yet valid",                  .san = B, .from = 1, .until = 90, .code = "certificate.not-yet-valid" },

	{ "self-signed",                    .odd = SELF_SIGNED, .san = B, .code = "certificate.self-signed" },
	{ "unknown CA",                     .odd = UNKNOWN_CA, .san = B, .code = "certificate.unknown-ca" },
	{ "wrong signature",                .odd = WRONG_SIGNATURE, .san = B, .code = "certificate.bad-signature" },
	{ "an intermediate",                .odd = INTERMEDIATE, .san = B },
	{ "broken chain",                   .odd = CHAIN_IS_MISSING, .san = B, .code = "certificate.unknown-ca" },
	{ "an intermediate has expired",    .odd = INTERMEDIATE_EXPIRED, .san = B, .code = "certificate.expired" },
	{ "an intermediate is no CA",       .odd = INTERMEDIATE_NO_CA, .san = B, .code = "certificate.not-a-ca" },
	{ "path too long",                  .odd = INTERMEDIATE_BELOW_PATH, .san = B, .code = "certificate.path-too-long" },
	{ "chain too deep",                 .odd = CHAIN_TOO_DEEP, .san = B, .code = "certificate.path-too-long" },
	{ "huge chain",                     .odd = CHAIN_HUGE, .san = B },
	{ "name constraints kept",          .san = B, .constraints = "permitted;DNS:b.example" },
	{ "name constraints violated",      .san = B, .constraints = "permitted;DNS:a.example", .code = "certificate.name-constraints" },
	{ "an excluded name",               .san = B, .constraints = "excluded;DNS:example", .code = "certificate.name-constraints" },
	{ "an excluded name in a URI",      .san = "URI:sip:b.example", .constraints = "excluded;URI:b.example", .code = "certificate.name-constraints" },
	{ "constraints kept in a URI",      .san = "URI:sip:B.example:5061;a=b", .constraints = "permitted;DNS:b.example" },
	{ "constraints violated in a URI",  .san = "DNS:a.example,URI:sip:b.example", .constraints = "permitted;DNS:a.example", .code = "certificate.name-constraints" },
	{ "violated by its end alone",      .san = "URI:sip:b.example", .constraints = "permitted;DNS:xb.example,permitted;DNS:.b.example", .code = "certificate.name-constraints" },
	{ "no DNS names at all, but a URI", .san = "URI:sip:b.example", .constraints = "excluded;DNS:example", .code = "certificate.name-constraints" },
	{ "constraints on mail, and a URI", .san = "URI:sip:b.example", .constraints = "permitted;email:a.example" },
	{ "unknown critical extension",     .san = B, .other = "critical", .code = "certificate.critical-extension" },
	{ "unknown extension",              .san = B, .other = "plain" },

	{ "EKU absent",                     .san = B, .eku = "" },
	{ "EKU sipDomain",                  .san = B, .eku = "1.3.6.1.5.5.7.3.20" },
	{ "EKU any",                        .san = B, .eku = "anyExtendedKeyUsage" },
	{ "EKU clientAuth alone",           .san = B, .eku = "clientAuth", .code = "certificate.usage" },
	{ "wrong EKU",                      .san = B, .eku = "codeSigning", .code = "certificate.usage" },
	{ "wrong key usage",                .san = B, .ku = "keyEncipherment", .code = "certificate.usage" },
	{ "key usage absent",               .san = B, .ku = "" },
	{ "wrong EKU of the CA",            .odd = INTERMEDIATE_FOR_MAIL, .san = B, .code = "certificate.usage" },

	{ "weak key",                       .odd = RSA_1024, .san = B, .code = "certificate.weak" },
	{ "SHA-1",                          .odd = SIGNED_WITH_SHA1, .san = B, .code = "certificate.weak" },
	{ "SHA-1 in the chain",             .odd = INTERMEDIATE_SHA1, .san = B, .code = "certificate.weak" },

	{ "revoked",                        .odd = REVOKED, .san = B, .code = "certificate.revoked" },
	{ "an intermediate is revoked",     .odd = INTERMEDIATE_REVOKED, .san = B, .code = "certificate.revoked" },
	{ "a stale CRL",                    .odd = CRL_STALE, .san = B, .code = "certificate.crl" },
	{ "another one is revoked",         .odd = CRL_OF_OTHERS, .san = B },
	{ "a forged CRL",                   .odd = CRL_OF_FORGER, .san = B, .code = "certificate.crl" },
	/* clang-format on */
};

/*
 * Which groups and cipher suites are used, where the ones that are usual do not do: any that are safe today, in an order of one's
 * own (RFC 9325 §4, RFC 8446 §9.1). What is not safe has no name here. A struct of zeros means the usual ones.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

enum { TLS_POLICY_TEXT_MAX = 400 };

struct tls_policy {
	/* as OpenSSL writes lists, NUL-terminated; all empty: the usual */
	char groups[TLS_POLICY_TEXT_MAX], suites_13[TLS_POLICY_TEXT_MAX], suites_12[TLS_POLICY_TEXT_MAX];
	bool has_hybrid; /* X25519MLKEM768 is the first of the groups, for a library that has it */
};

/*
 * One more: "X25519MLKEM768", "X25519", "P-256", "P-384"; "TLS_AES_128_GCM_SHA256" and its like, the names of IANA for TLS 1.3 and 1.2.
 * False: it is none of those, is there already, or is X25519MLKEM768 behind others; *ret_why has a clause.
 */
bool tls_policy_add_group(struct tls_policy *policy, struct slice name, const char **ret_why);
bool tls_policy_add_suite(struct tls_policy *policy, struct slice name, const char **ret_why);

/*
 * Once all is added. False where what everybody has is missing, so that there would be nothing in common with many: P-256, and
 * TLS_AES_128_GCM_SHA256. Without any suite of TLS 1.2 that is not spoken.
 */
bool tls_policy_is_whole(const struct tls_policy *policy, const char **ret_why);

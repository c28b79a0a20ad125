#include "tls/policy.h"

#include "base/writer.h"

static const struct slice groups[] = { SLICE_INIT("X25519"), SLICE_INIT("P-256"), SLICE_INIT("P-384") };

/* Names of IANA, and of OpenSSL. */
static const struct {
	struct slice name, openssl;
	bool is_13;
} suites[] = {
	/* clang-format off */
	{ SLICE_INIT("TLS_AES_128_GCM_SHA256"),       SLICE_INIT("TLS_AES_128_GCM_SHA256"),       true },
	{ SLICE_INIT("TLS_AES_256_GCM_SHA384"),       SLICE_INIT("TLS_AES_256_GCM_SHA384"),       true },
	{ SLICE_INIT("TLS_CHACHA20_POLY1305_SHA256"), SLICE_INIT("TLS_CHACHA20_POLY1305_SHA256"), true },
	{ SLICE_INIT("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),       SLICE_INIT("ECDHE-ECDSA-AES128-GCM-SHA256"), false },
	{ SLICE_INIT("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),       SLICE_INIT("ECDHE-ECDSA-AES256-GCM-SHA384"), false },
	{ SLICE_INIT("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"), SLICE_INIT("ECDHE-ECDSA-CHACHA20-POLY1305"), false },
	{ SLICE_INIT("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),         SLICE_INIT("ECDHE-RSA-AES128-GCM-SHA256"),   false },
	{ SLICE_INIT("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),         SLICE_INIT("ECDHE-RSA-AES256-GCM-SHA384"),   false },
	{ SLICE_INIT("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),   SLICE_INIT("ECDHE-RSA-CHACHA20-POLY1305"),   false },
	/* clang-format on */
};

static bool wrong(const char *why, const char **ret_why)
{
	*ret_why = why;
	return false;
}

static bool has(const char *list, struct slice name)
{
	struct slice rest = slice_of(list);

	while (rest.len > 0) {
		size_t colon = slice_find(rest, ':');

		if (slice_eq(slice_sub(rest, 0, colon), name))
			return true;
		rest = slice_sub(rest, colon + 1, rest.len);
	}
	return false;
}

/* Whatever is in the tables fits, once each. */
static bool add(char list[TLS_POLICY_TEXT_MAX], struct slice name, const char **ret_why)
{
	struct writer out = writer_of(list, TLS_POLICY_TEXT_MAX - 1);

	if (has(list, name))
		return wrong("it is there already", ret_why);
	out.len = slice_of(list).len;
	put(&out, out.len > 0 ? SLICE(":") : SLICE(""));
	put(&out, name);
	list[out.len] = '\0';
	return true;
}

bool tls_policy_add_group(struct tls_policy *policy, struct slice name, const char **ret_why)
{
	if (slice_eq(name, SLICE("X25519MLKEM768"))) {
		if (policy->has_hybrid || policy->groups[0])
			return wrong("it stands first, or not at all", ret_why);
		policy->has_hybrid = true;
		return true;
	}
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (slice_eq(name, groups[i]))
			return add(policy->groups, name, ret_why);
	return wrong("it is none of those that are safe and used: X25519MLKEM768, X25519, P-256, P-384",
		     ret_why);
}

bool tls_policy_add_suite(struct tls_policy *policy, struct slice name, const char **ret_why)
{
	for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
		if (slice_eq(name, suites[i].name))
			return add(suites[i].is_13 ? policy->suites_13 : policy->suites_12, suites[i].openssl,
				   ret_why);
	return wrong("it is none of those that are safe, with ECDHE and AES-GCM or ChaCha20 (RFC 9325 §4.2)",
		     ret_why);
}

bool tls_policy_is_whole(const struct tls_policy *policy, const char **ret_why)
{
	if ((policy->groups[0] || policy->has_hybrid) && !has(policy->groups, SLICE("P-256")))
		return wrong("P-256 is not among the groups, which everybody has (RFC 8446 §9.1)", ret_why);
	if ((policy->suites_13[0] || policy->suites_12[0]) &&
	    !has(policy->suites_13, SLICE("TLS_AES_128_GCM_SHA256")))
		return wrong(
			"TLS_AES_128_GCM_SHA256 is not among the suites, which everybody has (RFC 8446 §9.1)",
			ret_why);
	return true;
}

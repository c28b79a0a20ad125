#include "crypto/identity.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "base/ascii.h"
#include "crypto/private.h"

#define LABEL_MAX 63

/* What is asked of each identity in turn. */
struct visit {
	struct slice wanted;                 /* the domain asked for */
	bool found;                          /* it is there */
	struct writer *report;               /* or: write them all here */
	const NAME_CONSTRAINTS *constraints; /* or: whether one is beyond these */
	bool is_beyond;
	size_t n;
};

/* ---- names ---- */

static bool is_label(struct slice label)
{
	if (!label.len || label.len > LABEL_MAX || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++)
		if (!ascii_is_alnum(label.ptr[i]) && label.ptr[i] != '-')
			return false;
	return true;
}

/* RFC 3261 §25.1: hostname = *( domainlabel "." ) toplabel, and a toplabel begins with a letter */
bool identity_is_name(struct slice text)
{
	struct slice label;

	if (text.len > IDENTITY_NAME_MAX)
		return false;
	for (;;) {
		label = slice_sub(text, 0, slice_find(text, '.'));
		if (!is_label(label))
			return false;
		if (label.len == text.len)
			return ascii_is_alpha(label.ptr[0]);
		text = slice_sub(text, label.len + 1, text.len);
	}
}

static struct slice without_final_dot(struct slice domain)
{
	return slice_ends(domain, SLICE(".")) ? slice_sub(domain, 0, domain.len - 1) : domain;
}

static struct slice slice_of_asn1(const ASN1_STRING *text)
{
	return slice_from(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
}

/*
 * "If the scheme of the URI value is "sip", and there is no userinfo component in the URI (there is no '@'),
 * then the implementation MUST accept the hostpart as a SIP domain identity."                       RFC 5922
 * §7.1
 */
static bool host_of_sip_uri(struct slice uri, struct slice *ret_host)
{
	size_t end;

	if (!slice_starts_nocase(uri, SLICE("sip:")) || slice_find(uri, '@') < uri.len)
		return false;
	uri = slice_sub(uri, 4, uri.len);
	for (end = 0; end < uri.len; end++)
		if (uri.ptr[end] == ':' || uri.ptr[end] == ';' || uri.ptr[end] == '?')
			break;
	*ret_host = slice_sub(uri, 0, end);
	return true;
}

/* ---- RFC 5280 §4.2.1.10 ---- */

/* "Any DNS name that can be constructed by simply adding zero or more labels to the left-hand side of the name" */
static bool is_below(struct slice name, struct slice base)
{
	if (base.len == 0)
		return true;
	if (base.len > name.len || !slice_eq_nocase(slice_sub(name, name.len - base.len, name.len), base))
		return false;
	return base.len == name.len || base.ptr[0] == '.' || name.ptr[name.len - base.len - 1] == '.';
}

/* "a particular mailbox, all addresses at a particular host, or all mailboxes in a domain" */
static bool is_at(struct slice address, struct slice base)
{
	size_t at = slice_find(address, '@'), of_base = slice_find(base, '@');
	struct slice host = slice_sub(address, at + 1, address.len);

	if (of_base < base.len)
		return user_part_is(slice_sub(address, 0, at), slice_sub(base, 0, of_base)) &&
		       slice_eq_nocase(host, slice_sub(base, of_base + 1, base.len));
	return base.len == 0 || base.ptr[0] == '.' ? is_below(host, base) : slice_eq_nocase(host, base);
}

/* type: of the bases that are looked at, GEN_DNS or GEN_EMAIL. */
static bool is_among(const STACK_OF(GENERAL_SUBTREE) * subtrees, int type, struct slice name,
		     bool *ret_has_any)
{
	*ret_has_any = false;
	for (int i = 0; i < sk_GENERAL_SUBTREE_num(subtrees); i++) {
		const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(subtrees, i)->base;

		if (base->type != type)
			continue;
		*ret_has_any = true;
		if ((type == GEN_DNS ? is_below : is_at)(name, slice_of_asn1(base->d.ia5)))
			return true;
	}
	return false;
}

static bool allows(const NAME_CONSTRAINTS *constraints, int type, struct slice name)
{
	bool is_constrained;

	if (is_among(constraints->excludedSubtrees, type, name, &is_constrained))
		return false;
	return is_among(constraints->permittedSubtrees, type, name, &is_constrained) || !is_constrained;
}

/* ---- RFC 5922 §7.1 ---- */

static void visit_name(struct visit *visit, struct slice name)
{
	if (!identity_is_name(name))
		return;
	if (slice_eq_nocase(name, visit->wanted))
		visit->found = true;
	if (visit->constraints && !allows(visit->constraints, GEN_DNS, name))
		visit->is_beyond = true;
	if (visit->report && visit->n)
		put(visit->report, SLICE(", "));
	if (visit->report)
		put(visit->report, name);
	visit->n++;
}

/* Whether there was any URI that names a SIP domain, even one that is no DNS name and so proves nothing. */
static bool visit_uris(struct visit *visit, const GENERAL_NAMES *names)
{
	struct slice host;
	bool any = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_URI || !host_of_sip_uri(slice_of_asn1(name->d.ia5), &host))
			continue;
		any = true;
		visit_name(visit, host);
	}
	return any;
}

/* Users are held against what the CA may vouch for among mail addresses as well, which theirs are written like. */
static void visit_users(struct visit *visit, const GENERAL_NAMES *names)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		struct user_uri parts;

		if (name->type != GEN_URI || !user_uri_split(slice_of_asn1(name->d.ia5), &parts) ||
		    !identity_is_name(parts.domain))
			continue;
		struct slice address = slice_from(parts.user.ptr, parts.user.len + 1 + parts.domain.len);

		if (!allows(visit->constraints, GEN_DNS, parts.domain) ||
		    !allows(visit->constraints, GEN_EMAIL, address))
			visit->is_beyond = true;
	}
}

static void visit_dns(struct visit *visit, const GENERAL_NAMES *names)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS)
			visit_name(visit, slice_of_asn1(name->d.ia5));
	}
}

/* "*.b.example" and "sip.b.example" */
static bool covers(struct slice pattern, struct slice domain)
{
	size_t dot = slice_find(domain, '.');
	struct slice parent = slice_sub(domain, dot, domain.len);

	return slice_starts(pattern, SLICE("*.")) && dot > 0 && parent.len > 1 &&
	       slice_find(slice_sub(parent, 1, parent.len), '.') < parent.len - 1 &&
	       slice_eq_nocase(slice_sub(pattern, 1, pattern.len), parent);
}

bool identity_covers(const struct certificate *certificate, struct slice domain)
{
	struct visit visit = { .wanted = without_final_dot(domain) };
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate->x509, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	if (identity_is_name(visit.wanted) && !visit_uris(&visit, names))
		for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
			const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

			found |= name->type == GEN_DNS && covers(slice_of_asn1(name->d.ia5), visit.wanted);
		}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return found;
}

/* A subject with several CNs leaves open which is meant, so none is. */
static void visit_common_name(struct visit *visit, const X509_NAME *subject)
{
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *utf8 = NULL;
	int len;

	if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return;
	len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (len >= 0)
		visit_name(visit, slice_from(utf8, (size_t)len));
	OPENSSL_free(utf8);
}

static void visit_identities(struct visit *visit, const X509 *x509)
{
	int status = -1;
	GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, &status, NULL);

	if (names) {
		if (!visit_uris(visit, names))
			visit_dns(visit, names);
	} else if (status == -1) { /* absent; malformed or given twice it is another number */
		visit_common_name(visit, X509_get_subject_name(x509));
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
}

bool put_identities(struct writer *out, const struct certificate *certificate)
{
	struct visit visit = { .report = out };

	visit_identities(&visit, certificate->x509);
	return visit.n > 0;
}

/* What cannot be read allows nothing. */
bool identity_is_within(const struct certificate *certificate, const struct certificate *issuer)
{
	int status = -1, of_names = -1;
	NAME_CONSTRAINTS *constraints = X509_get_ext_d2i(issuer->x509, NID_name_constraints, &status, NULL);
	struct visit visit = { .constraints = constraints };
	GENERAL_NAMES *names;
	bool is_within;

	if (!constraints) {
		ERR_clear_error();
		return status == -1;
	}
	names = X509_get_ext_d2i(certificate->x509, NID_subject_alt_name, &of_names, NULL);
	visit_uris(&visit, names);
	visit_users(&visit, names);
	is_within = names ? !visit.is_beyond : of_names == -1;
	GENERAL_NAMES_free(names);
	NAME_CONSTRAINTS_free(constraints);
	ERR_clear_error();
	return is_within;
}

/* ---- verdicts ---- */

static const struct verdict no_domain = {
	.code = "certificate.no-domain-asked",
	.what = "{expected} is no domain name, so no certificate can prove it",
	.section = "RFC 5922 §7.1",
	.remedy = "use the name of the SIP domain instead of an address",
};

static const struct verdict no_identity = {
	.code = "certificate.no-identity",
	.what = "the certificate names no SIP domain (it has: {found}), the connection was for {expected}",
	.section = "RFC 5922 §7.1",
	.remedy = "the server for {expected} needs a certificate with DNS:{expected} in its subjectAltName; "
		  "wildcards and IP addresses do not count",
};

static const struct verdict name_mismatch = {
	.code = "certificate.name-mismatch",
	.what = "the certificate names {found}, the connection was for {expected}",
	.section = "RFC 5922 §7.2",
	.remedy =
		"the server for {expected} needs a certificate with that very name, or ask for the domain that it has",
};

static const struct verdict wrong_usage = {
	.code = "certificate.usage",
	.what = "the certificate may not be used for a SIP or TLS server, but for {found}",
	.section = "RFC 5280 §4.2.1.12, RFC 5924 §5",
	.remedy = "have a certificate issued with extendedKeyUsage serverAuth and keyUsage digitalSignature",
};

enum err identity_check(const struct certificate *certificate, struct slice domain,
			struct verdict *ret_verdict)
{
	struct visit visit = { .wanted = without_final_dot(domain) };
	char buf[4 * VERDICT_TEXT_MAX];
	struct writer found = writer_of(buf, sizeof(buf));

	if (!identity_is_name(visit.wanted)) {
		*ret_verdict = no_domain;
		verdict_text_set(&ret_verdict->expected, domain);
		return ERR_DENIED;
	}
	visit.report = &found;
	visit_identities(&visit, certificate->x509);
	if (visit.found)
		return OK;

	*ret_verdict = visit.n ? name_mismatch : no_identity;
	if (!visit.n)
		put_certificate_names(&found, certificate);
	if (!found.len)
		put(&found, SLICE("no name at all"));
	verdict_text_set(&ret_verdict->expected, visit.wanted);
	verdict_text_set(&ret_verdict->found, writer_text(&found));
	return ERR_DENIED;
}

/* Whether the usages allow SIP; writes their names. */
static bool check_extended(const EXTENDED_KEY_USAGE *usages, struct writer *out)
{
	static const char sip_domain[] = "1.3.6.1.5.5.7.3.20"; /* id-kp-sipDomain, RFC 5924 §4.1 */
	char oid[80];

	for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
		const ASN1_OBJECT *usage = sk_ASN1_OBJECT_value(usages, i);
		int nid = OBJ_obj2nid(usage);

		if (nid == NID_server_auth || nid == NID_anyExtendedKeyUsage)
			return true;
		if (OBJ_obj2txt(oid, sizeof(oid), usage, 1) > 0 &&
		    slice_eq(slice_of(oid), slice_of(sip_domain)))
			return true;
		if (OBJ_obj2txt(oid, sizeof(oid), usage, 0) <= 0)
			continue;
		if (i)
			put(out, SLICE(", "));
		put(out, slice_of(oid));
	}
	return false;
}

enum err identity_check_usage(const struct certificate *certificate, bool is_issuer,
			      struct verdict *ret_verdict)
{
	const uint32_t needed = is_issuer ? KU_KEY_CERT_SIGN : KU_DIGITAL_SIGNATURE;
	char buf[VERDICT_TEXT_MAX];
	struct writer found = writer_of(buf, sizeof(buf));
	int status = -1;
	EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(certificate->x509, NID_ext_key_usage, &status, NULL);
	bool ok = usages ? check_extended(usages, &found) : status == -1;

	EXTENDED_KEY_USAGE_free(usages);
	ERR_clear_error();
	if (ok && !(X509_get_key_usage(certificate->x509) & needed)) {
		put(&found, SLICE("what its keyUsage says"));
		ok = false;
	}
	if (ok)
		return OK;
	*ret_verdict = wrong_usage;
	if (!found.len)
		put(&found, SLICE("what cannot be read"));
	verdict_text_set(&ret_verdict->found, writer_text(&found));
	return ERR_DENIED;
}

#include "crypto/identity.h"

#include "harness.h"

#include <openssl/x509v3.h>

#include "crypto/openssl.h"

#define SANS_MAX 4

struct san {
	int type;
	struct slice text;
};

#define CN(text) SLICE_INIT(text)
#define DNS(text)                         \
	{                                 \
		GEN_DNS, SLICE_INIT(text) \
	}
#define URI(text)                         \
	{                                 \
		GEN_URI, SLICE_INIT(text) \
	}
#define IP4(text)                           \
	{                                   \
		GEN_IPADD, SLICE_INIT(text) \
	}
#define MAIL(text)                          \
	{                                   \
		GEN_EMAIL, SLICE_INIT(text) \
	}

/* A certificate without key and signature: those who look at names do not mind. */
static X509 *make(struct slice cn, const struct san sans[], size_t n)
{
	GENERAL_NAMES *names = n ? sk_GENERAL_NAME_new_null() : NULL;
	X509 *x509 = X509_new();

	if (cn.len)
		assert_int_equal(X509_NAME_add_entry_by_NID(X509_get_subject_name(x509), NID_commonName,
							    MBSTRING_UTF8, (const unsigned char *)cn.ptr,
							    (int)cn.len, -1, 0),
				 1);
	for (size_t i = 0; i < n; i++) {
		ASN1_STRING *text = ASN1_STRING_type_new(sans[i].type == GEN_IPADD ? V_ASN1_OCTET_STRING
										   : V_ASN1_IA5STRING);
		GENERAL_NAME *name = GENERAL_NAME_new();

		assert_int_equal(ASN1_STRING_set(text, sans[i].text.ptr, (int)sans[i].text.len), 1);
		GENERAL_NAME_set0_value(name, sans[i].type, text);
		sk_GENERAL_NAME_push(names, name);
	}
	if (n)
		assert_int_equal(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT),
				 1);
	GENERAL_NAMES_free(names);
	return x509;
}

/* RFC 5922 §7.1 and §7.2 */
static const struct {
	const char *label;
	struct slice cn;
	struct san sans[SANS_MAX];
	const char *domain, *identities;
	bool ok;
} identity_cases[] = {
	/* clang-format off */
	{ "DNS",                         CN(""), { DNS("b.example") }, "b.example", "b.example", true },
	{ "URI",                         CN(""), { URI("sip:b.example") }, "b.example", "b.example", true },
	{ "one of several",              CN(""), { DNS("a.example"), DNS("b.example") }, "b.example", "a.example, b.example", true },
	{ "case does not matter",        CN(""), { DNS("B.Example") }, "b.eXample", "B.Example", true },
	{ "nor does that of the scheme", CN(""), { URI("SIP:b.example") }, "b.example", "b.example", true },
	{ "a final dot asked for",       CN(""), { DNS("b.example") }, "b.example.", "b.example", true },
	{ "an A-label",                  CN(""), { DNS("xn--bcher-kva.example") }, "XN--bcher-kva.example", "xn--bcher-kva.example", true },
	{ "another name",                CN(""), { DNS("pbx.b.example") }, "b.example", "pbx.b.example", false },
	{ "a parent",                    CN(""), { DNS("b.example") }, "pbx.b.example", "b.example", false },
	{ "a suffix",                    CN(""), { DNS("notb.example") }, "b.example", "notb.example", false },
	{ "a leading dot",               CN(""), { DNS(".b.example") }, "pbx.b.example", "", false },
	{ "a wildcard",                  CN(""), { DNS("*.b.example") }, "pbx.b.example", "", false },
	{ "a wildcard for itself",       CN(""), { DNS("*.b.example") }, "*.b.example", "", false },
	{ "a wildcard in a URI",         CN(""), { URI("sip:*.b.example") }, "pbx.b.example", "", false },
	{ "a NUL",                       CN(""), { DNS("b.example\0.evil.example") }, "b.example", "", false },
	{ "a NUL at the end",            CN(""), { DNS("b.example\0") }, "b.example", "", false },
	{ "a NUL in a URI",              CN(""), { URI("sip:b.example\0.evil.example") }, "b.example", "", false },
	{ "a NUL in the CN",             CN("b.example\0.evil.example"), { { 0 } }, "b.example", "", false },
	{ "a blank",                     CN(""), { DNS("b.example ") }, "b.example", "", false },
	{ "URI beside DNS: only it",     CN(""), { DNS("b.example"), URI("sip:a.example") }, "b.example", "a.example", false },
	{ "URI beside DNS: it",          CN(""), { DNS("b.example"), URI("sip:a.example") }, "a.example", "a.example", true },
	{ "a bad URI beside DNS",        CN(""), { DNS("b.example"), URI("sip:*.a.example") }, "b.example", "", false },
	{ "several URIs",                CN(""), { URI("sip:a.example"), URI("sip:b.example") }, "b.example", "a.example, b.example", true },
	{ "URI with a user",             CN(""), { URI("sip:alice@b.example") }, "b.example", "", false },
	{ "URI with a user, and DNS",    CN(""), { URI("sip:alice@b.example"), DNS("b.example") }, "b.example", "b.example", true },
	{ "sips is not sip",             CN(""), { URI("sips:b.example") }, "b.example", "", false },
	{ "nor is https, so DNS counts", CN(""), { URI("https://a.example"), DNS("b.example") }, "b.example", "b.example", true },
	{ "URI with port and parameter", CN(""), { URI("sip:b.example:5061;transport=tls?x=y") }, "b.example", "b.example", true },
	{ "URI with a parameter",        CN(""), { URI("sip:b.example;transport=tls") }, "b.example", "b.example", true },
	{ "URI with a header",           CN(""), { URI("sip:b.example?x=y") }, "b.example", "b.example", true },
	{ "URI without a host",          CN(""), { URI("sip::5061") }, "b.example", "", false },
	{ "URI with an @ in a header",   CN(""), { URI("sip:b.example?x=a@c") }, "b.example", "", false },
	{ "URI with an address",         CN(""), { URI("sip:192.0.2.1") }, "192.0.2.1", "", false },
	{ "DNS with an address",         CN(""), { DNS("192.0.2.1") }, "192.0.2.1", "", false },
	{ "an IP address",               CN(""), { IP4("\xc0\x00\x02\x01") }, "192.0.2.1", "", false },
	{ "an IPv6 address asked for",   CN(""), { DNS("b.example") }, "[2001:db8::1]", "b.example", false },
	{ "an e-mail address",           CN(""), { MAIL("alice@b.example") }, "b.example", "", false },
	{ "only a CN",                   CN("b.example"), { { 0 } }, "b.example", "b.example", true },
	{ "another CN",                  CN("a.example"), { { 0 } }, "b.example", "a.example", false },
	{ "a wildcard CN",               CN("*.b.example"), { { 0 } }, "pbx.b.example", "", false },
	{ "a CN that is a person",       CN("Bob"), { { 0 } }, "b.example", "Bob", false },
	{ "a CN beside another SAN",     CN("b.example"), { DNS("a.example") }, "b.example", "a.example", false },
	{ "a CN beside an IP SAN",       CN("b.example"), { IP4("\xc0\x00\x02\x01") }, "b.example", "", false },
	{ "no name at all",              CN(""), { { 0 } }, "b.example", "", false },
	{ "nothing asked for",           CN(""), { DNS("") }, "", "", false },
	/* clang-format on */
};

static size_t count(const struct san sans[SANS_MAX])
{
	size_t n = 0;

	while (n < SANS_MAX && sans[n].text.ptr)
		n++;
	return n;
}

static void finds_and_compares_identities_as_rfc_5922_says(void **state)
{
	for (size_t i = 0; i < sizeof(identity_cases) / sizeof(identity_cases[0]); i++) {
		const struct san *sans = identity_cases[i].sans;
		struct certificate certificate = { make(identity_cases[i].cn, sans, count(sans)) };
		char buf[200];
		struct writer out = writer_of(buf, sizeof(buf));
		struct verdict verdict;
		enum err err = identity_check(&certificate, slice_of(identity_cases[i].domain), &verdict);
		bool any = put_identities(&out, &certificate);

		X509_free(certificate.x509);
		if ((err == OK) != identity_cases[i].ok)
			fail_msg("%s: %s", identity_cases[i].label, err_text(err));
		if (!slice_eq(writer_text(&out), slice_of(identity_cases[i].identities)) ||
		    any != (out.len > 0))
			fail_msg("%s: %.*s", identity_cases[i].label, SLICE_FMT(writer_text(&out)));
	}
}

/* For a peer whose wildcards count: RFC 9525 §6.3, one label in the place of the star. */
static void a_wildcard_covers_one_label(void **state)
{
	static const struct {
		const char *label;
		struct san sans[SANS_MAX];
		const char *domain;
		bool is_covered;
	} rows[] = {
		{ "one label", { DNS("*.b.example") }, "pbx.b.example", true },
		{ "a short one, in other letters", { DNS("*.B.example") }, "x.b.Example", true },
		{ "two labels", { DNS("*.b.example") }, "x.pbx.b.example", false },
		{ "none", { DNS("*.b.example") }, "b.example", false },
		{ "another parent", { DNS("*.a.example") }, "pbx.b.example", false },
		{ "a top-level domain", { DNS("*.example") }, "b.example", false },
		{ "no star", { DNS("pbx.b.example") }, "sip.b.example", false },
		{ "a star within a label", { DNS("p*.b.example") }, "pbx.b.example", false },
		{ "not as a DNS name", { MAIL("*.b.example") }, "pbx.b.example", false },
		{ "beside a SIP URI", { URI("sip:a.example"), DNS("*.b.example") }, "pbx.b.example", false },
		{ "an address", { DNS("*.0.2.1") }, "192.0.2.1", false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct certificate certificate = { make(SLICE(""), rows[i].sans, count(rows[i].sans)) };
		bool is_covered = identity_covers(&certificate, slice_of(rows[i].domain));

		X509_free(certificate.x509);
		if (is_covered != rows[i].is_covered)
			fail_msg("%s", rows[i].label);
	}
}

static void a_subject_with_two_cns_proves_neither(void **state)
{
	struct certificate certificate = { make(SLICE("b.example"), NULL, 0) };
	struct verdict verdict;

	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.x509), "CN",
						    MBSTRING_UTF8, (const unsigned char *)"a.example", -1, -1,
						    0),
			 1);
	assert_int_equal(identity_check(&certificate, SLICE("b.example"), &verdict), ERR_DENIED);
	assert_int_equal(identity_check(&certificate, SLICE("a.example"), &verdict), ERR_DENIED);
	X509_free(certificate.x509);
}

static void a_malformed_san_does_not_let_the_cn_count(void **state)
{
	struct certificate certificate = { make(SLICE("b.example"), NULL, 0) };
	ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;
	struct verdict verdict;

	assert_int_equal(ASN1_OCTET_STRING_set(data, (const unsigned char *)"\x30\x05\x82", 3), 1);
	extension = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, data);
	assert_int_equal(X509_add_ext(certificate.x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(data);
	assert_int_equal(identity_check(&certificate, SLICE("b.example"), &verdict), ERR_DENIED);
	X509_free(certificate.x509);
}

static void assert_says(const struct verdict *verdict, const char *sentence)
{
	char buf[500];
	struct writer out = writer_of(buf, sizeof(buf));

	put_verdict(&out, verdict);
	if (!slice_eq(writer_text(&out), slice_of(sentence)))
		fail_msg("%.*s", SLICE_FMT(writer_text(&out)));
}

static void says_what_it_expected_and_what_it_found(void **state)
{
	static const struct san other[] = { DNS("pbx.b.example"), DNS("voip.b.example") },
				wild[] = { DNS("*.b.example") };
	struct certificate certificate = { make(SLICE(""), other, 2) };
	struct verdict verdict;

	assert_int_equal(identity_check(&certificate, SLICE("b.example"), &verdict), ERR_DENIED);
	assert_says(&verdict,
		    "the certificate names pbx.b.example, voip.b.example, the connection was for b.example "
		    "(RFC 5922 §7.2)");
	assert_int_equal(identity_check(&certificate, SLICE("192.0.2.1"), &verdict), ERR_DENIED);
	assert_says(&verdict, "192.0.2.1 is no domain name, so no certificate can prove it (RFC 5922 §7.1)");
	X509_free(certificate.x509);

	certificate.x509 = make(SLICE(""), wild, 1);
	assert_int_equal(identity_check(&certificate, SLICE("b.example"), &verdict), ERR_DENIED);
	assert_says(&verdict,
		    "the certificate names no SIP domain (it has: DNS:*.b.example), the connection was for "
		    "b.example (RFC 5922 §7.1)");
	X509_free(certificate.x509);

	certificate.x509 = make(SLICE(""), NULL, 0);
	assert_int_equal(identity_check(&certificate, SLICE("b.example"), &verdict), ERR_DENIED);
	assert_says(&verdict,
		    "the certificate names no SIP domain (it has: no name at all), the connection was for "
		    "b.example (RFC 5922 §7.1)");
	X509_free(certificate.x509);
}

/* RFC 5280 §4.2.1.3 and §4.2.1.12, RFC 5924 §5 */
static const struct {
	const char *label, *extended, *usage;
	bool is_issuer, ok;
} usage_cases[] = {
	{ "nothing said", NULL, NULL, false, true },
	{ "serverAuth", "serverAuth", NULL, false, true },
	{ "serverAuth among others", "emailProtection,serverAuth", NULL, false, true },
	{ "sipDomain", "1.3.6.1.5.5.7.3.20", NULL, false, true },
	{ "any", "anyExtendedKeyUsage", NULL, false, true },
	{ "clientAuth only", "clientAuth", NULL, false, false },
	{ "others only", "codeSigning,emailProtection", NULL, false, false },
	{ "signatures", "serverAuth", "digitalSignature", false, true },
	{ "no signatures", "serverAuth", "keyEncipherment", false, false },
	{ "a CA as a server", NULL, "keyCertSign", false, false },
	{ "a CA as an issuer", NULL, "keyCertSign,cRLSign", true, true },
	{ "a server as an issuer", "serverAuth", "digitalSignature", true, false },
	{ "an issuer for other things", "codeSigning", "keyCertSign", true, false },
};

static void add(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *extension = value ? X509V3_EXT_conf_nid(NULL, NULL, nid, value) : NULL;

	if (extension)
		assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* OpenSSL reads usages only from what can be encoded. */
static void complete(X509 *x509)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");

	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), 1));
	assert_int_equal(X509_set_pubkey(x509, pkey), 1);
	assert_true(X509_sign(x509, pkey, EVP_sha256()) > 0);
	EVP_PKEY_free(pkey);
}

static void a_certificate_for_something_else_is_refused(void **state)
{
	for (size_t i = 0; i < sizeof(usage_cases) / sizeof(usage_cases[0]); i++) {
		struct certificate certificate = { make(SLICE("b.example"), NULL, 0) };
		struct verdict verdict;
		enum err err;

		add(certificate.x509, NID_ext_key_usage, usage_cases[i].extended);
		add(certificate.x509, NID_key_usage, usage_cases[i].usage);
		complete(certificate.x509);
		err = identity_check_usage(&certificate, usage_cases[i].is_issuer, &verdict);
		X509_free(certificate.x509);
		if ((err == OK) != usage_cases[i].ok)
			fail_msg("%s: %s", usage_cases[i].label, err_text(err));
	}
}

static void a_refused_usage_is_named(void **state)
{
	struct certificate certificate = { make(SLICE("b.example"), NULL, 0) };
	struct verdict verdict;

	add(certificate.x509, NID_ext_key_usage, "codeSigning,emailProtection");
	assert_int_equal(identity_check_usage(&certificate, false, &verdict), ERR_DENIED);
	assert_says(&verdict,
		    "the certificate may not be used for a SIP or TLS server, but for Code Signing, "
		    "E-mail Protection (RFC 5280 §4.2.1.12, RFC 5924 §5)");
	X509_free(certificate.x509);

	certificate.x509 = make(SLICE("b.example"), NULL, 0);
	add(certificate.x509, NID_key_usage, "keyCertSign");
	complete(certificate.x509);
	assert_int_equal(identity_check_usage(&certificate, false, &verdict), ERR_DENIED);
	assert_says(&verdict,
		    "the certificate may not be used for a SIP or TLS server, but for what its keyUsage says "
		    "(RFC 5280 §4.2.1.12, RFC 5924 §5)");
	X509_free(certificate.x509);
}

static void usages_that_cannot_be_read_allow_nothing(void **state)
{
	struct certificate certificate = { make(SLICE("b.example"), NULL, 0) };
	ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;
	struct verdict verdict;

	assert_int_equal(ASN1_OCTET_STRING_set(data, (const unsigned char *)"\x30\x05\x06", 3), 1);
	extension = X509_EXTENSION_create_by_NID(NULL, NID_ext_key_usage, 0, data);
	assert_int_equal(X509_add_ext(certificate.x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(data);
	assert_int_equal(identity_check_usage(&certificate, false, &verdict), ERR_DENIED);
	assert_says(&verdict,
		    "the certificate may not be used for a SIP or TLS server, but for what cannot be read "
		    "(RFC 5280 §4.2.1.12, RFC 5924 §5)");
	X509_free(certificate.x509);
}

static const struct {
	const char *label;
	struct slice text;
	bool ok;
} name_cases[] = {
	{ "one label", SLICE_INIT("localhost"), true },
	{ "digits and hyphens", SLICE_INIT("3com.a-b.x1"), true },
	{ "an empty label", SLICE_INIT("a..b"), false },
	{ "a final dot", SLICE_INIT("a.b."), false },
	{ "a hyphen first", SLICE_INIT("-a.b"), false },
	{ "a hyphen last", SLICE_INIT("a-.b"), false },
	{ "an underscore", SLICE_INIT("_sip.b"), false },
	{ "a number last", SLICE_INIT("a.1"), false },
	{ "UTF-8",
	  SLICE_INIT("b\xc3\xbc"
		     "cher.example"),
	  false },
	{ "a label of 63", SLICE_INIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b"),
	  true },
	{ "a label of 64", SLICE_INIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b"),
	  false },
};

static void knows_a_name_when_it_sees_one(void **state)
{
	for (size_t i = 0; i < sizeof(name_cases) / sizeof(name_cases[0]); i++)
		if (identity_is_name(name_cases[i].text) != name_cases[i].ok)
			fail_msg("%s", name_cases[i].label);
}

static void a_name_is_no_longer_than_it_can_be_in_the_dns(void **state)
{
	char name[IDENTITY_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof name; i++)
		name[i] = i % 50 == 49 ? '.' : 'a';
	assert_true(identity_is_name(slice_from(name, IDENTITY_NAME_MAX)));
	assert_false(identity_is_name(slice_from(name, IDENTITY_NAME_MAX + 1)));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(finds_and_compares_identities_as_rfc_5922_says),
	cmocka_unit_test(a_wildcard_covers_one_label),
	cmocka_unit_test(a_subject_with_two_cns_proves_neither),
	cmocka_unit_test(a_malformed_san_does_not_let_the_cn_count),
	cmocka_unit_test(says_what_it_expected_and_what_it_found),
	cmocka_unit_test(a_certificate_for_something_else_is_refused),
	cmocka_unit_test(a_refused_usage_is_named),
	cmocka_unit_test(usages_that_cannot_be_read_allow_nothing),
	cmocka_unit_test(knows_a_name_when_it_sees_one),
	cmocka_unit_test(a_name_is_no_longer_than_it_can_be_in_the_dns),
};

TEST_MAIN(tests)

#include "crypto/anchors.h"

#include "harness.h"

#include <openssl/x509v3.h>

#include "crypto/cms.h"
#include "crypto/identity.h"
#include "crypto/openssl.h"
#include "crypto/user_certificate.h"

#define NOW 1790000000
#define DAY 86400

enum { PEM_SIZE = 8192 };

/* A CA, a domain's certificate by it, and that of a stranger's CA. */
static struct crypto *crypto;
static struct key *ca_key, *key;
static struct certificate *ca, *domain;
static struct chain *trusted, *shown;
static struct anchors *anchors;

/* A chain of the certificates; NULL without memory. */
static struct chain *chain_of(const struct certificate *one, const struct certificate *two)
{
	char pem[PEM_SIZE];
	struct writer out = writer_of(pem, sizeof pem);
	struct chain *chain = NULL;

	if (put_certificate_pem(&out, one) != OK || (two && put_certificate_pem(&out, two) != OK) ||
	    chain_parse_pem(crypto, writer_text(&out), &chain) != OK)
		return NULL;
	return chain;
}

static int start(void **state)
{
	static const struct slice name = SLICE_INIT("b.example");
	struct certificate_request request = { .names = &name, .n_names = 1, .now = NOW };

	(void)state;
	crypto = crypto_new();
	if (!crypto || key_generate(crypto, &ca_key) != OK || key_generate(crypto, &key) != OK ||
	    certificate_make_ca(crypto, ca_key, SLICE("test CA"), NOW, &ca) != OK)
		return -1;
	request.key = key;
	if (certificate_make(crypto, &request, (struct certificate_issuer){ ca, ca_key }, &domain) != OK)
		return -1;
	trusted = chain_of(ca, NULL);
	shown = chain_of(domain, ca);
	return trusted && shown && anchors_new(crypto, trusted, &anchors) == OK ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	anchors_free(anchors);
	chain_free(shown);
	chain_free(trusted);
	certificate_free(domain);
	certificate_free(ca);
	key_free(key);
	key_free(ca_key);
	crypto_free(crypto);
	anchors = NULL;
	shown = trusted = NULL;
	domain = ca = NULL;
	key = ca_key = NULL;
	crypto = NULL;
	return 0;
}

static void believes_what_leads_to_an_anchor_and_is_valid(void **state)
{
	static const struct {
		const char *label;
		utc_t now;
		const char *code; /* NULL: good */
	} cases[] = {
		{ "now", NOW, NULL },
		{ "after its end", NOW + 91 * DAY, "certificate.expired" },
		{ "before its time", NOW - DAY, "certificate.not-yet-valid" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct anchors_question question = { .certificate = domain, .now = cases[i].now };
		struct verdict verdict;
		enum err err = anchors_check(anchors, &question, &verdict);

		if (err != (cases[i].code ? ERR_DENIED : OK))
			fail_msg("%s: %d", cases[i].label, err);
		if (cases[i].code)
			assert_string_equal(verdict.code, cases[i].code);
	}
}

static void trusts_nobody_because_he_shows_his_own_ca(void **state)
{
	struct anchors_question question = { .certificate = domain, .others = shown, .now = NOW };
	AUTO(certificate) struct certificate *other_ca = NULL;
	AUTO(chain) struct chain *others = NULL;
	AUTO(anchors) struct anchors *elsewhere = NULL;
	struct verdict verdict;

	(void)state;
	assert_int_equal(certificate_make_ca(crypto, key, SLICE("other CA"), NOW, &other_ca), OK);
	others = chain_of(other_ca, NULL);
	assert_non_null(others);
	assert_int_equal(anchors_new(crypto, others, &elsewhere), OK);
	assert_int_equal(anchors_check(anchors, &question, &verdict), OK);
	assert_int_equal(anchors_check(elsewhere, &question, &verdict), ERR_DENIED);
	assert_string_equal(verdict.code, "certificate.unknown-ca");
}

/* By that CA, which has the CA's key. */
static struct certificate *issue_user(const struct certificate *by, const char *aor)
{
	struct user_certificate_request request = { .aor = slice_of(aor), .now = NOW };
	AUTO(secret) struct secret *der = NULL;
	AUTO(csr) struct csr *csr = NULL;
	struct certificate *user = NULL;

	assert_int_equal(csr_make(crypto, key, request.aor, &der), OK);
	assert_int_equal(csr_parse(crypto, secret_slice(der), &csr), OK);
	request.csr = csr;
	assert_int_equal(
		certificate_make_user(crypto, &request, (struct certificate_issuer){ by, ca_key }, &user),
		OK);
	return user;
}

/* A certificate for people is none for a domain, and the other way round. */
static void tells_people_from_domains(void **state)
{
	AUTO(certificate) struct certificate *bob = issue_user(ca, "bob@b.example");
	struct anchors_question question = { .certificate = bob, .now = NOW };
	struct verdict verdict;

	(void)state;
	assert_int_equal(anchors_check(anchors, &question, &verdict), ERR_DENIED);
	question.is_user = true;
	assert_int_equal(anchors_check(anchors, &question, &verdict), OK);
	question.certificate = domain;
	assert_int_equal(anchors_check(anchors, &question, &verdict), ERR_DENIED);
}

static const struct {
	const char *label, *constraints;
	bool is_within; /* bob@b.example */
} bounds[] = {
	{ "its own domain", "permitted;DNS:b.example", true },
	{ "another domain", "permitted;DNS:a.example", false },
	{ "what is above it", "excluded;DNS:example", false },
	{ "mail of its host", "permitted;email:b.example", true },
	{ "mail of another host", "permitted;email:a.example", false },
	{ "mail of hosts in its domain", "permitted;email:.b.example", false },
	{ "mail of hosts above it", "permitted;email:.example", true },
	{ "his own address", "permitted;email:bob@b.example", true },
	{ "that of another one", "permitted;email:carol@b.example", false },
	{ "all but his own", "excluded;email:bob@b.example", false },
	{ "all but that of another one", "excluded;email:carol@b.example", true },
	{ "mail, but not the domain", "permitted;email:b.example,permitted;DNS:a.example", false },
};

static struct certificate *make_bound_ca(const char *constraints)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_name_constraints, constraints);
	struct certificate *bound = NULL;
	enum err err = certificate_make_ca(crypto, ca_key, SLICE("bound CA"), NOW, &bound);
	bool is_made = err == OK && extension &&
		       X509_add_ext(certificate_openssl(bound), extension, -1) == 1 &&
		       X509_sign(certificate_openssl(bound), key_openssl(ca_key), EVP_sha256()) > 0;

	X509_EXTENSION_free(extension);
	assert_true(is_made);
	return bound;
}

/* A CA below a public one has what it may vouch for in its certificate, and no form of a name is beyond that. */
static void a_ca_for_its_own_names_vouches_for_no_other_people(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
		AUTO(certificate) struct certificate *bound = make_bound_ca(bounds[i].constraints);
		AUTO(certificate) struct certificate *bob = issue_user(bound, "bob@b.example");
		AUTO(chain) struct chain *chain = chain_of(bound, NULL);
		const struct anchors_question question = { .certificate = bob, .now = NOW, .is_user = true };
		AUTO(anchors) struct anchors *own = NULL;
		struct verdict verdict;

		assert_non_null(chain);
		assert_int_equal(anchors_new(crypto, chain, &own), OK);
		if (anchors_check(own, &question, &verdict) != (bounds[i].is_within ? OK : ERR_DENIED))
			fail_msg("%s", bounds[i].label);
		if (!bounds[i].is_within)
			assert_string_equal(verdict.code, "certificate.name-constraints");
	}
}

static void a_signature_brings_its_chain(void **state)
{
	const struct cms_signer signer = {
		.certificate = domain, .key = key, .now = NOW, .detached = true, .chain = shown
	};
	struct cms_question question = { .detached = SLICE("text") };
	AUTO(secret) struct secret *der = NULL;
	struct cms_signed what = { 0 };
	struct verdict verdict;
	enum err err;

	(void)state;
	assert_int_equal(cms_sign(crypto, &signer, question.detached, &der), OK);
	question.der = secret_slice(der);
	err = cms_verify(crypto, &question, &what, &verdict);
	assert_int_equal(err, OK);
	assert_int_equal(chain_length(what.others), 2);
	cms_signed_fini(&what);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(believes_what_leads_to_an_anchor_and_is_valid, start, stop),
	cmocka_unit_test_setup_teardown(trusts_nobody_because_he_shows_his_own_ca, start, stop),
	cmocka_unit_test_setup_teardown(tells_people_from_domains, start, stop),
	cmocka_unit_test_setup_teardown(a_ca_for_its_own_names_vouches_for_no_other_people, start, stop),
	cmocka_unit_test_setup_teardown(a_signature_brings_its_chain, start, stop),
};
TEST_MAIN(tests)

/* Which certificate is for a name that a client asks for. */
#include "harness.h"

#include <openssl/x509v3.h>

#include "base/mem.h"
#include "tls/private.h"

/* In the order in which they were added. Without names the certificate has a CN alone. */
static const struct {
	const char *domain, *names, *cn;
} added[] = {
	{ "", "DNS:a.example,DNS:sip.a.example", NULL },
	{ "b.example", "DNS:a.example,DNS:b.example,DNS:Alias.B.example", NULL },
	{ "", "URI:sip:c.example,DNS:host.c.example", NULL },
	{ "", "DNS:*.d.example", NULL },
	{ "", NULL, "e.example" },
	{ "", "DNS:second.d.example,DNS:b.example", NULL },
};
enum { N_SITES = sizeof added / sizeof *added, NONE = -1 };

static const struct {
	const char *asked;
	int site;
} cases[] = {
	{ "a.example", 0 },          { "A.Example", 0 },       { "sip.a.example", 0 },
	{ "b.example", 1 },          { "alias.b.example", 1 }, { "c.example", 2 },
	{ "host.c.example", 2 },     { "sip.d.example", 3 },   { "second.d.example", 3 },
	{ "e.example", 4 },          { "d.example", NONE },    { "x.sip.d.example", NONE },
	{ "other.a.example", NONE }, { "p.a.example", NONE },  { "example", NONE },
	{ "nobody.test", NONE },     { "x.e.example", NONE },
};

static X509 *make(const char *names, const char *cn)
{
	X509 *x509 = X509_new();
	X509_EXTENSION *extension;

	assert_non_null(x509);
	if (cn)
		assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
							    (const unsigned char *)cn, -1, -1, 0),
				 1);
	if (!names)
		return x509;
	extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
	return x509;
}

static void finds_the_site_for_a_name(void **state)
{
	struct site sites[N_SITES] = { 0 };
	const struct tls_context context = { .sites = sites, .n_sites = N_SITES };
	bool ok = true;

	for (size_t i = 0; i < N_SITES; i++) {
		struct writer domain = writer_of(sites[i].domain, sizeof sites[i].domain - 1);

		put(&domain, slice_of(added[i].domain));
		sites[i].leaf = make(added[i].names, added[i].cn);
		ok = ok && tls_site_keep_names(&sites[i]) == OK;
	}
	for (size_t i = 0; ok && i < sizeof cases / sizeof *cases; i++) {
		const struct site *found = tls_site_for(&context, slice_of(cases[i].asked));

		if ((found ? found - sites : NONE) != cases[i].site)
			fail_msg("%s: %td", cases[i].asked, found ? found - sites : NONE);
	}
	for (size_t i = 0; i < N_SITES; i++) {
		X509_free(sites[i].leaf);
		mem_free(sites[i].names);
	}
	assert_true(ok);
}

static void no_certificate_is_for_what_is_longer_than_any_name(void **state)
{
	const struct tls_context context = { .n_sites = 0 };
	char name[IDENTITY_NAME_MAX + 10];

	memset(name, 'a', sizeof name);
	assert_null(tls_site_for(&context, slice_from(name, sizeof name)));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(finds_the_site_for_a_name),
	cmocka_unit_test(no_certificate_is_for_what_is_longer_than_any_name),
};

TEST_MAIN(tests)

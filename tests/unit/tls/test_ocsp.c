/*
 * What a CA says of a certificate, stapled to handshakes: a row set of its own beside those of test_matrix.c. The server is OpenSSL
 * alone, which staples what it is told to, over TLS 1.2 and 1.3; RFC 6960, RFC 6066 §8, RFC 7633.
 */
#include "fixture.h"

#include <string.h>

#include <openssl/ocsp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "tls/private.h"

enum signer {
	THE_CA,
	APPOINTED,
	APPOINTED_BY_OTHERS,
	WITHOUT_USAGE,
	APPOINTMENT_ENDED,
	APPOINTED_WEAKLY, /* by SHA-1 */
	HOLDER_OF_WEAK_KEY,
	THE_SERVER,
	ANOTHER_CA,
	NOBODY
};

struct row {
	const char *label;
	int status; /* V_OCSP_CERTSTATUS_… */
	enum signer signer;
	int from, until; /* days from now; until 0: it does not say */
	const char *raw; /* in place of a response */
	bool is_absent, must, is_required, is_about_another, is_spoilt, says_try_later, by_sha256;
	const char *hash; /* of the signature; NULL: SHA-256 */
	bool is_rsa;      /* the key of an appointed responder, … */
	bool is_pss;      /* … and how it signs */
	const char *code; /* of the client's verdict; NULL: it accepts */
};

#define GOOD    V_OCSP_CERTSTATUS_GOOD
#define REVOKED V_OCSP_CERTSTATUS_REVOKED
#define UNKNOWN V_OCSP_CERTSTATUS_UNKNOWN

static const struct row rows[] = {
	/* clang-format off */
	{ "good",                          .from = -1, .until = 3 },
	{ "good, by SHA-256",              .from = -1, .until = 3, .by_sha256 = true },
	{ "good, without an end",          .from = 0 },
	{ "old, without an end",           .from = -2, .code = "ocsp.stale" },
	{ "good, and must be there",       .from = -1, .until = 3, .must = true },
	{ "good, and required",            .from = -1, .until = 3, .is_required = true },
	{ "from an appointed responder",   .signer = APPOINTED, .from = -1, .until = 3 },
	{ "revoked",                       .status = REVOKED, .from = -1, .until = 3, .code = "ocsp.revoked" },
	{ "revoked, says an old one",      .status = REVOKED, .from = -9, .until = -5, .code = "ocsp.revoked" },
	{ "unknown",                       .status = UNKNOWN, .from = -1, .until = 3, .code = "ocsp.unknown" },
	{ "expired",                       .from = -9, .until = -1, .code = "ocsp.stale" },
	{ "expired, though it must be",    .from = -9, .until = -1, .must = true, .code = "ocsp.stale" },
	{ "not yet",                       .from = 1, .until = 3, .code = "ocsp.stale" },
	{ "of another certificate",        .is_about_another = true, .from = -1, .until = 3, .code = "ocsp.other-certificate" },
	{ "signed by the server itself",   .signer = THE_SERVER, .from = -1, .until = 3, .code = "ocsp.bad-signature" },
	{ "signed by another CA",          .signer = ANOTHER_CA, .from = -1, .until = 3, .code = "ocsp.bad-signature" },
	{ "appointed by another CA",       .signer = APPOINTED_BY_OTHERS, .from = -1, .until = 3, .code = "ocsp.bad-signature" },
	{ "appointed for other things",    .signer = WITHOUT_USAGE, .from = -1, .until = 3, .code = "ocsp.bad-signature" },
	{ "whose appointment has ended",   .signer = APPOINTMENT_ENDED, .from = -1, .until = 3, .code = "ocsp.bad-signature" },
	{ "signed by SHA-1",               .hash = "SHA1", .from = -1, .until = 3, .code = "ocsp.weak" },
	{ "signed by SHA-224",             .hash = "SHA224", .from = -1, .until = 3 },
	{ "signed by RSA",                 .signer = APPOINTED, .is_rsa = true, .from = -1, .until = 3 },
	{ "signed by RSA and SHA-1",       .signer = APPOINTED, .is_rsa = true, .hash = "SHA1", .from = -1, .until = 3, .code = "ocsp.weak" },
	{ "signed by RSA-PSS",             .signer = APPOINTED, .is_rsa = true, .is_pss = true, .from = -1, .until = 3 },
	{ "signed by RSA-PSS and SHA-1",   .signer = APPOINTED, .is_rsa = true, .is_pss = true, .hash = "SHA1", .from = -1, .until = 3, .code = "ocsp.weak" },
	{ "appointed by SHA-1",            .signer = APPOINTED_WEAKLY, .from = -1, .until = 3, .code = "ocsp.bad-signature" },
	{ "from a responder's weak key",   .signer = HOLDER_OF_WEAK_KEY, .is_rsa = true, .from = -1, .until = 3, .code = "ocsp.bad-signature" },
	{ "altered after it was signed",   .is_spoilt = true, .from = -1, .until = 3, .code = "ocsp.bad-signature" },
	{ "try later",                     .says_try_later = true, .code = "ocsp.unsuccessful" },
	{ "no response at all",            .raw = "good, believe me", .code = "ocsp.malformed" },
	{ "none",                          .is_absent = true },
	{ "none, though it must be there", .is_absent = true, .must = true, .code = "ocsp.missing" },
	{ "none, though it is required",   .is_absent = true, .is_required = true, .code = "ocsp.missing" },
	/* clang-format on */
};

/* -- making them --------------------------------------------------------------------------------------- */

struct made {
	X509 *x509;
	EVP_PKEY *key;
};

struct pki {
	struct made ca, other_ca, leaf, responder;
	unsigned char *der;
	int len;
};

static void add(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static struct made begin_with(EVP_PKEY *key, const char *cn, int until)
{
	struct made made = { X509_new(), key };
	static long serial;

	assert_true(made.x509 && made.key);
	X509_set_version(made.x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(made.x509), ++serial);
	ASN1_TIME_set(X509_getm_notBefore(made.x509), NOW - 90 * DAY);
	ASN1_TIME_set(X509_getm_notAfter(made.x509), NOW + until * DAY);
	X509_set_pubkey(made.x509, made.key);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(made.x509), "CN", MBSTRING_UTF8,
						    (const unsigned char *)cn, -1, -1, 0),
			 1);
	return made;
}

static struct made begin(const char *cn, int until)
{
	return begin_with(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), cn, until);
}

static void sign_by(X509 *x509, const struct made *issuer, const EVP_MD *hash)
{
	X509_set_issuer_name(x509, X509_get_subject_name(issuer->x509));
	assert_true(X509_sign(x509, issuer->key, hash) > 0);
}

static void sign(X509 *x509, const struct made *issuer)
{
	sign_by(x509, issuer, EVP_sha256());
}

static struct made make_ca(const char *name)
{
	struct made ca = begin(name, 90);

	add(ca.x509, NID_basic_constraints, "critical,CA:TRUE");
	add(ca.x509, NID_key_usage, "critical,keyCertSign,cRLSign");
	sign(ca.x509, &ca);
	return ca;
}

static struct made make_leaf(const struct made *ca, const struct row *row)
{
	struct made leaf = begin("somebody", 90);

	add(leaf.x509, NID_subject_alt_name, "DNS:b.example");
	add(leaf.x509, NID_ext_key_usage, "serverAuth");
	if (row->must)
		add(leaf.x509, NID_tlsfeature, "status_request");
	sign(leaf.x509, ca);
	return leaf;
}

static EVP_PKEY *make_key(const struct row *row)
{
	return row->is_rsa ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA",
					       (size_t)(row->signer == HOLDER_OF_WEAK_KEY ? 1024 : 2048))
			   : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
}

static struct made make_responder(const struct pki *pki, const struct row *row)
{
	const enum signer signer = row->signer;
	struct made responder = begin_with(make_key(row), "responder", signer == APPOINTMENT_ENDED ? -1 : 90);

	add(responder.x509, NID_ext_key_usage, signer == WITHOUT_USAGE ? "serverAuth" : "OCSPSigning");
	sign_by(responder.x509, signer == APPOINTED_BY_OTHERS ? &pki->other_ca : &pki->ca,
		signer == APPOINTED_WEAKLY ? EVP_sha1() : EVP_sha256());
	return responder;
}

static const struct made *signer_of(const struct pki *pki, enum signer signer)
{
	switch (signer) {
	case THE_CA: return &pki->ca;
	case THE_SERVER: return &pki->leaf;
	case ANOTHER_CA: return &pki->other_ca;
	default: return &pki->responder;
	}
}

static void add_status(OCSP_BASICRESP *basic, const struct pki *pki, const struct row *row)
{
	X509 *about = row->is_about_another ? pki->responder.x509 : pki->leaf.x509;
	OCSP_CERTID *id = OCSP_cert_to_id(row->by_sha256 ? EVP_sha256() : NULL, about, pki->ca.x509);
	ASN1_TIME *from = ASN1_TIME_adj(NULL, NOW, row->from, 0),
		  *until = ASN1_TIME_adj(NULL, NOW, row->until, 0);
	ASN1_TIME *when = ASN1_TIME_adj(NULL, NOW, -20, 0);

	assert_true(id && from && until && when);
	ASN1_TIME_to_generalizedtime(from, &from);
	ASN1_TIME_to_generalizedtime(until, &until);
	ASN1_TIME_to_generalizedtime(when, &when);
	assert_non_null(OCSP_basic_add1_status(basic, id, row->status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
					       row->status == REVOKED ? when : NULL, from,
					       row->until ? until : NULL));
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	ASN1_TIME_free(when);
	OCSP_CERTID_free(id);
}

static void sign_response(OCSP_BASICRESP *basic, const struct made *signer, const struct row *row)
{
	const EVP_MD *hash = row->hash ? EVP_get_digestbyname(row->hash) : EVP_sha256();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_ctx;

	assert_int_equal(EVP_DigestSignInit(ctx, &key_ctx, hash, NULL, signer->key), 1);
	if (row->is_pss)
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PSS_PADDING), 1);
	assert_int_equal(OCSP_basic_sign_ctx(basic, signer->x509, ctx, NULL, 0), 1);
	EVP_MD_CTX_free(ctx);
}

static void respond(struct pki *pki, const struct row *row)
{
	const struct made *signer = signer_of(pki, row->signer);
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_RESPONSE *response;

	add_status(basic, pki, row);
	sign_response(basic, signer, row);
	response = OCSP_response_create(row->says_try_later ? OCSP_RESPONSE_STATUS_TRYLATER
							    : OCSP_RESPONSE_STATUS_SUCCESSFUL,
					row->says_try_later ? NULL : basic);
	pki->len = i2d_OCSP_RESPONSE(response, &pki->der);
	assert_true(pki->len > 0);
	OCSP_RESPONSE_free(response);
	OCSP_BASICRESP_free(basic);
}

/* One bit of the signature, which stands before the responder's certificates. */
static void spoil(struct pki *pki)
{
	const unsigned char *at = pki->der;
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, pki->len);
	OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
	const ASN1_OCTET_STRING *signature = OCSP_resp_get0_signature(basic);
	unsigned char *found = memmem(pki->der, (size_t)pki->len, signature->data, (size_t)signature->length);

	assert_non_null(found);
	found[signature->length - 1] ^= 1;
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
}

static void make(struct pki *pki, const struct row *row)
{
	*pki = (struct pki){ .ca = make_ca("root"), .other_ca = make_ca("other root") };
	pki->leaf = make_leaf(&pki->ca, row);
	pki->responder = make_responder(pki, row);
	respond(pki, row);
	if (row->is_spoilt)
		spoil(pki);
}

static void made_free(struct made *made)
{
	X509_free(made->x509);
	EVP_PKEY_free(made->key);
}

static void pki_fini(struct pki *pki)
{
	made_free(&pki->ca);
	made_free(&pki->other_ca);
	made_free(&pki->leaf);
	made_free(&pki->responder);
	OPENSSL_free(pki->der);
}

/* -- meeting them -------------------------------------------------------------------------------------- */

struct stapled {
	struct slice bytes;
};

static int staple(SSL *ssl, void *arg)
{
	const struct stapled *stapled = arg;

	if (stapled->bytes.len == 0)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(ssl, OPENSSL_memdup(stapled->bytes.ptr, stapled->bytes.len),
					(long)stapled->bytes.len);
	return SSL_TLSEXT_ERR_OK;
}

static enum err meet(struct fixture *fixture, SSL *other)
{
	const struct now now = { .mono = 1, .wall = NOW };
	enum err err = ERR_AGAIN;

	for (int i = 0; i < 30; i++) {
		if (err == ERR_AGAIN)
			err = tls_conn_handshake(fixture->client_conn, now, &fixture->client_verdict);
		SSL_do_handshake(other);
	}
	return err;
}

static struct chain *as_chain(struct fixture *fixture, X509 *x509)
{
	struct certificate view = { x509 };

	return chain_of(fixture, &view);
}

static void client_meets(struct fixture *fixture, const struct pki *pki, const struct row *row, int version)
{
	struct stapled stapled = { row->is_absent ? SLICE("")
				   : row->raw     ? slice_of(row->raw)
						  : slice_from(pki->der, (size_t)pki->len) };
	AUTO(chain) struct chain *root = as_chain(fixture, pki->ca.x509);
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL *other;

	assert_int_equal(SSL_CTX_use_cert_and_key(ctx, pki->leaf.x509, pki->leaf.key, NULL, 1), 1);
	SSL_CTX_set_max_proto_version(ctx, version);
	SSL_CTX_set_tlsext_status_cb(ctx, staple);
	SSL_CTX_set_tlsext_status_arg(ctx, &stapled);
	other = SSL_new(ctx);
	SSL_set_fd(other, fixture->fds[0]);
	SSL_set_accept_state(other);
	assert_int_equal(tls_client_trust(fixture->client, root), OK);
	if (row->is_required)
		tls_client_need_staples(fixture->client);
	connect_conn(fixture, "b.example");
	enum err err = meet(fixture, other);
	if (err == ERR_DENIED)
		assert_code(row->label, &fixture->client_verdict, row->code ? row->code : "accepted");
	else if (err != OK || row->code)
		fail_msg("%s: %s", row->label, err_text(err));
	SSL_free(other);
	SSL_CTX_free(ctx);
}

static void a_client_judges_what_is_stapled(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i += ROWS_STEP(17)) {
		const struct row *row = &rows[i / 2];
		struct fixture *fixture;
		struct pki pki;

		set_up((void **)&fixture);
		make(&pki, row);
		client_meets(fixture, &pki, row, versions[i % 2]);
		pki_fini(&pki);
		tear_down((void **)&fixture);
	}
}

/* -- our server ---------------------------------------------------------------------------------------- */

/* Its certificate is of the fixture's CA, which the response is made for by OpenSSL alone. */
static void our_server_staples_until_it_ends(void **state)
{
	static const struct {
		int at; /* days from now */
		bool must_accept;
	} meetings[] = { { 0, true }, { 2, true }, { 4, false } };

	for (size_t i = 0; i < sizeof meetings / sizeof *meetings; i++) {
		const struct row row = { "ours", .from = -1, .until = 3, .must = true };
		struct fixture *fixture;
		struct verdict verdict;
		struct pki pki;
		enum err server;
		utc_t until = 0;

		set_up((void **)&fixture);
		make(&pki, &row);
		AUTO(chain) struct chain *chain = as_chain(fixture, pki.leaf.x509);
		AUTO(chain) struct chain *root = as_chain(fixture, pki.ca.x509);
		AUTO(key) struct key *key = NULL;
		BIO *pem = BIO_new(BIO_s_mem());
		char *text;

		PEM_write_bio_PrivateKey(pem, pki.leaf.key, NULL, NULL, 0, NULL, NULL);
		long n = BIO_get_mem_data(pem, &text);
		assert_int_equal(key_parse_pem(fixture->crypto, slice_from(text, (size_t)n), &key), OK);
		BIO_free(pem);
		const struct ocsp_question question = { pki.leaf.x509, pki.ca.x509, NOW };
		struct slice der = slice_from(pki.der, (size_t)pki.len);
		assert_int_equal(tls_ocsp_judge(der, &question, &until, &verdict), OK);
		assert_true(until == NOW + 3 * DAY);
		assert_int_equal(tls_server_add(fixture->server, chain, key, &verdict), OK);
		assert_int_equal(tls_server_staple(fixture->server, chain, der, until), OK);
		assert_int_equal(tls_client_trust(fixture->client, root), OK);
		accept_conn(fixture);
		connect_conn(fixture, "b.example");
		enum err err = shake_hands(fixture, NOW + meetings[i].at * DAY, &server);
		assert_int_equal(err, meetings[i].must_accept ? OK : ERR_DENIED);
		if (err == ERR_DENIED)
			assert_code("ended", &fixture->client_verdict, "ocsp.missing");
		pki_fini(&pki);
		tear_down((void **)&fixture);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_client_judges_what_is_stapled),
	cmocka_unit_test(our_server_staples_until_it_ends),
};

TEST_MAIN(tests)

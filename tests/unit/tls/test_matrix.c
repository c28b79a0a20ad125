/*
 * Certificates good, bad and odd, over handshakes: what our client thinks of a server that shows one, and our server of a
 * client. The other side is OpenSSL alone, which shows what it is told to. RFC 5280, RFC 5922 §7, RFC 5924 §5.
 */
#include "fixture.h"
#include "matrix_rows.h"

#include <string.h>

#include <openssl/x509v3.h>

/* ---- making them ---- */

/* A certificate and its key. */
struct made {
	X509 *x509;
	EVP_PKEY *key;
};

struct pki {
	struct made root, leaf;
	STACK_OF(X509) * chain; /* that is shown behind the leaf; owns them */
	X509_CRL *crl;
};

static EVP_PKEY *new_key(enum odd odd)
{
	EVP_PKEY *key = odd == RSA_1024 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024)
					: EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");

	assert_non_null(key);
	return key;
}

static void add(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	if (!extension)
		fail_msg("%s", value);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void add_names(X509 *x509, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, value);
	GENERAL_NAMES *names = X509V3_EXT_d2i(extension);

	assert_non_null(names);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		unsigned char *text = name->type == GEN_IPADD ? NULL : name->d.ia5->data;
		unsigned char *at = text ? memchr(text, '#', (size_t)name->d.ia5->length) : NULL;

		if (at)
			*at = '\0';
	}
	assert_int_equal(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, X509V3_ADD_APPEND), 1);
	GENERAL_NAMES_free(names);
	X509_EXTENSION_free(extension);
}

static X509 *begin(const char *cn, EVP_PKEY *key, int from, int until)
{
	X509 *x509 = X509_new();
	static long serial;

	assert_non_null(x509);
	X509_set_version(x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
	ASN1_TIME_set(X509_getm_notBefore(x509), NOW + (from || until ? from : -1) * DAY);
	ASN1_TIME_set(X509_getm_notAfter(x509), NOW + (from || until ? until : 90) * DAY);
	X509_set_pubkey(x509, key);
	if (cn[0])
		assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
							    (const unsigned char *)cn, -1, -1, 0),
				 1);
	return x509;
}

static void sign(X509 *x509, const struct made *issuer, const EVP_MD *md)
{
	X509_set_issuer_name(x509, X509_get_subject_name(issuer->x509));
	assert_true(X509_sign(x509, issuer->key, md) > 0);
}

/* One more CA below the issuer, which it takes the place of. */
static void issue_ca(struct pki *pki, struct made *issuer, const struct row *row)
{
	bool is_odd_one = sk_X509_num(pki->chain) == 0;
	struct made ca = { .key = new_key(NOTHING_ODD) };
	char name[40];
	struct writer out = writer_of(name, sizeof(name) - 1);

	put(&out, SLICE("intermediate "));
	put_number(&out, (uint64_t)sk_X509_num(pki->chain));
	name[out.len] = '\0';
	ca.x509 = begin(name, ca.key, row->odd == INTERMEDIATE_EXPIRED ? -90 : 0,
			row->odd == INTERMEDIATE_EXPIRED ? -1 : 0);
	add(ca.x509, NID_basic_constraints,
	    row->odd == INTERMEDIATE_NO_CA                      ? "critical,CA:FALSE"
	    : row->odd == INTERMEDIATE_BELOW_PATH && is_odd_one ? "critical,CA:TRUE,pathlen:0"
								: "critical,CA:TRUE");
	add(ca.x509, NID_key_usage, "critical,keyCertSign,cRLSign");
	if (row->odd == INTERMEDIATE_FOR_MAIL)
		add(ca.x509, NID_ext_key_usage, "emailProtection");
	if (row->constraints)
		add(ca.x509, NID_name_constraints, row->constraints);
	sign(ca.x509, issuer, row->odd == INTERMEDIATE_SHA1 ? EVP_sha1() : EVP_sha256());
	sk_X509_push(pki->chain, ca.x509);
	if (issuer->x509 != pki->root.x509)
		EVP_PKEY_free(issuer->key);
	*issuer = ca;
}

static unsigned n_intermediates(const struct row *row)
{
	switch (row->odd) {
	case INTERMEDIATE:
	case INTERMEDIATE_EXPIRED:
	case INTERMEDIATE_NO_CA:
	case INTERMEDIATE_SHA1:
	case INTERMEDIATE_FOR_MAIL:
	case INTERMEDIATE_REVOKED:
	case CHAIN_IS_MISSING: return 1;
	case INTERMEDIATE_BELOW_PATH: return 2;
	case CHAIN_TOO_DEEP: return 12;
	default: return row->constraints ? 1 : 0;
	}
}

static void add_other(X509 *x509, const char *kind)
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.55555.1", 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	ASN1_OCTET_STRING_set(value, (const unsigned char *)"\x05\x00", 2);
	extension = X509_EXTENSION_create_by_OBJ(NULL, oid, kind[0] == 'c', value);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
}

static void add_many_names(X509 *x509, const char *last)
{
	static char text[32768];
	struct writer out = writer_of(text, sizeof(text) - 1);

	for (unsigned i = 0; i < 500; i++) {
		put(&out, SLICE("DNS:x"));
		put_number(&out, i);
		put(&out, SLICE(".example,"));
	}
	put(&out, slice_of(last));
	text[out.len] = '\0';
	add_names(x509, text);
}

static void issue_leaf(struct pki *pki, const struct made *issuer, const struct row *row)
{
	struct made leaf = { .key = new_key(row->odd) };

	leaf.x509 = begin(row->cn ? row->cn : "somebody", leaf.key, row->from, row->until);
	add(leaf.x509, NID_basic_constraints, "critical,CA:FALSE");
	if (!row->eku || row->eku[0])
		add(leaf.x509, NID_ext_key_usage, row->eku ? row->eku : "serverAuth");
	if (!row->ku || row->ku[0])
		add(leaf.x509, NID_key_usage, row->ku ? row->ku : "digitalSignature");
	if (row->odd == MANY_NAMES)
		add_many_names(leaf.x509, row->san);
	else if (row->san)
		add_names(leaf.x509, row->san);
	if (row->odd == TWO_NAME_LISTS)
		add_names(leaf.x509, "DNS:a.example");
	if (row->other)
		add_other(leaf.x509, row->other);
	sign(leaf.x509, row->odd == SELF_SIGNED ? &leaf : issuer,
	     row->odd == SIGNED_WITH_SHA1 ? EVP_sha1() : EVP_sha256());
	pki->leaf = leaf;
}

/* A signature over something else. */
static void spoil(X509 *x509)
{
	const ASN1_BIT_STRING *signature;

	X509_get0_signature(&signature, NULL, x509);
	signature->data[signature->length - 1] ^= 1;
}

static void revoke(struct pki *pki, const struct row *row)
{
	EVP_PKEY *forger = row->odd == CRL_OF_FORGER ? new_key(NOTHING_ODD) : NULL;
	X509 *victim = row->odd == INTERMEDIATE_REVOKED ? sk_X509_value(pki->chain, 0) : pki->leaf.x509;
	X509_REVOKED *revoked = X509_REVOKED_new();
	ASN1_INTEGER *serial = ASN1_INTEGER_dup(X509_get0_serialNumber(victim));
	ASN1_TIME *time = ASN1_TIME_set(NULL, NOW - 2 * DAY);

	if (row->odd == CRL_OF_OTHERS || row->odd == CRL_STALE)
		ASN1_INTEGER_set(serial, 99999999);
	pki->crl = X509_CRL_new();
	X509_CRL_set_version(pki->crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(pki->crl, X509_get_subject_name(pki->root.x509));
	X509_CRL_set1_lastUpdate(pki->crl, time);
	X509_REVOKED_set_serialNumber(revoked, serial);
	X509_REVOKED_set_revocationDate(revoked, time);
	X509_CRL_add0_revoked(pki->crl, revoked);
	ASN1_TIME_set(time, NOW + (row->odd == CRL_STALE ? -1 : 7) * DAY);
	X509_CRL_set1_nextUpdate(pki->crl, time);
	assert_true(X509_CRL_sign(pki->crl, forger ? forger : pki->root.key, EVP_sha256()) > 0);
	ASN1_TIME_free(time);
	ASN1_INTEGER_free(serial);
	EVP_PKEY_free(forger);
}

static void make(struct pki *pki, const struct row *row)
{
	struct made issuer, stranger = { .key = new_key(NOTHING_ODD) };

	*pki = (struct pki){ .chain = sk_X509_new_null(), .root.key = new_key(NOTHING_ODD) };
	pki->root.x509 = begin("root", pki->root.key, 0, 0);
	add(pki->root.x509, NID_basic_constraints, "critical,CA:TRUE");
	add(pki->root.x509, NID_key_usage, "critical,keyCertSign,cRLSign");
	sign(pki->root.x509, &pki->root, EVP_sha256());
	stranger.x509 = begin("stranger", stranger.key, 0, 0);
	issuer = row->odd == UNKNOWN_CA ? stranger : pki->root;
	for (unsigned i = 0; i < n_intermediates(row); i++)
		issue_ca(pki, &issuer, row);
	issue_leaf(pki, &issuer, row);
	if (row->odd == WRONG_SIGNATURE)
		spoil(pki->leaf.x509);
	if (row->odd >= REVOKED)
		revoke(pki, row);
	if (row->odd == CHAIN_IS_MISSING)
		X509_free(sk_X509_pop(pki->chain));
	for (int i = 0; row->odd == CHAIN_HUGE && i < 60; i++) {
		X509 *more = begin("one more", stranger.key, 0, 0);

		sign(more, &stranger, EVP_sha256());
		sk_X509_push(pki->chain, more);
	}
	if (issuer.x509 != pki->root.x509 && issuer.x509 != stranger.x509)
		EVP_PKEY_free(issuer.key);
	X509_free(stranger.x509);
	EVP_PKEY_free(stranger.key);
}

static void made_free(struct made *made)
{
	X509_free(made->x509);
	EVP_PKEY_free(made->key);
}

static void pki_fini(struct pki *pki)
{
	made_free(&pki->root);
	made_free(&pki->leaf);
	sk_X509_pop_free(pki->chain, X509_free);
	X509_CRL_free(pki->crl);
}

/* ---- meeting them ---- */

static struct chain *as_chain(struct fixture *fixture, X509 *x509)
{
	struct certificate view = { x509 };

	return chain_of(fixture, &view);
}

static struct slice crl_text(const struct pki *pki, BIO *text)
{
	char *bytes;

	assert_int_equal(PEM_write_bio_X509_CRL(text, pki->crl), 1);
	long n = BIO_get_mem_data(text, &bytes);

	return slice_from(bytes, (size_t)n);
}

/* Our client trusts the root, with the list of what it has revoked. */
static void trust_root(struct fixture *fixture, const struct pki *pki)
{
	AUTO(chain) struct chain *root = as_chain(fixture, pki->root.x509);
	BIO *text = BIO_new(BIO_s_mem());

	assert_int_equal(tls_client_trust(fixture->client, root), OK);
	if (pki->crl)
		assert_int_equal(tls_client_revoke(fixture->client, crl_text(pki, text)), OK);
	BIO_free(text);
}

/* An end that shows the certificate whatever is wrong with it. */
static SSL *other_end(const struct pki *pki, SSL_CTX *ctx, int fd)
{
	SSL *ssl;

	SSL_CTX_set_security_level(ctx, 0);
	assert_int_equal(SSL_CTX_use_cert_and_key(ctx, pki->leaf.x509, pki->leaf.key, pki->chain, 1), 1);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	return ssl;
}

static enum err meet(struct tls_conn *conn, SSL *other, struct verdict *ret_verdict)
{
	const struct now now = { .mono = 1, .wall = NOW };
	enum err err = ERR_AGAIN;

	for (int i = 0; i < 30; i++) {
		if (err == ERR_AGAIN)
			err = tls_conn_handshake(conn, now, ret_verdict);
		SSL_do_handshake(other);
	}
	return err;
}

static void client_meets(struct fixture *fixture, const struct pki *pki, const struct row *row)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL *other = other_end(pki, ctx, fixture->fds[0]);

	SSL_set_accept_state(other);
	trust_root(fixture, pki);
	connect_conn(fixture, row->asked ? row->asked : "b.example");
	enum err err = meet(fixture->client_conn, other, &fixture->client_verdict);
	if (err == ERR_DENIED)
		assert_code(row->label, &fixture->client_verdict, row->code ? row->code : "accepted");
	else if (err != OK || row->code)
		fail_msg("%s: %s", row->label, err_text(err));
	SSL_free(other);
	SSL_CTX_free(ctx);
}

/* Whether the client has proven the domain; if its certificate counts for nothing, there is a sentence. */
static void server_meets(struct fixture *fixture, const struct pki *pki, const struct row *row)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *other = other_end(pki, ctx, fixture->fds[1]);
	struct tls_facts facts;

	SSL_set_connect_state(other);
	trust_root(fixture, pki);
	tls_server_trust(fixture->server, fixture->client);
	serve_name(fixture, "a.example", NOW);
	accept_conn(fixture);
	tls_conn_ask(fixture->server_conn);
	enum err err = meet(fixture->server_conn, other, &fixture->server_verdict);
	if (err != OK)
		fail_msg("%s: %s: %s", row->label, err_text(err), fixture->server_verdict.code);
	tls_conn_facts(fixture->server_conn, &facts);
	struct slice asked = slice_of(row->asked ? row->asked : "b.example");
	struct slice proven = slice_of(facts.identities);
	bool is_proven = proven.len >= asked.len &&
			 slice_eq_nocase(slice_sub(proven, proven.len - asked.len, asked.len), asked) &&
			 (proven.len == asked.len || proven.ptr[proven.len - asked.len - 1] == ' ');
	/* of five hundred names not all are kept, and what is not kept is not proven */
	if (is_proven != !row->code && row->odd != MANY_NAMES)
		fail_msg("%s: \"%s\", \"%s\"", row->label, facts.identities, facts.unproven);
	if (!facts.identities[0] == !facts.unproven[0])
		fail_msg("%s: \"%s\", \"%s\"", row->label, facts.identities, facts.unproven);
	print_message("# %s: %s%s\n", row->label, facts.identities, facts.unproven);
	SSL_free(other);
	SSL_CTX_free(ctx);
}

static void every_row(void (*meets)(struct fixture *, const struct pki *, const struct row *))
{
	assert_true(sizeof(rows) / sizeof(rows[0]) >= 40);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i += ROWS_STEP(25)) {
		struct fixture *fixture;
		struct pki pki;

		set_up((void **)&fixture);
		make(&pki, &rows[i]);
		meets(fixture, &pki, &rows[i]);
		pki_fini(&pki);
		tear_down((void **)&fixture);
	}
}

static void a_client_judges_every_server(void **state)
{
	every_row(client_meets);
}

static void a_server_judges_every_client(void **state)
{
	every_row(server_meets);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_client_judges_every_server),
	cmocka_unit_test(a_server_judges_every_client),
};

TEST_MAIN(tests)

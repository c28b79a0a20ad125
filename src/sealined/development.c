/* The development CA: made once, kept in the state directory, and good for our own names only. */
#include "base/mem.h"
#include "crypto/identity.h"
#include "sealined/identity.h"
#include "store/state.h"

enum { PEM_MAX = 16 * 1024 };

struct ca {
	struct chain *chain;
	struct key *key;
};

struct making {
	struct crypto *crypto;
	const struct config *config;
	utc_t now;
	struct writer *why;
	struct ca ca;
	bool made;
};

/* -- files ----------------------------------------------------------------------------------------------- */

static bool failed(struct making *making, const char *file, enum err err)
{
	put_state_path(making->why, making->config->state, slice_of(file));
	put(making->why, SLICE(": "));
	put(making->why, slice_of(err_text(err)));
	return false;
}

static enum err read_file(struct making *making, const char *name, struct secret **ret_text)
{
	char path[STATE_PATH_MAX];
	struct writer out = writer_of(path, sizeof path);

	put_state_path(&out, making->config->state, slice_of(name));
	return state_read(writer_text(&out), CHAIN_PEM_MAX, ret_text);
}

static bool write_file(struct making *making, const char *name, struct slice text)
{
	char path[STATE_PATH_MAX];
	struct writer out = writer_of(path, sizeof path);

	put_state_path(&out, making->config->state, slice_of(name));
	enum err err = state_write(writer_text(&out), text);
	making->made = true;
	return err == OK || failed(making, name, err);
}

static bool write_key(struct making *making, const char *name, const struct key *key)
{
	char pem[PEM_MAX];
	struct writer out = writer_of(pem, sizeof pem);
	enum err err = put_key_pem(&out, key);
	bool ok = err == OK ? write_file(making, name, writer_text(&out)) : failed(making, name, err);

	mem_wipe(pem, sizeof pem);
	return ok;
}

/* A certificate and, if it is not NULL, the one of its issuer after it. */
static bool write_certificates(struct making *making, const char *name, const struct certificate *own,
			       const struct certificate *issuer)
{
	char pem[PEM_MAX];
	struct writer out = writer_of(pem, sizeof pem);
	enum err err = put_certificate_pem(&out, own);

	if (err == OK && issuer)
		err = put_certificate_pem(&out, issuer);
	return err == OK ? write_file(making, name, writer_text(&out)) : failed(making, name, err);
}

/* ERR_NOT_FOUND if one of the two files is not there. */
static enum err read_pair(struct making *making, const char *certificate, const char *key,
			  struct ca *ret_pair)
{
	AUTO(secret) struct secret *chain_text = NULL;
	AUTO(secret) struct secret *key_text = NULL;
	AUTO(chain) struct chain *chain = NULL;

	TRY(read_file(making, certificate, &chain_text));
	TRY(read_file(making, key, &key_text));
	TRY(chain_parse_pem(making->crypto, secret_slice(chain_text), &chain));
	TRY(key_parse_pem(making->crypto, secret_slice(key_text), &ret_pair->key));
	ret_pair->chain = TAKE(chain);
	return OK;
}

static void pair_fini(struct ca *pair)
{
	chain_free(pair->chain);
	key_free(pair->key);
}

/* -- the CA ---------------------------------------------------------------------------------------------- */

/* The key first: a certificate that is there has its key. */
static bool make_ca(struct making *making)
{
	AUTO(key) struct key *key = NULL;
	AUTO(certificate) struct certificate *certificate = NULL;
	enum err err = key_generate(making->crypto, &key);

	if (err == OK)
		err = certificate_make_ca(making->crypto, key, SLICE("Sealine development CA"), making->now,
					  &certificate);
	if (err != OK)
		return failed(making, STATE_CA_CERTIFICATE, err);
	return write_key(making, STATE_CA_KEY, key) &&
	       write_certificates(making, STATE_CA_CERTIFICATE, certificate, NULL);
}

static bool has_file(struct making *making, const char *name)
{
	AUTO(secret) struct secret *text = NULL;

	return read_file(making, name, &text) != ERR_NOT_FOUND;
}

static bool have_ca(struct making *making)
{
	if (!has_file(making, STATE_CA_CERTIFICATE) && !make_ca(making))
		return false;
	enum err err = read_pair(making, STATE_CA_CERTIFICATE, STATE_CA_KEY, &making->ca);
	return err == OK || failed(making, STATE_CA_CERTIFICATE, err);
}

/* -- our certificate ------------------------------------------------------------------------------------- */

static bool proves_all(const struct certificate *certificate, const struct config *config)
{
	struct verdict verdict;

	for (size_t i = 0; i < config->n_domains; i++)
		if (identity_check(certificate, config->domains[i].name, &verdict) != OK)
			return false;
	return identity_check(certificate, config->advertise, &verdict) == OK;
}

static bool is_from(const struct chain *chain, const struct certificate *ca)
{
	unsigned char issuer[CERTIFICATE_FINGERPRINT_SIZE], wanted[CERTIFICATE_FINGERPRINT_SIZE];

	if (chain_length(chain) != 2)
		return false;
	return certificate_fingerprint(chain_at(chain, 1), issuer) && certificate_fingerprint(ca, wanted) &&
	       memcmp(issuer, wanted, sizeof issuer) == 0;
}

static bool is_good(struct making *making, const struct ca *pair)
{
	const struct certificate *own = chain_at(pair->chain, 0);
	utc_t from = certificate_not_before(own), until = certificate_not_after(own);

	return certificate_has_key(own, pair->key) && is_from(pair->chain, chain_at(making->ca.chain, 0)) &&
	       proves_all(own, making->config) && until - making->now >= (until - from) / 3;
}

static bool has_good_certificate(struct making *making)
{
	struct ca pair = { .chain = NULL };
	bool good = read_pair(making, STATE_SERVER_CERTIFICATE, STATE_SERVER_KEY, &pair) == OK &&
		    is_good(making, &pair);

	pair_fini(&pair);
	return good;
}

static enum err make_certificate(struct making *making, const struct key *key,
				 struct certificate **ret_certificate)
{
	const struct config *config = making->config;
	struct slice *names = mem_zalloc(config->n_domains + 1, sizeof *names);
	size_t n = 0;

	if (!names)
		return ERR_NOMEM;
	for (size_t i = 0; i < config->n_domains; i++)
		names[n++] = config->domains[i].name;
	bool among = false;
	for (size_t i = 0; i < n; i++)
		among |= slice_eq(names[i], config->advertise);
	if (!among)
		names[n++] = config->advertise;
	struct certificate_request request = { .key = key, .names = names, .n_names = n, .now = making->now };
	struct certificate_issuer issuer = { .certificate = chain_at(making->ca.chain, 0),
					     .key = making->ca.key };
	enum err err = certificate_make(making->crypto, &request, issuer, ret_certificate);
	mem_free(names);
	return err;
}

static bool make_server(struct making *making)
{
	AUTO(key) struct key *key = NULL;
	AUTO(certificate) struct certificate *certificate = NULL;
	enum err err = key_generate(making->crypto, &key);

	if (err == OK)
		err = make_certificate(making, key, &certificate);
	if (err != OK)
		return failed(making, STATE_SERVER_CERTIFICATE, err);
	return write_key(making, STATE_SERVER_KEY, key) &&
	       write_certificates(making, STATE_SERVER_CERTIFICATE, certificate,
				  chain_at(making->ca.chain, 0));
}

bool development_make(struct crypto *crypto, const struct config *config, utc_t now, bool *ret_made,
		      struct writer *why)
{
	struct making making = { .crypto = crypto, .config = config, .now = now, .why = why };
	bool ok = have_ca(&making) && (has_good_certificate(&making) || make_server(&making));

	pair_fini(&making.ca);
	*ret_made = making.made;
	return ok;
}

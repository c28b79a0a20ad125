/*
 * The CAs of our own, made once and kept in the state directory: the development CA, good for our own names only, and the one
 * that issues the certificates of users. Their keys are made, held and used by the signing process; what is looked at here
 * are certificates.
 */
#include "base/mem.h"
#include "crypto/identity.h"
#include "sealined/identity.h"
#include "signer/signer.h"
#include "store/state.h"

enum {
	PEM_MAX = 16 * 1024,
	SIGNER_PEM_MAX = 2 * SIGNER_REPLY_MAX,
	NAMES_SIZE = SIGNER_REQUEST_MAX / 2,
	CA_DAYS_MIN = 365, /* a CA has to last so long, which is longer than what it issues */
};

/* A CA of ours. */
struct authority {
	const char *certificate, *key; /* files in the state directory */
	struct slice name;
};

static const struct authority development = { STATE_CA_CERTIFICATE, STATE_CA_KEY,
					      SLICE_INIT("Sealine development CA") };
static const struct authority users = { STATE_USERS_CERTIFICATE, STATE_USERS_KEY,
					SLICE_INIT("Sealine user CA") };

struct making {
	const struct authority *authority;
	const struct identity_source *source;
	const struct config *config; /* the source's */
	struct writer *why;
	struct secret *ca_pem;
	struct chain *ca;
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
	return signer_tell(making->source->signer, writer_text(&out), ret_text);
}

static bool write_file(struct making *making, const char *name, struct slice text)
{
	char path[STATE_PATH_MAX];
	struct writer out = writer_of(path, sizeof path);

	put_state_path(&out, making->config->state, slice_of(name));
	enum err err = signer_keep_file(making->source->signer, writer_text(&out), text);
	making->made = true;
	return err == OK || failed(making, name, err);
}

static bool make_key(struct making *making, const char *name, unsigned char ret_id[KEY_ID_SIZE])
{
	char path[STATE_PATH_MAX];
	struct writer out = writer_of(path, sizeof path);

	put_state_path(&out, making->config->state, slice_of(name));
	enum err err = signer_generate(making->source->signer, writer_text(&out), ret_id);
	making->made = true;
	return err == OK || failed(making, name, err);
}

/* Has the signing process read a key that is there. */
static enum err load_key(struct making *making, const char *name, unsigned char ret_id[KEY_ID_SIZE])
{
	char path[STATE_PATH_MAX];
	struct writer out = writer_of(path, sizeof path);

	put_state_path(&out, making->config->state, slice_of(name));
	return signer_load(making->source->signer, writer_text(&out), ret_id);
}

/* -- the CA ---------------------------------------------------------------------------------------------- */

static bool certify_ca(struct making *making, const unsigned char id[KEY_ID_SIZE])
{
	const struct authority *authority = making->authority;
	char pem[PEM_MAX];
	struct writer out = writer_of(pem, sizeof pem);
	enum err err = signer_make_ca(making->source->signer,
				      &(struct signer_ca){ id, authority->name, making->source->now }, &out);
	return err == OK ? write_file(making, authority->certificate, writer_text(&out))
			 : failed(making, authority->certificate, err);
}

/* The key first: a certificate that is there has its key. */
static bool make_ca(struct making *making)
{
	unsigned char id[KEY_ID_SIZE];

	return make_key(making, making->authority->key, id) && certify_ca(making, id);
}

static enum err read_ca(struct making *making)
{
	secret_free(making->ca_pem);
	chain_free(making->ca);
	making->ca_pem = NULL;
	making->ca = NULL;
	TRY(read_file(making, making->authority->certificate, &making->ca_pem));
	return chain_parse_pem(making->source->crypto, secret_slice(making->ca_pem), &making->ca);
}

static bool have_ca(struct making *making)
{
	enum err err = read_ca(making);

	if (err == ERR_NOT_FOUND) {
		if (!make_ca(making))
			return false;
		err = read_ca(making);
	}
	return err == OK || failed(making, making->authority->certificate, err);
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
	return chain_length(chain) == 2 && certificate_eq(chain_at(chain, 1), ca);
}

static bool is_good(struct making *making, const struct chain *chain)
{
	const struct certificate *own = chain_at(chain, 0);
	utc_t from = certificate_not_before(own), until = certificate_not_after(own);
	unsigned char there[KEY_ID_SIZE], wanted[KEY_ID_SIZE];

	return load_key(making, STATE_SERVER_KEY, there) == OK && certificate_key_id(own, wanted) &&
	       memcmp(there, wanted, sizeof there) == 0 && is_from(chain, chain_at(making->ca, 0)) &&
	       proves_all(own, making->config) && from <= making->source->now &&
	       until - making->source->now >= (until - from) / 3;
}

static bool has_good_certificate(struct making *making)
{
	AUTO(secret) struct secret *text = NULL;
	AUTO(chain) struct chain *chain = NULL;

	return read_file(making, STATE_SERVER_CERTIFICATE, &text) == OK &&
	       chain_parse_pem(making->source->crypto, secret_slice(text), &chain) == OK &&
	       is_good(making, chain);
}

/* With LF between them. */
static void put_names(struct writer *out, const struct config *config)
{
	bool among = false;

	for (size_t i = 0; i < config->n_domains; i++) {
		if (i > 0)
			put_char(out, '\n');
		put(out, config->domains[i].name);
		among |= slice_eq(config->domains[i].name, config->advertise);
	}
	if (among)
		return;
	put_char(out, '\n');
	put(out, config->advertise);
}

/* Writes the certificate, the CA's after it. */
static enum err make_certificate(struct making *making, const unsigned char key[KEY_ID_SIZE],
				 const unsigned char issuer[KEY_ID_SIZE], struct writer *out)
{
	struct signer_wish wish = { .key = key,
				    .issuer = issuer,
				    .issuer_pem = secret_slice(making->ca_pem),
				    .now = making->source->now };
	const size_t size = NAMES_SIZE;
	char *names = mem_alloc(size);
	struct writer names_out = writer_of(names, size);

	if (!names)
		return ERR_NOMEM;
	put_names(&names_out, making->config);
	wish.names = writer_text(&names_out);
	enum err err = names_out.overflow ? ERR_LIMIT
					  : signer_make_server(making->source->signer, &wish, out);
	mem_free(names);
	put(out, secret_slice(making->ca_pem));
	return err == OK && out->overflow ? ERR_LIMIT : err;
}

static bool make_server(struct making *making)
{
	unsigned char key[KEY_ID_SIZE], issuer[KEY_ID_SIZE];
	char pem[SIGNER_PEM_MAX];
	struct writer out = writer_of(pem, sizeof pem);
	enum err err = load_key(making, STATE_CA_KEY, issuer);

	if (err != OK)
		return failed(making, STATE_CA_KEY, err);
	if (!make_key(making, STATE_SERVER_KEY, key))
		return false;
	err = make_certificate(making, key, issuer, &out);
	return err == OK ? write_file(making, STATE_SERVER_CERTIFICATE, writer_text(&out))
			 : failed(making, STATE_SERVER_CERTIFICATE, err);
}

/* One that was made while the clock was ahead is not valid yet. */
static bool lasts(const struct making *making)
{
	const struct certificate *ca = chain_at(making->ca, 0);
	utc_t now = making->source->now;

	return certificate_not_before(ca) <= now && certificate_days_left(ca, now) > CA_DAYS_MIN;
}

/*
 * Its name and its key stay: who trusts the certificate of before believes what is issued from now on, until that one ends, and has a
 * year to be given the new one; and what was issued before is still believed.
 */
static bool renew_ca(struct making *making)
{
	unsigned char id[KEY_ID_SIZE];
	enum err err = load_key(making, making->authority->key, id);

	if (err != OK)
		return failed(making, making->authority->key, err);
	if (!certify_ca(making, id))
		return false;
	err = read_ca(making);
	return err == OK || failed(making, making->authority->certificate, err);
}

static bool have_lasting_ca(struct making *making)
{
	return have_ca(making) && (lasts(making) || renew_ca(making));
}

bool development_make(const struct identity_source *source, bool *ret_made, struct writer *why)
{
	struct making making = {
		.authority = &development, .source = source, .config = source->config, .why = why
	};
	bool ok = have_lasting_ca(&making) && (has_good_certificate(&making) || make_server(&making));

	secret_free(making.ca_pem);
	chain_free(making.ca);
	*ret_made = making.made;
	return ok;
}

/* -- the user CA ------------------------------------------------------------------------------------------- */

static bool appoint(struct making *making, struct identity *identity)
{
	enum err err = load_key(making, users.key, identity->users);

	if (err != OK)
		return failed(making, users.key, err);
	err = signer_appoint(making->source->signer, identity->users, secret_slice(making->ca_pem));
	identity->has_users = err == OK;
	if (err == OK) {
		secret_free(identity->users_pem);
		identity->users_pem = TAKE(making->ca_pem);
	}
	return err == OK || failed(making, users.certificate, err);
}

bool users_make(const struct identity_source *source, struct identity *identity, struct writer *why)
{
	struct making making = {
		.authority = &users, .source = source, .config = source->config, .why = why
	};
	bool ok = have_lasting_ca(&making) && appoint(&making, identity);

	secret_free(making.ca_pem);
	chain_free(making.ca);
	return ok;
}

#include "sealined/identity.h"

#include "crypto/identity.h"
#include "store/state.h"

void identity_fini(struct identity *identity)
{
	secret_free(identity->certificates);
	secret_free(identity->key);
	*identity = (struct identity){ .certificates = NULL };
}

static bool wrong(struct writer *why, struct slice file, struct slice text)
{
	put(why, file);
	put(why, SLICE(": "));
	put(why, text);
	return false;
}

static struct slice read_trouble(enum err err)
{
	switch (err) {
	case ERR_NOT_FOUND: return SLICE("there is no such file");
	case ERR_DENIED: return SLICE("it may not be read");
	case ERR_LIMIT: return SLICE("it is too large");
	case ERR_SYNTAX: return SLICE("it is not in PEM form, or damaged");
	default: return slice_of(err_text(err));
	}
}

static bool read_chain(struct crypto *crypto, struct slice file, struct secret **ret_text,
		       struct chain **ret_chain, struct writer *why)
{
	AUTO(secret) struct secret *text = NULL;
	enum err err = state_read(file, CHAIN_PEM_MAX, &text);

	if (err != OK)
		return wrong(why, file, read_trouble(err));
	err = chain_parse_pem(crypto, secret_slice(text), ret_chain);
	if (err != OK)
		return wrong(why, file,
			     err == ERR_NOT_FOUND ? SLICE("there is no certificate in it")
						  : read_trouble(err));
	*ret_text = TAKE(text);
	return true;
}

static bool read_key(struct crypto *crypto, struct slice file, struct secret **ret_text, struct key **ret_key,
		     struct writer *why)
{
	AUTO(secret) struct secret *text = NULL;
	enum err err = state_read(file, KEY_PEM_MAX, &text);

	if (err != OK)
		return wrong(why, file, read_trouble(err));
	err = key_parse_pem(crypto, secret_slice(text), ret_key);
	if (err != OK)
		return wrong(
			why, file,
			err == ERR_SYNTAX ? SLICE("there is no private key in it")
			: err == ERR_DENIED
				? SLICE("the key is encrypted, or of a kind or strength that is not used")
				: read_trouble(err));
	*ret_text = TAKE(text);
	return true;
}

static bool refused(struct writer *why, struct slice file, const struct verdict *verdict)
{
	put(why, file);
	put(why, SLICE(": "));
	put_verdict(why, verdict);
	return false;
}

/* RFC 5922 §7.1: the names that we write in headers are names that peers can check us against. */
static bool check(const struct config *config, const struct chain *chain, const struct key *key,
		  struct slice file, struct writer *why)
{
	const struct certificate *own = chain_at(chain, 0);
	struct verdict verdict;

	if (!certificate_has_key(own, key))
		return wrong(why, file, SLICE("the key is not the one of this certificate"));
	if (identity_check_usage(own, false, &verdict) != OK)
		return refused(why, file, &verdict);
	if (identity_check(own, config->advertise, &verdict) == OK)
		return true;
	refused(why, file, &verdict);
	put(why,
	    SLICE("; --advertise says as whom we speak, and must be a name that the certificate proves"));
	return false;
}

/* The file that the configuration names, or the one in the state directory. */
static struct slice path_of(char buf[STATE_PATH_MAX], const struct config *config, struct slice named,
			    const char *own)
{
	struct writer out = writer_of(buf, STATE_PATH_MAX);

	if (config->certificate.len > 0)
		return named;
	put_state_path(&out, config->state, slice_of(own));
	return writer_text(&out);
}

bool identity_load(struct crypto *crypto, const struct config *config, struct identity *ret_identity,
		   struct writer *why)
{
	char chain_path[STATE_PATH_MAX], key_path[STATE_PATH_MAX];
	struct slice chain_file = path_of(chain_path, config, config->certificate, STATE_SERVER_CERTIFICATE);
	struct slice key_file = path_of(key_path, config, config->key, STATE_SERVER_KEY);
	struct identity identity = { .development = config->certificate.len == 0 };
	AUTO(chain) struct chain *chain = NULL;
	AUTO(key) struct key *key = NULL;

	if (read_chain(crypto, chain_file, &identity.certificates, &chain, why) &&
	    read_key(crypto, key_file, &identity.key, &key, why) &&
	    check(config, chain, key, chain_file, why)) {
		*ret_identity = identity;
		return true;
	}
	identity_fini(&identity);
	return false;
}

bool identity_parse(struct crypto *crypto, const struct identity *identity, struct chain **ret_chain,
		    struct key **ret_key)
{
	AUTO(chain) struct chain *chain = NULL;

	if (chain_parse_pem(crypto, secret_slice(identity->certificates), &chain) != OK ||
	    key_parse_pem(crypto, secret_slice(identity->key), ret_key) != OK)
		return false;
	*ret_chain = TAKE(chain);
	return true;
}

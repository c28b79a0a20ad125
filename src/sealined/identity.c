#include "sealined/identity.h"

#include <assert.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/cms.h"
#include "crypto/identity.h"
#include "sealined/identity_roles.h"
#include "store/state.h"

enum { STAPLE_MAX = 64 * 1024 };

void identity_fini(struct identity *identity)
{
	for (size_t i = 0; i < identity->n; i++) {
		secret_free(identity->pairs[i].certificates);
		secret_free(identity->pairs[i].staple);
	}
	mem_free(identity->pairs);
	secret_free(identity->trusted);
	secret_free(identity->revoked);
	for (size_t i = 0; identity->of_peers && i < identity->config->n_peers; i++)
		secret_free(identity->of_peers[i]);
	mem_free(identity->of_peers);
	for (size_t i = 0; identity->of_users && i < identity->config->n_domains; i++)
		secret_free(identity->of_users[i]);
	mem_free(identity->of_users);
	secret_free(identity->users_pem);
	*identity = (struct identity){ .n = 0 };
}

/* What is being loaded, and for whom. */
struct loading {
	const struct identity_source *source;
	const struct config *config; /* the source's */
	struct identity *identity;
	struct writer *why;
};

/* Where the configuration names the file, and the file. */
static void put_file(const struct loading *loading, struct slice file)
{
	put_config_place(loading->why, loading->config, file);
	put(loading->why, file);
	put(loading->why, SLICE(": "));
}

static bool wrong(const struct loading *loading, struct slice file, struct slice text)
{
	put_file(loading, file);
	put(loading->why, text);
	return false;
}

static struct slice read_trouble(enum err err)
{
	switch (err) {
	case ERR_NOT_FOUND: return SLICE("there is no such file");
	case ERR_DENIED:
		return SLICE("it may not be read (a running server reads only the directories of the files "
			     "that it knew at its start)");
	case ERR_LIMIT: return SLICE("it is too large");
	case ERR_CLOSED: return SLICE("the signing process does not answer");
	case ERR_SYNTAX: return SLICE("it is not in PEM form, or damaged");
	default: return slice_of(err_text(err));
	}
}

static bool read_chain(const struct loading *loading, struct slice file, struct secret **ret_text,
		       struct chain **ret_chain)
{
	AUTO(secret) struct secret *text = NULL;
	enum err err = signer_tell(loading->source->signer, file, &text);

	if (err != OK)
		return wrong(loading, file, read_trouble(err));
	err = chain_parse_pem(loading->source->crypto, secret_slice(text), ret_chain);
	if (err != OK)
		return wrong(loading, file,
			     err == ERR_NOT_FOUND ? SLICE("there is no certificate in it")
						  : read_trouble(err));
	*ret_text = TAKE(text);
	return true;
}

/* The signing process opens the file; nothing of the key is seen here but its id. */
static bool load_key(const struct loading *loading, struct slice file, unsigned char ret_id[KEY_ID_SIZE])
{
	enum err err = signer_load(loading->source->signer, file, ret_id);

	if (err == OK)
		return true;
	return wrong(loading, file,
		     err == ERR_SYNTAX ? SLICE("there is no private key in it")
		     : err == ERR_DENIED
			     ? SLICE("the key is encrypted, or of a kind or strength that is not used")
		     : err == ERR_CONFLICT ? read_trouble(ERR_DENIED)
		     : err == ERR_CLOSED   ? SLICE("the signing process does not answer")
					   : read_trouble(err));
}

static bool refused(const struct loading *loading, struct slice file, const struct verdict *verdict)
{
	put_file(loading, file);
	put_verdict(loading->why, verdict);
	return false;
}

/* RFC 5922 §7.1: the names that we write in headers are names that peers can check us against. */
static bool proves(const struct loading *loading, const struct identity_pair *pair,
		   const struct certificate *own)
{
	struct verdict verdict;

	if (pair->domain.len > 0)
		return identity_check(own, pair->domain, &verdict) == OK ||
		       refused(loading, pair->file, &verdict);
	if (config_has_own(loading->config, loading->config->advertise) ||
	    identity_check(own, loading->config->advertise, &verdict) == OK)
		return true;
	refused(loading, pair->file, &verdict);
	put(loading->why,
	    SLICE("; --advertise says as whom we speak, and must be a name that the certificate proves"));
	return false;
}

/* Whoever asked for it is told when to try a chain again that is not valid yet. */
static void note_when(const struct loading *loading, const struct chain *chain)
{
	utc_t from = 0;

	for (size_t i = 0; i < chain_length(chain); i++) {
		utc_t begins = certificate_not_before(chain_at(chain, i));

		from = begins > from ? begins : from;
	}
	if (loading->source->ret_from && from > loading->source->now)
		*loading->source->ret_from = from;
}

static bool check(const struct loading *loading, const struct identity_pair *pair, const struct chain *chain)
{
	const struct certificate *own = chain_at(chain, 0);
	unsigned char id[KEY_ID_SIZE];
	struct verdict verdict;

	if (!certificate_key_id(own, id) || memcmp(id, pair->key, sizeof id) != 0)
		return wrong(loading, pair->file, SLICE("the key is not the one of this certificate"));
	if (chain_check(chain, loading->source->now, &verdict) != OK ||
	    identity_check_usage(own, false, &verdict) != OK) {
		note_when(loading, chain);
		return refused(loading, pair->file, &verdict);
	}
	return proves(loading, pair, own);
}

/* The signing process has to know what the key stands for, before it vouches for anything. */
static bool present(const struct loading *loading, const struct identity_pair *pair)
{
	enum err err = signer_present(loading->source->signer, pair->key, secret_slice(pair->certificates));

	return err == OK || wrong(loading, pair->file, read_trouble(err));
}

static bool load_pair(const struct loading *loading, struct slice domain, struct slice file,
		      struct slice key_file)
{
	struct identity *identity = loading->identity;
	struct identity_pair *pairs = mem_resize(identity->pairs,
						 (identity->n + 1) * sizeof *identity->pairs);
	AUTO(chain) struct chain *chain = NULL;

	if (!pairs)
		return wrong(loading, file, read_trouble(ERR_NOMEM));
	identity->pairs = pairs;
	struct identity_pair *pair = &pairs[identity->n++];
	*pair = (struct identity_pair){ .domain = domain, .file = file };
	return read_chain(loading, file, &pair->certificates, &chain) &&
	       load_key(loading, key_file, pair->key) && check(loading, pair, chain) &&
	       present(loading, pair);
}

static bool load_list(const struct loading *loading, struct slice domain,
		      const struct config_certificates *list)
{
	for (size_t i = 0; i < list->n_files; i++)
		if (!load_pair(loading, domain, list->files[i], list->keys[i]))
			return false;
	return true;
}

/* The files in the state directory. */
static bool load_development(const struct loading *loading)
{
	char key[STATE_PATH_MAX];
	struct writer key_out = writer_of(key, sizeof key);

	put_state_path(&key_out, loading->config->state, SLICE(STATE_SERVER_KEY));
	return load_pair(loading, SLICE(""), loading->config->made, writer_text(&key_out));
}

static bool load_all(const struct loading *loading)
{
	const struct config *config = loading->config;

	if (loading->identity->development)
		return load_development(loading);
	if (!load_list(loading, SLICE(""), &config->certificates))
		return false;
	for (size_t i = 0; i < config->n_domains; i++)
		if (config->of_domain[i] &&
		    !load_list(loading, config->domains[i].name, config->of_domain[i]))
			return false;
	return true;
}

static bool load_trusted(const struct loading *loading)
{
	AUTO(chain) struct chain *chain = NULL;

	return loading->config->trust.len == 0 ||
	       read_chain(loading, loading->config->trust, &loading->identity->trusted, &chain);
}

static bool load_of_peers(const struct loading *loading)
{
	struct identity *identity = loading->identity;
	const struct config *config = loading->config;

	if (config->n_peers == 0)
		return true;
	identity->of_peers = mem_zalloc(config->n_peers, sizeof *identity->of_peers);
	if (!identity->of_peers) {
		put(loading->why, slice_of(err_text(ERR_NOMEM)));
		return false;
	}
	for (size_t i = 0; i < config->n_peers; i++) {
		AUTO(chain) struct chain *chain = NULL;

		if (config->scopes[i].trust.len > 0 &&
		    !read_chain(loading, config->scopes[i].trust, &identity->of_peers[i], &chain))
			return false;
	}
	return true;
}

static bool load_of_users(const struct loading *loading)
{
	struct identity *identity = loading->identity;
	const struct config *config = loading->config;

	identity->of_users = mem_zalloc(config->n_domains, sizeof *identity->of_users);
	if (!identity->of_users) {
		put(loading->why, slice_of(err_text(ERR_NOMEM)));
		return false;
	}
	for (size_t i = 0; i < config->n_domains; i++) {
		AUTO(chain) struct chain *chain = NULL;

		if (config->user_cas[i].len > 0 &&
		    !read_chain(loading, config->user_cas[i], &identity->of_users[i], &chain))
			return false;
	}
	return true;
}

/* Whether there are lists in it that can be read: what they say counts when somebody shows his certificate. */
static bool load_revoked(const struct loading *loading)
{
	AUTO(tls_context) struct tls_context *client = tls_client_new(loading->source->crypto);
	struct slice file = loading->config->crl;

	if (!file.len)
		return true;
	enum err err = signer_tell(loading->source->signer, file, &loading->identity->revoked);
	if (err == OK)
		err = client ? tls_client_revoke(client, secret_slice(loading->identity->revoked))
			     : ERR_NOMEM;
	else
		return wrong(loading, file, read_trouble(err));
	return err == OK ||
	       wrong(loading, file,
		     err == ERR_NOT_FOUND ? SLICE("there is no list of revoked certificates in it")
					  : read_trouble(err));
}

/* The CAs of others, and what they have revoked. */
static bool load_anchors(const struct loading *loading)
{
	return load_trusted(loading) && load_of_peers(loading) && load_of_users(loading) &&
	       load_revoked(loading);
}

/* -- what is stapled --------------------------------------------------------------------------------------- */

/* OK: it is for this one, though it may be over. ERR_NOT_FOUND: it is for another one. */
static enum err fit_staple(const struct loading *loading, size_t n, struct slice der,
			   struct verdict *ret_verdict)
{
	struct identity_pair *pair = &loading->identity->pairs[n];
	AUTO(chain) struct chain *chain = NULL;
	enum err err;

	TRY(identity_chain(loading->source->crypto, loading->identity, n, &chain));
	err = tls_staple_check(chain, der, loading->source->now, &pair->staple_until, ret_verdict);
	if (err == ERR_DENIED && slice_eq(slice_of(ret_verdict->code), SLICE("ocsp.stale")))
		return OK;
	return err == ERR_DENIED && slice_eq(slice_of(ret_verdict->code), SLICE("ocsp.other-certificate"))
		       ? ERR_NOT_FOUND
		       : err;
}

static bool load_staple(const struct loading *loading, struct slice file)
{
	AUTO(secret) struct secret *text = NULL;
	struct verdict verdict;
	enum err err = signer_tell(loading->source->signer, file, &text);

	if (err == OK && text->len > STAPLE_MAX)
		err = ERR_LIMIT;
	if (err != OK)
		return wrong(loading, file, read_trouble(err));
	for (size_t i = 0; i < loading->identity->n; i++) {
		struct identity_pair *pair = &loading->identity->pairs[i];

		err = fit_staple(loading, i, secret_slice(text), &verdict);
		if (err == ERR_NOT_FOUND)
			continue;
		if (err != OK)
			return err == ERR_DENIED ? refused(loading, file, &verdict)
						 : wrong(loading, file, read_trouble(err));
		secret_free(pair->staple);
		pair->staple = TAKE(text);
		pair->staple_file = file;
		return true;
	}
	return wrong(
		loading, file,
		SLICE("it is about none of our certificates; that of the CA has to stand behind ours in its file"));
}

static bool load_staples(const struct loading *loading)
{
	for (size_t i = 0; i < loading->identity->n; i++) {
		AUTO(chain) struct chain *chain = NULL;

		if (identity_chain(loading->source->crypto, loading->identity, i, &chain) == OK)
			loading->identity->pairs[i].must_staple = tls_must_staple(chain_at(chain, 0));
	}
	for (size_t i = 0; i < loading->config->n_staples; i++)
		if (!load_staple(loading, loading->config->staples[i]))
			return false;
	return true;
}

/* The advertised name, where no certificate is meant for it: one has to prove it all the same. */
static bool advertises_what_is_proven(const struct loading *loading)
{
	const struct identity_pair *first = loading->identity->pairs;
	const struct config *config = loading->config;
	struct verdict verdict;

	if ((first && first->domain.len == 0) || config_has_own(config, config->advertise))
		return true;
	for (size_t i = 0; i < loading->identity->n; i++) {
		AUTO(chain) struct chain *chain = NULL;

		if (identity_chain(loading->source->crypto, loading->identity, i, &chain) == OK &&
		    identity_check(chain_at(chain, 0), config->advertise, &verdict) == OK)
			return true;
	}
	put(loading->why, SLICE("no certificate proves "));
	put(loading->why, config->advertise);
	put(loading->why, SLICE(", the name that we advertise (RFC 5922 §7.1)"));
	return false;
}

static bool can_be_served(const struct loading *loading)
{
	struct identity_roles roles = { NULL, NULL };
	struct verdict verdict;
	enum err err = identity_serve(loading->source->crypto, loading->identity,
				      &loading->source->signer->signer, &roles, &verdict);

	identity_roles_fini(&roles);
	if (err == ERR_DENIED)
		put_verdict(loading->why, &verdict);
	else if (err == ERR_EXISTS)
		put(loading->why, SLICE("two certificates with the same kind of key are for the same names"));
	else if (err != OK)
		put(loading->why, slice_of(err_text(err)));
	return err == OK;
}

bool identity_load(const struct identity_source *source, struct identity *ret_identity, struct writer *why)
{
	struct identity identity = { .development = config_is_development(source->config),
				     .config = source->config };
	struct loading loading = { source, source->config, &identity, why };

	if (load_all(&loading) && load_anchors(&loading) && load_staples(&loading) &&
	    advertises_what_is_proven(&loading) && can_be_served(&loading)) {
		*ret_identity = identity;
		return true;
	}
	identity_fini(&identity);
	return false;
}

bool identity_is_loadable(const struct identity_source *source, struct writer *why)
{
	struct identity identity = { .development = config_is_development(source->config),
				     .config = source->config };
	struct loading loading = { source, source->config, &identity, why };
	bool is_loadable;

	if (identity.development)
		is_loadable = load_anchors(&loading) && load_staples(&loading);
	else
		is_loadable = identity_load(source, &identity, why);
	if (is_loadable)
		put_identity_remark(why, source->crypto, &identity, source->config);
	identity_fini(&identity);
	return is_loadable;
}

enum err identity_chain(struct crypto *crypto, const struct identity *identity, size_t n,
			struct chain **ret_chain)
{
	assert(identity->pairs && n < identity->n);
	return chain_parse_pem(crypto, secret_slice(identity->pairs[n].certificates), ret_chain);
}

/* Most are another domain's own, and are not read for that. */
static bool may_be_for(const struct identity_pair *pair, struct slice domain)
{
	return pair->domain.len == 0 || slice_eq_nocase(pair->domain, domain);
}

static bool is_for(const struct identity_pair *pair, const struct certificate *certificate,
		   struct slice domain)
{
	struct verdict verdict;

	return pair->domain.len > 0 || identity_check(certificate, domain, &verdict) == OK;
}

enum err identity_voucher(struct crypto *crypto, const struct identity *identity, struct slice domain,
			  const struct identity_pair **ret_pair)
{
	const struct identity_pair *found = NULL;
	enum err err = ERR_NOT_FOUND;

	for (size_t i = 0; i < identity->n; i++) {
		const struct identity_pair *pair = &identity->pairs[i];
		AUTO(chain) struct chain *chain = NULL;

		if (!may_be_for(pair, domain) || (found && (pair->domain.len == 0 || found->domain.len > 0)))
			continue; /* the domain's own is better, the first one as good as any other */
		TRY(identity_chain(crypto, identity, i, &chain));
		if (!is_for(pair, chain_at(chain, 0), domain))
			continue;
		if (cms_can_sign(chain_at(chain, 0)))
			found = pair;
		else
			err = ERR_DENIED;
	}
	if (!found)
		return err;
	*ret_pair = found;
	return OK;
}

void put_identity_remark(struct writer *out, struct crypto *crypto, const struct identity *identity,
			 const struct config *config)
{
	const struct identity_pair *pair;

	for (size_t i = 0; i < config->n_domains; i++) {
		struct slice name = config->domains[i].name;

		if (identity_voucher(crypto, identity, name, &pair) != ERR_DENIED)
			continue;
		put(out, SLICE("phones of "));
		put(out, name);
		put(out,
		    SLICE(" cannot protect messages from end to end (S/MIME): this OpenSSL signs none with the "
			  "domain's Ed25519 key; give it a second certificate with an ECDSA P-256 key"));
		return;
	}
}

enum err identity_settle(const struct identity *identity, struct signer_client *signer)
{
	size_t n = identity->n + identity->has_users;
	unsigned char *ids = mem_alloc(n * KEY_ID_SIZE);

	if (!ids)
		return ERR_NOMEM;
	for (size_t i = 0; i < identity->n; i++)
		memcpy(ids + i * KEY_ID_SIZE, identity->pairs[i].key, KEY_ID_SIZE);
	if (identity->has_users)
		memcpy(ids + identity->n * KEY_ID_SIZE, identity->users, KEY_ID_SIZE);
	enum err err = signer_keep(signer, slice_from(ids, n * KEY_ID_SIZE));
	mem_free(ids);
	return err;
}

int identity_alarm(utc_t not_after, utc_t now)
{
	static const utc_t days[] = { 30, 14, 7, 1, 0 };
	int alarm = 0;

	while (alarm < 5 && not_after - now < days[alarm] * 86400)
		alarm++;
	return alarm;
}

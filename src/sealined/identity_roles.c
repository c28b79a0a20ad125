#include "sealined/identity_roles.h"

#include "crypto/anchors.h"
#include "crypto/identity.h"

/* Once as it counts for sips requests, and where there are exceptions once more with these. */
static enum err judge_peer(struct tls_context *client, const struct config_scope *rules,
			   const struct chain *anchors, struct slice revoked)
{
	struct tls_scope scope = {
		.name = rules->sips,
		.anchors = anchors,
		.revoked = revoked,
		.names = rules->names,
		.n_names = rules->n_names,
	};

	if (rules->sips.len > 0)
		TRY(tls_client_scope(client, &scope));
	if (!rules->takes_wildcards)
		return OK;
	scope.name = rules->sip;
	scope.takes_wildcards = true;
	return tls_client_scope(client, &scope);
}

static enum err judge_peers(struct crypto *crypto, const struct identity *identity,
			    struct tls_context *client)
{
	const struct config *config = identity->config;

	for (size_t i = 0; identity->of_peers && i < config->n_peers; i++) {
		AUTO(chain) struct chain *anchors = NULL;

		if (identity->of_peers[i])
			TRY(chain_parse_pem(crypto, secret_slice(identity->of_peers[i]), &anchors));
		TRY(judge_peer(client, &config->scopes[i], anchors,
			       identity->revoked ? secret_slice(identity->revoked) : SLICE("")));
	}
	return OK;
}

/* Whom each domain of ours believes who its users are. */
static enum err judge_users(struct crypto *crypto, const struct identity *identity,
			    struct tls_context *client)
{
	const struct config *config = identity->config;

	for (size_t i = 0; identity->of_users && i < config->n_domains; i++) {
		const struct secret *pem = identity->of_users[i] ? identity->of_users[i]
								 : identity->users_pem;
		struct tls_users users = {
			.domain = config->domains[i].name,
			.revoked = identity->revoked ? secret_slice(identity->revoked) : SLICE(""),
		};
		AUTO(chain) struct chain *anchors = NULL;

		/* an address has no users that a certificate could name (RFC 5922 §7.1) */
		if (!pem || !identity_is_name(users.domain))
			continue;
		TRY(chain_parse_pem(crypto, secret_slice(pem), &anchors));
		users.anchors = anchors;
		TRY(tls_client_users(client, &users));
	}
	return OK;
}

/* The CAs of other domains, but for the peers that have their own. */
static enum err trust_common(struct crypto *crypto, const struct identity *identity,
			     struct tls_context *client)
{
	AUTO(chain) struct chain *trusted = NULL;

	if (identity->revoked)
		TRY(tls_client_revoke(client, secret_slice(identity->revoked)));
	if (!identity->trusted)
		return tls_client_trust_system(client);
	TRY(chain_parse_pem(crypto, secret_slice(identity->trusted), &trusted));
	return tls_client_trust(client, trusted);
}

/* Whom we believe when another domain proves itself, on connections of either direction. */
static enum err trust(struct crypto *crypto, const struct identity *identity, struct tls_context *client)
{
	TRY(trust_common(crypto, identity, client));
	TRY(judge_peers(crypto, identity, client));
	return judge_users(crypto, identity, client);
}

enum err identity_anchors(const struct identity_source *source, const struct identity *identity,
			  struct anchors **ret_anchors)
{
	AUTO(tls_context) struct tls_context *client = tls_client_new(source->crypto);

	if (!client)
		return ERR_NOMEM;
	TRY(trust_common(source->crypto, identity, client));
	return tls_client_anchors(client, ret_anchors);
}

/* What our own trust makes of a chain of ours. */
static enum err judge(const struct anchors *anchors, const struct chain *chain, utc_t now,
		      struct verdict *ret_verdict)
{
	const struct anchors_question question = {
		.certificate = chain_at(chain, 0),
		.others = chain,
		.now = now,
	};

	return anchors ? anchors_check(anchors, &question, ret_verdict) : ERR_NOMEM;
}

static bool is_unknown(const struct verdict *verdict)
{
	struct slice code = slice_of(verdict->code);

	return slice_eq(code, SLICE("certificate.unknown-ca")) ||
	       slice_eq(code, SLICE("certificate.self-signed"));
}

bool identity_is_complete(const struct identity_source *source, const struct identity *identity, size_t n,
			  const struct anchors *anchors, struct writer *why)
{
	AUTO(chain) struct chain *chain = NULL;
	struct verdict verdict = { .code = "" };
	enum err err = identity_chain(source->crypto, identity, n, &chain);

	if (err == OK)
		err = judge(anchors, chain, source->now, &verdict);
	if (err == OK || (err == ERR_DENIED && is_unknown(&verdict) && chain_ends_in_root(chain)))
		return true;
	if (err != ERR_DENIED)
		put(why, slice_of(err_text(err)));
	else if (is_unknown(&verdict))
		put(why,
		    SLICE("the chain in the file ends before a root, and leads to no CA that is trusted here"));
	else
		put_verdict(why, &verdict);
	return false;
}

static enum err show(struct crypto *crypto, const struct identity *identity, const struct key_signer *signer,
		     const struct identity_roles *roles, struct verdict *ret_verdict)
{
	for (size_t i = 0; i < identity->n; i++) {
		struct slice domain = identity->pairs[i].domain;
		AUTO(chain) struct chain *chain = NULL;
		AUTO(key) struct key *key = NULL;

		TRY(identity_chain(crypto, identity, i, &chain));
		TRY(key_remote(crypto, chain_at(chain, 0), signer, &key));
		TRY(tls_server_add_for(roles->server, domain, chain, key, ret_verdict));
		TRY(tls_client_present(roles->client, domain, chain, key, ret_verdict));
		if (identity->pairs[i].staple)
			TRY(tls_server_staple(roles->server, chain, secret_slice(identity->pairs[i].staple),
					      identity->pairs[i].staple_until));
	}
	return OK;
}

void identity_roles_fini(struct identity_roles *roles)
{
	tls_context_free(roles->server);
	tls_context_free(roles->client);
	*roles = (struct identity_roles){ NULL, NULL };
}

enum err identity_serve(struct crypto *crypto, const struct identity *identity,
			const struct key_signer *signer, struct identity_roles *ret_roles,
			struct verdict *ret_verdict)
{
	struct identity_roles roles = { tls_server_new(crypto), tls_client_new(crypto) };
	bool ok = roles.server && roles.client &&
		  tls_context_restrict(roles.server, &identity->config->tls) &&
		  tls_context_restrict(roles.client, &identity->config->tls);
	enum err err = ok ? trust(crypto, identity, roles.client) : ERR_NOMEM;

	if (err == OK && identity->config->needs_staples)
		tls_client_need_staples(roles.client);
	if (err == OK) {
		tls_server_trust(roles.server, roles.client);
		err = show(crypto, identity, signer, &roles, ret_verdict);
	}
	if (err == OK)
		*ret_roles = roles;
	else
		identity_roles_fini(&roles);
	return err;
}

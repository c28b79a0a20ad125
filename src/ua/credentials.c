#include "ua/credentials.h"

#include "base/mem.h"
#include "ua/credentials_private.h"

/* clang-format off */
static const char *const trust_names[] = {
	[CREDENTIALS_COMPARED]   = "compared",
	[CREDENTIALS_VOUCHED]    = "vouched",
	[CREDENTIALS_REMEMBERED] = "remembered",
	[CREDENTIALS_CA]         = "ca",
};
/* clang-format on */

const char *credentials_trust_name(enum credentials_trust trust)
{
	return trust_names[trust];
}

enum { ANEW_SECONDS = 60 };

static const struct verdict unexplained = {
	.code = "smime.no-memory",
	.what = "there is no memory to say why",
	.remedy = "end other programs, then try again",
};

/* -- life -------------------------------------------------------------------------------------------------- */

static void peer_free(struct credentials *credentials, struct peer *peer)
{
	struct link *link;

	list_remove(&credentials->peers, &peer->link);
	while ((link = list_take_first(&peer->waiters)))
		*link = (struct link){ NULL, NULL };
	for (size_t i = 0; i < peer->n_keys; i++)
		certificate_free(peer->keys[i].certificate);
	mem_free(peer->verdict);
	mem_free(peer);
}

struct credentials *credentials_new(struct crypto *crypto, struct slice own,
				    const struct credentials_source *source)
{
	AUTO(credentials) struct credentials *credentials = mem_new(struct credentials);

	if (!credentials)
		return NULL;
	credentials->crypto = crypto;
	credentials->source = *source;
	list_init(&credentials->peers);
	if (peer_get(credentials, own, &credentials->self) != OK)
		return NULL;
	return TAKE(credentials);
}

void credentials_free(struct credentials *credentials)
{
	if (!credentials)
		return;
	LIST_EACH (peer, &credentials->peers, struct peer, link)
		peer_free(credentials, peer);
	for (size_t i = 0; i < credentials->n_own; i++) {
		certificate_free(credentials->own[i].certificate);
		chain_free(credentials->own[i].chain);
		key_free(credentials->own[i].key);
	}
	mem_free(credentials);
}

void credentials_set_policy(struct credentials *credentials, enum credentials_policy policy)
{
	credentials->policy = policy;
}

void credentials_set_anchors(struct credentials *credentials, const struct anchors *anchors)
{
	credentials->anchors = anchors;
}

/* -- who is known ------------------------------------------------------------------------------------------ */

struct peer *peer_find(const struct credentials *credentials, struct slice aor)
{
	LIST_EACH (peer, &credentials->peers, struct peer, link)
		if (slice_eq(peer->aor, aor))
			return peer;
	return NULL;
}

static bool has_compared(const struct peer *peer)
{
	for (size_t i = 0; i < peer->n_keys; i++)
		if (peer->keys[i].is_compared)
			return true;
	return false;
}

/* Of whom no key is known there is nothing to forget: anybody can have us ask for such ones. */
static bool goes_before(const struct peer *peer, const struct peer *other)
{
	if ((peer->n_keys == 0) != (other->n_keys == 0))
		return peer->n_keys == 0;
	return peer->used < other->used;
}

/* The one that was not needed for longest; but not what our user has confirmed, nor one that somebody waits for. */
static enum err make_room(struct credentials *credentials)
{
	struct peer *oldest = NULL;

	if (credentials->peers.n < CREDENTIALS_PEERS_MAX)
		return OK;
	LIST_EACH (peer, &credentials->peers, struct peer, link)
		if (peer != credentials->self && !peer->is_busy && peer->waiters.n == 0 &&
		    peer->state != CREDENTIALS_ASKED && !has_compared(peer) &&
		    (!oldest || goes_before(peer, oldest)))
			oldest = peer;
	if (!oldest)
		return ERR_LIMIT;
	peer_free(credentials, oldest);
	return OK;
}

enum err peer_get(struct credentials *credentials, struct slice aor, struct peer **ret_peer)
{
	struct peer *peer = peer_find(credentials, aor);

	if (!peer) {
		if (aor.len == 0 || aor.len > CREDENTIALS_AOR_MAX)
			return ERR_LIMIT;
		TRY(make_room(credentials));
		peer = mem_zalloc(1, sizeof *peer + aor.len);
		if (!peer)
			return ERR_NOMEM;
		memcpy(peer->text, aor.ptr, aor.len);
		peer->aor = slice_from(peer->text, aor.len);
		list_init(&peer->waiters);
		list_append(&credentials->peers, &peer->link);
	}
	peer->used = ++credentials->uses;
	*ret_peer = peer;
	return OK;
}

struct peer_key *peer_key_find(const struct peer *peer, const unsigned char id[KEY_ID_SIZE])
{
	for (size_t i = 0; i < peer->n_keys; i++)
		if (memcmp(peer->keys[i].id, id, KEY_ID_SIZE) == 0)
			return (struct peer_key *)&peer->keys[i];
	return NULL;
}

enum credentials_state peer_state(const struct peer *peer, utc_t now)
{
	return peer->state == CREDENTIALS_ASKED || now < peer->until ? peer->state : CREDENTIALS_UNKNOWN;
}

bool peer_can_be_asked_anew(const struct credentials *credentials, const struct peer *peer, utc_t now)
{
	enum credentials_state state = peer_state(peer, now);

	return peer != credentials->self && now >= peer->anew &&
	       (state == CREDENTIALS_KNOWN || state == CREDENTIALS_NONE);
}

bool peer_has_believed(const struct peer *peer)
{
	for (size_t i = 0; i < peer->n_keys; i++)
		if (peer->keys[i].is_believed)
			return true;
	return false;
}

void peer_explain(struct peer *peer, const struct verdict *why)
{
	if (!peer->verdict)
		peer->verdict = mem_new(struct verdict);
	if (peer->verdict)
		*peer->verdict = *why;
}

const struct verdict *peer_verdict(const struct peer *peer)
{
	return peer->verdict ? peer->verdict : &unexplained;
}

void put_key_fingerprint(struct writer *out, const unsigned char id[KEY_ID_SIZE])
{
	for (size_t i = 0; i < KEY_ID_SIZE; i += 2) {
		if (i > 0)
			put_char(out, ' ');
		put_hex(out, id + i, 2);
	}
}

bool key_fingerprint_parse(struct slice text, unsigned char ret_id[KEY_ID_SIZE])
{
	char hex[2 * KEY_ID_SIZE];
	size_t len = 0, n;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == ' ' || text.ptr[i] == ':')
			continue;
		if (len == sizeof hex)
			return false;
		hex[len++] = text.ptr[i];
	}
	return hex_decode(slice_from(hex, len), ret_id, KEY_ID_SIZE, &n) && n == KEY_ID_SIZE;
}

/* -- our own ----------------------------------------------------------------------------------------------- */

enum err credentials_add_own(struct credentials *credentials, struct key *key,
			     struct certificate *certificate)
{
	struct verdict verdict;

	if (credentials->n_own == CREDENTIALS_OWN_MAX)
		return ERR_LIMIT;
	if (certificate && !certificate_has_key(certificate, key))
		return ERR_DENIED;
	if (certificate)
		TRY(credentials_are_for(certificate, credentials->self->aor, &verdict));
	credentials->own[credentials->n_own].key = key;
	credentials->own[credentials->n_own++].certificate = certificate;
	return OK;
}

enum err credentials_add_imported(struct credentials *credentials, struct key *key, struct chain *chain)
{
	AUTO(certificate) struct certificate *own = NULL;

	TRY(certificate_copy(chain_at(chain, 0), &own));
	TRY(credentials_add_own(credentials, key, own));
	(void)TAKE(own);
	credentials->own[credentials->n_own - 1].chain = chain;
	return OK;
}

const struct chain *credentials_own_chain(const struct credentials *credentials)
{
	return credentials->n_own > 0 ? credentials->own[0].chain : NULL;
}

size_t credentials_own(const struct credentials *credentials,
		       struct cms_recipient ret_own[CREDENTIALS_OWN_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < credentials->n_own; i++)
		if (credentials->own[i].certificate)
			ret_own[n++] = (struct cms_recipient){
				.certificate = credentials->own[i].certificate,
				.key = credentials->own[i].key,
			};
	return n;
}

static bool is_valid(const struct certificate *certificate, utc_t now)
{
	return certificate_not_before(certificate) <= now && now <= certificate_not_after(certificate);
}

enum credentials_state credentials_signer(const struct credentials *credentials, utc_t now,
					  struct cms_recipient *ret_own, const struct verdict **ret_verdict)
{
	const struct peer *self = credentials->self;

	*ret_verdict = NULL;
	if (credentials->n_own == 0)
		return CREDENTIALS_UNKNOWN;
	if (credentials->own[0].certificate && !credentials->is_withdrawn &&
	    is_valid(credentials->own[0].certificate, now)) {
		ret_own->certificate = credentials->own[0].certificate;
		ret_own->key = credentials->own[0].key;
		return CREDENTIALS_KNOWN;
	}
	if (!credentials->is_withdrawn && self->state != CREDENTIALS_FAILED &&
	    self->state != CREDENTIALS_REFUSED)
		return CREDENTIALS_ASKED;
	*ret_verdict = peer_verdict(self);
	return CREDENTIALS_FAILED;
}

const struct key *credentials_own_key(const struct credentials *credentials)
{
	return credentials->n_own > 0 ? credentials->own[0].key : NULL;
}

struct slice credentials_aor(const struct credentials *credentials)
{
	return credentials->self->aor;
}

/* -- those of others --------------------------------------------------------------------------------------- */

void credentials_of(const struct credentials *credentials, struct slice aor, utc_t now,
		    struct credentials_found *ret_found)
{
	const struct peer *peer = peer_find(credentials, aor);
	struct credentials_found found = { .state = CREDENTIALS_UNKNOWN, .trust = CREDENTIALS_COMPARED };

	if (peer) {
		found.state = peer_state(peer, now);
		found.was_protected = peer_has_believed(peer);
	}
	for (size_t i = 0; found.state == CREDENTIALS_KNOWN && i < peer->n_keys; i++) {
		const struct peer_key *key = &peer->keys[i];

		if (!key->certificate || !key->is_believed || !is_valid(key->certificate, now) ||
		    found.n == CREDENTIALS_DEVICES_MAX)
			continue;
		found.at[found.n++] = key->certificate;
		if (!key->is_compared)
			found.trust = CREDENTIALS_VOUCHED;
	}
	if (found.state == CREDENTIALS_KNOWN && found.n == 0)
		found.state = CREDENTIALS_REFUSED;
	if (found.state == CREDENTIALS_NONE || found.state == CREDENTIALS_FAILED ||
	    found.state == CREDENTIALS_REFUSED)
		found.verdict = peer_verdict(peer);
	*ret_found = found;
}

static enum err ask(struct credentials *credentials, struct peer *peer, struct now now)
{
	enum err err;

	if (!credentials->source.ask)
		return ERR_CLOSED;
	peer->state = CREDENTIALS_ASKED;
	err = credentials->source.ask(credentials->source.self, peer->aor, now);
	if (err != OK)
		peer->state = CREDENTIALS_UNKNOWN;
	return err;
}

enum err credentials_want(struct credentials *credentials, struct slice aor,
			  struct credentials_waiter *waiter, struct now now)
{
	struct cms_recipient own;
	const struct verdict *verdict;
	struct peer *peer;

	TRY(peer_get(credentials, aor, &peer));
	if (peer == credentials->self) {
		if (credentials_signer(credentials, now.wall, &own, &verdict) != CREDENTIALS_ASKED)
			return ERR_EXISTS;
	} else {
		enum credentials_state state = peer_state(peer, now.wall);

		if (state != CREDENTIALS_UNKNOWN && state != CREDENTIALS_ASKED)
			return ERR_EXISTS;
		if (state == CREDENTIALS_UNKNOWN)
			TRY(ask(credentials, peer, now));
	}
	if (waiter)
		list_append(&peer->waiters, &waiter->link);
	return OK;
}

enum err credentials_want_anew(struct credentials *credentials, struct slice aor,
			       struct credentials_waiter *waiter, struct now now)
{
	struct peer *peer = peer_find(credentials, aor);
	enum credentials_state before;
	enum err err;

	if (!peer || !peer_can_be_asked_anew(credentials, peer, now.wall))
		return ERR_EXISTS;
	peer->anew = now.wall + ANEW_SECONDS;
	before = peer->state;
	err = ask(credentials, peer, now);
	if (err != OK) {
		peer->state = before;
		return err;
	}
	peer->before = before;
	list_append(&peer->waiters, &waiter->link);
	return OK;
}

void credentials_cease(struct credentials *credentials, struct credentials_waiter *waiter)
{
	if (!link_is_in_list(&waiter->link))
		return;
	LIST_EACH (peer, &credentials->peers, struct peer, link)
		LIST_EACH (at, &peer->waiters, struct credentials_waiter, link)
			if (at == waiter) {
				list_remove(&peer->waiters, &waiter->link);
				return;
			}
}

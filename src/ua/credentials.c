#include "ua/credentials.h"

#include "base/mem.h"
#include "crypto/user_certificate.h"
#include "ua/credentials_private.h"

enum {
	VOUCHED_SECONDS = 2 * 3600, /* subscriptions are refreshed every hour: once may fail */
	FAILED_SECONDS = 10,        /* before somebody who was not reached is asked again */
};

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

static const struct verdict none_there = {
	.code = "smime.no-certificate-there",
	.what = "{expected} has no certificate: the domain says so, signed",
	.section = "RFC 6072 §6.8",
	.remedy = "nothing can be encrypted to {expected} before one of their phones has asked for one",
};
static const struct verdict changed = {
	.code = "smime.changed",
	.what = "the key of {peer} has changed from {expected} to {found}",
	.section = "RFC 8591 §6",
	.remedy = "compare the new fingerprint with {peer} by voice, then: sealphone cert trust {peer}",
};
static const struct verdict own_withdrawn = {
	.code = "smime.own-withdrawn",
	.what = "our domain does not vouch for our certificate {found} any more",
	.section = "RFC 6072 §6.8",
	.remedy = "ask the administrator whether this phone was reported as lost",
};

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

static void tell(const struct credentials *credentials, const struct credentials_news *news)
{
	if (credentials->source.tell)
		credentials->source.tell(credentials->source.self, news);
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

/* The one that was not needed for longest; but not what our user has confirmed, nor one that somebody waits for. */
static enum err make_room(struct credentials *credentials)
{
	struct peer *oldest = NULL;

	if (credentials->peers.n < CREDENTIALS_PEERS_MAX)
		return OK;
	LIST_EACH (peer, &credentials->peers, struct peer, link)
		if (peer != credentials->self && !peer->is_busy && peer->waiters.n == 0 &&
		    peer->state != CREDENTIALS_ASKED && !has_compared(peer) &&
		    (!oldest || peer->used < oldest->used))
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

/* Everybody who waits hears of it; who asks again in doing so waits anew. */
static void call_waiters(struct peer *peer, struct now now)
{
	struct link *link;

	if (peer->is_busy)
		return;
	peer->is_busy = true;
	while (peer->state != CREDENTIALS_ASKED && (link = list_take_first(&peer->waiters))) {
		struct credentials_waiter *waiter = CONTAINER_OF(link, struct credentials_waiter, link);

		waiter->come(waiter, now);
	}
	peer->is_busy = false;
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

/* -- what the source brings -------------------------------------------------------------------------------- */

static bool is_own_key(const struct credentials *credentials, const unsigned char id[KEY_ID_SIZE])
{
	unsigned char own[KEY_ID_SIZE];

	return credentials->n_own > 0 && key_id(credentials->own[0].key, own) &&
	       memcmp(own, id, KEY_ID_SIZE) == 0;
}

/* A place for another key: that of the one which was withdrawn first is taken where there is no free one. */
static struct peer_key *key_place(struct peer *peer)
{
	if (peer->n_keys < KEYS_MAX)
		return &peer->keys[peer->n_keys++];
	for (size_t i = 0; i < KEYS_MAX; i++)
		if (peer->keys[i].is_withdrawn) {
			memmove(&peer->keys[i], &peer->keys[i + 1],
				(KEYS_MAX - 1 - i) * sizeof peer->keys[0]);
			return &peer->keys[KEYS_MAX - 1];
		}
	return NULL;
}

/* The key that a new one stands beside or takes the place of: one that was believed. */
static const struct peer_key *old_key(const struct peer *peer)
{
	const struct peer_key *old = NULL;

	for (size_t i = 0; i < peer->n_keys; i++)
		if (peer->keys[i].is_believed)
			old = &peer->keys[i];
	return old;
}

static void explain_change(struct peer *peer, const struct peer_key *old, const unsigned char id[KEY_ID_SIZE])
{
	char buf[VERDICT_TEXT_MAX];
	struct writer out = writer_of(buf, sizeof buf);
	struct verdict why = changed;

	verdict_text_set(&why.peer, peer->aor);
	put_key_fingerprint(&out, old->id);
	verdict_text_set(&why.expected, writer_text(&out));
	out = writer_of(buf, sizeof buf);
	put_key_fingerprint(&out, id);
	verdict_text_set(&why.found, writer_text(&out));
	peer_explain(peer, &why);
}

/* One that was not there before, or was withdrawn meanwhile. */
static void take_new(struct credentials *credentials, struct peer *peer, const unsigned char id[KEY_ID_SIZE],
		     struct certificate *certificate, utc_t now)
{
	const struct peer_key *old = old_key(peer);
	struct credentials_news news = {
		.kind = old ? CREDENTIALS_PEER_CHANGED : CREDENTIALS_PEER_NEW,
		.aor = peer->aor,
		.certificate = certificate,
		.has_old = old != NULL,
		.has_new = true,
		.is_believed = !old || credentials->policy == CREDENTIALS_ACCEPT,
	};
	struct peer_key *key = peer_key_find(peer, id);

	if (old) {
		memcpy(news.old_key, old->id, KEY_ID_SIZE);
		explain_change(peer, old, id);
	}
	memcpy(news.new_key, id, KEY_ID_SIZE);
	if (!key)
		key = key_place(peer);
	if (!key) {
		certificate_free(certificate);
		return;
	}
	*key = (struct peer_key){ .first_seen = now, .is_believed = news.is_believed };
	memcpy(key->id, id, KEY_ID_SIZE);
	key->certificate = certificate;
	tell(credentials, &news);
}

/* What our domain says of our own key is said in other words. */
static void withdraw_own(struct credentials *credentials)
{
	char buf[VERDICT_TEXT_MAX];
	struct writer out = writer_of(buf, sizeof buf);
	struct verdict why = own_withdrawn;
	unsigned char id[KEY_ID_SIZE];

	if (credentials->is_withdrawn || !credentials->own[0].certificate)
		return;
	credentials->is_withdrawn = true;
	if (key_id(credentials->own[0].key, id))
		put_key_fingerprint(&out, id);
	verdict_text_set(&why.found, writer_text(&out));
	peer_explain(credentials->self, &why);
	tell(credentials, &(struct credentials_news){
				  .kind = CREDENTIALS_OWN_FAILED,
				  .aor = credentials->self->aor,
				  .verdict = &why,
			  });
}

static void withdraw(struct credentials *credentials, struct peer *peer, struct peer_key *key)
{
	struct credentials_news news = {
		.kind = CREDENTIALS_PEER_WITHDRAWN,
		.aor = peer->aor,
		.has_old = true,
	};

	if (is_own_key(credentials, key->id)) {
		withdraw_own(credentials);
		return;
	}
	memcpy(news.old_key, key->id, KEY_ID_SIZE);
	key->is_withdrawn = true;
	tell(credentials, &news);
}

/* Our domain vouches for the one that is there; of one that was imported that is news. */
static enum err confirm_own(struct credentials *credentials, const struct credentials_news *news)
{
	credentials->is_withdrawn = false;
	if (!credentials->own[0].chain || credentials->own[0].is_told)
		return OK;
	credentials->own[0].is_told = true;
	tell(credentials, news);
	return OK;
}

/* Of our own AOR: the certificate of our present key is ours. */
static enum err take_own(struct credentials *credentials, const struct certificate *certificate)
{
	struct credentials_news news = { .kind = CREDENTIALS_OWN_OBTAINED,
					 .aor = credentials->self->aor,
					 .has_new = true };
	struct certificate *mine = credentials->n_own > 0 ? credentials->own[0].certificate : NULL;
	unsigned char before[CERTIFICATE_FINGERPRINT_SIZE], after[CERTIFICATE_FINGERPRINT_SIZE];
	struct certificate *copy;

	if (credentials->n_own == 0 || !certificate_has_key(certificate, credentials->own[0].key))
		return OK;
	if (!certificate_fingerprint(certificate, after) || !certificate_key_id(certificate, news.new_key))
		return ERR_NOMEM;
	if (mine && !certificate_fingerprint(mine, before))
		return ERR_NOMEM;
	news.certificate = mine;
	if (mine && memcmp(before, after, sizeof before) == 0)
		return confirm_own(credentials, &news);
	if (credentials->own[0].chain)
		return OK; /* another one for the same key; ours was imported and stays */
	TRY(certificate_copy(certificate, &copy));
	news.kind = mine ? CREDENTIALS_OWN_RENEWED : CREDENTIALS_OWN_OBTAINED;
	certificate_free(mine);
	credentials->own[0].certificate = copy;
	news.certificate = copy;
	credentials->is_withdrawn = false;
	tell(credentials, &news);
	return OK;
}

/* The certificate of a key that is known, or of a new one. Takes it over. */
static enum err take_one(struct credentials *credentials, struct peer *peer, struct certificate *certificate,
			 utc_t now)
{
	unsigned char id[KEY_ID_SIZE];
	struct peer_key *key;

	if (!certificate_key_id(certificate, id)) {
		certificate_free(certificate);
		return ERR_NOMEM;
	}
	key = peer_key_find(peer, id);
	if (!key || key->is_withdrawn) {
		take_new(credentials, peer, id, certificate, now);
		return OK;
	}
	certificate_free(key->certificate);
	key->certificate = certificate;
	return OK;
}

/* Our own key is nobody's news in the list of our own devices. */
static enum err know_own_key(struct credentials *credentials, utc_t now)
{
	struct peer *self = credentials->self;
	unsigned char id[KEY_ID_SIZE];
	struct peer_key *key;

	if (credentials->n_own == 0)
		return OK;
	if (!key_id(credentials->own[0].key, id))
		return ERR_NOMEM;
	if (peer_key_find(self, id))
		return OK;
	key = key_place(self);
	if (!key)
		return ERR_LIMIT;
	*key = (struct peer_key){ .first_seen = now, .is_believed = true, .is_compared = true };
	memcpy(key->id, id, KEY_ID_SIZE);
	return OK;
}

static enum err take_all(struct credentials *credentials, struct peer *peer,
			 struct certificate *certificates[], size_t n, utc_t now)
{
	enum err err = OK;

	for (size_t i = 0; i < peer->n_keys; i++) {
		certificate_free(peer->keys[i].certificate);
		peer->keys[i].certificate = NULL;
	}
	for (size_t i = 0; i < n; i++) {
		struct certificate *certificate = TAKE(certificates[i]);

		if (err == OK && peer == credentials->self)
			err = take_own(credentials, certificate);
		if (err == OK && i < CREDENTIALS_DEVICES_MAX)
			err = take_one(credentials, peer, certificate, now);
		else
			certificate_free(certificate);
	}
	return err;
}

static void explain_none(struct peer *peer)
{
	struct verdict why = none_there;

	verdict_text_set(&why.expected, peer->aor);
	peer_explain(peer, &why);
}

/* Those that are not vouched for any more, of which one may be our own. */
static void drop_missing(struct credentials *credentials, struct peer *peer)
{
	for (size_t i = 0; i < peer->n_keys; i++)
		if (!peer->keys[i].certificate && !peer->keys[i].is_withdrawn)
			withdraw(credentials, peer, &peer->keys[i]);
}

static enum err vouched(struct credentials *credentials, struct peer *peer,
			struct certificate *certificates[], size_t n, struct now now)
{
	if (peer == credentials->self)
		TRY(know_own_key(credentials, now.wall));
	TRY(take_all(credentials, peer, certificates, n, now.wall));
	drop_missing(credentials, peer);
	return OK;
}

enum err credentials_vouched(struct credentials *credentials, struct slice aor,
			     struct certificate *certificates[], size_t n, struct now now)
{
	struct peer *peer = NULL;
	enum err err = peer_get(credentials, aor, &peer);

	if (err == OK)
		err = vouched(credentials, peer, certificates, n, now);
	for (size_t i = 0; i < n; i++)
		certificate_free(certificates[i]);
	if (!peer)
		return err;
	if (n == 0 && peer != credentials->self)
		explain_none(peer);
	peer->state = err != OK ? CREDENTIALS_UNKNOWN : n > 0 ? CREDENTIALS_KNOWN : CREDENTIALS_NONE;
	peer->until = now.wall + VOUCHED_SECONDS;
	call_waiters(peer, now);
	return err;
}

static bool is_answered(const struct peer *peer, utc_t now)
{
	enum credentials_state state = peer_state(peer, now);

	return state == CREDENTIALS_KNOWN || state == CREDENTIALS_NONE;
}

static void give_up(struct peer *peer, enum credentials_state state, const struct verdict *why,
		    struct now now)
{
	if (is_answered(peer, now.wall))
		return;
	peer_explain(peer, why);
	peer->state = state;
	peer->until = now.wall + FAILED_SECONDS;
	call_waiters(peer, now);
}

void credentials_refused(struct credentials *credentials, struct slice aor, const struct verdict *why,
			 struct now now)
{
	struct peer *peer = peer_find(credentials, aor);
	bool is_own = peer == credentials->self;

	if (!peer)
		return;
	tell(credentials, &(struct credentials_news){
				  .kind = is_own ? CREDENTIALS_OWN_FAILED : CREDENTIALS_PEER_REFUSED,
				  .aor = peer->aor,
				  .verdict = why,
			  });
	give_up(peer, CREDENTIALS_REFUSED, why, now);
}

void credentials_failed(struct credentials *credentials, struct slice aor, const struct verdict *why,
			struct now now)
{
	struct peer *peer = peer_find(credentials, aor);

	if (!peer)
		return;
	if (peer == credentials->self)
		tell(credentials, &(struct credentials_news){
					  .kind = CREDENTIALS_OWN_FAILED, .aor = peer->aor, .verdict = why });
	give_up(peer, CREDENTIALS_FAILED, why, now);
}

void credentials_lapse(struct credentials *credentials, struct slice aor)
{
	struct peer *peer = peer_find(credentials, aor);

	if (peer && peer->state != CREDENTIALS_ASKED)
		peer->until = 0;
}

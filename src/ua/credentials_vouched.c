/* What domains say of certificates: which keys there are, which are new, which were withdrawn. */
#include "ua/credentials_private.h"

enum {
	VOUCHED_SECONDS = 2 * 3600, /* subscriptions are refreshed every hour: once may fail */
	FAILED_SECONDS = 10,        /* before somebody who was not reached is asked again */
};

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

static void tell(const struct credentials *credentials, const struct credentials_news *news)
{
	if (credentials->source.tell)
		credentials->source.tell(credentials->source.self, news);
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

/* -- what the source brings -------------------------------------------------------------------------------- */

static bool is_own_key(const struct credentials *credentials, const unsigned char id[KEY_ID_SIZE])
{
	unsigned char own[KEY_ID_SIZE];

	return credentials->n_own > 0 && key_id(credentials->own[0].key, own) &&
	       memcmp(own, id, KEY_ID_SIZE) == 0;
}

static size_t find_withdrawn(const struct peer *peer, bool is_believed)
{
	size_t i = 0;

	while (i < KEYS_MAX && !(peer->keys[i].is_withdrawn && peer->keys[i].is_believed == is_believed))
		i++;
	return i;
}

/*
 * A place for another key: that of the one which was withdrawn first is taken where there is no free one. What was never believed goes
 * before what was, or a domain that has enough keys withdrawn makes the next one the first that we see.
 */
static struct peer_key *key_place(struct peer *peer)
{
	size_t at;

	if (peer->n_keys < KEYS_MAX)
		return &peer->keys[peer->n_keys++];
	at = find_withdrawn(peer, false);
	if (at == KEYS_MAX)
		at = find_withdrawn(peer, true);
	if (at == KEYS_MAX)
		return NULL;
	memmove(&peer->keys[at], &peer->keys[at + 1], (KEYS_MAX - 1 - at) * sizeof peer->keys[0]);
	return &peer->keys[KEYS_MAX - 1];
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

/* One that was not there before, or was withdrawn meanwhile. What was believed before is no other key when it comes again. */
static void take_new(struct credentials *credentials, struct peer *peer, const unsigned char id[KEY_ID_SIZE],
		     struct certificate *certificate, utc_t now)
{
	struct peer_key *key = peer_key_find(peer, id);
	bool is_back = key && key->is_believed;
	const struct peer_key *old = is_back ? key : old_key(peer);
	struct credentials_news news = {
		.kind = old ? CREDENTIALS_PEER_CHANGED : CREDENTIALS_PEER_NEW,
		.aor = peer->aor,
		.certificate = certificate,
		.has_old = old != NULL,
		.has_new = true,
		.is_believed = !old || is_back || credentials->policy == CREDENTIALS_ACCEPT,
	};

	if (old)
		memcpy(news.old_key, old->id, KEY_ID_SIZE);
	if (old && !is_back)
		explain_change(peer, old, id);
	memcpy(news.new_key, id, KEY_ID_SIZE);
	if (!key)
		key = key_place(peer);
	if (!key) {
		certificate_free(certificate);
		return;
	}
	if (!is_back)
		*key = (struct peer_key){ .first_seen = now, .is_believed = news.is_believed };
	memcpy(key->id, id, KEY_ID_SIZE);
	key->is_withdrawn = false;
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
	peer->before = CREDENTIALS_UNKNOWN;
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
	utc_t until = now.wall + FAILED_SECONDS;

	if (is_answered(peer, now.wall))
		return;
	if (peer->before != CREDENTIALS_UNKNOWN && until < peer->until) {
		peer->state = peer->before;
	} else {
		peer_explain(peer, why);
		peer->state = state;
	}
	peer->before = CREDENTIALS_UNKNOWN;
	peer->until = until;
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

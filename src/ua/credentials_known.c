/* What of the keys of others is kept between two runs, and what our user says of them. */
#include "ua/credentials_private.h"

enum err credentials_remember(struct credentials *credentials, const struct credentials_known *known)
{
	struct peer_key *key;
	struct peer *peer;

	TRY(peer_get(credentials, known->aor, &peer));
	if (peer_key_find(peer, known->key))
		return ERR_EXISTS;
	if (peer->n_keys == KEYS_MAX)
		return ERR_LIMIT;
	key = &peer->keys[peer->n_keys++];
	*key = (struct peer_key){
		.first_seen = known->first_seen,
		.is_believed = known->is_believed,
		.is_compared = known->is_compared,
		.is_withdrawn = known->is_withdrawn,
	};
	memcpy(key->id, known->key, KEY_ID_SIZE);
	return OK;
}

void credentials_each(const struct credentials *credentials,
		      void (*each)(void *arg, const struct credentials_known *known), void *arg)
{
	LIST_EACH (peer, &credentials->peers, struct peer, link)
		for (size_t i = 0; i < peer->n_keys; i++) {
			struct credentials_known known = {
				.aor = peer->aor,
				.first_seen = peer->keys[i].first_seen,
				.is_believed = peer->keys[i].is_believed,
				.is_compared = peer->keys[i].is_compared,
				.is_withdrawn = peer->keys[i].is_withdrawn,
			};

			memcpy(known.key, peer->keys[i].id, KEY_ID_SIZE);
			each(arg, &known);
		}
}

enum err credentials_trust(struct credentials *credentials, struct slice aor, const unsigned char *key)
{
	struct peer *peer = peer_find(credentials, aor);
	enum err err = ERR_NOT_FOUND;

	for (size_t i = 0; peer && i < peer->n_keys; i++) {
		struct peer_key *at = &peer->keys[i];

		if (at->is_withdrawn || (key && memcmp(at->id, key, KEY_ID_SIZE) != 0))
			continue;
		at->is_believed = at->is_compared = true;
		err = OK;
	}
	return err;
}

enum err credentials_believe(struct credentials *credentials, struct slice aor,
			     const unsigned char key[KEY_ID_SIZE])
{
	struct peer *peer = peer_find(credentials, aor);
	struct peer_key *at = peer ? peer_key_find(peer, key) : NULL;

	if (!at || at->is_withdrawn)
		return ERR_NOT_FOUND;
	at->is_believed = true;
	return OK;
}

enum err credentials_forget(struct credentials *credentials, struct slice aor)
{
	struct peer *peer = peer_find(credentials, aor);

	if (!peer || peer->n_keys == 0)
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < peer->n_keys; i++)
		certificate_free(peer->keys[i].certificate);
	peer->n_keys = 0;
	peer->until = 0;
	return OK;
}

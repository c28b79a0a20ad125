#include "store/certify.h"

#include <string.h>

enum { ROOM = DEVICE_CERTIFICATES_MAX + DEVICE_REVOKED_MAX + 1 };

/* The list in the making, the newest last. */
struct making {
	const struct certify *change;
	struct device_certificate all[ROOM];
	size_t n;
};

static bool has_key(const struct device_certificate *certificate, const struct certify *change)
{
	return memcmp(certificate->key, change->certificate->key, DEVICE_HASH_SIZE) == 0;
}

static bool is_named(const struct device_certificate *certificate, struct slice fingerprint)
{
	return fingerprint.len == 0 ||
	       slice_eq(fingerprint, slice_from(certificate->fingerprint, DEVICE_HASH_SIZE));
}

/* Those that count now: good ones, and keys that may not come again. */
static void begin(struct making *making, const struct certificates *before)
{
	for (size_t i = 0; before && i < before->n && making->n < ROOM - 1; i++)
		if (before->all[i].revoked ||
		    device_certificate_is_good(&before->all[i], making->change->now))
			making->all[making->n++] = before->all[i];
}

static void take_out(struct making *making, size_t at)
{
	making->n--;
	memmove(&making->all[at], &making->all[at + 1], (making->n - at) * sizeof(making->all[0]));
}

/* The good one of the tag; making->n if there is none. */
static size_t find_tag(const struct making *making)
{
	size_t i = 0;

	while (i < making->n && (making->all[i].revoked || making->all[i].tag != making->change->tag))
		i++;
	return i;
}

static void append(struct making *making, struct device_certificate certificate, uint64_t tag)
{
	certificate.tag = tag;
	making->all[making->n++] = certificate;
}

/* The oldest of a kind goes where there are too many of it. */
static void make_room(struct making *making, bool revoked, size_t most)
{
	size_t n = 0;

	for (size_t i = making->n; i-- > 0;)
		if (making->all[i].revoked == revoked && ++n > most)
			take_out(making, i);
}

static enum err keep(struct making *making, uint64_t new_tag)
{
	const struct certify *change = making->change;
	size_t at;

	for (size_t i = 0; i < making->n; i++)
		if (making->all[i].revoked && has_key(&making->all[i], change))
			return ERR_EXISTS;
	at = find_tag(making);
	if (change->tag && at == making->n)
		return ERR_NOT_FOUND;
	if (at < making->n)
		take_out(making, at);
	for (size_t i = making->n; i-- > 0;)
		if (has_key(&making->all[i], change))
			take_out(making, i);
	append(making, *change->certificate, new_tag);
	make_room(making, false, DEVICE_CERTIFICATES_MAX);
	return OK;
}

static enum err keep_longer(struct making *making, uint64_t new_tag)
{
	size_t at = find_tag(making);
	struct device_certificate certificate;

	if (at == making->n)
		return ERR_NOT_FOUND;
	certificate = making->all[at];
	certificate.expires = making->change->expires < certificate.until ? making->change->expires
									  : certificate.until;
	take_out(making, at);
	append(making, certificate, new_tag);
	return OK;
}

static enum err drop(struct making *making)
{
	size_t at = find_tag(making);

	if (at == making->n)
		return ERR_NOT_FOUND;
	take_out(making, at);
	return OK;
}

static enum err revoke(struct making *making)
{
	bool found = false;
	size_t at = 0;

	/* behind those that were revoked before, whenever they were published: it is not to be the first that is forgotten */
	for (size_t left = making->n; left > 0; left--) {
		struct device_certificate one = making->all[at];

		if (one.revoked || !is_named(&one, making->change->fingerprint)) {
			at++;
			continue;
		}
		one.revoked = true;
		take_out(making, at);
		append(making, one, one.tag);
		found = true;
	}
	make_room(making, true, DEVICE_REVOKED_MAX);
	return found ? OK : ERR_NOT_FOUND;
}

static enum err make(struct making *making, uint64_t new_tag)
{
	switch (making->change->step) {
	case CERTIFY_KEEP: return keep(making, new_tag);
	case CERTIFY_LONGER: return keep_longer(making, new_tag);
	case CERTIFY_DROP: return drop(making);
	case CERTIFY_REVOKE: return revoke(making);
	}
	return ERR_SYNTAX;
}

enum err certify(const struct certificates *before, const struct certify *change, uint64_t new_tag,
		 struct certificates **ret_after)
{
	struct making making = { .change = change };

	begin(&making, before);
	TRY(make(&making, new_tag));
	if (making.n == 0) {
		*ret_after = NULL;
		return OK;
	}
	*ret_after = certificates_new(making.all, making.n);
	return *ret_after ? OK : ERR_NOMEM;
}

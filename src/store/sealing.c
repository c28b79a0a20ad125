#include "store/sealing.h"

#include "base/mem.h"
#include "base/writer.h"
#include "crypto/digest.h"
#include "store/state.h"
#include "store/store.h"

struct sealing {
	struct crypto *crypto;
	struct seal *seal;
};

/* -- life ------------------------------------------------------------------------------------------------ */

static enum err make_seal(struct sealing *sealing, const struct secret *master)
{
	const struct slice label = SLICE("digests at rest");
	AUTO(mac) struct mac *mac = mac_new(sealing->crypto, secret_slice(master));
	unsigned char key[SEAL_KEY_SIZE];

	if (!mac || !mac_make(mac, &label, 1, key, sizeof key))
		return ERR_NOMEM;
	sealing->seal = seal_new(sealing->crypto, slice_from(key, sizeof key));
	mem_wipe(key, sizeof key);
	return sealing->seal ? OK : ERR_NOMEM;
}

enum err sealing_new(struct slice dir, struct sealing **ret_sealing)
{
	AUTO(sealing) struct sealing *sealing = mem_new(struct sealing);
	AUTO(random) struct random *random = NULL;
	AUTO(secret) struct secret *master = NULL;

	if (!sealing)
		return ERR_NOMEM;
	sealing->crypto = crypto_new();
	random = sealing->crypto ? random_new(sealing->crypto) : NULL;
	if (!random)
		return ERR_NOMEM;
	TRY(state_secret(dir, random, &master));
	TRY(make_seal(sealing, master));
	*ret_sealing = TAKE(sealing);
	return OK;
}

void sealing_free(struct sealing *sealing)
{
	if (!sealing)
		return;
	seal_free(sealing->seal);
	crypto_free(sealing->crypto);
	mem_free(sealing);
}

/* -- digests --------------------------------------------------------------------------------------------- */

struct field {
	unsigned char *bytes;
	size_t size;
	bool *has;
};

static struct field field_of(struct account *account, size_t i)
{
	const struct field fields[SEALED_DIGESTS] = {
		{ account->sha256, sizeof account->sha256, &account->has_sha256 },
		{ account->sha512_256, sizeof account->sha512_256, &account->has_sha512_256 },
		{ account->md5, sizeof account->md5, &account->has_md5 },
	};

	return fields[i];
}

/* What a digest is sealed for: the number of its column, and the account. */
static struct slice context_of(struct writer *out, struct slice name, size_t i)
{
	out->len = 0;
	put_number(out, i);
	put_char(out, ' ');
	put(out, name);
	return writer_text(out);
}

bool sealing_close(struct sealing *sealing, struct slice name, const struct account *account,
		   struct sealed *ret_sealed)
{
	struct account copy = *account;
	char buf[STORE_NAME_MAX + 2];
	struct writer out = writer_of(buf, sizeof buf);
	bool ok = true;

	for (size_t i = 0; i < SEALED_DIGESTS; i++) {
		struct field field = field_of(&copy, i);

		ret_sealed->digests[i] = (struct slice){ 0 };
		if (!*field.has)
			continue;
		ok &= seal_close(sealing->seal, context_of(&out, name, i),
				 slice_from(field.bytes, field.size), ret_sealed->bytes[i]);
		ret_sealed->digests[i] = slice_from(ret_sealed->bytes[i], field.size + SEAL_OVERHEAD);
	}
	mem_wipe(&copy, sizeof copy);
	return ok;
}

bool sealing_open(struct sealing *sealing, struct slice name, const struct slice digests[SEALED_DIGESTS],
		  struct account *account)
{
	char buf[STORE_NAME_MAX + 2];
	struct writer out = writer_of(buf, sizeof buf);

	for (size_t i = 0; i < SEALED_DIGESTS; i++) {
		struct field field = field_of(account, i);

		*field.has = digests[i].ptr;
		if (!digests[i].ptr)
			continue;
		if (digests[i].len != field.size + SEAL_OVERHEAD ||
		    !seal_open(sealing->seal, context_of(&out, name, i), digests[i], field.bytes))
			return false;
	}
	return true;
}

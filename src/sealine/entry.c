#include "sealine/entry.h"

#include <string.h>

#include "auth/response.h"
#include "base/mem.h"
#include "idn/idn.h"
#include "sealine/output.h"
#include "sip/uri.h"
#include "store/store.h"

enum { WHY_MAX = 200 };

static bool has_scheme(struct slice text)
{
	return slice_starts_nocase(text, SLICE("sip:")) || slice_starts_nocase(text, SLICE("sips:"));
}

bool entry_name(struct writer *out, struct slice text, struct writer *why)
{
	char buf[STORE_NAME_MAX];
	struct writer uri_text = writer_of(buf, sizeof buf);
	struct sip_uri uri;

	if (!has_scheme(text))
		put(&uri_text, SLICE("sip:"));
	if (!put_ascii_domain(&uri_text, text, why))
		return false;
	if (!sip_uri_parse(writer_text(&uri_text), &uri) || !uri.user.ptr || uri.password.ptr || uri.port ||
	    uri.params.len || uri.headers.len) {
		put(why, SLICE("this is not the address of an account"));
		return false;
	}
	put_aor(out, &uri);
	return !out->overflow;
}

static struct auth_login login_of(struct slice name, struct slice password)
{
	size_t at = slice_find(name, '@');

	return (struct auth_login){ slice_sub(name, 0, at), slice_sub(name, at + 1, name.len), password };
}

bool entry_take_name(struct writer *out, const char *argument)
{
	char text[WHY_MAX];
	struct writer why = writer_of(text, sizeof text);

	return entry_name(out, slice_of(argument), &why) ||
	       complain("\"%s\": %.*s; give one like alice@example.org", argument,
			SLICE_FMT(writer_text(&why)));
}

bool entry_digest(struct crypto *crypto, struct slice password, bool md5, struct entry *entry)
{
	struct auth_login login = login_of(entry->name, password);
	struct account *digests = &entry->digests;
	unsigned char hash[DIGEST_SIZE_MAX];
	bool ok = auth_ha1(crypto, DIGEST_SHA256, &login, digests->sha256);

	digests->has_sha256 = ok;
	ok = ok && auth_ha1(crypto, DIGEST_SHA512_256, &login, digests->sha512_256);
	digests->has_sha512_256 = ok;
	if (ok && md5) {
		ok = auth_ha1(crypto, DIGEST_MD5, &login, hash);
		if (ok)
			memcpy(digests->md5, hash, sizeof digests->md5);
		digests->has_md5 = ok;
		mem_wipe(hash, sizeof hash);
	}
	return ok || complain("the library refuses to hash%s; see the policy of this machine",
			      digests->has_sha512_256 ? " with MD5" : "");
}

void entry_fini(struct entry *entry)
{
	mem_wipe(&entry->digests, sizeof entry->digests);
}

static json_t *json_of_hash(const void *hash, size_t n)
{
	char buf[2 * DIGEST_SIZE_MAX];
	struct writer out = writer_of(buf, sizeof buf);
	json_t *text;

	put_hex(&out, hash, n);
	text = json_stringn(buf, out.len);
	mem_wipe(buf, sizeof buf);
	return text;
}

json_t *json_of_entry(const struct entry *entry)
{
	const struct account *digests = &entry->digests;
	json_t *object = json_pack("{s:o}", "aor", json_of_text(entry->name));
	int failed = object ? 0 : -1;

	if (object && digests->has_sha256)
		failed |= json_object_set_new(object, "sha256",
					      json_of_hash(digests->sha256, sizeof digests->sha256));
	if (object && digests->has_sha512_256)
		failed |= json_object_set_new(object, "sha512_256",
					      json_of_hash(digests->sha512_256, sizeof digests->sha512_256));
	if (object && digests->has_md5)
		failed |= json_object_set_new(object, "md5", json_of_hash(digests->md5, sizeof digests->md5));
	if (!failed)
		return object;
	json_decref(object);
	return NULL;
}

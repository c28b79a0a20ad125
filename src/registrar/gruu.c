#include "registrar/gruu.h"

#include <string.h>

#include "sip/lex.h"

enum {
	BLOCK = 16, /* users are filled up to a multiple of it, so that the length tells little */
	PLAIN_MAX = GRUU_CHECK_SIZE + GRUU_USER_MAX,
	SEALED_MAX = PLAIN_MAX + SEAL_OVERHEAD,
	DOMAIN_MAX = 255, /* no domain has a longer name (RFC 1035 §2.3.4) */
};

static const struct slice prefix = SLICE_INIT("tgruu.");

bool gruu_maker_init(struct gruu_maker *maker, struct crypto *crypto, struct slice key)
{
	maker->crypto = crypto;
	maker->seal = seal_new(crypto, key);
	return maker->seal;
}

void gruu_maker_fini(struct gruu_maker *maker)
{
	seal_free(maker->seal);
	maker->seal = NULL;
}

/* pvalue: what may not stand in a URI parameter is escaped. */
static void put_escaped_value(struct writer *out, struct slice text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (lex_is(text.ptr[i], LEX_PARAM)) {
			put_char(out, text.ptr[i]);
			continue;
		}
		put_char(out, '%');
		put_char(out, digits[c >> 4]);
		put_char(out, digits[c & 15]);
	}
}

struct slice gruu_scheme(const struct binding *binding)
{
	return slice_starts_nocase(binding->contact, SLICE("sips:")) ? SLICE("sips:") : SLICE("sip:");
}

void put_public_gruu(struct writer *out, struct slice scheme, struct slice aor, struct slice instance)
{
	put(out, scheme);
	put(out, aor);
	put(out, SLICE(";gr="));
	put_escaped_value(out, instance);
}

/* Over what has to stay the same for a temporary GRUU to stay good. */
static bool make_check(const struct gruu_maker *maker, const struct binding *binding,
		       unsigned char ret_check[GRUU_CHECK_SIZE])
{
	const struct slice parts[] = { binding->instance, SLICE("\n"), binding->call_id };
	unsigned char hash[DIGEST_SIZE_MAX];

	if (!digest(maker->crypto, DIGEST_SHA256, parts, 3, hash))
		return false;
	memcpy(ret_check, hash, GRUU_CHECK_SIZE);
	return true;
}

bool put_temporary_gruu(struct writer *out, const struct gruu_maker *maker, struct slice scheme,
			struct slice aor, const struct binding *binding)
{
	unsigned char plain[PLAIN_MAX] = { 0 }, sealed[SEALED_MAX];
	size_t at = slice_find(aor, '@'), n;
	struct slice domain = slice_sub(aor, at + 1, aor.len);

	if (at == 0 || at >= aor.len || at > GRUU_USER_MAX || domain.len > DOMAIN_MAX ||
	    !make_check(maker, binding, plain))
		return false;
	memcpy(plain + GRUU_CHECK_SIZE, aor.ptr, at);
	n = GRUU_CHECK_SIZE + (at + BLOCK - 1) / BLOCK * BLOCK;
	if (!seal_close(maker->seal, domain, slice_from(plain, n), sealed))
		return false;
	put(out, scheme);
	put(out, prefix);
	put_base64url(out, sealed, n + SEAL_OVERHEAD);
	put_char(out, '@');
	put(out, domain);
	put(out, SLICE(";gr"));
	return true;
}

/* The domain in the form under which it was sealed. */
static struct slice put_domain(struct writer *out, struct slice host)
{
	size_t from = out->len;

	put_lower(out, host);
	return slice_from(out->buf + from, out->len - from);
}

/* The AOR of a temporary one, written to aor; false if it was not made here. */
static bool unseal(const struct gruu_maker *maker, const struct sip_uri *uri, struct writer *aor,
		   struct gruu *gruu)
{
	struct slice text = slice_sub(uri->user, prefix.len, uri->user.len);
	unsigned char sealed[SEALED_MAX], plain[PLAIN_MAX];
	char name[DOMAIN_MAX];
	struct writer domain = writer_of(name, sizeof name);
	struct slice user;
	size_t n;

	if (!slice_starts(uri->user, prefix) || !base64_decode(text, sealed, sizeof sealed, &n) ||
	    n <= SEAL_OVERHEAD + GRUU_CHECK_SIZE)
		return false;
	put_domain(&domain, uri->host);
	if (domain.overflow || !seal_open(maker->seal, writer_text(&domain), slice_from(sealed, n), plain))
		return false;
	n -= SEAL_OVERHEAD + GRUU_CHECK_SIZE;
	user = slice_from(plain + GRUU_CHECK_SIZE, n);
	memcpy(gruu->check, plain, GRUU_CHECK_SIZE);
	put(aor, slice_sub(user, 0, slice_find(user, '\0')));
	put_char(aor, '@');
	put(aor, writer_text(&domain));
	return true;
}

struct gruu gruu_parse(const struct gruu_maker *maker, const struct sip_uri *uri, struct writer *aor)
{
	struct gruu gruu = { .kind = GRUU_NONE };

	if (sip_param_find(uri->params, SLICE("gr"), &gruu.instance))
		gruu.kind = gruu.instance.ptr ? GRUU_PUBLIC : GRUU_TEMPORARY;
	if (gruu.kind == GRUU_TEMPORARY && !unseal(maker, uri, aor, &gruu))
		gruu.kind = GRUU_INVALID;
	if (gruu.kind != GRUU_TEMPORARY)
		put_aor(aor, uri);
	return gruu;
}

static bool is_instance(struct slice gr, struct slice instance)
{
	char buf[1024];
	struct writer out = writer_of(buf, sizeof buf);

	put_escaped_value(&out, instance);
	return instance.len > 0 && !out.overflow && slice_eq_nocase(writer_text(&out), gr);
}

bool gruu_means(const struct gruu *gruu, const struct gruu_maker *maker, const struct binding *binding)
{
	unsigned char check[GRUU_CHECK_SIZE];

	switch (gruu->kind) {
	case GRUU_NONE: return true;
	case GRUU_PUBLIC: return is_instance(gruu->instance, binding->instance);
	case GRUU_TEMPORARY:
		return binding->instance.len > 0 && make_check(maker, binding, check) &&
		       memcmp(check, gruu->check, sizeof check) == 0;
	default: return false;
	}
}

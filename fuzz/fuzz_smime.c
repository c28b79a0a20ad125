/* MIME entities from a peer: parts, layers of S/MIME, and the structures in them; and what comes out is an entity again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "crypto/user_certificate.h"
#include "mime/multipart.h"
#include "mime/smime.h"

enum { DEEPEST = 4, NOW = 1790000000 };

static struct crypto *crypto;
static struct key *key;
static struct certificate *certificate;

static void make_certificate(void)
{
	struct certificate *ca;
	struct secret *der;
	struct csr *csr;

	if (certificate_make_ca(crypto, key, SLICE("fuzz CA"), NOW, &ca) != OK ||
	    csr_make(crypto, key, SLICE("bob@b.example"), &der) != OK ||
	    csr_parse(crypto, secret_slice(der), &csr) != OK)
		abort();
	struct user_certificate_request request = { csr, SLICE("bob@b.example"), NOW };
	if (certificate_make_user(crypto, &request, (struct certificate_issuer){ ca, key }, &certificate) !=
	    OK)
		abort();
	csr_free(csr);
	secret_free(der);
	certificate_free(ca);
}

/* Once: a key that is a good one, and that no input was made for. */
static void begin(void)
{
	if (crypto)
		return;
	crypto = crypto_new();
	if (!crypto || key_generate(crypto, &key) != OK)
		abort();
	make_certificate();
}

static void walk(const struct mime_entity *entity, unsigned depth)
{
	struct mime_entity inner;
	struct multipart parts;
	struct slice part;

	if (depth == DEEPEST || multipart_begin(entity, &parts) != OK)
		return;
	while (multipart_next(&parts, &part) == OK) {
		if (part.ptr < entity->body.ptr || part.ptr + part.len > entity->body.ptr + entity->body.len)
			__builtin_trap();
		if (mime_entity_parse(part, &inner) == OK)
			walk(&inner, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	begin();
	struct cms_recipient own = { certificate, key };
	struct smime_keys keys = { .own = &own, .n_own = 1 };
	struct smime_opened opened;
	struct mime_entity entity;
	struct verdict verdict;

	if (mime_entity_parse(slice_from(data, size), &entity) != OK)
		return 0;
	walk(&entity, 0);
	if (smime_open(crypto, &keys, &entity, &opened, &verdict) == OK) {
		if (smime_is_protected(&opened.entity))
			__builtin_trap();
		smime_opened_fini(&opened);
	}
	return 0;
}

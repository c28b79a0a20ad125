#include "mime/smime.h"

#include <assert.h>

#include "base/mem.h"
#include "base/writer.h"
#include "mime/multipart.h"
#include "sip/uri.h"

/* -- wrapping ---------------------------------------------------------------------------------------------- */

enum { HEADERS_ROOM = 400, LINE_BYTES = 57 /* 76 characters of base64, RFC 2045 §6.8 */ };

/* Header lines and a body of bytes as one text. Takes the body over. */
static enum err wrap(struct slice headers, struct secret *body, struct secret **ret_entity)
{
	AUTO(secret) struct secret *der = body;
	size_t size = headers.len + 2 + der->len;
	char *text = mem_alloc(size);

	if (!text)
		return ERR_NOMEM;
	struct writer out = writer_of(text, size);
	put(&out, headers);
	put(&out, SLICE("\r\n"));
	put(&out, secret_slice(der));
	*ret_entity = secret_new(writer_text(&out));
	mem_free(text);
	return *ret_entity ? OK : ERR_NOMEM;
}

enum err smime_sign(struct crypto *crypto, const struct cms_signer *signer, struct slice entity,
		    struct secret **ret_entity)
{
	static const struct slice headers = SLICE_INIT(
		"Content-Type: application/pkcs7-mime;smime-type=signed-data;name=\"smime.p7m\"\r\n"
		"Content-Transfer-Encoding: binary\r\n");
	struct secret *der;

	TRY(cms_sign(crypto, signer, entity, &der));
	return wrap(headers, der, ret_entity);
}

enum err smime_encrypt(struct crypto *crypto, const struct cms_envelope *envelope, struct slice entity,
		       struct secret **ret_entity)
{
	static const struct slice
		authenticated = SLICE_INIT(
			"Content-Type: application/pkcs7-mime;smime-type=authEnveloped-data;name=\"smime.p7m\"\r\n"
			"Content-Transfer-Encoding: binary\r\n"),
		plain = SLICE_INIT(
			"Content-Type: application/pkcs7-mime;smime-type=enveloped-data;name=\"smime.p7m\"\r\n"
			"Content-Transfer-Encoding: binary\r\n");
	struct secret *der;

	TRY(cms_encrypt(crypto, envelope, entity, &der));
	return wrap(cms_cipher_is_authenticated(envelope->cipher) ? authenticated : plain, der, ret_entity);
}

/* base64 in lines. Nothing of it is secret. */
static void put_base64_lines(struct writer *out, struct slice bytes)
{
	for (size_t at = 0; at < bytes.len; at += LINE_BYTES) {
		struct slice line = slice_sub(bytes, at, LINE_BYTES);

		put_base64(out, line.ptr, line.len);
		put(out, SLICE("\r\n"));
	}
}

static void put_signed(struct writer *out, struct slice boundary, struct slice entity, struct slice der)
{
	put(out, SLICE("Content-Type: multipart/signed;protocol=\"application/pkcs7-signature\";"
		       "micalg=\"sha-256\";boundary=\""));
	put(out, boundary);
	put(out, SLICE("\"\r\n\r\n"));
	put_part(out, boundary, entity);
	put(out, SLICE("--"));
	put(out, boundary);
	put(out, SLICE("\r\nContent-Type: application/pkcs7-signature;name=\"smime.p7s\"\r\n"
		       "Content-Transfer-Encoding: base64\r\n\r\n"));
	put_base64_lines(out, der);
	put_last_delimiter(out, boundary);
}

enum err smime_sign_clear(struct crypto *crypto, const struct cms_signer *signer, struct random *random,
			  struct slice entity, struct secret **ret_entity)
{
	struct cms_signer detached = *signer;
	char boundary[MULTIPART_BOUNDARY_SIZE];
	AUTO(secret) struct secret *der = NULL;
	char *text;

	detached.detached = true;
	TRY(cms_sign(crypto, &detached, entity, &der));
	multipart_make_boundary(random, boundary);
	struct writer out = writer_of(NULL, entity.len + 2 * der->len + HEADERS_ROOM);
	out.buf = text = mem_alloc(out.size);
	if (!text)
		return ERR_NOMEM;
	put_signed(&out, slice_from(boundary, sizeof(boundary)), entity, secret_slice(der));
	*ret_entity = secret_new(writer_text(&out));
	mem_free(text);
	assert(!out.overflow);
	return *ret_entity ? OK : ERR_NOMEM;
}

/* -- what an entity is ------------------------------------------------------------------------------------- */

enum wrapping { WRAPPING_NONE, WRAPPING_SIGNED, WRAPPING_CLEAR, WRAPPING_ENCRYPTED };

static bool is_subtype(struct slice subtype, struct slice name)
{
	/* "x-" was written before there was an RFC, and still is. */
	return slice_eq_nocase(subtype, name) || (slice_starts_nocase(subtype, SLICE("x-")) &&
						  slice_eq_nocase(slice_sub(subtype, 2, subtype.len), name));
}

/* RFC 1847 §2.1: the media type of the part with the signature. */
static bool is_signature(struct slice protocol)
{
	struct sip_media_type type;

	return sip_media_type_parse(protocol, &type) && slice_eq_nocase(type.type, SLICE("application")) &&
	       is_subtype(type.subtype, SLICE("pkcs7-signature"));
}

static enum wrapping wrapping_of(const struct mime_entity *entity)
{
	struct slice value;

	if (sip_media_type_is(&entity->type, SLICE("multipart"), SLICE("signed")) &&
	    sip_param_find(entity->type.params, SLICE("protocol"), &value) && is_signature(value))
		return WRAPPING_CLEAR;
	if (!slice_eq_nocase(entity->type.type, SLICE("application")) ||
	    !is_subtype(entity->type.subtype, SLICE("pkcs7-mime")))
		return WRAPPING_NONE;
	/* RFC 8551 §3.2.2; without the parameter it was enveloped-data in SIP (RFC 3261 §23.3) */
	if (!sip_param_find(entity->type.params, SLICE("smime-type"), &value))
		return WRAPPING_ENCRYPTED;
	if (slice_eq_nocase(value, SLICE("certs-only"))) /* which protects nothing */
		return WRAPPING_NONE;
	return slice_eq_nocase(value, SLICE("signed-data")) ? WRAPPING_SIGNED : WRAPPING_ENCRYPTED;
}

bool smime_is_protected(const struct mime_entity *entity)
{
	return wrapping_of(entity) != WRAPPING_NONE;
}

/* -- unwrapping -------------------------------------------------------------------------------------------- */

enum { DECODED_MAX = 4 * CMS_DER_MAX };

static const struct verdict malformed = {
	.code = "smime.malformed",
	.what = "the protected part is not what its Content-Type says",
	.section = "RFC 8551 §3",
};
static const struct verdict too_deep = {
	.code = "smime.too-deep",
	.what = "there are more layers of protection than anybody needs",
	.section = "RFC 8551 §3.7",
};

static enum err refuse(enum err err, const struct verdict *why, struct verdict *ret_verdict)
{
	*ret_verdict = *why;
	return err;
}

struct opening {
	struct crypto *crypto;
	const struct smime_keys *keys;
	struct arena *arena; /* for decoded bodies, which live until their layer is open */
	struct smime_opened *opened;
	struct verdict *verdict;
};

static struct smime_layer *layer_of(const struct opening *opening)
{
	return &opening->opened->layers[opening->opened->n_layers];
}

static enum err verify(const struct opening *opening, struct slice der, struct slice detached,
		       struct slice *ret_entity)
{
	const struct cms_question question = { .der = der,
					       .detached = detached,
					       .known = opening->keys->known,
					       .n_known = opening->keys->n_known };
	struct smime_opened *opened = opening->opened;
	struct smime_layer *layer = layer_of(opening);
	struct cms_signed what;

	TRY(cms_verify(opening->crypto, &question, &what, opening->verdict));
	layer->signer = what.signer;
	layer->others = what.others;
	layer->signing_time = what.signing_time;
	layer->algorithm = what.algorithm;
	opened->texts[opened->n_layers++] = what.content;
	*ret_entity = detached.ptr ? detached : secret_slice(what.content);
	return OK;
}

/* The signed part and its signature: there are exactly two (RFC 1847 §2.1). */
static enum err open_clear(const struct opening *opening, const struct mime_entity *entity,
			   struct slice *ret_entity)
{
	struct mime_entity signature;
	struct multipart parts;
	struct slice part, text, der;

	if (multipart_begin(entity, &parts) != OK || multipart_next(&parts, &part) != OK ||
	    multipart_next(&parts, &text) != OK || multipart_next(&parts, &der) != ERR_NOT_FOUND ||
	    mime_entity_parse(text, &signature) != OK ||
	    !is_subtype(signature.type.subtype, SLICE("pkcs7-signature")))
		return refuse(ERR_SYNTAX, &malformed, opening->verdict);
	enum err err = mime_entity_decode(&signature, opening->arena, &der);
	if (err != OK)
		return err == ERR_NOMEM ? err : refuse(ERR_SYNTAX, &malformed, opening->verdict);
	return verify(opening, der, part, ret_entity);
}

/* With the first of our keys that it is for. */
static enum err decrypt(const struct opening *opening, struct slice der, struct slice *ret_entity)
{
	struct smime_opened *opened = opening->opened;
	struct cms_opened what = { 0 };
	enum err err = ERR_NOT_FOUND;

	*opening->verdict = (struct verdict){
		.code = "smime.no-key",
		.what = "it is encrypted, and there is no key here to open it",
		.section = "RFC 8591 §7.3",
		.remedy = "get a certificate, and send it to whoever wrote",
	};
	for (size_t i = 0; err == ERR_NOT_FOUND && i < opening->keys->n_own; i++)
		err = cms_decrypt(opening->crypto, der, &opening->keys->own[i], &what, opening->verdict);
	TRY(err);
	layer_of(opening)->is_encrypted = true;
	layer_of(opening)->cipher = what.cipher;
	opened->texts[opened->n_layers++] = what.content;
	*ret_entity = secret_slice(what.content);
	return OK;
}

static enum err open_one(const struct opening *opening, const struct mime_entity *entity,
			 struct slice *ret_entity)
{
	struct slice der;
	enum err err;

	if (opening->opened->n_layers == SMIME_LAYERS_MAX)
		return refuse(ERR_LIMIT, &too_deep, opening->verdict);
	if (wrapping_of(entity) == WRAPPING_CLEAR)
		return open_clear(opening, entity, ret_entity);
	err = mime_entity_decode(entity, opening->arena, &der);
	if (err != OK)
		return err == ERR_NOMEM ? err : refuse(ERR_SYNTAX, &malformed, opening->verdict);
	if (wrapping_of(entity) == WRAPPING_SIGNED)
		return verify(opening, der, slice_of(NULL), ret_entity);
	return decrypt(opening, der, ret_entity);
}

static enum err open_all(const struct opening *opening)
{
	struct mime_entity *entity = &opening->opened->entity;

	while (smime_is_protected(entity)) {
		struct slice text;

		TRY(open_one(opening, entity, &text));
		enum err err = mime_entity_parse(text, entity);
		if (err != OK)
			return refuse(err, &malformed, opening->verdict);
	}
	return OK;
}

void smime_opened_fini(struct smime_opened *opened)
{
	for (size_t i = 0; i < SMIME_LAYERS_MAX; i++) {
		certificate_free(opened->layers[i].signer);
		chain_free(opened->layers[i].others);
		secret_free(opened->texts[i]);
	}
	*opened = (struct smime_opened){ 0 };
}

enum err smime_open(struct crypto *crypto, const struct smime_keys *keys, const struct mime_entity *entity,
		    struct smime_opened *ret_opened, struct verdict *ret_verdict)
{
	struct smime_opened opened = { .entity = *entity };
	AUTO(arena) struct arena *arena = arena_new(DECODED_MAX);
	struct opening opening = { crypto, keys, arena, &opened, ret_verdict };
	enum err err = arena ? open_all(&opening) : ERR_NOMEM;

	if (err != OK) {
		smime_opened_fini(&opened);
		return err;
	}
	*ret_opened = opened;
	return OK;
}

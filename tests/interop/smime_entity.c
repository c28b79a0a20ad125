/*
 * S/MIME entities on standard input and output, for meeting other programs' (tests/interop/test_openssl_cms.py).
 *
 *	smime_entity wrap CIPHER SIGNER-CERT SIGNER-KEY RECIPIENT-CERT   an entity becomes one that is signed, then encrypted
 *	smime_entity open CERT KEY                                       what is inside, below a line for each layer
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/certificate.h"
#include "mime/smime.h"

enum { SIZE = 1 << 20 };

static struct crypto *crypto;

static void stop(const char *what, enum err err)
{
	fprintf(stderr, "%s: %s\n", what, err_text(err));
	exit(1);
}

static struct slice read_all(FILE *file, const char *name)
{
	char *text = file ? malloc(SIZE) : NULL;
	size_t n = text ? fread(text, 1, SIZE, file) : 0;

	if (!text)
		stop(name, ERR_IO);
	return slice_from(text, n);
}

static const struct certificate *read_certificate(const char *path)
{
	struct chain *chain;
	enum err err = chain_parse_pem(crypto, read_all(fopen(path, "r"), path), &chain);

	if (err != OK)
		stop(path, err);
	return chain_at(chain, 0);
}

static const struct key *read_key(const char *path)
{
	struct key *key;
	enum err err = key_parse_pem(crypto, read_all(fopen(path, "r"), path), &key);

	if (err != OK)
		stop(path, err);
	return key;
}

static int wrap(char **words)
{
	const struct certificate *signer_certificate = read_certificate(words[1]);
	const struct certificate *recipient = read_certificate(words[3]);
	const struct cms_signer signer = {
		.certificate = signer_certificate,
		.key = read_key(words[2]),
		.now = time(NULL),
	};
	struct cms_envelope envelope = { &recipient, 1, CMS_AES128_GCM };
	struct secret *signed_entity, *entity;
	enum err err;

	while (envelope.cipher < CMS_CIPHERS && strcmp(cms_cipher_name(envelope.cipher), words[0]) != 0)
		envelope.cipher++;
	if (envelope.cipher == CMS_CIPHERS)
		stop(words[0], ERR_NOT_FOUND);
	err = smime_sign(crypto, &signer, read_all(stdin, "stdin"), &signed_entity);
	if (err != OK)
		stop("sign", err);
	err = smime_encrypt(crypto, &envelope, secret_slice(signed_entity), &entity);
	if (err != OK)
		stop("encrypt", err);
	fwrite(entity->bytes, 1, entity->len, stdout);
	return 0;
}

static void show_layer(const struct smime_layer *layer)
{
	if (layer->is_encrypted)
		printf("encrypted %s\n", cms_cipher_name(layer->cipher));
	else
		printf("signed %s\n", layer->algorithm);
}

static int open_entity(char **words)
{
	const struct cms_recipient own = { read_certificate(words[0]), read_key(words[1]) };
	const struct smime_keys keys = { .own = &own, .n_own = 1 };
	struct mime_entity entity;
	struct smime_opened opened;
	struct verdict why;
	enum err err = mime_entity_parse(read_all(stdin, "stdin"), &entity);

	if (err != OK)
		stop("entity", err);
	err = smime_open(crypto, &keys, &entity, &opened, &why);
	if (err != OK)
		stop(err == ERR_NOMEM ? "open" : why.what, err);
	for (size_t i = 0; i < opened.n_layers; i++)
		show_layer(&opened.layers[i]);
	fwrite(opened.entity.text.ptr, 1, opened.entity.text.len, stdout);
	return 0;
}

int main(int argc, char **argv)
{
	crypto = crypto_new();
	if (!crypto)
		stop("start", ERR_NOMEM);
	if (argc == 6 && strcmp(argv[1], "wrap") == 0)
		return wrap(argv + 2);
	if (argc == 4 && strcmp(argv[1], "open") == 0)
		return open_entity(argv + 2);
	fprintf(stderr, "usage: smime_entity wrap CIPHER SIGNER KEY RECIPIENT | open CERTIFICATE KEY\n");
	return 1;
}

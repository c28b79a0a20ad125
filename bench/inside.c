/*
 * build/bench/sealined_inside: sealined as it would be if the process that reads the network held the private key, which it must
 * not: what bench/signer.py measures sealined beside, to say what the signing process costs. It is linked with
 * --wrap=key_remote and is not installed: a handle (crypto/key.h) to the key of the file that SEALINE_BENCH_KEY names is one to the key
 * itself, and OpenSSL signs with it; whatever else is asked of the signing process goes there as ever.
 */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/certificate.h"
#include "crypto/key.h"

enum err __real_key_remote(struct crypto *crypto, const struct certificate *certificate,
			   const struct key_signer *signer, struct key **ret_key);
enum err __wrap_key_remote(struct crypto *crypto, const struct certificate *certificate,
			   const struct key_signer *signer, struct key **ret_key);

static char pem[KEY_PEM_MAX];
static size_t pem_len;

/* Before the process confines itself. */
__attribute__((constructor)) static void read_key(void)
{
	const char *path = getenv("SEALINE_BENCH_KEY");
	FILE *file = path ? fopen(path, "r") : NULL;

	if (!file) {
		fprintf(stderr, "sealined_inside: SEALINE_BENCH_KEY names no file that can be read\n");
		exit(EXIT_FAILURE);
	}
	pem_len = fread(pem, 1, sizeof pem, file);
	fclose(file);
}

enum err __wrap_key_remote(struct crypto *crypto, const struct certificate *certificate,
			   const struct key_signer *signer, struct key **ret_key)
{
	struct key *key;

	TRY(key_parse_pem(crypto, slice_from(pem, pem_len), &key));
	if (!certificate_has_key(certificate, key)) {
		key_free(key);
		return __real_key_remote(crypto, certificate, signer, ret_key);
	}
	*ret_key = key;
	return OK;
}

#include "sealphone/trust.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "sealphone/file.h"

static enum exit_code complain(const char *where, const char *why, enum exit_code code)
{
	fprintf(stderr, "sealphone: %s: %s\n", where, why);
	return code;
}

static enum exit_code trust_file(struct crypto *crypto, struct tls_context *client, const char *path)
{
	AUTO(chain) struct chain *chain = NULL;
	size_t length = 0;
	char *pem = file_read(path, CHAIN_PEM_MAX, &length);
	enum err err;

	if (!pem)
		return complain(path, errno ? strerror(errno) : "it is too large", EXIT_STATE);
	err = chain_parse_pem(crypto, slice_from(pem, length), &chain);
	mem_free(pem);
	if (err == ERR_NOT_FOUND)
		return complain(path, "there is no certificate in it", EXIT_STATE);
	if (err != OK)
		return complain(path, "a certificate in it is malformed", EXIT_STATE);
	return tls_client_trust(client, chain) == OK
		       ? EXIT_OK
		       : complain("start", "there is not enough memory", EXIT_FAILED);
}

/* What Debian makes of all the CAs of the system whenever one of them changes. */
static const char system_file[] = "/etc/ssl/certs/ca-certificates.crt";

struct trust_seen trust_look(const char *ca_file)
{
	struct trust_seen seen;
	struct stat file;

	memset(&seen, 0, sizeof seen);
	if (stat(ca_file ? ca_file : system_file, &file) != 0)
		return seen;
	seen.modified = file.st_mtim;
	seen.inode = file.st_ino;
	seen.size = file.st_size;
	return seen;
}

bool trust_is_same(const struct trust_seen *a, const struct trust_seen *b)
{
	return a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec &&
	       a->inode == b->inode && a->size == b->size;
}

enum exit_code trust_open(struct crypto *crypto, const char *ca_file, struct tls_context **ret_client,
			  struct anchors **ret_anchors)
{
	AUTO(tls_context) struct tls_context *client = tls_client_new(crypto);
	AUTO(anchors) struct anchors *anchors = NULL;
	enum exit_code code = EXIT_OK;

	if (!client || tls_client_anchors(client, &anchors) != OK)
		return complain("start", "there is not enough memory", EXIT_FAILED);
	if (ca_file)
		code = trust_file(crypto, client, ca_file);
	else if (tls_client_trust_system(client) != OK)
		code = complain("start", "there is not enough memory", EXIT_FAILED);
	if (code != EXIT_OK)
		return code;
	*ret_client = TAKE(client);
	*ret_anchors = TAKE(anchors);
	return EXIT_OK;
}

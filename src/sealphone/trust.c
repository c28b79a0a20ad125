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

/* The text is the caller's to free. NULL with a message printed. */
static char *read_pem(const char *path, size_t *ret_length)
{
	char *pem = phone_file_read(path, CHAIN_PEM_MAX, ret_length);

	if (!pem)
		(void)complain(path, errno ? strerror(errno) : "it is too large", EXIT_STATE);
	return pem;
}

static enum exit_code trust_file(struct crypto *crypto, struct tls_context *client, const char *path)
{
	AUTO(chain) struct chain *chain = NULL;
	size_t length = 0;
	char *pem = read_pem(path, &length);
	enum err err;

	if (!pem)
		return EXIT_STATE;
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

static enum exit_code revoke_file(struct tls_context *client, const char *path)
{
	size_t length = 0;
	char *pem = read_pem(path, &length);
	enum err err;

	if (!pem)
		return EXIT_STATE;
	err = tls_client_revoke(client, slice_from(pem, length));
	mem_free(pem);
	if (err == ERR_NOT_FOUND)
		return complain(path, "there is no list of revoked certificates in it", EXIT_STATE);
	if (err == ERR_NOMEM)
		return complain("start", "there is not enough memory", EXIT_FAILED);
	return err == OK ? EXIT_OK : complain(path, "a list in it is malformed", EXIT_STATE);
}

/* What Debian makes of all the CAs of the system whenever one of them changes. */
static const char system_file[] = "/etc/ssl/certs/ca-certificates.crt";

static struct trust_seen_file look(const char *path)
{
	struct trust_seen_file seen;
	struct stat file;

	memset(&seen, 0, sizeof seen);
	if (!path || stat(path, &file) != 0)
		return seen;
	seen.modified = file.st_mtim;
	seen.inode = file.st_ino;
	seen.size = file.st_size;
	return seen;
}

struct trust_seen trust_look(const struct options *options)
{
	return (struct trust_seen){ look(options->ca_file ? options->ca_file : system_file),
				    look(options->crl_file) };
}

static bool is_same(const struct trust_seen_file *a, const struct trust_seen_file *b)
{
	return a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec &&
	       a->inode == b->inode && a->size == b->size;
}

bool trust_is_same(const struct trust_seen *a, const struct trust_seen *b)
{
	return is_same(&a->cas, &b->cas) && is_same(&a->revoked, &b->revoked);
}

enum exit_code trust_open(struct crypto *crypto, const struct options *options,
			  struct tls_context **ret_client, struct anchors **ret_anchors)
{
	AUTO(tls_context) struct tls_context *client = tls_client_new(crypto);
	AUTO(anchors) struct anchors *anchors = NULL;
	enum exit_code code = EXIT_OK;

	if (!client || tls_client_anchors(client, &anchors) != OK)
		return complain("start", "there is not enough memory", EXIT_FAILED);
	if (options->ca_file)
		code = trust_file(crypto, client, options->ca_file);
	else if (tls_client_trust_system_when_asked(client) != OK)
		code = complain("start", "there is not enough memory", EXIT_FAILED);
	if (code == EXIT_OK && options->crl_file)
		code = revoke_file(client, options->crl_file);
	if (code != EXIT_OK)
		return code;
	if (options->needs_staples)
		tls_client_need_staples(client);
	*ret_client = TAKE(client);
	*ret_anchors = TAKE(anchors);
	return EXIT_OK;
}

#include "authority.h"

#include "base/mem.h"
#include "crypto/user_certificate.h"

enum { PEM_SIZE = 8192 };

int authority_open(struct authority *authority, struct crypto *crypto, struct slice name, utc_t now)
{
	*authority = (struct authority){ .crypto = crypto };
	if (!crypto || key_generate(crypto, &authority->key) != OK)
		return -1;
	return certificate_make_ca(crypto, authority->key, name, now, &authority->certificate) == OK ? 0 : -1;
}

void authority_close(struct authority *authority)
{
	certificate_free(authority->certificate);
	key_free(authority->key);
	*authority = (struct authority){ .crypto = NULL };
}

static struct certificate_issuer issuer_of(const struct authority *authority)
{
	return (struct certificate_issuer){ authority->certificate, authority->key };
}

struct certificate *authority_issue(const struct authority *authority, const struct key *key,
				    struct slice aor, utc_t now)
{
	struct user_certificate_request request = { .aor = aor, .now = now };
	struct certificate *certificate = NULL;
	AUTO(secret) struct secret *der = NULL;
	AUTO(csr) struct csr *csr = NULL;

	if (csr_make(authority->crypto, key, aor, &der) != OK ||
	    csr_parse(authority->crypto, secret_slice(der), &csr) != OK)
		return NULL;
	request.csr = csr;
	return certificate_make_user(authority->crypto, &request, issuer_of(authority), &certificate) == OK
		       ? certificate
		       : NULL;
}

struct certificate *authority_issue_domain(const struct authority *authority, const struct key *key,
					   struct slice name, utc_t now)
{
	struct certificate_request request = { .key = key, .names = &name, .n_names = 1, .now = now };
	struct certificate *certificate = NULL;

	return certificate_make(authority->crypto, &request, issuer_of(authority), &certificate) == OK
		       ? certificate
		       : NULL;
}

struct chain *authority_chain(const struct authority *authority, const struct certificate *first)
{
	char pem[PEM_SIZE];
	struct writer out = writer_of(pem, sizeof pem);
	struct chain *chain = NULL;

	if (first && put_certificate_pem(&out, first) != OK)
		return NULL;
	if (put_certificate_pem(&out, authority->certificate) != OK ||
	    chain_parse_pem(authority->crypto, writer_text(&out), &chain) != OK)
		return NULL;
	return chain;
}

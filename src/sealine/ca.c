#include <stdio.h>
#include <time.h>

#include "crypto/certificate.h"
#include "file/file.h"
#include "sealine/command.h"
#include "sealine/output.h"
#include "store/state.h"

enum {
	PEM_MAX = 65536,
	TEXT_MAX = 65536, /* the names of as many domains as such a file has room for */
};

/* One of the certificates that sealined makes, as read from the state directory. */
struct made {
	char path[STATE_PATH_MAX];
	struct crypto *crypto;
	struct chain *chain;
};

static void made_fini(struct made *made)
{
	chain_free(made->chain);
	crypto_free(made->crypto);
}

static bool complain_of_file(const char *path, enum err err)
{
	switch (err) {
	case ERR_NOT_FOUND:
		return complain(
			"%s: there is no such file; sealined makes it when it starts without --certificate, or "
			"name another directory with --state DIR",
			path);
	case ERR_DENIED:
		return complain("%s: no permission; run this as the user of sealined, or as root", path);
	case ERR_SYNTAX:
		return complain("%s: it holds no certificate; move it away and start sealined", path);
	default: return complain("%s: %s; see whether the disk is in order", path, err_text(err));
	}
}

static enum err read_chain(struct made *made)
{
	AUTO(secret) struct secret *pem = NULL;
	enum err err;

	TRY(file_read(slice_of(made->path), PEM_MAX, &pem));
	made->crypto = crypto_new();
	if (!made->crypto)
		return ERR_NOMEM;
	err = chain_parse_pem(made->crypto, secret_slice(pem), &made->chain);
	return err == ERR_NOT_FOUND ? ERR_SYNTAX : err;
}

/* False: it was complained of. Either way made_fini(). */
static bool made_read(struct made *made, const struct invocation *invocation, struct slice file)
{
	char buf[STATE_PATH_MAX];
	struct writer dir = writer_of(buf, sizeof buf), path = writer_of(made->path, sizeof made->path - 1);
	enum err err;

	*made = (struct made){ .chain = NULL };
	if (!state_find(&dir, invocation->state))
		return complain("there is no state directory to be found; name it with --state DIR");
	put_state_path(&path, writer_text(&dir), file);
	err = path.overflow ? ERR_LIMIT : read_chain(made);
	return err == OK || complain_of_file(made->path, err);
}

/* Text that a put_certificate_ function writes. */
static json_t *json_of(void (*put_part)(struct writer *out, const struct certificate *certificate),
		       const struct certificate *certificate)
{
	char buf[TEXT_MAX];
	struct writer out = writer_of(buf, sizeof buf);

	put_part(&out, certificate);
	return json_of_text(writer_text(&out));
}

static json_t *json_of_fingerprint(const struct certificate *certificate)
{
	unsigned char hash[CERTIFICATE_FINGERPRINT_SIZE];
	char buf[2 * CERTIFICATE_FINGERPRINT_SIZE];
	struct writer out = writer_of(buf, sizeof buf);

	if (!certificate_fingerprint(certificate, hash))
		return NULL;
	put_hex(&out, hash, sizeof hash);
	return json_of_text(writer_text(&out));
}

static json_t *json_of_certificate(const struct made *made)
{
	const struct certificate *certificate = chain_at(made->chain, 0);

	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o}", "file",
			 json_of_text(slice_of(made->path)), "subject",
			 json_of(put_certificate_subject, certificate), "issuer",
			 json_of(put_certificate_issuer, certificate), "names",
			 json_of(put_certificate_names, certificate), "not_before",
			 (json_int_t)certificate_not_before(certificate), "not_after",
			 (json_int_t)certificate_not_after(certificate), "days_left",
			 (json_int_t)certificate_days_left(certificate, (utc_t)time(NULL)), "sha256",
			 json_of_fingerprint(certificate));
}

static void print_certificate(const json_t *certificate)
{
	struct slice names = text_member(certificate, "names");

	printf("%.*s\n", SLICE_FMT(text_member(certificate, "file")));
	printf("\tsubject      %.*s\n", SLICE_FMT(text_member(certificate, "subject")));
	printf("\tissued by    %.*s\n", SLICE_FMT(text_member(certificate, "issuer")));
	if (names.len > 0)
		printf("\tnames        %.*s\n", SLICE_FMT(names));
	printf("\tdays left    %lld\n",
	       (long long)json_integer_value(json_object_get(certificate, "days_left")));
	printf("\tSHA-256      %.*s\n", SLICE_FMT(text_member(certificate, "sha256")));
}

enum exit_code ca_show_run(const struct invocation *invocation)
{
	static const struct slice files[] = { SLICE_INIT(STATE_CA_CERTIFICATE),
					      SLICE_INIT(STATE_SERVER_CERTIFICATE) };
	json_t *list = json_array();
	bool ok = list;

	for (size_t i = 0; ok && i < sizeof files / sizeof files[0]; i++) {
		struct made made;

		ok = made_read(&made, invocation, files[i]);
		if (ok && json_array_append_new(list, json_of_certificate(&made)) != 0)
			ok = complain_of(ERR_NOMEM);
		made_fini(&made);
	}
	if (ok && invocation->flags & FLAG_JSON)
		ok = print_json(json_pack("{s:O}", "certificates", list));
	else if (ok)
		print_each(list, print_certificate);
	json_decref(list);
	return ok ? EXIT_OK : EXIT_FOUND;
}

enum exit_code ca_export_run(const struct invocation *invocation)
{
	char pem[PEM_MAX];
	struct writer out = writer_of(pem, sizeof pem);
	struct made made;
	bool ok = made_read(&made, invocation, SLICE(STATE_CA_CERTIFICATE));
	enum err err = ok ? put_certificate_pem(&out, chain_at(made.chain, 0)) : OK;

	if (err != OK)
		ok = complain_of_file(made.path, err);
	if (ok)
		fwrite(pem, 1, out.len, stdout);
	made_fini(&made);
	return ok ? EXIT_OK : EXIT_FOUND;
}

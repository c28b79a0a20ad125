/*
 * What is told of the certificates of a user (RFC 6072 §6, docs/smime.md): multipart/mixed, first the header fields that tie it to
 * its NOTIFY, as message/sipfrag, then one application/pkix-cert for each device. No such part says that there is none, with or
 * without an account. The domain signs the whole of it.
 */
#include "crypto/random.h"
#include "event/package.h"

enum {
	EXPIRES_DEFAULT = 3600,
	/* §6.3 would have days. Who is cut off is not told of a withdrawal, and finds it out when he asks anew: soon. */
	EXPIRES_MAX = 3600,
	PER_ACCOUNT = 64,
	PER_DOMAIN = 1024,
	BOUNDARY_BYTES = 18,
	BOUNDARY_SIZE = BOUNDARY_BYTES * 4 / 3,
};

static const struct certificates *certificates_of(const struct aor *aor)
{
	return aor ? aor->certificates : NULL;
}

static bool has_changed(const struct event_state *state)
{
	return certificates_differ(certificates_of(state->before), state->wall_before,
				   certificates_of(state->now), state->wall);
}

static void put_delimiter(struct writer *out, struct slice boundary)
{
	put(out, SLICE("\r\n--"));
	put(out, boundary);
}

static void put_document(struct writer *out, const struct event_state *state)
{
	const struct certificates *certificates = certificates_of(state->now);
	unsigned char bytes[BOUNDARY_BYTES];
	char text[BOUNDARY_SIZE];
	struct writer boundary = writer_of(text, sizeof text);

	random_bytes(state->random, bytes, sizeof bytes);
	put_base64url(&boundary, bytes, sizeof bytes);
	put(out, SLICE("Content-Type: multipart/mixed;boundary=\""));
	put(out, writer_text(&boundary));
	put(out, SLICE("\"\r\n"));
	put_delimiter(out, writer_text(&boundary));
	put(out, SLICE("\r\nContent-Type: message/sipfrag\r\n\r\n"));
	put(out, state->fragment);
	for (size_t i = 0; certificates && i < certificates->n; i++) {
		if (!device_certificate_is_good(&certificates->all[i], state->wall))
			continue;
		put_delimiter(out, writer_text(&boundary));
		put(out, SLICE("\r\nContent-Type: application/pkix-cert\r\n"
			       "Content-Transfer-Encoding: binary\r\n\r\n"));
		put(out, certificates->all[i].der);
	}
	put_delimiter(out, writer_text(&boundary));
	put(out, SLICE("--\r\n"));
}

const struct event_package event_certificate = {
	.name = SLICE_INIT("certificate"),
	.format = SLICE_INIT("multipart/signed"),
	.expires_default = EXPIRES_DEFAULT,
	.expires_max = EXPIRES_MAX,
	.per_account = PER_ACCOUNT,
	.per_domain = PER_DOMAIN,
	.is_vouched = true,
	.has_changed = has_changed,
	.put_document = put_document,
};

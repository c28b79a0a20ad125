#include "event/publish.h"

#include "base/ascii.h"
#include "crypto/user_certificate.h"
#include "sip/fields.h"

enum { TAG_SIZE = 16, DAY_S = 86400, EXPIRES_DEFAULT = USER_CERTIFICATE_DAYS * DAY_S };

const struct slice publish_accept = SLICE_INIT("application/pkcs10, application/pkix-cert");

void put_publish_tag(struct writer *out, uint64_t tag)
{
	unsigned char bytes[TAG_SIZE / 2];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(tag >> 8 * (sizeof bytes - 1 - i));
	put_hex(out, bytes, sizeof bytes);
}

static bool parse_tag(struct slice value, uint64_t *ret_tag)
{
	unsigned char bytes[TAG_SIZE / 2];
	uint64_t tag = 0;
	size_t n;

	if (!hex_decode(value, bytes, sizeof bytes, &n) || n != sizeof bytes)
		return false;
	for (size_t i = 0; i < n; i++)
		tag = tag << 8 | bytes[i];
	*ret_tag = tag;
	return tag != 0;
}

/* RFC 3903 §6 steps 1 and 2 */
static bool is_for_package(const struct sip_message *request)
{
	struct sip_event event;

	return sip_event_parse(sip_message_value(request, SIP_EVENT), &event) &&
	       slice_eq(event.package, SLICE("certificate"));
}

/* Step 3: the tag is of a publication that is there. */
static enum publish_verdict read_tag(const struct sip_message *request, const struct aor *sender, utc_t now,
				     struct certify_question *question)
{
	struct sip_values it = sip_values_of(request, SIP_IF_MATCH);
	struct slice value;

	if (!sip_values_next(&it, &value))
		return PUBLISH_OK;
	if (!parse_tag(value, &question->tag) || !certificates_find(sender->certificates, question->tag, now))
		return PUBLISH_TAG;
	return sip_values_next(&it, &value) ? PUBLISH_MALFORMED : PUBLISH_OK;
}

/* Step 5: what the body is. */
static enum publish_verdict read_body(const struct sip_message *request, struct certify_question *question)
{
	struct sip_media_type type;

	if (!sip_media_type_parse(sip_message_value(request, SIP_CONTENT_TYPE), &type) ||
	    sip_message_header(request, SIP_CONTENT_ENCODING))
		return PUBLISH_TYPE;
	if (sip_media_type_is(&type, SLICE("application"), SLICE("pkcs10")))
		question->kind = CERTIFY_REQUEST;
	else if (sip_media_type_is(&type, SLICE("application"), SLICE("pkix-cert")))
		question->kind = CERTIFY_OWN;
	else
		return PUBLISH_TYPE;
	question->body = request->body;
	return PUBLISH_OK;
}

enum publish_verdict publish_read(const struct sip_message *request, const struct aor *sender, utc_t now,
				  struct certify_question *ret_question)
{
	struct certify_question question = { .kind = CERTIFY_EXTEND, .aor = sender->name };
	struct slice value = sip_message_value(request, SIP_EXPIRES);
	uint32_t expires = EXPIRES_DEFAULT;
	enum publish_verdict verdict;

	if (!is_for_package(request))
		return PUBLISH_EVENT;
	verdict = read_tag(request, sender, now, &question);
	if (verdict != PUBLISH_OK)
		return verdict;
	if (value.ptr && !sip_delta_parse(value, &expires))
		return PUBLISH_MALFORMED;
	question.expires = now + (utc_t)expires;
	if (expires == 0 && question.tag)
		question.kind = CERTIFY_WITHDRAW;
	else if (expires < PUBLISH_EXPIRES_MIN)
		return expires ? PUBLISH_BRIEF : PUBLISH_EMPTY;
	else if (request->body.len > 0)
		verdict = read_body(request, &question);
	else if (!question.tag)
		return PUBLISH_EMPTY;
	*ret_question = question;
	return verdict;
}

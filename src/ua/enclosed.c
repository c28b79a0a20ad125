#include "ua/enclosed.h"

#include "base/arena.h"
#include "base/mem.h"
#include "mime/entity.h"
#include "sip/fields.h"
#include "ua/content.h"
#include "ua/protect.h"
#include "ua/state.h"

/* -- reading ------------------------------------------------------------------------------------------------- */

static bool is_certs_only(const struct mime_entity *entity)
{
	struct slice value;

	return sip_media_type_is(&entity->type, SLICE("application"), SLICE("pkcs7-mime")) &&
	       sip_param_find(entity->type.params, SLICE("smime-type"), &value) &&
	       slice_eq_nocase(value, SLICE("certs-only"));
}

static struct chain *read_entity(struct ua *ua, struct slice text)
{
	AUTO(arena) struct arena *arena = arena_new(2 * sip_limits_default.message);
	struct chain *chain = NULL;
	struct mime_entity entity;
	struct slice der;

	if (!arena || mime_entity_parse(text, &entity) != OK || !is_certs_only(&entity) ||
	    mime_entity_decode(&entity, arena, &der) != OK ||
	    cms_certificates_parse(ua->auth.crypto, der, &chain) != OK)
		return NULL;
	return chain;
}

struct chain *enclosed_read(struct ua *ua, const struct sip_message *response)
{
	struct chain *chain;
	struct slice text;
	char *buffer;

	if (response->body.len == 0)
		return NULL;
	buffer = content_entity(response, &text);
	chain = buffer ? read_entity(ua, text) : NULL;
	mem_free(buffer);
	return chain;
}

bool enclosed_wants_protection(const struct sip_message *response)
{
	struct sip_values values = sip_values_of(response, SIP_ACCEPT);
	struct sip_media_type type;
	struct slice value;

	while (sip_values_next(&values, &value))
		if (sip_media_type_parse(value, &type) &&
		    sip_media_type_is(&type, SLICE("application"), SLICE("pkcs7-mime")))
			return true;
	return false;
}

/* -- what it is worth ------------------------------------------------------------------------------------------ */

const struct certificate *enclosed_believed(struct ua *ua, const struct chain *enclosed, struct slice uri,
					    struct now now)
{
	char buffer[CREDENTIALS_AOR_MAX];
	struct writer out = writer_of(buffer, sizeof buffer);
	struct credentials_question question = { .others = enclosed, .now = now };
	struct credentials_judgement judgement;
	struct verdict why;

	question.aor = put_protect_aor(&out, uri);
	for (size_t i = 0; enclosed && question.aor.len > 0 && i < chain_length(enclosed); i++) {
		question.certificate = chain_at(enclosed, i);
		if (credentials_judge(ua->credentials, &question, &judgement, &why) == OK)
			return question.certificate;
	}
	return NULL;
}

static bool is_known(const struct credentials_found *found, const struct certificate *certificate)
{
	unsigned char id[KEY_ID_SIZE], other[KEY_ID_SIZE];

	if (!certificate_key_id(certificate, id))
		return true; /* without memory nothing is new */
	for (size_t i = 0; i < found->n; i++)
		if (certificate_key_id(found->at[i], other) && memcmp(id, other, KEY_ID_SIZE) == 0)
			return true;
	return false;
}

bool enclosed_is_news(struct ua *ua, const struct chain *enclosed, struct slice uri, struct now now)
{
	char buffer[CREDENTIALS_AOR_MAX];
	struct writer out = writer_of(buffer, sizeof buffer);
	struct slice aor = put_protect_aor(&out, uri);
	struct credentials_found found;
	struct verdict why;

	if (!enclosed || aor.len == 0)
		return false;
	credentials_of(ua->credentials, aor, now.wall, &found);
	for (size_t i = 0; i < chain_length(enclosed); i++)
		if (credentials_are_for(chain_at(enclosed, i), aor, &why) == OK &&
		    !is_known(&found, chain_at(enclosed, i))) {
			credentials_lapse(ua->credentials, aor);
			return true;
		}
	return false;
}

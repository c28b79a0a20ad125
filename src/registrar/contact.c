#include "registrar/contact.h"

#include "base/scan.h"
#include "sip/fields.h"
#include "sip/lex.h"

enum { EXPIRES_MALFORMED = 3600 };

uint32_t registrar_expires(struct slice value)
{
	uint32_t seconds;

	return sip_delta_parse(slice_trim(value), &seconds) ? seconds : EXPIRES_MALFORMED;
}

/* +sip.instance="<urn:uuid:…>" (RFC 5626 §4.1) */
static bool parse_instance(struct slice value, struct slice *ret_instance)
{
	struct slice text = lex_unquoted(value);

	if (text.len < 3 || text.ptr[0] != '<' || text.ptr[text.len - 1] != '>')
		return false;
	*ret_instance = slice_sub(text, 1, text.len - 2);
	return true;
}

/* RFC 5626 §4.2.1: "a value between 1 and 2**31 - 1" */
static bool parse_reg_id(struct slice value, uint32_t *ret_reg_id)
{
	uint32_t reg_id;

	if (!sip_delta_parse(value, &reg_id) || reg_id == 0 || reg_id > INT32_MAX)
		return false;
	*ret_reg_id = reg_id;
	return true;
}

/* False if it is malformed; what is not known is let be. */
static bool take_param(struct registrar_contact *contact, struct slice name, struct slice value)
{
	if (slice_eq_nocase(name, SLICE("q")))
		return sip_q_parse(value, &contact->q);
	if (slice_eq_nocase(name, SLICE("+sip.instance")))
		return parse_instance(value, &contact->instance);
	if (slice_eq_nocase(name, SLICE("reg-id")))
		return parse_reg_id(value, &contact->reg_id);
	if (slice_eq_nocase(name, SLICE("expires"))) {
		contact->has_expires = true;
		contact->expires = registrar_expires(value);
		contact->expires_text = value;
	}
	return true;
}

enum err registrar_contact_parse(struct slice value, struct registrar_contact *ret_contact)
{
	struct registrar_contact contact = { .q = 1000 };
	struct lex_param param;
	struct scan in;

	if (!sip_address_parse(value, &contact.address))
		return ERR_SYNTAX;
	if (contact.address.uri.scheme != SIP_SCHEME_SIP && contact.address.uri.scheme != SIP_SCHEME_SIPS)
		return ERR_DENIED;
	in = scan_of(contact.address.params);
	while (scan_separator(&in, ';') && scan_param(&in, &param))
		if (!take_param(&contact, param.name, lex_unquoted(param.value)))
			return ERR_SYNTAX;
	if (!contact.instance.len)
		contact.reg_id = 0;
	*ret_contact = contact;
	return OK;
}

/* What is kept elsewhere, and what "the header field parameter MUST be ignored" is said of (RFC 5627 §5.1). */
static bool is_kept_param(struct slice name)
{
	static const struct slice others[] = { SLICE_INIT("expires"), SLICE_INIT("q"), SLICE_INIT("pub-gruu"),
					       SLICE_INIT("temp-gruu") };

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (slice_eq_nocase(name, others[i]))
			return false;
	return true;
}

enum err registrar_contact_params(const struct registrar_contact *contact, struct arena *arena,
				  struct slice *ret_params)
{
	struct scan in = scan_of(contact->address.params);
	struct lex_param param;
	struct writer out;
	char *buf = arena_alloc(arena, contact->address.params.len + 1);

	if (!buf)
		return ERR_NOMEM;
	out = writer_of(buf, contact->address.params.len + 1);
	while (scan_separator(&in, ';')) {
		const char *from = in.at;

		if (!scan_param(&in, &param))
			break;
		if (!is_kept_param(param.name))
			continue;
		put_char(&out, ';');
		put(&out, scan_since(&in, from));
	}
	*ret_params = writer_text(&out);
	return OK;
}

bool registrar_contact_is(const struct registrar_contact *contact, const struct binding *binding)
{
	struct sip_uri uri;

	if (contact->reg_id && binding->reg_id)
		return contact->reg_id == binding->reg_id && slice_eq(contact->instance, binding->instance);
	/* Mostly it is written as before, and then nothing has to be taken apart. */
	if (slice_eq(binding->contact, contact->address.uri.text))
		return true;
	if (!sip_uri_parse(binding->contact, &uri))
		return false;
	/* RFC 5630 §5.1.1.1: "the second registration replaces the first one" */
	uri.scheme = contact->address.uri.scheme;
	return sip_uri_eq(&uri, &contact->address.uri);
}

bool registrar_has_outbound_path(const struct sip_message *request)
{
	struct sip_values vias = sip_values_of(request, SIP_VIA), paths = sip_values_of(request, SIP_PATH);
	struct sip_address path;
	struct slice value;
	size_t n_vias = 0;

	while (sip_values_next(&vias, &value))
		n_vias++;
	if (n_vias == 1)
		return true;
	return sip_values_next(&paths, &value) && sip_address_parse(value, &path) &&
	       sip_param_find(path.uri.params, SLICE("ob"), &value);
}

#include "sealine/load_run.h"
#include "sip/fields.h"

static bool is_uri(const struct sip_uri *uri, struct slice text)
{
	struct sip_uri other;

	return slice_eq(uri->text, text) || (sip_uri_parse(text, &other) && sip_uri_eq(uri, &other));
}

static bool is_our_from(const struct load_phone *phone, const struct sip_address *from)
{
	char tag_buf[LOAD_ID_MAX], uri_buf[512];
	struct writer tag = writer_of(tag_buf, sizeof tag_buf), uri = writer_of(uri_buf, sizeof uri_buf);

	load_put_tag(&tag, phone);
	load_put_from(&uri, phone);
	return slice_eq(from->tag, writer_text(&tag)) && is_uri(&from->uri, writer_text(&uri));
}

/* Within the dialog the tag has to be its; outside of it the other side gives one. */
static bool is_our_to(const struct load_phone *phone, const struct sip_address *to)
{
	char buf[512];
	struct writer uri = writer_of(buf, sizeof buf);
	struct sip_address sent;

	if (phone->exchange.method == SIP_BYE)
		return sip_address_parse(slice_from(phone->dialog->to, phone->dialog->n_to), &sent) &&
		       slice_eq(to->tag, sent.tag) && is_uri(&to->uri, sent.uri.text);
	load_put_to(&uri, phone, phone->exchange.method);
	return is_uri(&to->uri, writer_text(&uri));
}

static bool is_our_via(const struct load_phone *phone, const struct sip_message *response)
{
	struct sip_values vias = sip_values_of(response, SIP_VIA);
	char ours_buf[64], buf[64];
	struct writer ours = writer_of(ours_buf, sizeof ours_buf), sent_by = writer_of(buf, sizeof buf);
	struct slice via;
	size_t n_vias = 0;

	while (sip_values_next(&vias, &via))
		n_vias++;
	put_address(&ours, &phone->wire.local);
	put(&sent_by, response->via.host);
	put_char(&sent_by, ':');
	put_number(&sent_by, response->via.port);
	return n_vias == 1 && slice_eq(writer_text(&sent_by), writer_text(&ours));
}

void load_check_response(const struct load_phone *phone, const struct sip_message *response)
{
	struct load_tally *tally = &phone->load->tally;
	char buf[LOAD_ID_MAX];
	struct writer id = writer_of(buf, sizeof buf);

	load_put_call_id(&id, phone);
	if (!is_our_from(phone, &response->from) || !is_our_to(phone, &response->to) ||
	    !slice_eq(response->call_id, writer_text(&id)) || response->cseq.number != phone->exchange.cseq)
		load_tally_violation(tally, LOAD_OTHER_FIELDS, response->call_id);
	if (!is_our_via(phone, response))
		load_tally_violation(tally, LOAD_MORE_VIAS, response->call_id);
	if (response->status > 100 && !response->to.tag.len)
		load_tally_violation(tally, LOAD_NO_TAG, response->reason);
}

/* The one of the bindings in a response whose URI it is. */
static bool find_binding(const struct sip_message *response, struct slice uri,
			 struct sip_address *ret_contact)
{
	struct sip_values it = sip_values_of(response, SIP_CONTACT);
	struct slice value;

	while (sip_values_next(&it, &value))
		if (sip_contact_parse(value, ret_contact) && is_uri(&ret_contact->uri, uri))
			return true;
	return false;
}

bool load_lists_binding(const struct load_phone *phone, const struct sip_message *response)
{
	char buf[512];
	struct writer uri = writer_of(buf, sizeof buf);
	struct sip_address contact;

	load_put_contact(&uri, phone);
	return find_binding(response, writer_text(&uri), &contact);
}

uint32_t load_check_binding(const struct load_phone *phone, const struct sip_message *response)
{
	struct slice expires = sip_message_value(response, SIP_EXPIRES);
	char buf[512];
	struct writer uri = writer_of(buf, sizeof buf);
	struct sip_address contact;
	uint32_t seconds;

	load_put_contact(&uri, phone);
	if (find_binding(response, writer_text(&uri), &contact))
		(void)sip_param_find(contact.params, SLICE("expires"), &expires);
	else
		load_tally_violation(&phone->load->tally, LOAD_NO_BINDING, writer_text(&uri));
	return sip_delta_parse(expires, &seconds) && seconds > 0 ? seconds : LOAD_EXPIRES;
}

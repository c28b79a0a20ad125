/* Values of header fields, each function on the same bytes; what is found lies inside of them. */
#include <assert.h>
#include <stdint.h>

#include "sip/address.h"
#include "sip/credentials.h"
#include "sip/fields.h"
#include "sip/lex.h"
#include "sip/via.h"

static void check_inside(struct slice text, struct slice part)
{
	assert(!part.ptr || (part.ptr >= text.ptr && part.ptr + part.len <= text.ptr + text.len));
}

static void parse_addresses(struct slice text)
{
	struct scan in = scan_of(text);
	struct sip_address address;
	struct sip_via via;
	struct slice value = { 0 };

	if (sip_contact_parse(text, &address)) {
		check_inside(text, address.text);
		(void)sip_param_find(address.params, SLICE("expires"), &value);
		check_inside(text, value);
	}
	if (sip_via_scan(&in, &via)) {
		check_inside(text, via.text);
		check_inside(via.text, via.branch);
	}
	assert(scan_offset(&in) <= text.len);
}

static void parse_credentials(struct slice text)
{
	struct sip_credentials credentials;
	struct sip_challenge challenge;
	struct sip_auth_info info;

	if (sip_credentials_parse(text, &credentials))
		check_inside(text, credentials.response);
	if (sip_challenge_parse(text, &challenge))
		check_inside(text, challenge.nonce);
	if (sip_auth_info_parse(text, &info))
		check_inside(text, info.nextnonce);
}

static void parse_fields(struct slice text)
{
	struct sip_subscription_state subscription;
	struct sip_session_expires expires;
	struct sip_replaces replaces;
	struct sip_media_type type;
	struct sip_event event;
	struct sip_rack rack;
	uint32_t number;
	uint16_t q;

	(void)sip_delta_parse(text, &number);
	(void)sip_rseq_parse(text, &number);
	(void)sip_retry_after_parse(text, &number);
	assert(!sip_q_parse(text, &q) || q <= 1000);
	(void)sip_subscription_state_parse(text, &subscription);
	(void)sip_session_expires_parse(text, &expires);
	(void)sip_event_parse(text, &event);
	(void)sip_rack_parse(text, &rack);
	if (sip_media_type_parse(text, &type))
		check_inside(text, type.params);
	if (sip_replaces_parse(text, &replaces))
		check_inside(text, replaces.to_tag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_from(data, size);

	parse_addresses(text);
	parse_credentials(text);
	parse_fields(text);
	return 0;
}

/* Values of header fields, each function on the same bytes; what is found lies inside of them. */
#include <assert.h>
#include <stdint.h>

#include "sip/accept.h"
#include "sip/address.h"
#include "sip/credentials.h"
#include "sip/date.h"
#include "sip/fields.h"
#include "sip/identity.h"
#include "sip/info.h"
#include "sip/item.h"
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

static void parse_items(struct slice text)
{
	struct sip_accept_range range;
	struct sip_preference preference;
	struct sip_features features;
	struct sip_item item;
	struct sip_reference reference;
	struct slice part;

	if (sip_item_parse(text, &item))
		check_inside(text, item.params);
	if (sip_reference_parse(text, &reference))
		check_inside(text, reference.uri.text);
	if (sip_accept_range_parse(text, &range))
		check_inside(text, range.subtype);
	assert(!sip_encoding_parse(text, &preference) || preference.q <= 1000);
	assert(!sip_language_parse(text, &preference) || preference.q <= 1000);
	if (sip_language_tag_parse(text, &part) || sip_token_parse(text, &part))
		check_inside(text, part);
	if (sip_features_parse(text, &features))
		check_inside(text, features.params);
}

static void parse_info(struct slice text)
{
	struct sip_warning warning;
	struct sip_reason reason;
	struct sip_timestamp timestamp;
	struct sip_mime_version version;
	struct slice first;

	if (sip_warning_parse(text, &warning))
		check_inside(text, warning.text);
	if (sip_reason_parse(text, &reason))
		check_inside(text, reason.text);
	if (sip_timestamp_parse(text, &timestamp))
		check_inside(text, timestamp.delay);
	if (sip_agent_parse(text, &first))
		check_inside(text, first);
	(void)sip_mime_version_parse(text, &version);
}

static void parse_identities(struct slice text)
{
	struct sip_identity identity;
	struct sip_history history;
	struct sip_security security;
	unsigned privacy;

	if (sip_identity_parse(text, &identity))
		check_inside(text, identity.info);
	if (sip_history_parse(text, &history))
		check_inside(text, history.target_index);
	if (sip_security_parse(text, &security))
		check_inside(text, security.digest_verify);
	assert(!sip_privacy_parse(text, &privacy) || privacy);
}

/* A date that was understood is written, and understood to be the same. */
static void parse_date(struct slice text)
{
	char buf[64];
	struct writer out = writer_of(buf, sizeof buf);
	utc_t when, again;

	if (!sip_date_parse(text, &when))
		return;
	put_date(&out, when);
	assert(sip_date_parse(writer_text(&out), &again) && again == when);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_from(data, size);

	parse_addresses(text);
	parse_credentials(text);
	parse_fields(text);
	parse_items(text);
	parse_info(text);
	parse_identities(text);
	parse_date(text);
	return 0;
}

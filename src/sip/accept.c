#include "sip/accept.h"

#include "base/ascii.h"
#include "sip/fields.h"
#include "sip/item.h"
#include "sip/lex.h"

static const struct slice any = SLICE_INIT("*");

/* accept-param = ( "q" EQUAL qvalue ) / generic-param */
static bool find_q(struct slice params, uint16_t *ret_q)
{
	struct slice text;

	*ret_q = 1000;
	return !sip_param_find(params, SLICE("q"), &text) || sip_q_parse(text, ret_q);
}

/* media-range = "* / *" / ( m-type SLASH "*" ) / ( m-type SLASH m-subtype ), without the blanks */
bool sip_accept_range_parse(struct slice value, struct sip_accept_range *ret_range)
{
	struct sip_media_type media;
	struct sip_accept_range range;

	if (!sip_media_type_parse(value, &media) || !find_q(media.params, &range.q) ||
	    (slice_eq(media.type, any) && !slice_eq(media.subtype, any)))
		return false;
	range.type = media.type;
	range.subtype = media.subtype;
	range.params = media.params;
	*ret_range = range;
	return true;
}

/* encoding = codings *( SEMI accept-param ), codings = content-coding / "*" */
bool sip_encoding_parse(struct slice value, struct sip_preference *ret_encoding)
{
	struct sip_item item;
	uint16_t q;

	if (!sip_item_parse(value, &item) || !find_q(item.params, &q))
		return false;
	*ret_encoding = (struct sip_preference){ item.name, item.params, q };
	return true;
}

/* 1*8ALPHA */
static bool scan_subtag(struct scan *in)
{
	enum { LETTERS_MAX = 8 };
	const char *from = in->at;

	while (in->at < in->end && ascii_is_alpha(*in->at) && in->at - from < LETTERS_MAX)
		in->at++;
	return in->at > from && (scan_done(in) || !ascii_is_alpha(*in->at));
}

bool sip_language_tag_parse(struct slice value, struct slice *ret_tag)
{
	struct scan in = scan_of(value);

	do {
		if (!scan_subtag(&in))
			return false;
	} while (scan_char(&in, '-'));
	if (!scan_done(&in))
		return false;
	*ret_tag = value;
	return true;
}

/* language = language-range *( SEMI accept-param ), language-range = language-tag / "*" */
bool sip_language_parse(struct slice value, struct sip_preference *ret_language)
{
	struct sip_preference language;
	struct slice tag;

	if (!sip_encoding_parse(value, &language) ||
	    !(slice_eq(language.text, any) || sip_language_tag_parse(language.text, &tag)))
		return false;
	*ret_language = language;
	return true;
}

/* req-param = "require", explicit-param = "explicit": neither has a value. */
static bool find_flag(struct slice params, struct slice name, bool *ret_flag)
{
	struct slice given;

	*ret_flag = sip_param_find(params, name, &given);
	return !*ret_flag || !given.ptr;
}

/* ac-value = "*" *( SEMI ac-params ) */
bool sip_features_parse(struct slice value, struct sip_features *ret_features)
{
	struct sip_features features;
	struct sip_item item;

	if (!sip_item_parse(value, &item) || !slice_eq(item.name, any) ||
	    !find_flag(item.params, SLICE("require"), &features.require) ||
	    !find_flag(item.params, SLICE("explicit"), &features.is_explicit))
		return false;
	features.params = item.params;
	*ret_features = features;
	return true;
}

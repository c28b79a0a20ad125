#include "endpoint/refusal.h"

#include "sip/info.h"
#include "sip/names.h"

enum { ADVICE_MAX = 2048 };

void refusal_verdict(const struct refusal *refusal, struct verdict *ret_verdict)
{
	if (refusal->verdict) {
		*ret_verdict = *refusal->verdict;
		return;
	}
	*ret_verdict = (struct verdict){
		.code = refusal->code,
		.what = refusal->warning  ? refusal->warning
			: refusal->reason ? refusal->reason
					  : sip_reason_phrase(refusal->status).ptr, /* a literal */
		.section = refusal->section,
		.remedy = refusal->remedy,
	};
	verdict_text_set(&ret_verdict->peer, refusal->peer);
	verdict_text_set(&ret_verdict->expected, refusal->expected);
	verdict_text_set(&ret_verdict->found, refusal->found);
}

/* RFC 3261 §20.43 */
static void put_warning_line(struct writer *out, const struct refusal *refusal, struct slice agent)
{
	char buf[ADVICE_MAX];
	struct writer advice = writer_of(buf, sizeof buf);
	struct verdict verdict;

	refusal_verdict(refusal, &verdict);
	put_verdict_advice(&advice, &verdict);
	if (verdict.code) {
		put(&advice, SLICE(" ["));
		put(&advice, slice_of(verdict.code));
		put_char(&advice, ']');
	}
	put(out, SLICE("Warning: "));
	put_warning(out, refusal->warn_code ? refusal->warn_code : WARN_MISCELLANEOUS, agent,
		    writer_text(&advice));
	put(out, SLICE("\r\n"));
}

void put_refusal(struct writer *out, const struct refusal *refusal, struct slice agent)
{
	if (refusal->warning || refusal->verdict)
		put_warning_line(out, refusal, agent);
	if (refusal->retry_after) {
		put(out, SLICE("Retry-After: "));
		put_number(out, refusal->retry_after);
		put(out, SLICE("\r\n"));
	}
	put(out, refusal->headers);
}

static bool is_code(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '-')
			return false;
	}
	return text.len > 0;
}

struct slice refusal_code_of(struct slice warning, struct slice *ret_text)
{
	static const struct slice none = { 0 };
	size_t at = warning.len;
	struct slice code;

	*ret_text = warning;
	if (!slice_ends(warning, SLICE("]")))
		return none;
	while (at > 0 && warning.ptr[at - 1] != '[')
		at--;
	code = slice_sub(warning, at, warning.len - 1 - at);
	if (at < 2 || warning.ptr[at - 2] != ' ' || !is_code(code))
		return none;
	*ret_text = slice_sub(warning, 0, at - 2);
	return code;
}

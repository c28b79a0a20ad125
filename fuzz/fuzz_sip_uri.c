/* A URI: one that was accepted equals itself, and its address-of-record is its own. */
#include <assert.h>
#include <stdint.h>

#include "sip/uri.h"

static char buf[3 * 65536], buf_again[3 * 65536];

static void check_aor(const struct sip_uri *uri)
{
	struct writer out = writer_of(buf, sizeof buf), again = writer_of(buf_again, sizeof buf_again);
	struct sip_uri aor;

	put(&out, SLICE("sip:"));
	put_aor(&out, uri);
	assert(!out.overflow && sip_uri_parse(writer_text(&out), &aor));
	put(&again, SLICE("sip:"));
	put_aor(&again, &aor);
	assert(slice_eq(writer_text(&out), writer_text(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_from(data, size), value;
	struct scan in = scan_of(text);
	struct sip_uri uri;

	if (size > 65536)
		return 0;
	(void)sip_uri_scan_bare(&in, &uri);
	assert(scan_offset(&in) <= size);
	if (!sip_uri_parse(text, &uri))
		return 0;
	assert(slice_eq(uri.text, text));
	assert(sip_uri_eq(&uri, &uri));
	(void)sip_param_find(uri.params, SLICE("transport"), &value);
	if (uri.scheme == SIP_SCHEME_SIP || uri.scheme == SIP_SCHEME_SIPS)
		check_aor(&uri);
	return 0;
}

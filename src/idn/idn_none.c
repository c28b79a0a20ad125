#include "idn/idn.h"

bool put_ascii_domain(struct writer *out, struct slice text, struct writer *why)
{
	size_t at = slice_find(text, '@');

	for (size_t i = at < text.len ? at : 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] >= 0x80) {
			put(why,
			    SLICE("internationalised domain names are not in this build (-Didn=false); write it "
				  "with A-labels (xn--...)"));
			return false;
		}
	}
	put(out, text);
	if (out->overflow)
		put(why, SLICE("it is too long"));
	return !out->overflow;
}

void put_unicode_beside(struct writer *out, struct slice text)
{
	(void)out, (void)text;
}

/*
 * The search for a server over answers that somebody else wrote: it ends after a bounded number of questions and
 * targets, and whatever the answers say, what must be proven is the domain that was asked for.
 *
 * Input: a byte for the transports, one for the URI, then answers: a byte (0 an error, 1 unsigned, else signed), two with the
 * length, the message.
 */
#include <assert.h>
#include <stdint.h>

#include "locate/locate.h"

enum { STEPS_MAX = 4 + LOCATE_SERVICES_MAX + LOCATE_SERVERS_MAX * (2 + LOCATE_ADDRESSES_MAX) };

static struct dns_answer take_answer(struct slice *input)
{
	static const enum err errors[] = { ERR_IO, ERR_AGAIN, ERR_DENIED, ERR_SYNTAX, ERR_NOMEM };
	struct dns_answer answer = { .err = ERR_IO, .why = SLICE("forged") };
	const uint8_t *bytes = (const uint8_t *)input->ptr;
	size_t length;

	if (input->len < 3)
		return answer;
	length = (size_t)(bytes[1] << 8 | bytes[2]);
	if (bytes[0] == 0) {
		answer.err = errors[length % (sizeof errors / sizeof errors[0])];
		*input = slice_sub(*input, 3, input->len);
		return answer;
	}
	answer.err = OK;
	answer.is_secure = bytes[0] > 1;
	answer.message = slice_sub(*input, 3, length);
	*input = slice_sub(*input, 3 + length, input->len);
	return answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const uris[] = { "sips:a@example.org", "sip:a@example.org",
					    "sip:a@example.org:5070", "sip:a@example.org;transport=tcp" };
	struct slice input = slice_from(data, size);
	struct locate_request request;
	struct locate_next next;
	struct locate locate;
	struct sip_uri uri;
	unsigned n = 0;

	if (size < 2 || !sip_uri_parse(slice_of(uris[data[1] % 4]), &uri) ||
	    !locate_request_of(&uri, data[0], &request))
		return 0;
	input = slice_sub(input, 2, input.len);
	locate_start(&locate, &request, data[0]);
	do {
		locate_next(&locate, &next);
		assert(n++ < STEPS_MAX);
		if (next.step == LOCATE_ASK) {
			struct dns_answer answer = take_answer(&input);

			assert(next.question.name.len > 0 && next.question.name.len <= PACKET_NAME_MAX);
			locate_answer(&locate, &answer);
		} else if (next.step == LOCATE_TRY) {
			assert(slice_eq(next.target.domain, SLICE("example.org")));
			assert(request.transports & LOCATE_WITH(next.target.transport));
			assert(next.target.address.family != ADDRESS_NONE && next.target.address.port != 0);
		}
	} while (next.step != LOCATE_END);
	return 0;
}

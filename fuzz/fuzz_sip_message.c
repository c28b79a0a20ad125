/*
 * A message: whatever was accepted is walked through, written again without a change, and has to parse to the same.
 */
#include <assert.h>
#include <stdint.h>

#include "sip/build.h"
#include "sip/check.h"

static char buf[4 * 65536];

static void walk(const struct sip_message *message)
{
	struct sip_fault fault;
	struct slice value;

	for (size_t i = 0; i < message->n_headers; i++) {
		const struct sip_header *header = &message->headers[i];

		assert(header->name.ptr >= message->text.ptr);
		assert(header->value.ptr + header->value.len <= message->text.ptr + message->text.len);
		(void)sip_header_check(message, header, &fault);
	}
	for (struct sip_values it = sip_values_of(message, SIP_ROUTE); sip_values_next(&it, &value);)
		assert(value.len > 0);
	assert(message->fault.at <= message->text.len);
	assert(message->body.ptr + message->body.len <= message->text.ptr + message->text.len);
}

static void write_again(const struct sip_message *message)
{
	static const struct sip_edits no_edits = { .max_forwards = -1 };
	struct writer out = writer_of(buf, sizeof buf);
	struct sip_message *again;
	struct sip_fault fault;

	if (message->kind == SIP_REQUEST)
		put_request_line(&out, message->method_name, message->uri_text);
	else
		put_status_line(&out, message->status, message->reason);
	put_forwarded(&out, message, &no_edits);
	assert(!out.overflow);
	if (sip_message_parse(writer_text(&out), &sip_limits_default, &again, &fault) != OK)
		return; /* it grew past a limit */
	assert(again->fault.status == 0 || out.len > 16384);
	assert(slice_eq(again->body, message->body) || again->fault.status);
	sip_message_free(again);
}

static void answer(const struct sip_message *message)
{
	struct sip_reply reply = { .status = 400, .to_tag = SLICE("t") };
	struct writer out = writer_of(buf, sizeof buf);
	struct sip_message *response;
	struct sip_fault fault;

	put_reply(&out, message, &reply);
	assert(!out.overflow);
	assert(sip_message_parse(writer_text(&out), &sip_limits_default, &response, &fault) == OK);
	assert(response->kind == SIP_RESPONSE && response->status == 400);
	sip_message_free(response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_message *message;
	struct sip_fault fault;

	if (sip_message_parse(slice_from(data, size), &sip_limits_default, &message, &fault) != OK)
		return 0;
	walk(message);
	if (message->fault.status == 0)
		write_again(message);
	if (sip_message_can_be_answered(message))
		answer(message);
	sip_message_free(message);
	return 0;
}

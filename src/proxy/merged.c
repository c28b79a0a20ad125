#include "proxy/merged.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "tsx/key.h"

/* "METHOD CSEQ CALL-ID TAG", of which none has a blank. False if there is no room, which nothing that is read needs. */
static bool put_key(struct writer *out, const struct sip_message *request)
{
	put(out, request->method_name);
	put_char(out, ' ');
	put_number(out, request->cseq.number);
	put_char(out, ' ');
	put(out, request->call_id);
	put_char(out, ' ');
	put(out, request->from.tag);
	return !out->overflow;
}

void merged_note(struct context *context)
{
	struct core *core = context->core;
	struct writer key = writer_of(core->scratch, SCRATCH_SIZE);

	assert(!context->ongoing_key);
	if (context->server->request->to.tag.ptr || !put_key(&key, context->server->request))
		return;
	context->ongoing_key = mem_alloc(key.len);
	if (!context->ongoing_key)
		return;
	memcpy(context->ongoing_key, key.buf, key.len);
	context->ongoing.key = slice_from(context->ongoing_key, key.len);
	if (map_add(core->ongoing, &context->ongoing) != OK) {
		mem_free(context->ongoing_key);
		context->ongoing_key = NULL;
	}
}

void merged_forget(struct context *context)
{
	if (!context->ongoing_key)
		return;
	map_remove(context->core->ongoing, &context->ongoing);
	mem_free(context->ongoing_key);
}

/* §17.2.3, but for the flow: who sends a request again from elsewhere has not forked it. */
static bool is_same_transaction(const struct core *core, const struct sip_message *request,
				const struct sip_message *other)
{
	struct writer key = writer_of(core->scratch, SCRATCH_SIZE / 2),
		      other_key = writer_of(core->scratch + SCRATCH_SIZE / 2, SCRATCH_SIZE / 2);

	put_tsx_server_key(&key, request, request->method_name);
	put_tsx_server_key(&other_key, other, other->method_name);
	return slice_eq(writer_text(&key), writer_text(&other_key));
}

/* One of two branches of a fork may be for the server, the other for a user of its. */
static bool is_for_the_same(const struct core *core, const struct sip_message *request,
			    const struct sip_message *other)
{
	return check_is_for_us(core, request) || slice_eq(request->uri_text, other->uri_text);
}

bool merged_is_copy(const struct context *context)
{
	const struct core *core = context->core;
	const struct sip_message *request = context->server->request, *other;
	struct writer key = writer_of(core->scratch, SCRATCH_SIZE);
	struct map_node *node;

	if (map_count(core->ongoing) == 0 || request->to.tag.ptr || !put_key(&key, request))
		return false;
	node = map_find(core->ongoing, writer_text(&key));
	if (!node)
		return false;
	other = CONTAINER_OF(node, struct context, ongoing)->server->request;
	return is_for_the_same(core, request, other) && !is_same_transaction(core, request, other);
}

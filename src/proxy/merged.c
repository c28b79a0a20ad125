#include "proxy/merged.h"

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
	if (!context->server->request->to.tag.ptr)
		list_append(&context->core->noted, &context->noted);
}

static void add(struct context *context)
{
	struct core *core = context->core;
	struct writer key = writer_of(core->scratch, SCRATCH_SIZE);

	if (!put_key(&key, context->server->request))
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
	list_remove(&context->core->noted, &context->noted);
	if (!context->ongoing_key)
		return;
	map_remove(context->core->ongoing, &context->ongoing);
	mem_free(context->ongoing_key);
}

/* Most that are noted have their answer before another request comes, and need no place in the table. */
static struct map_node *find(struct core *core, const struct sip_message *request)
{
	struct writer key = writer_of(core->scratch, SCRATCH_SIZE);
	struct link *link;

	if (request->to.tag.ptr)
		return NULL;
	while ((link = list_take_first(&core->noted)))
		add(CONTAINER_OF(link, struct context, noted));
	if (map_count(core->ongoing) == 0 || !put_key(&key, request))
		return NULL;
	return map_find(core->ongoing, writer_text(&key));
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
	struct map_node *node = find(context->core, request);

	if (!node)
		return false;
	other = CONTAINER_OF(node, struct context, ongoing)->server->request;
	return is_for_the_same(core, request, other) && !is_same_transaction(core, request, other);
}

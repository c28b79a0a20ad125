#include "proxy/accepted.h"

#include "base/mem.h"
#include "proxy/forward.h"

struct accepted {
	struct core *core;
	flow_id flow;      /* that the INVITE came on */
	account_id sender; /* of the INVITE */
};

static void on_response(struct client *client, const struct sip_message *response, struct now now)
{
	const struct accepted *accepted = client->user;
	struct sip_edits edits = forward_success_edits(accepted->core, accepted->sender);

	(void)now;
	endpoint_respond_stateless(accepted->core->endpoint, accepted->flow, response, &edits);
}

/* The caller has his answer. */
static void on_failed(struct client *client, enum client_failure why, struct now now)
{
	(void)client;
	(void)why;
	(void)now;
}

static void on_gone(struct client *client)
{
	mem_free(client->user);
}

static const struct client_owner owner = { on_response, on_failed, on_gone };

bool accepted_take_over(const struct context *context, struct client *client)
{
	struct accepted *accepted = mem_new(struct accepted);

	if (!accepted)
		return false;
	accepted->core = context->core;
	accepted->flow = context->flow;
	accepted->sender = context->account;
	endpoint_hand_over(client, &owner, accepted);
	return true;
}

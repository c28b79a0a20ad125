#include "dns/dns.h"

#include <unbound.h>
#include <uv.h>

#include "base/list.h"
#include "base/mem.h"
#include "dns/loop.h"

enum { NAME_MAX_TEXT = 254, CLASS_IN = 1, WHY_MAX = 300 };

struct dns {
	struct ub_event_base *loop;
	struct ub_ctx *context;
	uv_loop_t *uv;
	ms_t patience;
	struct list asked, answered; /* queries */
	struct query *told;          /* whose answer dns_next() has shown */
};

struct query {
	struct link link;
	struct dns *dns;
	uint64_t id; /* the asker's */
	int number;  /* libunbound's */
	uv_timer_t patience;
	struct dns_answer answer; /* its slices are in text */
	char *text;
};

/* -- queries --------------------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
	mem_free(handle->data);
}

/* The memory is libuv's until the next turn. */
static void query_free(struct query *query)
{
	if (!query)
		return;
	mem_free(query->text);
	query->text = NULL;
	uv_close((uv_handle_t *)&query->patience, on_closed);
}

static void answered(struct query *query)
{
	uv_timer_stop(&query->patience);
	list_remove(&query->dns->asked, &query->link);
	list_append(&query->dns->answered, &query->link);
}

static struct slice keep(struct query *query, struct slice text)
{
	query->text = mem_alloc(text.len);
	if (!query->text) {
		query->answer.err = ERR_NOMEM;
		return SLICE("");
	}
	if (text.len > 0)
		memcpy(query->text, text.ptr, text.len);
	return slice_from(query->text, text.len);
}

/* What libunbound has found; perhaps from within ub_resolve_event(). A bogus answer comes with rcode 0 and the packet. */
static void on_answer(void *arg, int rcode, void *packet, int length, int security, char *why,
		      int was_limited)
{
	enum { UNSIGNED, BOGUS, SECURE };
	struct query *query = arg;

	(void)was_limited;
	if (security == BOGUS) {
		query->answer.err = ERR_DENIED;
		query->answer.why = keep(query, slice_sub(slice_of(why), 0, WHY_MAX));
	} else if (rcode != 0 || length < 0) {
		query->answer.err = ERR_IO;
	} else {
		query->answer.is_secure = security == SECURE;
		query->answer.message = keep(query, slice_from(packet, (size_t)length));
	}
	answered(query);
}

static void on_patience(uv_timer_t *timer)
{
	struct query *query = timer->data;

	ub_cancel(query->dns->context, query->number); /* on_answer() will not be called */
	query->answer.err = ERR_AGAIN;
	answered(query);
}

static enum err err_of(int failure)
{
	switch (failure) {
	case UB_NOMEM: return ERR_NOMEM;
	case UB_SYNTAX: return ERR_SYNTAX;
	default: return ERR_IO;
	}
}

enum err dns_ask(struct dns *dns, uint64_t id, const struct dns_question *question)
{
	char name[NAME_MAX_TEXT + 1] = { 0 };
	struct query *query;

	if (dns->asked.n + dns->answered.n >= DNS_QUERIES_MAX)
		return ERR_LIMIT;
	query = mem_new(struct query);
	if (!query)
		return ERR_NOMEM;
	*query = (struct query){ .dns = dns, .id = id };
	uv_timer_init(dns->uv, &query->patience);
	query->patience.data = query;
	list_append(&dns->asked, &query->link);
	if (question->name.len == 0 || question->name.len > NAME_MAX_TEXT ||
	    slice_find(question->name, '\0') < question->name.len) {
		query->answer.err = ERR_SYNTAX;
		answered(query);
		return OK;
	}
	memcpy(name, question->name.ptr, question->name.len);
	uv_update_time(dns->uv);
	uv_timer_start(&query->patience, on_patience, dns->patience, 0);
	int failure = ub_resolve_event(dns->context, name, (int)question->type, CLASS_IN, query, on_answer,
				       &query->number);
	if (failure != 0) {
		query->answer.err = err_of(failure);
		answered(query);
	}
	return OK;
}

bool dns_next(struct dns *dns, uint64_t *ret_id, struct dns_answer *ret_answer)
{
	struct link *link = list_take_first(&dns->answered);

	query_free(dns->told);
	dns->told = link ? CONTAINER_OF(link, struct query, link) : NULL;
	if (!dns->told)
		return false;
	*ret_id = dns->told->id;
	*ret_answer = dns->told->answer;
	return true;
}

/* -- life -------------------------------------------------------------------------------------------------------- */

/*
 * A server that is not there would otherwise be waited for up to 17 s. One on this machine may be asked, as resolv.conf
 * often says. The caches are those of a phone or of a worker, not of a name server.
 */
static const struct {
	const char *name, *value;
} settings[] = {
	{ "infra-cache-max-rtt:", "1000" }, { "do-not-query-localhost:", "no" },
	{ "msg-cache-size:", "512k" },      { "rrset-cache-size:", "1m" },
	{ "key-cache-size:", "256k" },      { "neg-cache-size:", "128k" },
};

static int configure(struct dns *dns, const struct dns_config *config)
{
	char address[64] = { 0 };
	struct writer out = writer_of(address, sizeof address - 1);
	int failure = 0;

	ub_ctx_debugout(dns->context, NULL); /* it says on standard error what its answers say, too */
	for (size_t i = 0; i < sizeof settings / sizeof settings[0] && failure == 0; i++)
		failure = ub_ctx_set_option(dns->context, settings[i].name, settings[i].value);
	/* Files that are not there are as if they were empty. */
	(void)ub_ctx_hosts(dns->context, NULL);
	if (config->server.family == ADDRESS_NONE) {
		(void)ub_ctx_resolvconf(dns->context, NULL);
	} else if (failure == 0) {
		put_ip(&out, &config->server);
		put_char(&out, '@');
		put_number(&out, config->server.port);
		failure = ub_ctx_set_fwd(dns->context, address);
	}
	if (failure == 0 && config->anchors)
		failure = ub_ctx_add_ta_file(dns->context, config->anchors);
	return failure;
}

/* The first question settles the configuration: the anchors are read now. The answer is known and comes at once. */
static enum err settle(struct dns *dns)
{
	const struct dns_question question = { SLICE("localhost"), DNS_A };
	struct dns_answer answer;
	uint64_t id;

	TRY(dns_ask(dns, 0, &question));
	if (!dns_next(dns, &id, &answer))
		return ERR_IO;
	return answer.err == OK || answer.err == ERR_NOMEM ? answer.err : ERR_SYNTAX;
}

static enum err set_up(struct dns *dns, const struct dns_config *config)
{
	list_init(&dns->asked);
	list_init(&dns->answered);
	dns->uv = net_loop(config->net);
	dns->patience = config->patience;
	dns->loop = loop_new(config->net);
	dns->context = dns->loop ? ub_ctx_create_ub_event(dns->loop) : NULL;
	if (!dns->context)
		return ERR_NOMEM;
	if (configure(dns, config) != 0)
		return ERR_NOMEM;
	return settle(dns);
}

enum err dns_new(const struct dns_config *config, struct dns **ret_dns)
{
	AUTO(dns) struct dns *dns = mem_new(struct dns);

	if (!dns)
		return ERR_NOMEM;
	TRY(set_up(dns, config));
	*ret_dns = TAKE(dns);
	return OK;
}

static void free_all(struct list *queries)
{
	struct link *link;

	while ((link = list_take_first(queries)))
		query_free(CONTAINER_OF(link, struct query, link));
}

void dns_free(struct dns *dns)
{
	if (!dns)
		return;
	if (dns->context)
		ub_ctx_delete(dns->context); /* calls on_answer() for none of them */
	loop_free(dns->loop);
	query_free(dns->told);
	free_all(&dns->asked);
	free_all(&dns->answered);
	mem_free(dns);
}

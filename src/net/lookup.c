/* Names by the system's resolver, which works in libuv's threads and cannot be interrupted. */
#include <string.h>

#include "base/mem.h"
#include "net/net.h"
#include "net/private.h"
#include "net/sockaddr.h"

#define HOST_MAX 253

/*
 * Lives until both are done with it: the resolver (is_running) and the owner (is_wanted, until the event has
 * been told or net_lookup_free()).
 */
struct net_lookup {
	struct source source;
	uv_getaddrinfo_t request;
	struct net *net;
	void *owner;
	struct timer deadline;
	bool is_running, is_wanted;
	uint16_t port;
	enum err err;
	size_t n;
	struct address addresses[NET_ADDRESSES_MAX];
};

static void release(struct net_lookup *lookup)
{
	if (!lookup->is_running && !lookup->is_wanted)
		mem_free(lookup);
}

static void keep_addresses(struct net_lookup *lookup, const struct addrinfo *info)
{
	for (; info && lookup->n < NET_ADDRESSES_MAX; info = info->ai_next) {
		struct address address = address_of_sockaddr(info->ai_addr);

		address.port = lookup->port;
		if (address.family != ADDRESS_NONE)
			lookup->addresses[lookup->n++] = address;
	}
}

static enum err err_of_status(int status)
{
	switch (status) {
	case 0: return OK;
	case UV_EAI_NONAME:
	case UV_EAI_NODATA: return ERR_NOT_FOUND;
	case UV_EAI_MEMORY: return ERR_NOMEM;
	default: return ERR_IO;
	}
}

static void on_result(uv_getaddrinfo_t *request, int status, struct addrinfo *info)
{
	struct net_lookup *lookup = request->data;
	bool is_told_already = link_is_in_list(&lookup->source.link); /* that the deadline has passed */

	lookup->is_running = false;
	if (lookup->is_wanted && !is_told_already) {
		keep_addresses(lookup, info);
		lookup->err = err_of_status(status);
		if (lookup->err == OK && !lookup->n)
			lookup->err = ERR_NOT_FOUND;
		net_report(lookup->net, &lookup->source);
	}
	uv_freeaddrinfo(info);
	release(lookup);
}

enum err net_lookup_new(struct net *net, const struct net_name *wanted, ms_t deadline, void *owner,
			struct net_lookup **ret_lookup)
{
	static const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	char name[HOST_MAX + 1] = { 0 };
	const struct slice host = wanted->host;
	struct net_lookup *lookup;
	enum err err;

	if (!host.len || host.len > HOST_MAX || slice_find(host, '\0') < host.len)
		return ERR_SYNTAX;
	memcpy(name, host.ptr, host.len);
	if (net->n == net->max)
		return ERR_LIMIT;
	lookup = mem_new(struct net_lookup);
	if (!lookup)
		return ERR_NOMEM;
	*lookup = (struct net_lookup){
		.source.kind = NET_FOUND, .net = net, .owner = owner, .port = wanted->port
	};
	lookup->deadline.kind = DEADLINE_OF_LOOKUP;
	lookup->request.data = lookup;
	err = net_add_deadline(net, &lookup->deadline, deadline);
	if (err != OK || uv_getaddrinfo(&net->loop, &lookup->request, on_result, name, NULL, &hints) != 0) {
		if (err == OK)
			net_remove_deadline(net, &lookup->deadline);
		mem_free(lookup);
		return err == OK ? ERR_IO : err;
	}
	lookup->is_running = lookup->is_wanted = true;
	*ret_lookup = lookup;
	return OK;
}

void net_lookup_free(struct net_lookup *lookup)
{
	if (!lookup)
		return;
	list_remove(&lookup->net->ready, &lookup->source.link);
	net_remove_deadline(lookup->net, &lookup->deadline);
	if (lookup->is_running)
		uv_cancel((uv_req_t *)&lookup->request); /* works only while it waits for a thread */
	lookup->is_wanted = false;
	release(lookup);
}

void lookup_deadline_passed(struct timer *timer)
{
	struct net_lookup *lookup = CONTAINER_OF(timer, struct net_lookup, deadline);

	if (link_is_in_list(&lookup->source.link))
		return; /* the answer was there first */
	lookup->err = ERR_AGAIN;
	net_report(lookup->net, &lookup->source);
}

struct net_lookup *lookup_tell(struct source *source, struct net_event *ret_event)
{
	struct net_lookup *lookup = CONTAINER_OF(source, struct net_lookup, source);

	*ret_event = (struct net_event){
		.kind = NET_FOUND,
		.owner = lookup->owner,
		.err = lookup->err,
		.addresses = lookup->addresses,
		.n_addresses = lookup->n,
	};
	return lookup;
}

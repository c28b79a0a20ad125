#include "proxy/state.h"

#include "base/mem.h"
#include "proxy/peer.h"
#include "proxy/report.h"
#include "sip/uri.h"

enum { IDENTITY_MAX = 256 };

const struct server_config server_config_default = {
	.registrar = {
		.expires_min = 60,
		.expires_default = 600,
		.expires_max = 3600,
		.bindings_max = 10,
		.flow_timer = 120,
	},
	.nonce_lifetime = 3600,
	.timer_c = 200000,
	.max_forks = 10,
	.calls_max = 200,
	.requests_per_second = 200,
	.certificates_per_minute = NOTIFIER_PER_MINUTE,
	.retry_after = 30,
};

struct flow_state *core_flow_state(struct core *core, flow_id flow)
{
	void **slot = endpoint_flow_slot(core->endpoint, flow, mem_free);

	if (slot && !*slot)
		*slot = mem_new(struct flow_state);
	return slot ? *slot : NULL;
}

const struct server_domain *core_domain(const struct core *core, struct slice host)
{
	for (size_t i = 0; i < core->server->n_domains; i++)
		if (slice_eq_nocase(core->server->domains[i].name, host))
			return &core->server->domains[i];
	return NULL;
}

struct slice core_date(struct core *core, struct now now)
{
	struct writer out = writer_of(core->date.text, sizeof core->date.text);

	if (core->date.when != now.wall || !core->date.text[0])
		put_date(&out, now.wall);
	core->date.when = now.wall;
	return slice_from(core->date.text, sizeof core->date.text);
}

account_id core_domain_party(const struct core *core, struct slice domain)
{
	struct slice parts[] = { SLICE("domain "), slice_of(NULL) };
	char buf[IDENTITY_MAX];
	struct writer lower = writer_of(buf, sizeof buf);
	uint64_t hash;

	put_lower(&lower, domain);
	parts[1] = writer_text(&lower);
	if (lower.overflow || lower.len == 0 ||
	    !mac_make(core->token_mac, parts, 2, (unsigned char *)&hash, sizeof hash))
		return 0;
	return (account_id)(hash | 1ULL << 63);
}

/* Whether a peer of the configuration has the domain that is the party, and proves it there. */
static bool is_peer(const struct core *core, flow_id flow, account_id party)
{
	for (size_t i = 0; i < core->server->n_peers; i++) {
		const struct server_peer *peer = &core->server->peers[i];

		for (size_t n = 0; n < peer->n_domains; n++)
			if (peer_proves(core, flow, peer->domains[n], false) &&
			    core_domain_party(core, peer->domains[n]) == party)
				return true;
	}
	return false;
}

struct slice core_proven_name(const struct core *core, flow_id flow, account_id party)
{
	const struct flow_view *view = endpoint_flow_view(core->endpoint, flow);

	for (struct slice rest = view ? view->verified : SLICE(""); rest.len > 0;) {
		size_t comma = slice_find(rest, ',');
		struct slice name = slice_trim(slice_sub(rest, 0, comma));

		if (core_domain_party(core, name) == party)
			return name;
		rest = slice_sub(rest, comma + 1, rest.len);
	}
	return SLICE("");
}

bool core_flow_has(const struct core *core, flow_id flow, account_id party)
{
	if (party >= 0)
		return endpoint_flow_has(core->endpoint, flow, party);
	return core_proven_name(core, flow, party).len > 0 || is_peer(core, flow, party);
}

bool core_is_own_host(const struct core *core, struct slice host)
{
	if (core_domain(core, host) || slice_eq_nocase(core->server->advertise, host))
		return true;
	for (size_t i = 0; i < core->server->n_names; i++)
		if (sip_host_eq(core->server->names[i], host))
			return true;
	return false;
}

bool core_flow_is_alive(const struct core *core, flow_id flow)
{
	if (!flow || flow_start(flow) != core->start)
		return false;
	return flow_worker(flow) != endpoint_worker(core->endpoint) ||
	       endpoint_flow_view(core->endpoint, flow);
}

void core_refuse(struct core *core, struct server *server, const struct refusal *refusal, struct now now)
{
	char buf[4096];
	struct writer headers = writer_of(buf, sizeof buf);

	report_refused(core, server, refusal);
	put_refusal(&headers, refusal, core->server->advertise);
	endpoint_respond(core->endpoint, server,
			 &(struct sip_reply){
				 .status = refusal->status,
				 .reason = slice_of(refusal->reason),
				 .headers = writer_text(&headers),
			 },
			 now);
}

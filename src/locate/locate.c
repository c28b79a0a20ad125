#include "locate/locate.h"

#include <assert.h>

#include "base/ascii.h"
#include "base/writer.h"

/* -- transports ---------------------------------------------------------------------------------------------- */

/* In the order in which we ask for them where no NAPTR record says otherwise. */
/* clang-format off */
static const struct way {
	enum transport_protocol transport;
	struct slice service; /* of a NAPTR record (RFC 3263 §4.1) */
	struct slice prefix;  /* of the name of SRV records (§4.1, §4.2) */
} ways[] = {
	{ TRANSPORT_TLS, SLICE_INIT("SIPS+D2T"), SLICE_INIT("_sips._tcp.") },
	{ TRANSPORT_TCP, SLICE_INIT("SIP+D2T"),  SLICE_INIT("_sip._tcp.")  },
	{ TRANSPORT_UDP, SLICE_INIT("SIP+D2U"),  SLICE_INIT("_sip._udp.")  },
};
/* clang-format on */
enum { N_WAYS = sizeof ways / sizeof ways[0] };

/* RFC 3261 §19.1.2 */
static uint16_t default_port(enum transport_protocol transport)
{
	return transport_is_secure(transport) ? 5061 : 5060;
}

/* §4.1: "UDP for a SIP URI, and TCP for a SIPS URI", the latter with TLS over it. */
static enum transport_protocol default_transport(unsigned transports)
{
	if (transports & LOCATE_WITH(TRANSPORT_UDP))
		return TRANSPORT_UDP;
	return transports & LOCATE_WITH(TRANSPORT_TCP) ? TRANSPORT_TCP : TRANSPORT_TLS;
}

/* The transports that a URI's transport parameter stands for; with sips, tcp means TLS over it (RFC 3261 §26.2.2). */
static unsigned transports_of(struct slice param, bool is_sips)
{
	if (slice_eq_nocase(param, SLICE("tls")) || (is_sips && slice_eq_nocase(param, SLICE("tcp"))))
		return LOCATE_WITH(TRANSPORT_TLS);
	if (slice_eq_nocase(param, SLICE("tcp")))
		return LOCATE_WITH(TRANSPORT_TCP);
	return slice_eq_nocase(param, SLICE("udp")) ? LOCATE_WITH(TRANSPORT_UDP) : 0;
}

bool locate_request_of(const struct sip_uri *uri, unsigned supported, struct locate_request *ret_request)
{
	struct locate_request request = { .domain = uri->host, .target = uri->host, .port = uri->port };
	bool is_sips = uri->scheme == SIP_SCHEME_SIPS;
	struct slice param;

	if (uri->scheme != SIP_SCHEME_SIP && !is_sips)
		return false;
	for (size_t i = 0; i < N_WAYS; i++)
		if (!is_sips || transport_is_secure(ways[i].transport))
			request.transports |= LOCATE_WITH(ways[i].transport);
	request.transports &= supported;
	request.is_transport_given = sip_param_find(uri->params, SLICE("transport"), &param);
	if (request.is_transport_given)
		request.transports &= transports_of(param, is_sips);
	if (sip_param_find(uri->params, SLICE("maddr"), &param))
		request.target = param;
	if (request.transports == 0)
		return false;
	*ret_request = request;
	return true;
}

/* -- failures -------------------------------------------------------------------------------------------------- */

/* Which of two failures is told in the end: what was forged before what did not answer, before what is not there. */
static unsigned weight_of(enum err err)
{
	switch (err) {
	case OK: return 0;
	case ERR_NOT_FOUND: return 1;
	case ERR_DENIED: return 3;
	default: return 2;
	}
}

/* why: more to it, from others; or empty. */
static void note(struct locate *locate, enum err err, struct slice name, const char *what, struct slice why)
{
	struct writer out = writer_of(locate->why, sizeof locate->why);

	if (weight_of(err) <= weight_of(locate->err))
		return;
	locate->err = err;
	put(&out, name);
	put(&out, slice_of(what));
	put_escaped(&out, slice_trim(why));
	locate->why_len = out.len;
}

static const char *failure_text(enum err err)
{
	switch (err) {
	case ERR_DENIED: return ": the answer of the DNS is forged or broken (DNSSEC): ";
	case ERR_AGAIN: return ": the name servers did not answer in time";
	case ERR_NOMEM: return ": there is no memory to look it up";
	case ERR_SYNTAX: return ": that is no domain name";
	default: return ": the name servers failed";
	}
}

/* -- from one thing to the next ---------------------------------------------------------------------------------- */

/* The addresses of the server at locate->server come next, or the end. */
static void begin_server(struct locate *locate)
{
	locate->n_places = locate->place = locate->tlsa_len = 0;
	locate->state = locate->server < locate->n_servers ? LOCATE_V6 : LOCATE_OVER;
}

/* §4.2: the addresses of TARGET itself. */
static void go_to_target(struct locate *locate, uint16_t port)
{
	locate->servers[0] = (struct srv){ .port = port, .target = locate->target };
	locate->n_servers = 1;
	locate->server = 0;
	locate->has_srv = false;
	begin_server(locate);
}

/* §4.2: "If no SRV records were found, the client performs an A or AAAA record lookup of the domain name." */
static void fall_back(struct locate *locate)
{
	if (locate->is_unoffered) {
		note(locate, ERR_NOT_FOUND, name_text(&locate->target),
		     ": the DNS says that no such service is offered there", SLICE(""));
		locate->state = LOCATE_OVER;
		return;
	}
	go_to_target(locate, default_port(locate->transport));
}

static void begin_services(struct locate *locate)
{
	locate->service = 0;
	locate->state = LOCATE_SERVERS;
	if (locate->n_services == 0)
		fall_back(locate);
}

/* §4.1: "If no NAPTR records are found, the client constructs SRV queries". */
static void make_up_services(struct locate *locate)
{
	locate->n_services = 0;
	for (size_t i = 0; i < N_WAYS; i++) {
		struct locate_service *service = &locate->services[locate->n_services];
		char text[PACKET_NAME_MAX];
		struct writer out = writer_of(text, sizeof text);

		put(&out, ways[i].prefix);
		put(&out, name_text(&locate->target));
		if (!(locate->transports & LOCATE_WITH(ways[i].transport)) || out.overflow)
			continue;
		*service = (struct locate_service){ .transport = ways[i].transport };
		if (name_set(&service->name, writer_text(&out)))
			locate->n_services++;
	}
}

static void set_text(struct name *name, struct slice text)
{
	*name = (struct name){ .len = (uint8_t)(text.len < PACKET_NAME_MAX ? text.len : PACKET_NAME_MAX) };
	for (size_t i = 0; i < name->len; i++)
		name->text[i] = ascii_lower(text.ptr[i]);
}

void locate_start(struct locate *locate, const struct locate_request *request, uint64_t seed)
{
	struct address address;

	*locate = (struct locate){
		.state = LOCATE_SERVICES,
		.transports = request->transports,
		.transport = default_transport(request->transports),
		.chance = seed,
		.is_secure = true,
		.needs_tlsa = request->needs_tlsa,
	};
	if (!name_set(&locate->domain, request->domain))
		set_text(&locate->domain, request->domain);
	if (request->needs_tlsa && address_parse_ip(request->target, &address)) {
		note(locate, ERR_DENIED, request->target,
		     ": an address has no TLSA records, and one is demanded", SLICE(""));
		locate->state = LOCATE_OVER;
	} else if (address_parse_ip(request->target, &address)) {
		set_text(&locate->target, request->target);
		address.port = request->port ? request->port : default_port(locate->transport);
		locate->places[0] = (struct locate_place){ .address = address };
		locate->n_places = 1;
		locate->state = LOCATE_ADDRESSES;
	} else if (!name_set(&locate->target, request->target)) {
		note(locate, ERR_SYNTAX, SLICE(""), "the host is no domain name", SLICE(""));
		locate->state = LOCATE_OVER;
	} else if (request->port != 0) {
		go_to_target(locate, request->port);
	} else if (request->is_transport_given) {
		make_up_services(locate);
		begin_services(locate);
	}
}

/* -- NAPTR (RFC 3403) ---------------------------------------------------------------------------------------------- */

static const struct way *way_of(struct slice service)
{
	for (size_t i = 0; i < N_WAYS; i++)
		if (slice_eq_nocase(ways[i].service, service))
			return &ways[i];
	return NULL;
}

static bool comes_before(const struct locate_service *a, const struct locate_service *b)
{
	return a->order != b->order ? a->order < b->order : a->preference < b->preference;
}

static void add_service(struct locate *locate, const struct locate_service *service)
{
	size_t at = locate->n_services;

	while (at > 0 && comes_before(service, &locate->services[at - 1]))
		at--;
	if (at == LOCATE_SERVICES_MAX)
		return;
	if (locate->n_services < LOCATE_SERVICES_MAX)
		locate->n_services++;
	memmove(&locate->services[at + 1], &locate->services[at],
		(locate->n_services - at - 1) * sizeof *service);
	locate->services[at] = *service;
}

/* §4.1: what is not for us is discarded; "an empty regular expression and a replacement value". */
static void take_naptr(struct locate *locate, const struct naptr *naptr)
{
	const struct way *way = way_of(naptr->services);
	struct locate_service service = { naptr->order, naptr->preference, .name = naptr->replacement };

	if (!way || !(locate->transports & LOCATE_WITH(way->transport)) ||
	    !slice_eq_nocase(naptr->flags, SLICE("s")) || naptr->regexp.len > 0 ||
	    naptr->replacement.len == 0 || naptr->replacement.is_odd)
		return;
	service.transport = way->transport;
	add_service(locate, &service);
}

/* RFC 3403 §4.1: once one of the lowest order is taken, those of a higher one are not considered. */
static void keep_first_order(struct locate *locate)
{
	size_t n = 0;

	while (n < locate->n_services && locate->services[n].order == locate->services[0].order)
		n++;
	locate->n_services = n;
	if (n > 0)
		locate->transport = locate->services[0].transport;
}

static void take_services(struct locate *locate, struct packet *packet)
{
	struct rdata rdata;
	struct naptr naptr;

	while (packet_next(packet, &rdata))
		if (packet_naptr(packet, &rdata, &naptr))
			take_naptr(locate, &naptr);
	keep_first_order(locate);
}

/* -- SRV (RFC 2782) ------------------------------------------------------------------------------------------------ */

/* splitmix64; a number below the bound. */
static uint32_t chance_below(struct locate *locate, uint32_t bound)
{
	uint64_t z = locate->chance += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (uint32_t)((z ^ z >> 31) >> 32) % bound;
}

/* By priority, and "those with weight 0 are placed at the beginning". */
static bool is_before(const struct srv *a, const struct srv *b)
{
	return a->priority != b->priority ? a->priority < b->priority : a->weight == 0 && b->weight != 0;
}

static void add_server(struct locate *locate, const struct srv *srv)
{
	size_t at = locate->n_servers;

	while (at > 0 && is_before(srv, &locate->servers[at - 1]))
		at--;
	if (at == LOCATE_SERVERS_MAX)
		return;
	if (locate->n_servers < LOCATE_SERVERS_MAX)
		locate->n_servers++;
	memmove(&locate->servers[at + 1], &locate->servers[at], (locate->n_servers - at - 1) * sizeof *srv);
	locate->servers[at] = *srv;
}

/* One of servers[from … end), by weight. */
static size_t choose(struct locate *locate, size_t from, size_t end)
{
	uint32_t sum = 0, running = 0, chosen;

	for (size_t i = from; i < end; i++)
		sum += locate->servers[i].weight;
	chosen = chance_below(locate, sum + 1);
	for (size_t i = from; i < end; i++) {
		running += locate->servers[i].weight;
		if (running >= chosen)
			return i;
	}
	return from;
}

static void order_by_weight(struct locate *locate)
{
	for (size_t from = 0, end = 0; from < locate->n_servers; from++) {
		if (from == end)
			while (end < locate->n_servers &&
			       locate->servers[end].priority == locate->servers[from].priority)
				end++;
		size_t chosen = choose(locate, from, end);
		struct srv first = locate->servers[chosen];

		memmove(&locate->servers[from + 1], &locate->servers[from], (chosen - from) * sizeof first);
		locate->servers[from] = first;
	}
}

static void take_servers(struct locate *locate, struct packet *packet)
{
	struct rdata rdata;
	struct srv srv;

	while (packet_next(packet, &rdata)) {
		if (!packet_srv(packet, &rdata, &srv))
			continue;
		/* "A Target of "." means that the service is decidedly not available at this domain." */
		if (srv.target.len == 0)
			locate->is_unoffered = true;
		else if (!srv.target.is_odd && srv.port != 0)
			add_server(locate, &srv);
	}
	order_by_weight(locate);
}

/* -- addresses ------------------------------------------------------------------------------------------------------- */

static void take_addresses(struct locate *locate, struct packet *packet, bool is_secure)
{
	struct locate_place place = { .is_secure = is_secure && locate->is_secure };
	size_t max = locate->state == LOCATE_V6 ? LOCATE_ADDRESSES_MAX / 2 : LOCATE_ADDRESSES_MAX;
	struct rdata rdata;

	while (locate->n_places < max && packet_next(packet, &rdata)) {
		if (!packet_address(packet, &rdata, &place.address) ||
		    (locate->needs_tlsa && !place.is_secure))
			continue;
		place.address.port = locate->servers[locate->server].port;
		locate->places[locate->n_places++] = place;
	}
}

/* -- TLSA (RFC 6698) ------------------------------------------------------------------------------------------------ */

static bool has_secure_place(const struct locate *locate)
{
	for (size_t i = 0; i < locate->n_places; i++)
		if (locate->places[i].is_secure)
			return true;
	return false;
}

/* Somebody else's DNS, to which a maddr or the configuration leads, cannot say who proves the domain. */
static bool is_own_word(const struct locate *locate)
{
	return locate->has_srv && slice_eq(name_text(&locate->domain), name_text(&locate->target));
}

/*
 * RFC 7673 §3.1: only where SRV records and addresses are "secure" there is something to ask for, and §3.3: by port and name
 * of the server.
 */
static bool begin_tlsa(struct locate *locate)
{
	const struct srv *server = &locate->servers[locate->server];
	char text[PACKET_NAME_MAX];
	struct writer out = writer_of(text, sizeof text);

	if (!transport_is_secure(locate->transport) || !is_own_word(locate) || !has_secure_place(locate))
		return false;
	put_char(&out, '_');
	put_number(&out, server->port);
	put(&out, SLICE("._tcp."));
	put(&out, name_text(&server->target));
	if (out.overflow || !name_set(&locate->tlsa_name, writer_text(&out)))
		return false;
	locate->state = LOCATE_TLSA;
	return true;
}

static void take_tlsa(struct locate *locate, struct packet *packet, bool is_secure)
{
	struct writer out = writer_of(locate->tlsa, sizeof locate->tlsa);
	struct rdata rdata;
	struct slice tlsa;

	while (is_secure && packet_next(packet, &rdata)) {
		if (!packet_tlsa(packet, &rdata, &tlsa))
			continue;
		put_char(&out, (char)(tlsa.len >> 8));
		put_char(&out, (char)(tlsa.len & 0xff));
		put(&out, tlsa);
	}
	locate->tlsa_len = out.overflow ? 0 : out.len;
	if (!out.overflow)
		return;
	/* RFC 7673 §4.2: what is usable counts; without some of it another certificate could be taken, or the right one refused */
	note(locate, ERR_DENIED, name_text(&locate->servers[locate->server].target),
	     ": its TLSA records are larger than is taken here (2048 bytes)", SLICE(""));
	locate->n_places = 0;
}

/* Without an answer he who keeps it back could show any certificate instead (RFC 7672 §2.1.1): the next server. */
static void end_tlsa(struct locate *locate, bool was_answered)
{
	bool lacks = was_answered && locate->needs_tlsa && locate->tlsa_len == 0;

	if (lacks)
		note(locate, ERR_DENIED, name_text(&locate->servers[locate->server].target),
		     ": DNSSEC proves no TLSA record of it, and one is demanded (RFC 6698)", SLICE(""));
	if (lacks || !was_answered)
		locate->n_places = 0;
	locate->state = LOCATE_ADDRESSES;
}

/* -- questions and answers ------------------------------------------------------------------------------------------- */

static bool ask(const struct locate *locate, struct dns_question *ret_question)
{
	switch (locate->state) {
	case LOCATE_SERVICES:
		*ret_question = (struct dns_question){ name_text(&locate->target), DNS_NAPTR };
		return true;
	case LOCATE_SERVERS:
		*ret_question = (struct dns_question){ name_text(&locate->services[locate->service].name),
						       DNS_SRV };
		return true;
	case LOCATE_V6:
	case LOCATE_V4:
		*ret_question = (struct dns_question){ name_text(&locate->servers[locate->server].target),
						       locate->state == LOCATE_V6 ? DNS_AAAA : DNS_A };
		return true;
	case LOCATE_TLSA:
		*ret_question = (struct dns_question){ name_text(&locate->tlsa_name), DNS_TLSA };
		return true;
	default: return false;
	}
}

static void give_target(struct locate *locate, struct locate_next *next)
{
	const struct locate_place *place = &locate->places[locate->place++];
	bool has_server = locate->server < locate->n_servers;

	next->step = LOCATE_TRY;
	next->target = (struct locate_target){
		.transport = locate->transport,
		.address = place->address,
		.domain = name_text(&locate->domain),
		.host = name_text(has_server ? &locate->servers[locate->server].target : &locate->target),
		.tlsa = slice_from(locate->tlsa, place->is_secure ? locate->tlsa_len : 0),
		.is_secure = place->is_secure,
		.is_last = locate->place == locate->n_places && locate->server + 1 >= locate->n_servers,
	};
}

void locate_next(struct locate *locate, struct locate_next *ret_next)
{
	*ret_next = (struct locate_next){ .step = LOCATE_ASK };
	if (locate->state == LOCATE_ADDRESSES && locate->place == locate->n_places) {
		locate->server++;
		begin_server(locate);
	}
	if (ask(locate, &ret_next->question))
		return;
	if (locate->state == LOCATE_ADDRESSES) {
		give_target(locate, ret_next);
		return;
	}
	ret_next->step = LOCATE_END;
	note(locate, ERR_NOT_FOUND, name_text(&locate->target), ": there is no such host", SLICE(""));
	ret_next->err = locate->err;
	ret_next->why = slice_from(locate->why, locate->why_len);
}

static void take(struct locate *locate, struct packet *packet, bool is_secure)
{
	switch (locate->state) {
	case LOCATE_SERVICES: take_services(locate, packet); break;
	case LOCATE_SERVERS: take_servers(locate, packet); break;
	case LOCATE_TLSA: take_tlsa(locate, packet, is_secure); break;
	default: take_addresses(locate, packet, is_secure); break;
	}
}

static void proceed(struct locate *locate, bool was_answered, bool is_secure)
{
	switch (locate->state) {
	case LOCATE_SERVICES:
		locate->is_secure = locate->is_secure && is_secure;
		if (locate->n_services == 0)
			make_up_services(locate);
		begin_services(locate);
		break;
	case LOCATE_SERVERS:
		locate->is_secure = locate->is_secure && is_secure;
		if (locate->n_servers > 0) {
			locate->transport = locate->services[locate->service].transport;
			locate->has_srv = locate->is_secure;
			begin_server(locate);
		} else if (++locate->service == locate->n_services) {
			fall_back(locate);
		}
		break;
	case LOCATE_V6: locate->state = LOCATE_V4; break;
	case LOCATE_V4:
		if (!begin_tlsa(locate))
			end_tlsa(locate, true);
		break;
	default: end_tlsa(locate, was_answered); break;
	}
}

void locate_answer(struct locate *locate, const struct dns_answer *answer)
{
	struct dns_answer answered = *answer;
	struct dns_question question;
	struct packet packet;
	bool was_asked = ask(locate, &question);

	assert(was_asked);
	(void)was_asked;
	if (answered.err == OK && !packet_open(&packet, answered.message, &question))
		answered.err = ERR_IO;
	if (answered.err == OK)
		take(locate, &packet, answered.is_secure);
	else
		note(locate, answered.err, question.name, failure_text(answered.err), answered.why);
	/* Whoever can forge may also want us to look elsewhere: only addresses of another server are still good. */
	if (answered.err == ERR_DENIED &&
	    (locate->state == LOCATE_SERVICES || locate->state == LOCATE_SERVERS))
		locate->state = LOCATE_OVER;
	else
		proceed(locate, answered.err == OK, answered.err == OK && answered.is_secure);
}

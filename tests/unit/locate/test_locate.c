#include "locate/locate.h"

#include <string.h>

#include "harness.h"
#include "zone.h"

enum { MESSAGE_MAX = 65536, LOG_MAX = 4096, STEPS_MAX = 1000 };

#define TLS LOCATE_WITH(TRANSPORT_TLS)
#define TCP LOCATE_WITH(TRANSPORT_TCP)
#define UDP LOCATE_WITH(TRANSPORT_UDP)

/* What the DNS of a test does besides looking into the zone: an error for all questions of a type. */
struct trouble {
	enum dns_type type;
	enum err err;
};

struct search {
	struct locate locate;
	const char *zone;
	struct trouble trouble[2];
	enum dns_type unsigned_type; /* answers of this type are not signed */
	bool needs_tlsa, tells_tlsa; /* what is asked for TLSA is written down, too */
	size_t tlsa;                 /* bytes of them */
	char asked[LOG_MAX], targets[LOG_MAX], end[LOG_MAX];
	struct locate_target last;
	enum err err;
};

static void put_type(struct writer *out, enum dns_type type)
{
	put(out, type == DNS_A       ? SLICE("A")
		 : type == DNS_AAAA  ? SLICE("AAAA")
		 : type == DNS_SRV   ? SLICE("SRV")
		 : type == DNS_NAPTR ? SLICE("NAPTR")
		 : type == DNS_TLSA  ? SLICE("TLSA")
				     : SLICE("?"));
}

static void answer(struct search *search, const struct dns_question *question)
{
	static char message[MESSAGE_MAX];
	struct writer out = writer_of(message, sizeof message);
	struct dns_answer answer = { .is_secure = question->type != search->unsigned_type };

	for (size_t i = 0; i < 2; i++)
		if (search->trouble[i].type == question->type)
			answer.err = search->trouble[i].err;
	if (answer.err == ERR_DENIED)
		answer.why = SLICE("signature crypto failed\n");
	put_response(&out, search->zone, question);
	assert_false(out.overflow);
	if (answer.err == OK)
		answer.message = writer_text(&out);
	locate_answer(&search->locate, &answer);
}

/* Asks and tries until the end; nothing is reached. Writes down what was asked and what was tried. */
static void run(struct search *search)
{
	struct writer asked = writer_of(search->asked, LOG_MAX - 1);
	struct writer targets = writer_of(search->targets, LOG_MAX - 1);
	struct locate_next next;

	for (int step = 0; step < STEPS_MAX; step++) {
		locate_next(&search->locate, &next);
		if (next.step == LOCATE_END) {
			snprintf(search->end, LOG_MAX, "%.*s", SLICE_FMT(next.why));
			search->err = next.err;
			search->asked[asked.len] = search->targets[targets.len] = '\0';
			return;
		}
		struct writer *log = next.step == LOCATE_ASK ? &asked : &targets;

		if (next.step == LOCATE_ASK && next.question.type == DNS_TLSA && !search->tells_tlsa) {
			answer(search, &next.question);
			continue;
		}
		if (log->len > 0)
			put(log, SLICE(", "));
		if (next.step == LOCATE_ASK) {
			put_type(log, next.question.type);
			put_char(log, ' ');
			put(log, next.question.name);
			answer(search, &next.question);
		} else {
			put(log, transport_name(next.target.transport));
			put_char(log, ' ');
			put_address(log, &next.target.address);
			if (next.target.tlsa.len > 0) {
				put(log, SLICE(" (TLSA)"));
				search->tlsa = next.target.tlsa.len;
			}
			search->last = next.target;
		}
	}
	fail_msg("there is no end");
}

static bool start(struct search *search, const char *uri_text, unsigned supported, uint64_t seed)
{
	struct locate_request request;
	struct sip_uri uri;

	assert_true(sip_uri_parse(slice_of(uri_text), &uri));
	if (!locate_request_of(&uri, supported, &request))
		return false;
	request.needs_tlsa = search->needs_tlsa;
	locate_start(&search->locate, &request, seed);
	return true;
}

/* -- the procedure of RFC 3263 §4 ------------------------------------------------------------------------------------ */

static const char usual[] = "example.org NAPTR 50 50 s SIPS+D2T - _sips._tcp.example.org\n"
			    "example.org NAPTR 90 50 s SIP+D2T - _sip._tcp.example.org\n"
			    "example.org NAPTR 100 50 s SIP+D2U - _sip._udp.example.org\n"
			    "_sips._tcp.example.org SRV 10 0 5071 a.example.net\n"
			    "_sips._tcp.example.org SRV 20 0 5072 b.example.net\n"
			    "_sip._tcp.example.org SRV 10 0 5070 a.example.net\n"
			    "_sip._udp.example.org SRV 10 0 5080 b.example.net\n"
			    "a.example.net A 192.0.2.1\n"
			    "a.example.net AAAA 2001:db8::1\n"
			    "b.example.net A 192.0.2.2\n"
			    "b.example.net A 192.0.2.3\n";

/* Without NAPTR records. */
static const char no_naptr[] = "_sips._tcp.example.org SRV 1 0 5071 a.example.org\n"
			       "_sip._tcp.example.org SRV 1 0 5070 a.example.org\n"
			       "_sip._udp.example.org SRV 1 0 5080 a.example.org\n"
			       "a.example.org A 192.0.2.1\n";

static const char addresses_only[] = "example.org A 192.0.2.7\n"
				     "example.org AAAA 2001:db8::7\n"
				     "other.example A 192.0.2.8\n";

static const char naptr_order[] = "example.org NAPTR 20 1 s SIPS+D2T - last.example.org\n"
				  "example.org NAPTR 10 9 s SIPS+D2T - second.example.org\n"
				  "example.org NAPTR 10 5 S sips+d2t - first.example.org\n"
				  "second.example.org SRV 1 0 5072 b.example.org\n"
				  "last.example.org SRV 1 0 5073 b.example.org\n"
				  "b.example.org A 192.0.2.2\n";

static const char naptr_dead[] = "example.org NAPTR 20 1 s SIPS+D2T - last.example.org\n"
				 "example.org NAPTR 10 5 s SIPS+D2T - first.example.org\n"
				 "last.example.org SRV 1 0 5073 b.example.org\n"
				 "b.example.org A 192.0.2.2\n"
				 "example.org A 192.0.2.7\n";

static const char naptr_useless[] = "example.org NAPTR 1 1 s SIP+D2S - _sip._sctp.example.org\n"
				    "example.org NAPTR 1 2 u E2U+sip !^.*$!sip:evil@example.net! .\n"
				    "example.org NAPTR 1 3 a SIPS+D2T - a.example.org\n"
				    "example.org NAPTR 1 4 s SIPS+D2T !x!y! _sips._tcp.example.net\n"
				    "example.org NAPTR 1 5 s SIPS+D2T - .\n"
				    "_sips._tcp.example.org SRV 1 0 5071 a.example.org\n"
				    "a.example.org A 192.0.2.1\n";

static const char not_offered[] = "_sips._tcp.example.org SRV 0 0 0 .\n"
				  "example.org A 192.0.2.7\n";

static const char dead_srv[] = "_sips._tcp.example.org SRV 1 0 5071 gone.example.org\n"
			       "example.org A 192.0.2.7\n";

static const char naptr_alone[] = "example.org NAPTR 1 1 s SIPS+D2T - _sips._tcp.example.org\n"
				  "example.org A 192.0.2.7\n";

static const char aliases[] = "_sips._tcp.example.org CNAME _sips._tcp.host.example\n"
			      "_sips._tcp.host.example SRV 1 0 5071 a.example.org\n"
			      "a.example.org CNAME b.example.org\n"
			      "b.example.org CNAME c.example.org\n"
			      "c.example.org A 192.0.2.9\n";

/* clang-format off */
static const struct procedure_case {
	const char *label, *uri;
	unsigned supported;
	const char *zone, *asked, *targets;
	enum err err; /* in the end */
} procedure_cases[] = {
	{ "sips: only what is TLS, server after server", "sips:bob@example.org", TLS | TCP | UDP, usual,
	  "NAPTR example.org, SRV _sips._tcp.example.org, AAAA a.example.net, A a.example.net, AAAA b.example.net, A b.example.net",
	  "TLS [2001:db8::1]:5071, TLS 192.0.2.1:5071, TLS 192.0.2.2:5072, TLS 192.0.2.3:5072", ERR_NOT_FOUND },
	{ "sip: the order of the domain decides", "sip:bob@example.org", TLS | TCP | UDP, usual,
	  "NAPTR example.org, SRV _sips._tcp.example.org, AAAA a.example.net, A a.example.net, AAAA b.example.net, A b.example.net",
	  "TLS [2001:db8::1]:5071, TLS 192.0.2.1:5071, TLS 192.0.2.2:5072, TLS 192.0.2.3:5072", ERR_NOT_FOUND },
	{ "sip: among what we can do", "sip:bob@example.org", UDP, usual,
	  "NAPTR example.org, SRV _sip._udp.example.org, AAAA b.example.net, A b.example.net",
	  "UDP 192.0.2.2:5080, UDP 192.0.2.3:5080", ERR_NOT_FOUND },
	{ "transport=tcp: no NAPTR", "sip:bob@example.org;transport=tcp", TLS | TCP | UDP, usual,
	  "SRV _sip._tcp.example.org, AAAA a.example.net, A a.example.net",
	  "TCP [2001:db8::1]:5070, TCP 192.0.2.1:5070", ERR_NOT_FOUND },
	{ "transport=tls in sip", "sip:bob@example.org;transport=TLS", TLS | TCP | UDP, no_naptr,
	  "SRV _sips._tcp.example.org, AAAA a.example.org, A a.example.org", "TLS 192.0.2.1:5071", ERR_NOT_FOUND },
	{ "transport=tcp in sips is TLS over TCP", "sips:bob@example.org;transport=tcp", TLS | TCP | UDP, no_naptr,
	  "SRV _sips._tcp.example.org, AAAA a.example.org, A a.example.org", "TLS 192.0.2.1:5071", ERR_NOT_FOUND },
	{ "no NAPTR: TLS first", "sip:bob@example.org", TLS | TCP | UDP, no_naptr,
	  "NAPTR example.org, SRV _sips._tcp.example.org, AAAA a.example.org, A a.example.org",
	  "TLS 192.0.2.1:5071", ERR_NOT_FOUND },
	{ "no NAPTR: TCP only", "sip:bob@example.org", TCP, no_naptr,
	  "NAPTR example.org, SRV _sip._tcp.example.org, AAAA a.example.org, A a.example.org",
	  "TCP 192.0.2.1:5070", ERR_NOT_FOUND },
	{ "no SRV: the domain's own addresses, sips", "sips:bob@EXAMPLE.org.", TLS, addresses_only,
	  "NAPTR example.org, SRV _sips._tcp.example.org, AAAA example.org, A example.org",
	  "TLS [2001:db8::7]:5061, TLS 192.0.2.7:5061", ERR_NOT_FOUND },
	{ "no SRV: UDP for sip", "sip:bob@example.org", TLS | TCP | UDP, addresses_only,
	  "NAPTR example.org, SRV _sips._tcp.example.org, SRV _sip._tcp.example.org, SRV _sip._udp.example.org, "
	  "AAAA example.org, A example.org",
	  "UDP [2001:db8::7]:5060, UDP 192.0.2.7:5060", ERR_NOT_FOUND },
	{ "no SRV: TCP before TLS for sip", "sip:bob@example.org", TLS | TCP, addresses_only,
	  "NAPTR example.org, SRV _sips._tcp.example.org, SRV _sip._tcp.example.org, AAAA example.org, A example.org",
	  "TCP [2001:db8::7]:5060, TCP 192.0.2.7:5060", ERR_NOT_FOUND },
	{ "no SRV: sip over TLS alone", "sip:bob@example.org", TLS, addresses_only,
	  "NAPTR example.org, SRV _sips._tcp.example.org, AAAA example.org, A example.org",
	  "TLS [2001:db8::7]:5061, TLS 192.0.2.7:5061", ERR_NOT_FOUND },
	{ "a port: neither NAPTR nor SRV", "sips:bob@example.org:5081", TLS | TCP | UDP, usual,
	  "AAAA example.org, A example.org", "", ERR_NOT_FOUND },
	{ "a port of 5061 is a port, too", "sips:bob@example.org:5061", TLS, addresses_only,
	  "AAAA example.org, A example.org", "TLS [2001:db8::7]:5061, TLS 192.0.2.7:5061", ERR_NOT_FOUND },
	{ "a port and a transport", "sip:bob@example.org:5099;transport=tcp", TLS | TCP | UDP, addresses_only,
	  "AAAA example.org, A example.org", "TCP [2001:db8::7]:5099, TCP 192.0.2.7:5099", ERR_NOT_FOUND },
	{ "IPv4", "sips:bob@192.0.2.5", TLS | TCP | UDP, usual, "", "TLS 192.0.2.5:5061", ERR_NOT_FOUND },
	{ "IPv4, sip", "sip:bob@192.0.2.5", TLS | TCP | UDP, usual, "", "UDP 192.0.2.5:5060", ERR_NOT_FOUND },
	{ "IPv6 with a port", "sip:bob@[2001:DB8::5]:5070;transport=tcp", TLS | TCP | UDP, usual,
	  "", "TCP [2001:db8::5]:5070", ERR_NOT_FOUND },
	{ "IPv6 without", "sips:[2001:db8::5]", TLS, usual, "", "TLS [2001:db8::5]:5061", ERR_NOT_FOUND },
	{ "maddr is where to go", "sips:bob@example.org;maddr=192.0.2.77", TLS, usual, "", "TLS 192.0.2.77:5061", ERR_NOT_FOUND },
	{ "maddr may be a name", "sips:bob@example.org;maddr=other.example", TLS, addresses_only,
	  "NAPTR other.example, SRV _sips._tcp.other.example, AAAA other.example, A other.example",
	  "TLS 192.0.2.8:5061", ERR_NOT_FOUND },
	{ "NAPTR: order, then preference; no later order once one was taken", "sips:bob@example.org", TLS, naptr_order,
	  "NAPTR example.org, SRV first.example.org, SRV second.example.org, AAAA b.example.org, A b.example.org",
	  "TLS 192.0.2.2:5072", ERR_NOT_FOUND },
	{ "NAPTR: nor a later order when nothing comes of the first", "sips:bob@example.org", TLS, naptr_dead,
	  "NAPTR example.org, SRV first.example.org, AAAA example.org, A example.org",
	  "TLS 192.0.2.7:5061", ERR_NOT_FOUND },
	{ "NAPTR: what is not for us is as if it were not there", "sips:bob@example.org", TLS, naptr_useless,
	  "NAPTR example.org, SRV _sips._tcp.example.org, AAAA a.example.org, A a.example.org",
	  "TLS 192.0.2.1:5071", ERR_NOT_FOUND },
	{ "SRV: decidedly not available", "sips:bob@example.org", TLS, not_offered,
	  "NAPTR example.org, SRV _sips._tcp.example.org", "", ERR_NOT_FOUND },
	{ "SRV without addresses does not lead to the domain's own", "sips:bob@example.org", TLS, dead_srv,
	  "NAPTR example.org, SRV _sips._tcp.example.org, AAAA gone.example.org, A gone.example.org", "", ERR_NOT_FOUND },
	{ "aliases", "sips:bob@example.org", TLS, aliases,
	  "NAPTR example.org, SRV _sips._tcp.example.org, AAAA a.example.org, A a.example.org",
	  "TLS 192.0.2.9:5071", ERR_NOT_FOUND },
	{ "NAPTR without SRV: the transport that it chose", "sip:bob@example.org", TLS | TCP | UDP, naptr_alone,
	  "NAPTR example.org, SRV _sips._tcp.example.org, AAAA example.org, A example.org",
	  "TLS 192.0.2.7:5061", ERR_NOT_FOUND },
	{ "nothing at all", "sips:bob@example.org", TLS, "",
	  "NAPTR example.org, SRV _sips._tcp.example.org, AAAA example.org, A example.org", "", ERR_NOT_FOUND },
};
/* clang-format on */

static void finds_targets_as_the_rfc_says(void **state)
{
	for (size_t i = 0; i < sizeof procedure_cases / sizeof procedure_cases[0]; i++) {
		const struct procedure_case *row = &procedure_cases[i];
		struct search search = { .zone = row->zone };

		print_message("# %s\n", row->label);
		assert_true(start(&search, row->uri, row->supported, 1));
		run(&search);
		assert_string_equal(search.asked, row->asked);
		assert_string_equal(search.targets, row->targets);
		assert_int_equal(search.err, row->err);
	}
}

static void refuses_what_no_transport_of_ours_can_carry(void **state)
{
	static const struct {
		const char *uri;
		unsigned supported;
	} cases[] = {
		{ "sips:bob@example.org", TCP | UDP },
		{ "sips:bob@example.org;transport=udp", TLS | TCP | UDP },
		{ "sip:bob@example.org;transport=sctp", TLS | TCP | UDP },
		{ "sip:bob@example.org;transport=ws", TLS | TCP | UDP },
		{ "sip:bob@example.org;transport=tls", TCP | UDP },
		{ "sip:bob@example.org", 0 },
		{ "tel:+4930123", TLS },
		{ "mailto:bob@example.org", TLS },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct search search = { .zone = "" };

		print_message("# %s\n", cases[i].uri);
		assert_false(start(&search, cases[i].uri, cases[i].supported, 1));
	}
}

static void refuses_a_host_that_is_no_domain_name(void **state)
{
	char uri[400] = "sips:";
	struct writer out = writer_of(uri + 5, sizeof uri - 6);
	struct search search = { .zone = "" };

	for (int i = 0; i < 130; i++)
		put(&out, SLICE("a."));
	put(&out, SLICE("example"));
	assert_true(start(&search, uri, TLS, 1));
	run(&search);
	assert_int_equal(search.err, ERR_SYNTAX);
	assert_string_equal(search.asked, "");
}

/* -- who it must be (RFC 5922 §7.3) -------------------------------------------------------------------------------- */

static void keeps_the_domain_of_the_uri_as_the_name_to_be_proven(void **state)
{
	static const struct {
		const char *uri, *zone, *domain, *host;
	} cases[] = {
		{ "sips:bob@Example.ORG", usual, "example.org", "b.example.net" },
		{ "sips:bob@example.org", aliases, "example.org", "a.example.org" },
		{ "sips:bob@example.org.", addresses_only, "example.org", "example.org" },
		{ "sips:bob@example.org;maddr=other.example", addresses_only, "example.org",
		  "other.example" },
		{ "sips:bob@example.org;maddr=192.0.2.77", usual, "example.org", "192.0.2.77" },
		{ "sips:bob@[2001:db8::5]", usual, "[2001:db8::5]", "[2001:db8::5]" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct search search = { .zone = cases[i].zone };

		print_message("# %s\n", cases[i].uri);
		assert_true(start(&search, cases[i].uri, TLS, 1));
		run(&search);
		assert_true(slice_eq(search.last.domain, slice_of(cases[i].domain)));
		assert_true(slice_eq(search.last.host, slice_of(cases[i].host)));
		assert_true(search.last.is_last);
	}
}

/* -- DNSSEC ------------------------------------------------------------------------------------------------------------ */

static void is_secure_only_if_every_answer_on_the_way_was(void **state)
{
	/* clang-format off */
	static const struct {
		const char *label, *uri, *zone;
		enum dns_type unsigned_type; /* 0: all are signed */
		bool secure;
	} cases[] = {
		{ "all",                          "sips:bob@example.org",      usual,          0,         true  },
		{ "all but the NAPTR records",    "sips:bob@example.org",      usual,          DNS_NAPTR, false },
		{ "all but the SRV records",      "sips:bob@example.org",      usual,          DNS_SRV,   false },
		{ "all but the addresses",        "sips:bob@example.org",      usual,          DNS_A,     false },
		{ "no SRV, by proof",             "sips:bob@example.org",      addresses_only, 0,         true  },
		{ "no SRV, without proof",        "sips:bob@example.org",      addresses_only, DNS_SRV,   false },
		{ "nobody asked for SRV",         "sips:bob@example.org:5061", addresses_only, DNS_SRV,   true  },
		{ "nobody was asked",             "sips:bob@192.0.2.1",        usual,          0,         false },
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct search search = { .zone = cases[i].zone, .unsigned_type = cases[i].unsigned_type };

		print_message("# %s\n", cases[i].label);
		assert_true(start(&search, cases[i].uri, TLS, 1));
		run(&search);
		assert_int_equal(search.last.is_secure, cases[i].secure);
	}
}

static void goes_no_further_on_a_forged_answer(void **state)
{
	/* clang-format off */
	static const struct {
		const char *label;
		enum dns_type type;
		const char *asked, *targets, *end;
	} cases[] = {
		{ "NAPTR", DNS_NAPTR, "NAPTR example.org", "",
		  "example.org: the answer of the DNS is forged or broken (DNSSEC): signature crypto failed" },
		{ "SRV", DNS_SRV, "NAPTR example.org, SRV _sips._tcp.example.org", "",
		  "_sips._tcp.example.org: the answer of the DNS is forged or broken (DNSSEC): signature crypto failed" },
		{ "addresses are used as far as they are not forged", DNS_A,
		  "NAPTR example.org, SRV _sips._tcp.example.org, AAAA a.example.net, A a.example.net, AAAA b.example.net, A b.example.net",
		  "TLS [2001:db8::1]:5071",
		  "a.example.net: the answer of the DNS is forged or broken (DNSSEC): signature crypto failed" },
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct search search = { .zone = usual, .trouble = { { cases[i].type, ERR_DENIED } } };

		print_message("# %s\n", cases[i].label);
		assert_true(start(&search, "sips:bob@example.org", TLS, 1));
		run(&search);
		assert_string_equal(search.asked, cases[i].asked);
		assert_string_equal(search.targets, cases[i].targets);
		assert_int_equal(search.err, ERR_DENIED);
		assert_string_equal(search.end, cases[i].end);
	}
}

/* -- name servers in trouble --------------------------------------------------------------------------------------------- */

static void does_without_what_the_name_servers_cannot_say(void **state)
{
	/* clang-format off */
	static const struct {
		const char *label, *zone;
		struct trouble trouble[2];
		const char *targets;
		enum err err;
	} cases[] = {
		{ "NAPTR fails",                addresses_only, { { DNS_NAPTR, ERR_IO } },
		  "TLS [2001:db8::7]:5061, TLS 192.0.2.7:5061", ERR_IO },
		{ "NAPTR and SRV time out",     addresses_only, { { DNS_NAPTR, ERR_AGAIN }, { DNS_SRV, ERR_AGAIN } },
		  "TLS [2001:db8::7]:5061, TLS 192.0.2.7:5061", ERR_AGAIN },
		{ "AAAA fails",                 no_naptr,       { { DNS_AAAA, ERR_IO } },  "TLS 192.0.2.1:5071", ERR_IO },
		{ "addresses fail",             no_naptr,       { { DNS_AAAA, ERR_IO }, { DNS_A, ERR_IO } }, "", ERR_IO },
		{ "there is no memory",         no_naptr,       { { DNS_A, ERR_NOMEM } }, "", ERR_NOMEM },
		{ "the name is none",           no_naptr,       { { DNS_A, ERR_SYNTAX } }, "", ERR_SYNTAX },
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct search search = { .zone = cases[i].zone,
					 .trouble = { cases[i].trouble[0], cases[i].trouble[1] } };

		print_message("# %s\n", cases[i].label);
		assert_true(start(&search, "sips:bob@example.org", TLS, 1));
		run(&search);
		assert_string_equal(search.targets, cases[i].targets);
		assert_int_equal(search.err, cases[i].err);
		assert_true(search.end[0] != '\0');
	}
}

/* -- TLSA (RFC 6698, RFC 7673) ------------------------------------------------------------------------------------------------- */

#define DIGEST "0123456789abcdef0123456789abcdef" /* of 32 bytes */

static const char published[] = "_sips._tcp.example.org SRV 1 0 5071 a.example.org\n"
				"_sips._tcp.example.org SRV 2 0 5072 b.example.org\n"
				"_5071._tcp.a.example.org TLSA 3 1 1 " DIGEST "\n"
				"_5071._tcp.a.example.org TLSA 3 1 1 short\n"
				"_5071._tcp.a.example.org TLSA 4 1 1 " DIGEST "\n"
				"_5071._tcp.a.example.org TLSA 3 2 1 " DIGEST "\n"
				"_5071._tcp.a.example.org TLSA 3 1 3 " DIGEST "\n"
				"_5071._tcp.a.example.org TLSA 2 0 2 " DIGEST DIGEST "\n"
				"a.example.org A 192.0.2.1\n"
				"b.example.org A 192.0.2.2\n"
				"_sips._tcp.other.example SRV 1 0 5071 a.example.org\n"
				"example.org A 192.0.2.7\n";

#define QUARTER                                                                                           \
	DIGEST DIGEST DIGEST DIGEST DIGEST DIGEST DIGEST DIGEST DIGEST DIGEST DIGEST DIGEST DIGEST DIGEST \
		DIGEST DIGEST

/* More than is taken of one server: the certificate that it shows could be that of the last. */
static const char too_large[] = "_sips._tcp.example.org SRV 1 0 5071 a.example.org\n"
				"_sips._tcp.example.org SRV 2 0 5072 b.example.org\n"
				"_5071._tcp.a.example.org TLSA 1 0 0 " QUARTER "\n"
				"_5071._tcp.a.example.org TLSA 1 0 0 " QUARTER "\n"
				"_5071._tcp.a.example.org TLSA 1 0 0 " QUARTER "\n"
				"_5071._tcp.a.example.org TLSA 1 0 0 " QUARTER "\n"
				"a.example.org A 192.0.2.1\n"
				"b.example.org A 192.0.2.2\n";

/* clang-format off */
static const struct tlsa_case {
	const char *label, *uri;
	const char *zone;
	enum dns_type unsigned_type;
	struct trouble trouble;
	bool needs_tlsa;
	const char *targets, *end;
	size_t tlsa; /* bytes of the records of the last target that has some; 0: none has */
} tlsa_cases[] = {
	{ "those that can be read go with the server", "sips:bob@example.org", published, 0, { 0 }, false,
	  "TLS 192.0.2.1:5071 (TLSA), TLS 192.0.2.2:5072", "example.org: there is no such host", 2 + 3 + 32 + 2 + 3 + 64 },
	{ "who must have them is another's last", "sips:bob@example.org", published, 0, { 0 }, true,
	  "TLS 192.0.2.1:5071 (TLSA)",
	  "b.example.org: DNSSEC proves no TLSA record of it, and one is demanded (RFC 6698)", 2 + 3 + 32 + 2 + 3 + 64 },
	{ "not below SRV records without proof", "sips:bob@example.org", published, DNS_SRV, { 0 }, false,
	  "TLS 192.0.2.1:5071, TLS 192.0.2.2:5072", "example.org: there is no such host", 0 },
	{ "nor for addresses without proof", "sips:bob@example.org", published, DNS_A, { 0 }, false,
	  "TLS 192.0.2.1:5071, TLS 192.0.2.2:5072", "example.org: there is no such host", 0 },
	{ "without proof they are none", "sips:bob@example.org", published, DNS_TLSA, { 0 }, false,
	  "TLS 192.0.2.1:5071, TLS 192.0.2.2:5072", "example.org: there is no such host", 0 },
	{ "then who must have them is not tried", "sips:bob@example.org", published, DNS_TLSA, { 0 }, true,
	  "", "a.example.org: DNSSEC proves no TLSA record of it, and one is demanded (RFC 6698)", 0 },
	{ "nor is he without SRV records", "sips:bob@example.org:5061", published, 0, { 0 }, true,
	  "", "example.org: DNSSEC proves no TLSA record of it, and one is demanded (RFC 6698)", 0 },
	{ "the DNS of one domain says nothing of another", "sips:bob@example.org;maddr=other.example", published, 0, { 0 }, false,
	  "TLS 192.0.2.1:5071", "other.example: there is no such host", 0 },
	{ "nor by his address", "sips:bob@192.0.2.1", published, 0, { 0 }, true,
	  "", "192.0.2.1: an address has no TLSA records, and one is demanded", 0 },
	{ "a server whose records are forged is not tried", "sips:bob@example.org", published, 0, { DNS_TLSA, ERR_DENIED }, false,
	  "", "_5071._tcp.a.example.org: the answer of the DNS is forged or broken (DNSSEC): signature crypto failed", 0 },
	{ "nor one with more records than are taken", "sips:bob@example.org", too_large, 0, { 0 }, false,
	  "TLS 192.0.2.2:5072", "a.example.org: its TLSA records are larger than is taken here (2048 bytes)", 0 },
	{ "whether it must have them or not", "sips:bob@example.org", too_large, 0, { 0 }, true,
	  "", "a.example.org: its TLSA records are larger than is taken here (2048 bytes)", 0 },
	{ "nor one whose records are kept back", "sips:bob@example.org", published, 0, { DNS_TLSA, ERR_AGAIN }, false,
	  "", "_5071._tcp.a.example.org: the name servers did not answer in time", 0 },
};
/* clang-format on */

static void servers_come_with_the_records_that_dnssec_proves(void **state)
{
	for (size_t i = 0; i < sizeof tlsa_cases / sizeof tlsa_cases[0]; i++) {
		const struct tlsa_case *row = &tlsa_cases[i];
		struct search search = { .zone = row->zone,
					 .unsigned_type = row->unsigned_type,
					 .trouble = { row->trouble },
					 .needs_tlsa = row->needs_tlsa };

		print_message("# %s\n", row->label);
		assert_true(start(&search, row->uri, TLS, 1));
		run(&search);
		assert_string_equal(search.targets, row->targets);
		assert_string_equal(search.end, row->end);
		assert_int_equal(search.tlsa, row->tlsa);
		if (strstr(row->uri, "@192."))
			assert_string_equal(search.asked, "");
	}
}

static void records_are_asked_for_where_the_server_is(void **state)
{
	struct search search = { .zone = published, .tells_tlsa = true };

	assert_true(start(&search, "sips:bob@example.org", TLS, 1));
	run(&search);
	assert_string_equal(
		search.asked,
		"NAPTR example.org, SRV _sips._tcp.example.org, AAAA a.example.org, A a.example.org, "
		"TLSA _5071._tcp.a.example.org, AAAA b.example.org, A b.example.org, "
		"TLSA _5072._tcp.b.example.org");
	search = (struct search){ .zone = usual, .tells_tlsa = true };
	assert_true(start(&search, "sip:bob@example.org;transport=tcp", TLS | TCP, 1));
	run(&search);
	assert_null(strstr(search.asked, "TLSA"));
}

/* -- SRV: priority and weight (RFC 2782) ----------------------------------------------------------------------------------- */

static const char weighted[] = "_sips._tcp.example.org SRV 2 0 5065 a.example.org\n"
			       "_sips._tcp.example.org SRV 1 60 5061 a.example.org\n"
			       "_sips._tcp.example.org SRV 1 30 5062 a.example.org\n"
			       "_sips._tcp.example.org SRV 1 10 5063 a.example.org\n"
			       "_sips._tcp.example.org SRV 1 0 5064 a.example.org\n"
			       "a.example.org A 192.0.2.1\n";

static void chooses_servers_of_one_priority_by_their_weights(void **state)
{
	enum { RUNS = 2000 };
	unsigned first[5] = { 0 };

	for (uint64_t seed = 0; seed < RUNS; seed++) {
		struct search search = { .zone = weighted };
		struct locate_next next;

		assert_true(start(&search, "sips:bob@example.org;transport=tls", TLS, seed * 7919));
		do {
			locate_next(&search.locate, &next);
			if (next.step == LOCATE_ASK)
				answer(&search, &next.question);
		} while (next.step == LOCATE_ASK);
		assert_in_range(next.target.address.port, 5061, 5064); /* never that of priority 2 */
		first[next.target.address.port - 5061]++;
		run(&search);
		assert_int_equal(search.last.address.port, 5065); /* which is the last */
	}
	assert_in_range(first[0], RUNS * 53 / 100, RUNS * 66 / 100);
	assert_in_range(first[1], RUNS * 25 / 100, RUNS * 35 / 100);
	assert_in_range(first[2], RUNS * 7 / 100, RUNS * 13 / 100);
	assert_in_range(first[3], 1, RUNS * 3 / 100); /* "a very small chance" */
}

/* "those with weight 0 are placed at the beginning", or they would never come first. */
static void a_weight_of_zero_has_its_small_chance(void **state)
{
	static const char zone[] = "_sips._tcp.example.org SRV 1 1 5061 a.example.org\n"
				   "_sips._tcp.example.org SRV 1 0 5062 a.example.org\n"
				   "a.example.org A 192.0.2.1\n";
	unsigned n_zero = 0;

	for (uint64_t seed = 0; seed < 100; seed++) {
		struct search search = { .zone = zone };

		assert_true(start(&search, "sips:bob@example.org;transport=tls", TLS, seed));
		run(&search);
		n_zero += strncmp(search.targets, "TLS 192.0.2.1:5062", 18) == 0;
	}
	assert_in_range(n_zero, 30, 70);
}

static void tries_every_server_once_whatever_its_weight(void **state)
{
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct search search = { .zone = weighted };

		assert_true(start(&search, "sips:bob@example.org", TLS, seed));
		run(&search);
		for (unsigned port = 5061; port <= 5065; port++) {
			char target[32];
			size_t at;

			snprintf(target, sizeof target, "192.0.2.1:%u", port);
			at = slice_find_text(slice_of(search.targets), slice_of(target));
			assert_true(at < strlen(search.targets));
			assert_null(strstr(search.targets + at + 1, target));
		}
	}
}

static void weights_of_another_priority_do_not_count(void **state)
{
	static const char zone[] = "_sips._tcp.example.org SRV 1 1 5061 a.example.org\n"
				   "_sips._tcp.example.org SRV 1 1 5062 a.example.org\n"
				   "_sips._tcp.example.org SRV 2 65535 5063 a.example.org\n"
				   "a.example.org A 192.0.2.1\n";
	unsigned first[2] = { 0 };

	for (uint64_t seed = 0; seed < 200; seed++) {
		struct search search = { .zone = zone };

		assert_true(start(&search, "sips:bob@example.org", TLS, seed * 7919));
		run(&search);
		first[slice_starts(slice_of(search.targets), SLICE("TLS 192.0.2.1:5061"))]++;
	}
	assert_in_range(first[0], 40, 160);
	assert_in_range(first[1], 40, 160);
}

static void gives_the_same_order_for_the_same_seed(void **state)
{
	struct search a = { .zone = weighted }, b = { .zone = weighted };

	assert_true(start(&a, "sips:bob@example.org", TLS, 42) && start(&b, "sips:bob@example.org", TLS, 42));
	run(&a);
	run(&b);
	assert_string_equal(a.targets, b.targets);
}

/* -- bounds ------------------------------------------------------------------------------------------------------------------- */

static void keeps_the_best_of_too_many_records(void **state)
{
	static char zone[16384];
	struct writer out = writer_of(zone, sizeof zone - 1);
	struct search search = { .zone = zone };
	size_t n = 1;

	for (unsigned i = 40; i > 0; i--) {
		put(&out, SLICE("example.org NAPTR 1 "));
		put_number(&out, i);
		put(&out, SLICE(" s SIPS+D2T - "));
		put(&out, i == 1 ? SLICE("_sips._tcp.example.org\n") : SLICE("other.example\n"));
		put(&out, SLICE("_sips._tcp.example.org SRV "));
		put_number(&out, i);
		put(&out, SLICE(" 0 "));
		put_number(&out, 5000 + i);
		put(&out, SLICE(" a.example.org\na.example.org A 192.0.2."));
		put_number(&out, i);
		put(&out, SLICE("\n"));
	}
	zone[out.len] = '\0';
	assert_true(start(&search, "sips:bob@example.org", TLS, 1));
	run(&search);
	assert_true(slice_starts(slice_of(search.targets), SLICE("TLS 192.0.2.40:5001, ")));
	for (const char *at = search.targets; *at; at++)
		n += *at == ',';
	assert_in_range(n, LOCATE_ADDRESSES_MAX, LOCATE_SERVERS_MAX * LOCATE_ADDRESSES_MAX);
}

static void leaves_room_for_v4_beside_v6(void **state)
{
	static char zone[4096];
	struct writer out = writer_of(zone, sizeof zone - 1);
	struct search search = { .zone = zone };

	for (unsigned i = 1; i <= 20; i++) {
		put(&out, SLICE("example.org AAAA 2001:db8::"));
		put_number(&out, i);
		put_char(&out, '\n');
	}
	put(&out, SLICE("example.org A 192.0.2.1\n"));
	zone[out.len] = '\0';
	assert_true(start(&search, "sips:bob@example.org:5061", TLS, 1));
	run(&search);
	assert_true(slice_ends(slice_of(search.targets), SLICE("TLS 192.0.2.1:5061")));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(finds_targets_as_the_rfc_says),
	cmocka_unit_test(refuses_what_no_transport_of_ours_can_carry),
	cmocka_unit_test(refuses_a_host_that_is_no_domain_name),
	cmocka_unit_test(keeps_the_domain_of_the_uri_as_the_name_to_be_proven),
	cmocka_unit_test(is_secure_only_if_every_answer_on_the_way_was),
	cmocka_unit_test(goes_no_further_on_a_forged_answer),
	cmocka_unit_test(servers_come_with_the_records_that_dnssec_proves),
	cmocka_unit_test(records_are_asked_for_where_the_server_is),
	cmocka_unit_test(does_without_what_the_name_servers_cannot_say),
	cmocka_unit_test(chooses_servers_of_one_priority_by_their_weights),
	cmocka_unit_test(a_weight_of_zero_has_its_small_chance),
	cmocka_unit_test(tries_every_server_once_whatever_its_weight),
	cmocka_unit_test(weights_of_another_priority_do_not_count),
	cmocka_unit_test(gives_the_same_order_for_the_same_seed),
	cmocka_unit_test(keeps_the_best_of_too_many_records),
	cmocka_unit_test(leaves_room_for_v4_beside_v6),
};

TEST_MAIN(tests)

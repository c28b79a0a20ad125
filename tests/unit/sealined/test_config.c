#include "harness.h"

#include "sealined/config_numbers.h"
#include "sealined/identity.h"

static struct config *fresh(void)
{
	struct config *config = config_new();

	assert_non_null(config);
	return config;
}

static bool parse(struct config *config, const char *text, struct writer *why)
{
	return config_parse(config, SLICE("f.yaml"), slice_of(text), why);
}

static void understands_every_key(void **state)
{
	static const char text[] =
		"# all of it\n"
		"listen:\n"
		"  - 192.0.2.1:5061\n"
		"  - tcp:[::1]:5060\n"
		"  - \"tls:[2001:db8::1]:0\"\n"
		"domains:\n"
		"  - Example.ORG\n"
		"  - {md5: allow, name: old.example}\n"
		"  - name: new.example\n"
		"    md5: refuse\n"
		"    digest: sha-512-256-SESS\n"
		"    integrity: require\n"
		"    sips: require\n"
		"    md5-until: 2027-01-31\n"
		"    calls-in: sips\n"
		"    calls-out: smime\n"
		"  - {name: desk-phones.example, md5: only, digest: [SHA-256, SHA-512-256], integrity: refuse}\n"
		"certificate: /etc/sealine/cert.pem\n"
		"key: /etc/sealine/key.pem\n"
		"advertise: SIP.example.org\n"
		"workers: 3\n"
		"security-agreement: require\n"
		"log-format: json\n"
		"log-level: debug\n"
		"state: /var/lib/sealine\n";
	AUTO(config) struct config *config = fresh();
	char buf[500];
	struct writer why = writer_of(buf, sizeof buf);

	assert_true(parse(config, text, &why));
	assert_true(config_complete(config, SLICE("f.yaml"), &why));
	assert_int_equal(config->n_listeners, 3);
	assert_int_equal(config->listeners[0].transport, TRANSPORT_TLS);
	assert_int_equal(config->listeners[0].address.port, 5061);
	assert_int_equal(config->listeners[1].transport, TRANSPORT_TCP);
	assert_int_equal(config->listeners[1].address.family, ADDRESS_V6);
	assert_int_equal(config->listeners[2].address.port, 0);
	assert_int_equal(config->n_domains, 4);
	assert_true(slice_eq(config->domains[0].name, SLICE("example.org")));
	assert_int_equal(config->domains[0].md5, AUTH_MD5_REFUSED);
	assert_true(slice_eq(config->domains[1].name, SLICE("old.example")));
	assert_int_equal(config->domains[1].md5, AUTH_MD5_ALLOWED);
	assert_int_equal(config->domains[2].md5, AUTH_MD5_REFUSED);
	assert_true(config->domains[2].require_sips && !config->domains[1].require_sips &&
		    !config->domains[3].require_sips);
	assert_int_equal(config->domains[3].md5, AUTH_MD5_ONLY);
	assert_int_equal(config->domains[2].md5_until, 1801353600);
	assert_int_equal(config->domains[2].in, PROTECTION_SIPS);
	assert_int_equal(config->domains[2].out, PROTECTION_SMIME);
	assert_int_equal(config->domains[3].md5_until + config->domains[3].in, 0);
	assert_int_equal(config->domains[1].sha, 0);
	assert_int_equal(config->domains[2].sha, AUTH_OFFER(DIGEST_SHA512_256, true));
	assert_int_equal(config->domains[2].integrity, AUTH_INTEGRITY_REQUIRED);
	assert_int_equal(config->domains[3].sha,
			 AUTH_OFFER(DIGEST_SHA512_256, false) | AUTH_OFFER(DIGEST_SHA256, false));
	assert_int_equal(config->domains[3].integrity, AUTH_INTEGRITY_REFUSED);
	assert_true(slice_eq(config->certificates.files[0], SLICE("/etc/sealine/cert.pem")));
	assert_true(slice_eq(config->certificates.keys[0], SLICE("/etc/sealine/key.pem")));
	assert_true(slice_eq(config->advertise, SLICE("sip.example.org")));
	assert_int_equal(config->workers, 3);
	assert_int_equal(config->agreement, AGREEMENT_REQUIRED);
	assert_int_equal(config->log_format, LOG_JSON);
	assert_int_equal(config->log_level, REPORT_DEBUG);
	assert_true(slice_eq(config->state, SLICE("/var/lib/sealine")));
}

static void takes_certificates_for_each_domain(void **state)
{
	static const char text[] =
		"domains:\n"
		"  - {key: [/a1.key, /a2.key], name: a.example, certificate: [/a1.pem, /a2.pem]}\n"
		"  - b.example\n"
		"  - {name: c.example, certificate: /c.pem, key: /c.key}\n"
		"certificate: [/1.pem, /2.pem]\n"
		"key: [/1.key, /2.key]\n"
		"state: /s\n";
	AUTO(config) struct config *config = fresh();
	char buf[500];
	struct writer why = writer_of(buf, sizeof buf);

	assert_true(parse(config, text, &why));
	assert_true(config_complete(config, SLICE("f.yaml"), &why));
	assert_false(config_is_development(config));
	assert_int_equal(config->certificates.n_files, 2);
	assert_true(slice_eq(config->certificates.keys[1], SLICE("/2.key")));
	assert_true(config_has_own(config, SLICE("a.example")));
	assert_false(config_has_own(config, SLICE("b.example")));
	assert_true(config_has_own(config, SLICE("c.example")));
	assert_int_equal(config->of_domain[0]->n_keys, 2);
	assert_true(slice_eq(config->of_domain[0]->files[1], SLICE("/a2.pem")));
	assert_true(slice_eq(config->of_domain[0]->keys[1], SLICE("/a2.key")));
	assert_true(slice_eq(config->of_domain[2]->files[0], SLICE("/c.pem")));

	config_unsay(config, SETTING_DOMAINS);
	assert_true(config_say(config, SETTING_DOMAINS, SLICE("d.example"), &why));
	assert_false(config_has_own(config, SLICE("d.example")));
}

static void knows_the_steps_on_the_way_to_the_end(void **state)
{
	static const struct {
		utc_t left;
		int alarm;
	} steps[] = { { 31 * 86400, 0 }, { 30 * 86400, 0 },     { 30 * 86400 - 1, 1 },
		      { 14 * 86400, 1 }, { 14 * 86400 - 1, 2 }, { 7 * 86400 - 1, 3 },
		      { 86400, 3 },      { 86400 - 1, 4 },      { 0, 4 },
		      { -1, 5 } };

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		assert_int_equal(identity_alarm(1790000000 + steps[i].left, 1790000000), steps[i].alarm);
}

/* RFC 5626 §5.4: what the longest Flow-Timer lets a phone be silent for is less than what ends its connection. */
static void waits_longer_for_a_phone_than_any_flow_timer(void **state)
{
	static const char longest[] = "registrar:\n  flow-timer: 3600\n",
			  longer[] = "registrar:\n  flow-timer: 3601\n";
	char buf[500];
	struct writer why = writer_of(buf, sizeof buf);
	AUTO(config) struct config *config = fresh();
	AUTO(config) struct config *other = fresh();
	struct registrar_policy policy = { 0 };

	assert_true(parse(config, longest, &why));
	assert_false(parse(other, longer, &why));
	config_set_registrar(config, &policy);
	assert_true(2 * 1000 * (ms_t)policy.flow_timer <= config_silence(config));
}

/* It need not say anything until it registers anew, and can be called until then. */
static void waits_for_a_phone_as_long_as_it_is_registered(void **state)
{
	char buf[500];
	struct writer why = writer_of(buf, sizeof buf);
	AUTO(config) struct config *usual = fresh();
	AUTO(config) struct config *config = fresh();

	assert_true(parse(config, "registrar: {expires-max: 86400}\n", &why));
	assert_int_equal(config_silence(usual), transport_limits_default.idle_proven);
	assert_true(config_silence(config) > 86400 * 1000);
}

static void sections_hold_numbers(void **state)
{
	static const char text[] = "messages:\n"
				   "  message: 20000\n"
				   "  header: 4096\n"
				   "  header-fields: 40\n"
				   "  uri: 300\n"
				   "  values: 20\n"
				   "  parameters: 10\n"
				   "  body-parts: 5\n"
				   "  nesting: 2\n"
				   "registrar:\n"
				   "  expires-min: 30\n"
				   "  expires-default: 90\n"
				   "  expires-max: 7200\n"
				   "  flow-timer: 25\n"
				   "  service-route: yes\n";
	AUTO(config) struct config *config = fresh();
	struct registrar_policy policy = { .bindings_max = 7 };
	struct sip_limits limits;
	char buf[500];
	struct writer why = writer_of(buf, sizeof buf);

	limits = config_sip_limits(config);
	assert_memory_equal(&limits, &sip_limits_default, sizeof limits);
	config_set_registrar(config, &policy);
	assert_int_equal(policy.expires_min, registrar_policy_default.expires_min);
	assert_int_equal(policy.expires_default, registrar_policy_default.expires_default);
	assert_int_equal(policy.expires_max, registrar_policy_default.expires_max);
	assert_int_equal(policy.bindings_max, 7);
	assert_int_equal(policy.flow_timer, registrar_policy_default.flow_timer);
	assert_false(policy.service_route);

	assert_true(parse(config, text, &why));
	assert_true(config_complete(config, SLICE("f.yaml"), &why));
	limits = config_sip_limits(config);
	assert_int_equal(limits.message, 20000);
	assert_int_equal(limits.header_area, 4096);
	assert_int_equal(limits.body_parts, 5);
	assert_int_equal(limits.nesting, 2);
	assert_int_equal(limits.headers, 40);
	assert_int_equal(limits.uri, 300);
	assert_int_equal(limits.values, 20);
	assert_int_equal(limits.params, 10);
	config_set_registrar(config, &policy);
	assert_int_equal(policy.expires_min, 30);
	assert_int_equal(policy.expires_default, 90);
	assert_int_equal(policy.expires_max, 7200);
	assert_int_equal(policy.flow_timer, 25);
	assert_true(policy.service_route);
}

static void numbers_have_bounds_and_go_together(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "messages: 5\n", "f.yaml:1:11: here stand keys of its own, each with a number" },
		{ "messages:\n  message: 100\n", "f.yaml:2:12: \"100\": it is no number from 4096 to 65536" },
		{ "messages:\n  message: 64k\n", "f.yaml:2:12: \"64k\": it is no number from 4096 to 65536" },
		{ "messages:\n  message: [1]\n", "f.yaml:2:12: here stands a single number" },
		{ "messages:\n  massage: 5000\n",
		  "f.yaml:2:3: there is no key \"massage\"; is \"message\" meant?" },
		{ "messages:\n  uri: 500\n  uri: 500\n",
		  "f.yaml:3:3: the key \"uri\" is given twice, first on line 2" },
		{ "messages:\n  message: 5000\n", "f.yaml:1:1: messages: header is larger than message" },
		{ "limits:\n  transactions: 99\n",
		  "f.yaml:2:17: \"99\": it is no number from 100 to 1000000" },
		{ "registrar:\n  expires-min: 3601\n",
		  "f.yaml:2:16: \"3601\": it is no number from 1 to 3600" },
		{ "registrar:\n  expires-min: 601\n",
		  "f.yaml:1:1: registrar: expires-default is below expires-min" },
		{ "registrar:\n  expires-max: 599\n",
		  "f.yaml:1:1: registrar: expires-default is above expires-max" },
		{ "registrar:\n  service-route: 1\n", "f.yaml:2:18: \"1\": it is neither yes nor no" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		AUTO(config) struct config *config = fresh();
		char buf[500];
		struct writer why = writer_of(buf, sizeof buf);

		if ((parse(config, rows[i].text, &why) && config_complete(config, SLICE("f.yaml"), &why)) ||
		    !slice_eq(writer_text(&why), slice_of(rows[i].why)))
			fail_msg("%s: %.*s", rows[i].text, SLICE_FMT(writer_text(&why)));
	}
}

static void needs_nothing(void **state)
{
	static const char *const texts[] = { "", "# only a comment\n" };
	char buf[500];

	setenv("HOME", "/home/somebody", 1);
	unsetenv("STATE_DIRECTORY");
	unsetenv("XDG_STATE_HOME");
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		AUTO(config) struct config *config = fresh();
		struct writer why = writer_of(buf, sizeof buf);

		assert_true(parse(config, texts[i], &why));
		assert_true(config_complete(config, SLICE("f.yaml"), &why));
		assert_int_equal(config->n_listeners, 2);
		assert_int_equal(config->listeners[0].address.port, 5061);
		assert_true(address_is_loopback(&config->listeners[1].address));
		assert_true(slice_eq(config->domains[0].name, SLICE("localhost")));
		assert_true(slice_eq(config->advertise, SLICE("localhost")));
		assert_true(slice_eq(config->state, SLICE("/home/somebody/.local/state/sealine")));
		assert_true(config->workers >= 1);
	}
}

static void takes_peers(void **state)
{
	AUTO(config) struct config *config = fresh();
	char buf[500];
	struct writer why = writer_of(buf, sizeof buf);
	const struct server_peer *peer;

	assert_true(parse(
		config,
		"trust: /etc/ca.pem\ndns: 192.0.2.53\ntrust-anchor: none\n"
		"peers:\n"
		"  trunk:\n    domains: [Carrier.example, pstn.example]\n    address: SBC.example:5071\n"
		"    proves: sbc.example\n    relay: yes\n    route: yes\n    trust-domain: yes\n"
		"    pin: 00:01:02:03:04:05:06:07:08:09:0A:0b:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:fF\n"
		"  old:\n    domains: [old.example, 192.0.2.7]\n    transport: udp\n    address: \"[2001:db8::1]:5070\"\n"
		"    from: [192.0.2.7, \"2001:db8::1\"]\n"
		"  home: {domains: home.example, registers: yes}\n"
		"  edge: {domains: Edge.example, edge-for: [A.example, b.example]}\n",
		&why));
	assert_int_equal(config->n_peers, 4);
	peer = &config->peers[0];
	assert_true(slice_eq(peer->name, SLICE("trunk")));
	assert_int_equal(peer->n_domains, 2);
	assert_true(slice_eq(peer->domains[0], SLICE("carrier.example")));
	assert_true(slice_eq(peer->host, SLICE("sbc.example")) && peer->port == 5071);
	assert_true(slice_eq(peer->proves, SLICE("sbc.example")) && peer->relays && peer->routes);
	assert_true(peer->in_trust_domain);
	assert_int_equal(peer->transport, TRANSPORT_TLS);
	assert_int_equal(peer->pin.len, 32);
	assert_int_equal((unsigned char)peer->pin.ptr[10], 10);
	assert_int_equal((unsigned char)peer->pin.ptr[31], 255);
	peer = &config->peers[1];
	assert_int_equal(peer->transport, TRANSPORT_UDP);
	assert_true(peer->n_domains == 2 && slice_eq(peer->domains[1], SLICE("192.0.2.7")));
	assert_true(slice_eq(peer->host, SLICE("[2001:db8::1]")) && peer->port == 5070);
	assert_int_equal(peer->n_addresses, 2);
	assert_int_equal(peer->addresses[1].family, ADDRESS_V6);
	assert_false(peer->relays || peer->routes || peer->in_trust_domain);
	assert_false(peer->registers || peer->n_edge_for > 0);
	peer = &config->peers[2];
	assert_true(peer->registers && peer->n_edge_for == 0);
	peer = &config->peers[3];
	assert_true(!peer->registers && peer->n_edge_for == 2);
	assert_true(slice_eq(peer->edge_for[0], SLICE("a.example")));
	assert_int_equal(config->dns.port, 53);
	assert_true(slice_eq(config->trust, SLICE("/etc/ca.pem")));
	assert_true(slice_eq(config->trust_anchor, SLICE("none")));
}

static void takes_links(void **state)
{
	AUTO(config) struct config *config = fresh();
	char buf[500];
	struct writer why = writer_of(buf, sizeof buf);

	assert_true(parse(
		config,
		"state: /var/lib/sealine\n"
		"peers:\n"
		"  b: {domains: b.example, address: \"192.0.2.7:5062\", transport: tcp, link: vault, trust-domain: yes}\n"
		"  c: {domains: c.example, address: \"2001:db8::1\", transport: tcp, link: wire-1}\n"
		"links:\n"
		"  vault: {addresses: [192.0.2.7, 192.0.2.8], mechanism: ipsec, sips: yes}\n"
		"  wire-1: {addresses: \"2001:db8::1\", mechanism: private-wire, interface: eth1}\n",
		&why));
	assert_true(config_complete(config, SLICE("f.yaml"), &why));
	assert_int_equal(config->links.n, 2);
	assert_true(slice_eq(config->links.all[0].name, SLICE("vault")));
	assert_int_equal(config->links.all[0].n_addresses, 2);
	assert_int_equal(config->links.all[0].interface.len, 0);
	assert_true(slice_eq(config->link_facts[0].mechanism, SLICE("ipsec")) &&
		    config->link_facts[0].has_sips);
	assert_true(slice_eq(config->links.all[1].interface, SLICE("eth1")));
	assert_false(config->link_facts[1].has_sips);
	assert_true(slice_eq(config->peers[0].link, SLICE("vault")) && config->peers[0].link_has_sips);
	assert_true(slice_eq(config->peers[1].link, SLICE("wire-1")) && !config->peers[1].link_has_sips);
}

static const struct {
	const char *label, *text, *why;
} bad_links[] = {
	{ "staples by another word", "ocsp: yes\n", "f.yaml:1:7: \"yes\": it is neither allow nor require" },
	{ "a list", "links: [a]\n", "f.yaml:1:8: here stand the names of links, each with keys below it" },
	{ "no keys", "links: {vault: ipsec}\n",
	  "f.yaml:1:9: here stands the name of a link, and its keys below it" },
	{ "a name of other letters", "links:\n  \"a b\": {addresses: 192.0.2.1, mechanism: ipsec}\n",
	  "f.yaml:2:3: \"a b\": it is no name of letters, digits, - and _, at most 32" },
	{ "no address", "links:\n  vault: {mechanism: ipsec}\n",
	  "f.yaml:2:3: \"vault\": the link has no addresses" },
	{ "a name for an address", "links:\n  vault: {addresses: b.example, mechanism: ipsec}\n",
	  "f.yaml:2:22: \"b.example\": it is no IP address" },
	{ "one address in two",
	  "links:\n  a: {addresses: 192.0.2.1, mechanism: ipsec}\n  b: {addresses: [192.0.2.2, 192.0.2.1], mechanism: ipsec}\n",
	  "f.yaml:3:30: \"192.0.2.1\": a link has it already" },
	{ "no mechanism", "links:\n  vault: {addresses: 192.0.2.1}\n",
	  "f.yaml:2:3: \"vault\": the link has no mechanism: say what protects it" },
	{ "hope for a mechanism", "links:\n  vault: {addresses: 192.0.2.1, mechanism: hope}\n",
	  "f.yaml:2:44: \"hope\": it is none of ipsec, macsec, wireguard, private-wire" },
	{ "a wire without its interface",
	  "links:\n  vault: {addresses: 192.0.2.1, mechanism: private-wire}\n",
	  "f.yaml:2:3: \"vault\": an address can be forged from elsewhere: say the interface of the link" },
	{ "an interface that cannot be",
	  "links:\n  vault: {addresses: 192.0.2.1, mechanism: ipsec, interface: a/b}\n",
	  "f.yaml:2:62: \"a/b\": it is no name of an interface, which has at most 15 characters" },
	{ "sips perhaps", "links:\n  vault: {addresses: 192.0.2.1, mechanism: ipsec, sips: perhaps}\n",
	  "f.yaml:2:57: \"perhaps\": it is neither yes nor no" },
	{ "an unknown key", "links:\n  vault: {address: 192.0.2.1}\n",
	  "f.yaml:2:11: there is no key \"address\"; is \"addresses\" meant?" },
	{ "a peer over UDP",
	  "peers:\n  x: {domains: a.example, transport: udp, address: 192.0.2.1, link: vault}\nlinks:\n  vault: {addresses: 192.0.2.1, mechanism: ipsec}\n",
	  "f.yaml:2:3: \"x\": a link protects what is in clear, and its addresses are known over TCP alone: say transport: tcp, or leave out link" },
	{ "a peer over TLS", "peers:\n  x: {domains: a.example, link: vault}\n",
	  "f.yaml:2:3: \"x\": a link protects what is in clear, and its addresses are known over TCP alone: say transport: tcp, or leave out link" },
	{ "a peer from elsewhere",
	  "peers:\n  x: {domains: a.example, transport: tcp, address: 192.0.2.1, from: 192.0.2.1, link: vault}\n",
	  "f.yaml:2:3: \"x\": the peer comes from the addresses of its link: leave out from" },
	{ "a link that nobody declared",
	  "peers:\n  x: {domains: a.example, transport: tcp, address: 192.0.2.1, link: vault}\n",
	  "f.yaml:2:69: peer x: link vault: no link has that name" },
	{ "a peer beside its link",
	  "peers:\n  x: {domains: a.example, transport: tcp, address: 192.0.2.2, link: vault}\nlinks:\n  vault: {addresses: 192.0.2.1, mechanism: ipsec}\n",
	  "f.yaml:2:69: peer x: link vault: its address is none of those of its link" },
	{ "a peer that the DNS leads to",
	  "peers:\n  x: {domains: a.example, transport: tcp, address: sbc.example, link: vault}\nlinks:\n  vault: {addresses: 192.0.2.1, mechanism: ipsec}\n",
	  "f.yaml:2:71: peer x: link vault: its address is none of those of its link" },
};

static void says_what_is_wrong_with_links(void **state)
{
	for (size_t i = 0; i < sizeof bad_links / sizeof *bad_links; i++) {
		AUTO(config) struct config *config = fresh();
		char buf[500];
		struct writer why = writer_of(buf, sizeof buf);

		if (parse(config, bad_links[i].text, &why) && config_complete(config, SLICE("f.yaml"), &why))
			fail_msg("%s is taken", bad_links[i].label);
		if (!slice_eq(writer_text(&why), slice_of(bad_links[i].why)))
			fail_msg("%s: %.*s", bad_links[i].label, SLICE_FMT(writer_text(&why)));
	}
}

/* What is wrong with a file is seen later, and told with the place where it was named. */
static void knows_where_the_cas_of_a_peer_were_named(void **state)
{
	AUTO(config) struct config *config = fresh();
	char buf[100];
	struct writer why = writer_of(buf, sizeof buf);

	assert_true(parse(config, "state: /s\npeers:\n  x: {domains: a.example, trust: /ca.pem}\n", &why));
	assert_true(config_complete(config, SLICE("f.yaml"), &why));
	put_config_place(&why, config, config->scopes[0].trust);
	assert_true(slice_eq(writer_text(&why), SLICE("f.yaml:3:34: ")));
}

static void tells_what_a_peer_with_rules_of_its_own_has_to_prove(void **state)
{
	static const char text[] =
		"peers:\n"
		"  Own: {domains: [a.example, b.example], trust: /own.pem, address: sbc.example}\n"
		"  wild: {domains: c.example, proves: sbc.c.example, exceptions: wildcard}\n"
		"  both: {domains: d.example, trust: /both.pem, exceptions: [wildcard]}\n"
		"  neither: {domains: e.example}\n";
	static const struct {
		size_t peer, n;
		const char *name, *sips, *sip;
	} expected[] = {
		{ 0, 0, "a.example", "a.example/own", "a.example/own" },
		{ 0, 1, "b.example", "b.example/own", "b.example/own" },
		{ 0, 2, "sbc.example", "sbc.example/own", "sbc.example/own" },
		{ 1, 0, "sbc.c.example", "sbc.c.example", "sbc.c.example/wild:sip" },
		{ 2, 0, "d.example", "d.example/both", "d.example/both:sip" },
	};
	AUTO(config) struct config *config = fresh();
	char buf[500];
	struct writer why = writer_of(buf, sizeof buf);

	assert_true(parse(config, text, &why));
	assert_int_equal(config->n_peers, 4);
	assert_int_equal(config->peers[0].n_identities, 3);
	assert_int_equal(config->peers[1].n_identities, 1);
	assert_int_equal(config->peers[3].n_identities, 0);
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		const struct server_identity *identity =
			&config->peers[expected[i].peer].identities[expected[i].n];

		assert_true(slice_eq(identity->name, slice_of(expected[i].name)));
		assert_true(slice_eq(identity->sips, slice_of(expected[i].sips)));
		assert_true(slice_eq(identity->sip, slice_of(expected[i].sip)));
	}
	assert_true(slice_eq(config->scopes[0].trust, SLICE("/own.pem")));
	assert_false(config->scopes[0].takes_wildcards || config->scopes[3].takes_wildcards);
	assert_true(config->scopes[1].takes_wildcards && config->scopes[2].takes_wildcards);
}

static const struct {
	const char *label, *text, *why;
} bad_files[] = {
	{ "an unknown key", "lisen: []\n", "f.yaml:1:1: there is no key \"lisen\"; is \"listen\" meant?" },
	{ "two letters swapped", "# c\n\n  wrokers: 2\n",
	  "f.yaml:3:3: there is no key \"wrokers\"; is \"workers\" meant?" },
	{ "a key like no other", "colour: red\n", "f.yaml:1:1: there is no key \"colour\"" },
	{ "a merge key", "<<: {workers: 2}\n", "f.yaml:1:1: there is no key \"<<\"" },
	{ "a key twice", "workers: 1\nstate: /x\nworkers: 2\n",
	  "f.yaml:3:1: the key \"workers\" is given twice, first on line 1" },
	{ "a list as key", "[a]: b\n", "f.yaml:1:1: here stands the name of a key" },
	{ "no mapping", "- listen\n",
	  "f.yaml:1:1: here stand keys and values, as in \"state: /var/lib/sealine\"" },
	{ "an anchor", "workers: &w 2\n", "f.yaml:1:10: anchors (&) are not used here" },
	{ "an alias", "workers: *w\n", "f.yaml:1:10: aliases (*) are not used here" },
	{ "a tag", "workers: !!int 2\n", "f.yaml:1:10: tags (!) are not used here" },
	{ "a second document", "workers: 2\n---\nworkers: 3\n",
	  "f.yaml:2:1: there is a second document in the file" },
	{ "a brace that is not closed", "domains: {a: b\n",
	  "f.yaml:2:1: did not find expected ',' or '}' (while parsing a flow mapping)" },
	{ "a tab", "domains:\n\t- a.example\n",
	  "f.yaml:2:1: found character that cannot start any token (while scanning for the next token)" },
	{ "no number", "workers: many\n", "f.yaml:1:10: \"many\": it is no number from 1 to 64" },
	{ "a number out of range", "workers: 65\n", "f.yaml:1:10: \"65\": it is no number from 1 to 64" },
	{ "no workers at all", "workers: 0\n", "f.yaml:1:10: \"0\": it is no number from 1 to 64" },
	{ "a list where a value stands", "state: [a]\n",
	  "f.yaml:1:8: here stands a single value, not a list or a mapping" },
	{ "a value where a list stands", "listen: 127.0.0.1:5061\n",
	  "f.yaml:1:9: here stands a list: each entry on a line of its own after a dash" },
	{ "an address without a port", "listen:\n  - 127.0.0.1\n",
	  "f.yaml:2:5: \"127.0.0.1\": it has no IP address and port, as in 192.0.2.1:5061 or [2001:db8::1]:5061" },
	{ "an unknown transport", "listen: [\"sctp:127.0.0.1:5061\"]\n",
	  "f.yaml:1:10: \"sctp:127.0.0.1:5061\": it is not of the form [TRANSPORT:]ADDRESS:PORT with tls, wss, tcp, udp or ws and an IP address" },
	{ "an address twice", "listen: [\"127.0.0.1:5061\", \"tcp:127.0.0.1:5061\"]\n",
	  "f.yaml:1:28: \"tcp:127.0.0.1:5061\": it is there already" },
	{ "no domain name", "domains: [\"a b\"]\n", "f.yaml:1:11: \"a b\": it is no domain name" },
	{ "no internationalised name", "domains: [\xe2\x98\x83.example]\n",
	  "f.yaml:1:11: \"\xe2\x98\x83.example\": it is no internationalised domain name (RFC 5891): string contains a disallowed character" },
	{ "no A-label", "domains: [xn--a.example]\n",
	  "f.yaml:1:11: \"xn--a.example\": it is no internationalised domain name (RFC 5891): domain label has character forbidden in non-transitional mode (TR46)" },
	{ "a domain twice, once in letters",
	  "domains: [xn--bcher-kva.example, b\xc3\xbc"
	  "cher.example]\n",
	  "f.yaml:1:34: \"b\xc3\xbc"
	  "cher.example\": it is there already" },
	{ "an address as domain", "domains: [192.0.2.1]\n",
	  "f.yaml:1:11: \"192.0.2.1\": it is no domain name" },
	{ "a domain twice", "domains: [a.example, A.example]\n",
	  "f.yaml:1:22: \"A.example\": it is there already" },
	{ "a domain without name", "domains:\n  - md5: allow\n", "f.yaml:2:5: the domain has no \"name\"" },
	{ "an unknown key of a domain", "domains:\n  - nam: a.example\n",
	  "f.yaml:2:5: there is no key \"nam\"; is \"name\" meant?" },
	{ "an integrity that is none", "domains:\n  - name: a.example\n    integrity: yes\n",
	  "f.yaml:3:16: integrity is one of offer, refuse, require" },
	{ "MD5 among the digests", "domains:\n  - name: a.example\n    digest: [SHA-256, MD5]\n",
	  "f.yaml:3:23: digest is a list of SHA-512-256 and SHA-256, each also with -sess behind it; MD5 has a key of its "
	  "own" },
	{ "sips half required", "domains:\n  - name: a.example\n    sips: yes\n",
	  "f.yaml:3:11: sips is one of allow, require" },
	{ "md5 half allowed", "domains:\n  - name: a.example\n    md5: yes\n",
	  "f.yaml:3:10: md5 is one of refuse, allow, only" },
	{ "an unknown format", "log-format: xml\n", "f.yaml:1:13: \"xml\": it is neither text nor json" },
	{ "redirections that are neither", "domains:\n  - name: a.example\n    redirections: maybe\n",
	  "f.yaml:3:19: redirections is one of pass, follow" },
	{ "an agreement that is none", "security-agreement: yes\n",
	  "f.yaml:1:21: \"yes\": it is none of offer, require, refuse" },
	{ "a day that is none", "domains:\n  - name: a.example\n    md5-until: 2027-02-30\n",
	  "f.yaml:3:16: md5-until is a day like 2027-01-31" },
	{ "a level that is none", "domains:\n  - name: a.example\n    calls-in: tls\n",
	  "f.yaml:3:15: it is one of digest, sips, smime" },
	{ "a mode that is none", "domains:\n  - name: a.example\n    mode: relay\n",
	  "f.yaml:3:11: mode is proxy or redirect" },
	{ "DANE for a peer at an address",
	  "peers:\n  x: {domains: a.example, address: sbc.example, dane: require}\n",
	  "f.yaml:2:3: \"x\": dane is for a peer over TLS that the DNS leads to: leave out address and transport" },
	{ "DANE for a peer with a CA of its own",
	  "peers:\n  x: {domains: a.example, trust: /etc/ca.pem, dane: require}\n",
	  "f.yaml:2:3: \"x\": the peer has rules of its own for its certificate: leave out dane, or trust and exceptions" },
	{ "DANE by another word", "peers:\n  x: {domains: a.example, dane: yes}\n",
	  "f.yaml:2:33: \"yes\": it is neither allow nor require" },
	{ "a pin that is too short", "peers:\n  x: {domains: a.example, pin: ab12}\n",
	  "f.yaml:2:32: \"ab12\": it is no SHA-256 fingerprint, 64 hexadecimal digits with or without colons" },
	{ "a pin for a peer in clear",
	  "peers:\n  x: {domains: a.example, transport: udp, address: 192.0.2.1, pin: \"0000000000000000000000000000000000000000000000000000000000000000\"}\n",
	  "f.yaml:2:3: \"x\": what comes in clear proves nothing: leave out proves and pin, or the transport" },
	{ "a peer without domains", "peers:\n  trunk:\n    relay: no\n",
	  "f.yaml:2:3: \"trunk\": the peer has no domains" },
	{ "peers as a list", "peers: [trunk]\n",
	  "f.yaml:1:8: here stand the names of peers, each with keys below it" },
	{ "a peer without keys", "peers: {trunk: x}\n",
	  "f.yaml:1:9: here stands the name of a peer, and its keys below it" },
	{ "an unknown key of a peer", "peers:\n  trunk:\n    domain: a.example\n",
	  "f.yaml:3:5: there is no key \"domain\"; is \"domains\" meant?" },
	{ "a peer that relays perhaps", "peers:\n  trunk:\n    relay: perhaps\n",
	  "f.yaml:3:12: \"perhaps\": it is neither yes nor no" },
	{ "two peers for a domain", "peers:\n  x: {domains: a.example}\n  y: {domains: [A.example]}\n",
	  "f.yaml:3:17: \"A.example\": a peer has it already" },
	{ "a peer in clear that proves something",
	  "peers:\n  x: {domains: a.example, transport: udp, address: 192.0.2.1, proves: a.example}\n",
	  "f.yaml:2:3: \"x\": what comes in clear proves nothing: leave out proves and pin, or the transport" },
	{ "a peer in clear whose word counts",
	  "peers:\n  x: {domains: a.example, transport: udp, address: 192.0.2.1, trust-domain: yes}\n",
	  "f.yaml:2:3: \"x\": what comes in clear can be forged: leave out trust-domain, or the transport" },
	{ "a peer in clear without an address", "peers:\n  x: {domains: a.example, transport: tcp}\n",
	  "f.yaml:2:3: \"x\": a peer in clear needs an address" },
	{ "registrations in clear",
	  "peers:\n  x: {domains: a.example, transport: udp, address: 192.0.2.1, registers: yes}\n",
	  "f.yaml:2:3: \"x\": registrations go over TLS alone: leave out registers and edge-for, or the transport" },
	{ "an edge by an exception",
	  "peers:\n  x: {domains: a.example, exceptions: wildcard, edge-for: b.example}\n",
	  "f.yaml:2:3: \"x\": there is no exception where phones register: leave out registers and edge-for, or exceptions" },
	{ "an edge of two names", "peers:\n  x: {domains: [a.example, c.example], edge-for: b.example}\n",
	  "f.yaml:2:3: \"x\": an edge has one name, which stands in its Path: say that alone in domains" },
	{ "an edge for an address", "peers:\n  x: {domains: a.example, edge-for: \"a b\"}\n",
	  "f.yaml:2:37: \"a b\": it is no domain name" },
	{ "an edge for nothing of ours",
	  "domains: [b.example]\npeers:\n  x: {domains: a.example, edge-for: c.example}\n",
	  "f.yaml:2:1: peers: x: edge-for: c.example is no domain of ours" },
	{ "a peer by its address alone", "peers:\n  x: {domains: a.example, address: 192.0.2.1}\n",
	  "f.yaml:2:3: \"x\": a certificate proves no address: say what the peer proves" },
	{ "a peer that speaks for its address over TLS",
	  "peers:\n  x: {domains: 192.0.2.1, address: a.example}\n",
	  "f.yaml:2:3: \"x\": a certificate proves no address: say what the peer proves" },
	{ "a peer of no domain", "peers:\n  x: {domains: \"a b\", address: a.example}\n",
	  "f.yaml:2:16: \"a b\": it is no domain name, and no IP address" },
	{ "an address that proves a TLS peer", "peers:\n  x: {domains: a.example, from: 192.0.2.1}\n",
	  "f.yaml:2:3: \"x\": an address proves nothing: from is for peers in clear only" },
	{ "a peer's bad port", "peers:\n  x: {domains: a.example, address: b.example:0}\n",
	  "f.yaml:2:36: \"b.example:0\": it is no name or IP address, with or without a port" },
	{ "a peer over websockets", "peers:\n  x: {domains: a.example, transport: ws}\n",
	  "f.yaml:2:38: \"ws\": it is none of tls, tcp, udp" },
	{ "an exception that there is not",
	  "peers:\n  x: {domains: a.example, exceptions: [wildcard, all]}\n",
	  "f.yaml:2:50: \"all\": there is no such exception, only wildcard" },
	{ "a CA for a peer in clear",
	  "peers:\n  x: {domains: a.example, transport: udp, address: 192.0.2.1, trust: /x}\n",
	  "f.yaml:2:3: \"x\": what comes in clear proves nothing: leave out trust and exceptions, or the transport" },
	{ "a name that cannot stand in an identity", "peers:\n  \"x/y\": {domains: a.example, trust: /x}\n",
	  "f.yaml:2:3: \"x/y\": a peer with trust or exceptions has a name of letters, digits, - and _, at most 32" },
	{ "the same name in other letters",
	  "peers:\n  x: {domains: a.example, trust: /x}\n  X: {domains: b.example, trust: /x}\n",
	  "f.yaml:3:3: \"X\": another peer has that name in other letters" },
	{ "a group that is not safe", "tls:\n  groups: [P-256, P-192]\n",
	  "f.yaml:2:19: \"P-192\": it is none of those that are safe and used: X25519MLKEM768, X25519, P-256, P-384" },
	{ "a suite that is not safe", "tls: {suites: [TLS_RSA_WITH_AES_128_GCM_SHA256]}\n",
	  "f.yaml:1:16: \"TLS_RSA_WITH_AES_128_GCM_SHA256\": it is none of those that are safe, with ECDHE and AES-GCM or ChaCha20 (RFC 9325 §4.2)" },
	{ "groups that nobody else has", "tls: {groups: [X25519]}\n",
	  "f.yaml:1:6: P-256 is not among the groups, which everybody has (RFC 8446 §9.1)" },
	{ "a group as text", "tls: {groups: P-256}\n",
	  "f.yaml:1:15: here stands a list of names, the best first" },
	{ "no port of a name server", "dns: 192.0.2.53:0\n",
	  "f.yaml:1:6: \"192.0.2.53:0\": it is no IP address, with or without a port" },
	{ "no name server", "dns: names.example\n",
	  "f.yaml:1:6: \"names.example\": it is no IP address, with or without a port" },
	{ "a certificate without key", "# c\ncertificate: /x\n",
	  "f.yaml:2:1: there is a certificate, but no key" },
	{ "two certificates, one key", "certificate: [/x, /y]\nkey: /k\n",
	  "f.yaml:2:1: there is not one key for each certificate" },
	{ "too many certificates", "certificate: [/1, /2, /3, /4, /5]\n",
	  "f.yaml:1:31: \"/5\": there are more than 4 of them" },
	{ "a mapping as certificate", "certificate: {a: b}\n",
	  "f.yaml:1:14: here stands a single value, not a list or a mapping" },
	{ "a domain's certificate without key", "domains:\n  - name: a.example\n    certificate: /x\n",
	  "f.yaml:3:18: domain a.example: there is a certificate, but no key" },
	{ "a domain's key without certificate", "domains: [{name: a.example, key: [/x, /y]}]\n",
	  "f.yaml:1:35: domain a.example: there is a key, but no certificate" },
	{ "a domain without a certificate",
	  "domains:\n  - b.example\n  - {name: a.example, certificate: /x, key: /y}\n",
	  "f.yaml:1:1: domain b.example: it has no certificate, and there is none for all domains" },
	{ "no domain", "state: /s\ndomains: []\n",
	  "f.yaml:2:10: the list is empty: leave the key out for what is usual" },
	{ "nowhere to listen", "listen: []\n",
	  "f.yaml:1:9: the list is empty: leave the key out for what is usual" },
	{ "a list in the list of a domain", "domains: [{name: a.example, certificate: [[/x]], key: /y}]\n",
	  "f.yaml:1:43: here stands the path of a file" },
	{ "no path in the list of a domain", "domains: [{name: a.example, certificate: [\"\"], key: /y}]\n",
	  "f.yaml:1:43: \"\": it is no path" },
	{ "a key without certificate", "state: /s\nkey: /x\n",
	  "f.yaml:2:1: there is a key, but no certificate" },
	{ "text that is not shown as it is", "workers: \"\\e[31m\"\n",
	  "f.yaml:1:10: \"\\x1b[31m\": it is no number from 1 to 64" },
};

static void says_where_and_what_is_wrong(void **state)
{
	char buf[500];

	setenv("HOME", "/home/somebody", 1);
	for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++) {
		AUTO(config) struct config *config = fresh();
		struct writer why = writer_of(buf, sizeof buf);
		bool ok = parse(config, bad_files[i].text, &why) &&
			  config_complete(config, SLICE("f.yaml"), &why);

		print_message("# %s: %.*s\n", bad_files[i].label, SLICE_FMT(writer_text(&why)));
		assert_false(ok);
		assert_true(slice_eq(writer_text(&why), slice_of(bad_files[i].why)));
	}
}

static void lets_options_replace_a_list(void **state)
{
	AUTO(config) struct config *config = fresh();
	char buf[500];
	struct writer why = writer_of(buf, sizeof buf);

	assert_true(parse(config, "domains: [a.example, b.example]\nworkers: 2\n", &why));
	config_unsay(config, SETTING_DOMAINS);
	assert_true(config_say(config, SETTING_DOMAINS, SLICE("c.example"), &why));
	assert_true(config_say(config, SETTING_WORKERS, SLICE("4"), &why));
	assert_int_equal(config->n_domains, 1);
	assert_true(slice_eq(config->domains[0].name, SLICE("c.example")));
	assert_int_equal(config->workers, 4);
}

static const struct {
	const char *word, *nearest;
} words[] = {
	{ "listen", "listen" },
	{ "listens", "listen" },
	{ "lsiten", "listen" },
	{ "Listen", "listen" },
	{ "domain", "domains" },
	{ "stat", "state" },
	{ "keys", "key" },
	{ "", NULL },
	{ "xyz", NULL },
	{ "advertised", "advertise" },
	{ "certificatexxx", NULL },
	{ "a-word-that-is-longer-than-any-name-can-be", NULL },
};

static void finds_the_nearest_name(void **state)
{
	struct slice names[SETTINGS];

	for (int i = 0; i < SETTINGS; i++)
		names[i] = setting_name((enum setting)i);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct slice nearest = nearest_name(slice_of(words[i].word), names, SETTINGS);

		print_message("# %s: %.*s\n", words[i].word, SLICE_FMT(nearest));
		assert_true(slice_eq(nearest, slice_of(words[i].nearest)));
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(takes_certificates_for_each_domain),
	cmocka_unit_test(knows_the_steps_on_the_way_to_the_end),
	cmocka_unit_test(understands_every_key),
	cmocka_unit_test(waits_longer_for_a_phone_than_any_flow_timer),
	cmocka_unit_test(waits_for_a_phone_as_long_as_it_is_registered),
	cmocka_unit_test(sections_hold_numbers),
	cmocka_unit_test(numbers_have_bounds_and_go_together),
	cmocka_unit_test(needs_nothing),
	cmocka_unit_test(takes_peers),
	cmocka_unit_test(takes_links),
	cmocka_unit_test(says_what_is_wrong_with_links),
	cmocka_unit_test(knows_where_the_cas_of_a_peer_were_named),
	cmocka_unit_test(tells_what_a_peer_with_rules_of_its_own_has_to_prove),
	cmocka_unit_test(says_where_and_what_is_wrong),
	cmocka_unit_test(lets_options_replace_a_list),
	cmocka_unit_test(finds_the_nearest_name),
};
TEST_MAIN(tests)

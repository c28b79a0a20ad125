/* What changes by itself as time passes, on virtual time, with a signing process. */
#include "harness.h"

#include <fcntl.h>

#include <openssl/x509_vfy.h>

#include "../store/directory.h"
#include "base/mem.h"
#include "crypto/openssl.h"
#include "sealined/daemon.h"
#include "sealined/log.h"
#include "store/state.h"

#define START 1790000000 /* 2026-09-21 */
#define DAY   86400
#define HOUR  ((ms_t)3600 * 1000)

/* One for all tests, begun before any allocation may fail. */
static struct signer_process process;

struct fixture {
	struct directory directory;
	struct daemon daemon;
	ms_t mono;
};

static bool confine(const void *self)
{
	(void)self;
	return true;
}

static struct config *configure(const struct fixture *fixture)
{
	struct config *config = config_new();
	char text[200], trust[200];
	struct writer why = writer_of(text, sizeof text);

	assert_non_null(config);
	snprintf(trust, sizeof trust, "%s/%s", fixture->directory.path, STATE_CA_CERTIFICATE);
	if (config_say(config, SETTING_STATE, slice_of(fixture->directory.path), &why) &&
	    config_say(config, SETTING_TRUST, slice_of(trust), &why) &&
	    config_say(config, SETTING_DOMAINS, SLICE("a.example"), &why) &&
	    config_complete(config, SLICE("f.yaml"), &why))
		return config;
	config_free(config);
	fail_msg("%.*s", SLICE_FMT(writer_text(&why)));
	return NULL;
}

/* As the server does when it starts. */
static struct setup *begin(struct fixture *fixture, utc_t now)
{
	static const uint16_t ports[TRANSPORT_WS + 1];
	struct config *config = configure(fixture);
	struct identity_source source = daemon_source(&fixture->daemon, config, now);
	struct identity identity;
	char text[1000];
	struct writer why = writer_of(text, sizeof text);
	bool made;

	if (!development_make(&source, &made, &why) || !identity_load(&source, &identity, &why)) {
		config_free(config);
		fail_msg("%.*s", SLICE_FMT(writer_text(&why)));
	}
	if (!users_make(&source, &identity, &why) || identity_settle(&identity, source.signer) != OK) {
		identity_fini(&identity);
		config_free(config);
		fail_msg("%.*s", SLICE_FMT(writer_text(&why)));
	}
	return setup_new(config, &identity, ports);
}

static int set_up(void **state)
{
	static struct fixture fixture;
	struct daemon *daemon = &fixture.daemon;

	fixture = (struct fixture){ .mono = 1000 };
	*state = &fixture;
	log_set(LOG_TEXT, REPORT_ERROR);
	directory_make(&fixture.directory, "reload");
	signer_client_init(&daemon->signer, process.fds[0]);
	daemon->crypto = crypto_new();
	assert_non_null(daemon->crypto);
	struct setup *setup = begin(&fixture, START);
	assert_non_null(setup);
	daemon->has_crew = true;
	assert_true(
		crew_init(&daemon->crew, daemon->crypto, SLICE("0123456789abcdef0123456789abcdef"), setup));
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	if (fixture->daemon.has_crew)
		crew_fini(&fixture->daemon.crew);
	crypto_free(fixture->daemon.crypto);
	directory_empty(&fixture->directory);
	return 0;
}

/* An hour later by one clock, then by the other. */
static void pass(struct fixture *fixture, utc_t wall)
{
	fixture->mono += HOUR;
	daemon_renew(&fixture->daemon, (struct now){ .mono = fixture->mono, .wall = wall });
}

/* What is served now: our certificate, and the CA's behind it. */
static struct chain *served(struct fixture *fixture)
{
	AUTO(setup) struct setup *setup = crew_setup(&fixture->daemon.crew);
	struct chain *chain = NULL;

	if (identity_chain(fixture->daemon.crypto, &setup->identity, 0, &chain) != OK)
		fail_msg("no chain");
	return chain;
}

static bool same(const struct certificate *a, const struct certificate *b)
{
	unsigned char of_a[CERTIFICATE_FINGERPRINT_SIZE], of_b[CERTIFICATE_FINGERPRINT_SIZE];

	return certificate_fingerprint(a, of_a) && certificate_fingerprint(b, of_b) &&
	       memcmp(of_a, of_b, sizeof of_a) == 0;
}

/* Whether who trusts that CA alone believes the certificate then. */
static bool is_believed(const struct certificate *leaf, const struct certificate *ca, utc_t now)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool ok = store && ctx && X509_STORE_add_cert(store, certificate_openssl(ca)) == 1 &&
		  X509_STORE_CTX_init(ctx, store, certificate_openssl(leaf), NULL) == 1;

	if (ok) {
		X509_STORE_CTX_set_time(ctx, 0, (time_t)now);
		ok = X509_verify_cert(ctx) == 1;
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return ok;
}

static void the_development_certificate_is_renewed_when_a_third_of_its_life_is_left(void **state)
{
	struct fixture *fixture = *state;
	AUTO(setup) struct setup *before = crew_setup(&fixture->daemon.crew);
	AUTO(chain) struct chain *first = served(fixture), *early = NULL, *next = NULL, *last = NULL;

	pass(fixture, START + 59 * DAY);
	early = served(fixture);
	assert_true(same(chain_at(early, 0), chain_at(first, 0)));
	pass(fixture, START + 61 * DAY);
	next = served(fixture);
	assert_false(same(chain_at(next, 0), chain_at(first, 0)));
	assert_true(same(chain_at(next, 1), chain_at(first, 1)));
	assert_true(is_believed(chain_at(next, 0), chain_at(first, 1), START + 61 * DAY));
	assert_true(certificate_not_after(chain_at(next, 0)) >= START + 150 * DAY);
	/* what connections of before have is untouched */
	assert_true(before != fixture->daemon.crew.setup);
	assert_int_equal(identity_chain(fixture->daemon.crypto, &before->identity, 0, &last), OK);
	assert_true(same(chain_at(last, 0), chain_at(first, 0)));
}

static void nobody_looks_more_often_than_once_an_hour(void **state)
{
	struct fixture *fixture = *state;
	AUTO(chain) struct chain *first = served(fixture), *next = NULL, *last = NULL;

	pass(fixture, START);
	daemon_renew(&fixture->daemon,
		     (struct now){ .mono = fixture->mono + HOUR - 1, .wall = START + 61 * DAY });
	next = served(fixture);
	assert_true(same(chain_at(next, 0), chain_at(first, 0)));
	daemon_renew(&fixture->daemon,
		     (struct now){ .mono = fixture->mono + HOUR, .wall = START + 61 * DAY });
	last = served(fixture);
	assert_false(same(chain_at(last, 0), chain_at(first, 0)));
}

static void without_its_key_the_old_one_stays(void **state)
{
	struct fixture *fixture = *state;
	AUTO(chain) struct chain *first = served(fixture), *next = NULL;
	char path[200];

	snprintf(path, sizeof path, "%s/%s", fixture->directory.path, STATE_CA_KEY);
	assert_int_equal(unlink(path), 0);
	pass(fixture, START + 61 * DAY);
	next = served(fixture);
	assert_true(same(chain_at(next, 0), chain_at(first, 0)));
}

/* A year ahead for most of the time, each month where it matters. */
static utc_t next_look(utc_t day)
{
	return day + (day < 120 || (day > 3150 && day < 3700) ? 30 : 365);
}

/* For twelve years there is a certificate that is good, and the CA comes near its end and is followed by another one with its key. */
static void the_ca_is_renewed_with_its_key_before_its_end(void **state)
{
	struct fixture *fixture = *state;
	AUTO(chain) struct chain *first = served(fixture), *now_served = NULL;
	unsigned char key[KEY_ID_SIZE], next_key[KEY_ID_SIZE];
	unsigned n_cas = 1, n_certificates = 1;
	AUTO(chain) struct chain *before = served(fixture);

	assert_true(certificate_key_id(chain_at(first, 1), key));
	for (utc_t day = 30; day < 12 * 365; day = next_look(day)) {
		utc_t now = START + day * DAY;

		pass(fixture, now);
		now_served = served(fixture);
		const struct certificate *own = chain_at(now_served, 0), *ca = chain_at(now_served, 1);
		n_certificates += !same(own, chain_at(before, 0));
		n_cas += !same(ca, chain_at(before, 1));
		assert_true(certificate_not_after(own) > now && is_believed(own, ca, now));
		assert_true(certificate_key_id(ca, next_key));
		assert_memory_equal(next_key, key, sizeof key);
		/* as long as its certificate is good, who has the old one needs no other */
		if (certificate_not_after(chain_at(first, 1)) > now)
			assert_true(is_believed(own, chain_at(first, 1), now));
		chain_free(before);
		before = TAKE(now_served);
	}
	assert_int_equal(n_cas, 2);
	assert_true(n_certificates > 10);
}

/* What a phone's certificate was issued with is what it is judged by, as long as that certificate is good. */
static void the_ca_of_users_keeps_its_key(void **state)
{
	struct fixture *fixture = *state;
	AUTO(setup) struct setup *before = crew_setup(&fixture->daemon.crew), *after = NULL;

	pass(fixture, START + 3400 * DAY);
	after = crew_setup(&fixture->daemon.crew);
	assert_false(
		slice_eq(secret_slice(after->identity.users_pem), secret_slice(before->identity.users_pem)));
	assert_memory_equal(after->identity.users, before->identity.users, KEY_ID_SIZE);
}

/* It made certificates that are not valid yet now that it is right again. */
static void a_clock_that_was_ahead_is_made_up_for(void **state)
{
	struct fixture *fixture = *state;
	AUTO(chain) struct chain *after = NULL;
	const utc_t now = START - 3 * 365 * DAY;

	pass(fixture, now);
	after = served(fixture);
	assert_true(is_believed(chain_at(after, 0), chain_at(after, 1), now));
	/* the same when it starts anew */
	setup_free(begin(fixture, now - 365 * DAY));
}

/* There may be a thousand of these, and as many domains that are asked for. */
static void no_certificate_of_another_domain_is_read_to_vouch(void **state)
{
	struct fixture *fixture = *state;
	AUTO(setup) struct setup *setup = crew_setup(&fixture->daemon.crew);
	struct secret *nonsense = secret_new(SLICE("no certificate"));
	struct identity_pair pairs[] = {
		{ .domain = SLICE("b.example"), .certificates = nonsense },
		{ .domain = SLICE("a.example"), .certificates = setup->identity.pairs[0].certificates },
	};
	const struct identity identity = { .pairs = pairs, .n = 2 };
	const struct identity_pair *found = NULL;

	assert_non_null(nonsense);
	enum err err = identity_voucher(fixture->daemon.crypto, &identity, SLICE("a.example"), &found);
	secret_free(nonsense);
	assert_int_equal(err, OK);
	assert_true(found == &pairs[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
	TEST(the_development_certificate_is_renewed_when_a_third_of_its_life_is_left),
	TEST(nobody_looks_more_often_than_once_an_hour),
	TEST(without_its_key_the_old_one_stays),
	TEST(the_ca_is_renewed_with_its_key_before_its_end),
	TEST(the_ca_of_users_keeps_its_key),
	TEST(a_clock_that_was_ahead_is_made_up_for),
	TEST(no_certificate_of_another_domain_is_read_to_vouch),
};

int main(void)
{
	static const struct signer_plan plan = { .n_channels = 1, .confine = confine };

	if (signer_start(&plan, &process) != OK)
		return 1;
	/* what the others allocate, the first one does as well */
	int code = test_main(__FILE__, tests, harness_fails_allocations() ? 1 : sizeof tests / sizeof *tests);
	return signer_end(&process) ? code : 1;
}

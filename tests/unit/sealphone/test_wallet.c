#include "harness.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/random.h"
#include "crypto/user_certificate.h"
#include "sealphone/wallet.h"

static char directory[64];
static struct crypto *crypto;
static struct random *dice;
static struct memory memory;
static struct credentials *credentials;
static struct contacts *contacts;
static struct wallet wallet;

static int begin(void)
{
	static const struct credentials_source nobody = { .ask = NULL };

	credentials = credentials_new(crypto, SLICE("alice@localhost"), &nobody);
	contacts = contacts_new();
	wallet = (struct wallet){
		.crypto = crypto, .memory = &memory, .credentials = credentials, .contacts = contacts
	};
	return credentials && contacts ? 0 : -1;
}

static int setup(void **state)
{
	(void)state;
	harness_template(directory, sizeof directory, "wallet");
	crypto = crypto_new();
	dice = random_new_predictable(1);
	if (!crypto || !dice || !mkdtemp(directory) ||
	    !memory_open(directory, SLICE("alice@localhost"), dice, &memory))
		return -1;
	return begin();
}

static int drop(const char *path, const struct stat *about, int kind, struct FTW *where)
{
	(void)about;
	(void)kind;
	(void)where;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	wallet_close(&wallet);
	credentials_free(credentials);
	contacts_free(contacts);
	random_free(dice);
	crypto_free(crypto);
	credentials = NULL;
	contacts = NULL;
	return nftw(directory, drop, 8, FTW_DEPTH | FTW_PHYS);
}

static void again(void)
{
	wallet_close(&wallet);
	credentials_free(credentials);
	contacts_free(contacts);
	credentials = NULL;
	contacts = NULL;
	assert_int_equal(begin(), 0);
}

static void count(void *arg, const struct credentials_known *known)
{
	unsigned *n = arg;

	assert_true(known->is_believed && known->is_compared && !known->is_withdrawn);
	assert_true(slice_eq(known->aor, SLICE("bob@localhost")));
	assert_int_equal(known->first_seen, 1790000000);
	++*n;
}

static void count_bob(void *arg, const struct credentials_known *known)
{
	unsigned *n = arg;

	*n += slice_eq(known->aor, SLICE("bob@localhost")) && known->is_compared && known->is_believed ? 1
												       : 100;
}

static void a_key_is_made_once_and_for_us_alone(void **state)
{
	unsigned char first[KEY_ID_SIZE], second[KEY_ID_SIZE];
	char path[600];
	struct stat about;

	(void)state;
	assert_true(wallet_open(&wallet));
	assert_null(credentials_own_key(credentials));
	assert_true(wallet_make_key(&wallet));
	assert_true(key_id(credentials_own_key(credentials), first));
	snprintf(path, sizeof path, "%s/alice@localhost=key.pem", directory);
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	again();
	assert_true(wallet_open(&wallet));
	assert_true(wallet_make_key(&wallet));
	assert_true(key_id(credentials_own_key(credentials), second));
	assert_memory_equal(first, second, sizeof first);
}

static void who_was_seen_is_known_the_next_time(void **state)
{
	const struct credentials_known bob = { .aor = SLICE("bob@localhost"),
					       .key = { 1, 2, 3 },
					       .first_seen = 1790000000,
					       .is_believed = true };
	unsigned n = 0;

	(void)state;
	assert_int_equal(credentials_remember(credentials, &bob), OK);
	assert_int_equal(credentials_trust(credentials, SLICE("carol@localhost"), NULL), ERR_NOT_FOUND);
	assert_int_equal(credentials_trust(credentials, bob.aor, bob.key), OK);
	assert_true(wallet_save(&wallet));
	again();
	assert_true(wallet_open(&wallet));
	credentials_each(credentials, count, &n);
	assert_int_equal(n, 1);
	assert_int_equal(credentials_forget(credentials, bob.aor), OK);
	assert_int_equal(credentials_forget(credentials, bob.aor), ERR_NOT_FOUND);
}

/* A key, and a certificate of a CA for it and alice. False without memory. */
static bool make_bundle(struct bundle *bundle)
{
	AUTO(key) struct key *ca_key = NULL;
	AUTO(certificate) struct certificate *ca = NULL, *own = NULL;
	AUTO(secret) struct secret *der = NULL;
	AUTO(csr) struct csr *csr = NULL;
	struct user_certificate_request request = { .aor = SLICE("alice@localhost"), .now = 1790000000 };
	char pem[8192];
	struct writer out = writer_of(pem, sizeof pem);

	if (key_generate(crypto, &ca_key) != OK || key_generate(crypto, &bundle->key) != OK ||
	    certificate_make_ca(crypto, ca_key, SLICE("CA"), request.now, &ca) != OK ||
	    csr_make(crypto, bundle->key, request.aor, &der) != OK ||
	    csr_parse(crypto, secret_slice(der), &csr) != OK)
		return false;
	request.csr = csr;
	return certificate_make_user(crypto, &request, (struct certificate_issuer){ ca, ca_key }, &own) ==
		       OK &&
	       put_certificate_pem(&out, own) == OK && put_certificate_pem(&out, ca) == OK &&
	       chain_parse_pem(crypto, writer_text(&out), &bundle->chain) == OK;
}

static void assert_own(unsigned char ret_id[KEY_ID_SIZE])
{
	assert_true(wallet_open(&wallet));
	assert_non_null(credentials_own_key(credentials));
	assert_true(key_id(credentials_own_key(credentials), ret_id));
}

/* What was sent to the key of before is still read. */
static void an_imported_key_takes_the_place_of_the_one_that_was_there(void **state)
{
	struct bundle first = { NULL, NULL }, second = { NULL, NULL };
	unsigned char made[KEY_ID_SIZE], now_id[KEY_ID_SIZE];
	struct cms_recipient own[CREDENTIALS_OWN_MAX];
	bool is_good;

	(void)state;
	assert_true(wallet_open(&wallet) && wallet_make_key(&wallet));
	assert_true(key_id(credentials_own_key(credentials), made));
	is_good = make_bundle(&first) && make_bundle(&second) && wallet_import(&wallet, &first);
	if (is_good) {
		again();
		assert_own(now_id);
		is_good = memcmp(now_id, made, sizeof made) != 0 && wallet_import(&wallet, &second);
	}
	again();
	if (is_good) {
		assert_own(now_id);
		is_good = credentials_own(credentials, own) ==
				  2 && /* that which was made has no certificate */
			  certificate_has_key(own[0].certificate, second.key) &&
			  certificate_has_key(own[1].certificate, first.key) &&
			  chain_length(credentials_own_chain(credentials)) == 2 && wallet_save(&wallet);
	}
	again();
	if (is_good) {
		assert_own(made);
		is_good = memcmp(now_id, made, sizeof made) == 0 && credentials_own_chain(credentials);
	}
	bundle_fini(&first);
	bundle_fini(&second);
	assert_true(is_good);
}

/* More than are kept: the oldest go, and the present one stays the present one. */
static void old_keys_are_bounded(void **state)
{
	struct bundle bundle = { NULL, NULL };
	struct cms_recipient own[CREDENTIALS_OWN_MAX];
	bool is_good = make_bundle(&bundle);
	/* Each waits for the disk, and with failing allocations they are done many times. */
	int n_imports = harness_fails_allocations() ? 2 : CREDENTIALS_OWN_MAX + 2;
	int n_kept = n_imports < CREDENTIALS_OWN_MAX ? n_imports : CREDENTIALS_OWN_MAX;

	(void)state;
	for (int i = 0; is_good && i < n_imports; i++)
		is_good = wallet_import(&wallet, &bundle);
	bundle_fini(&bundle);
	assert_true(is_good);
	assert_true(wallet_open(&wallet));
	assert_int_equal(credentials_own(credentials, own), n_kept);
}

/* Keys are there, and no terminal: without the passphrase nothing starts. */
static void a_passphrase_opens_the_keys_that_it_was_set_for(void **state)
{
	char path[600], wrong[600], passphrase[] = "open sesame";
	unsigned char before[KEY_ID_SIZE], after[KEY_ID_SIZE];
	AUTO(secret) struct secret *secret = secret_new(slice_of(passphrase));
	FILE *file;

	(void)state;
	snprintf(path, sizeof path, "%s/passphrase", directory);
	snprintf(wrong, sizeof wrong, "%s/wrong", directory);
	assert_non_null(file = fopen(path, "we"));
	fprintf(file, "%s\nsecond line\n", passphrase);
	fclose(file);
	assert_non_null(file = fopen(wrong, "we"));
	fputs("close sesame\n", file);
	fclose(file);
	assert_non_null(secret);
	assert_true(wallet_open(&wallet) && wallet_make_key(&wallet));
	assert_true(key_id(credentials_own_key(credentials), before));
	assert_true(wallet_lock(&wallet, secret));
	again();
	wallet.passphrase_file = wrong;
	assert_false(wallet_open(&wallet));
	again();
	wallet.passphrase_file = path;
	assert_own(after);
	assert_memory_equal(before, after, sizeof before);
	assert_true(wallet_lock(&wallet, NULL));
	again();
	assert_own(after);
}

/* sealphone cert trust and forget, in another process. */
static void what_another_process_says_counts(void **state)
{
	static const struct credentials_source nobody = { .ask = NULL };
	const struct credentials_known bob = { .aor = SLICE("bob@localhost"), .key = { 1, 2, 3 } };
	const struct credentials_known carol = { .aor = SLICE("carol@localhost"), .key = { 4 } };
	struct wallet other = { .crypto = crypto, .memory = &memory };
	AUTO(credentials)
	struct credentials *theirs = credentials_new(crypto, SLICE("alice@localhost"), &nobody);
	AUTO(contacts) struct contacts *wanted = contacts_new();
	struct contact_policy policy = { UA_SMIME_OFF, false };
	unsigned n = 0;

	(void)state;
	assert_true(theirs && wanted);
	other.credentials = theirs;
	other.contacts = wanted;
	assert_int_equal(credentials_remember(credentials, &bob), OK);
	assert_int_equal(credentials_remember(credentials, &carol), OK);
	assert_true(wallet_save(&wallet));
	assert_false(wallet_refresh(&wallet, true));
	assert_true(wallet_open(&other));
	assert_int_equal(credentials_trust(theirs, bob.aor, NULL), OK);
	assert_int_equal(credentials_forget(theirs, carol.aor), OK);
	assert_int_equal(contacts_set(wanted, bob.aor, (struct contact_policy){ UA_SMIME_REQUIRE, true }),
			 OK);
	assert_true(wallet_save(&other));
	assert_true(wallet_refresh(&wallet, true));
	assert_false(wallet_refresh(&wallet, true));
	credentials_each(credentials, count_bob, &n);
	assert_int_equal(n, 1);
	assert_true(contacts_find(contacts, bob.aor, &policy));
	assert_true(policy.smime == UA_SMIME_REQUIRE && policy.cbc);
	assert_int_equal(contacts_unset(wanted, bob.aor), OK);
	assert_true(wallet_save(&other));
	assert_true(wallet_refresh(&wallet, true));
	assert_false(contacts_find(contacts, bob.aor, &policy));
}

/* Before a phone that runs writes, it takes what was said; whom it has met since is not forgotten by that. */
static void who_was_met_meanwhile_is_not_forgotten(void **state)
{
	static const struct credentials_source nobody = { .ask = NULL };
	const struct credentials_known bob = { .aor = SLICE("bob@localhost"), .key = { 1, 2, 3 } };
	struct wallet other = { .crypto = crypto, .memory = &memory };
	AUTO(credentials)
	struct credentials *theirs = credentials_new(crypto, SLICE("alice@localhost"), &nobody);
	AUTO(contacts) struct contacts *wanted = contacts_new();
	struct contact_policy policy;

	(void)state;
	assert_true(theirs && wanted);
	other.credentials = theirs;
	other.contacts = wanted;
	assert_true(wallet_save(&wallet));
	assert_int_equal(contacts_set(wanted, bob.aor, (struct contact_policy){ UA_SMIME_OFF, false }), OK);
	assert_true(wallet_save(&other));
	assert_int_equal(credentials_remember(credentials, &bob), OK);
	assert_true(wallet_refresh(&wallet, false));
	assert_int_equal(credentials_trust(credentials, bob.aor, NULL), OK);
	assert_true(contacts_find(contacts, bob.aor, &policy));
	assert_int_equal(policy.smime, UA_SMIME_OFF);
}

static void what_is_wanted_for_a_contact_is_kept(void **state)
{
	struct contact_policy policy;

	(void)state;
	assert_true(wallet_open(&wallet));
	assert_int_equal(contacts_set(contacts, SLICE("bob@localhost"),
				      (struct contact_policy){ UA_SMIME_PREFER, true }),
			 OK);
	assert_int_equal(contacts_say(contacts, SLICE("carol@localhost"),
				      (struct contact_policy){ UA_SMIME_OFF, false }),
			 OK);
	assert_true(wallet_save(&wallet));
	again();
	assert_true(wallet_open(&wallet));
	assert_true(contacts_find(contacts, SLICE("bob@localhost"), &policy));
	assert_true(policy.smime == UA_SMIME_PREFER && policy.cbc);
	assert_false(contacts_find(contacts, SLICE("carol@localhost"), &policy)); /* for that run only */
}

static void write_file(const char *name, const char *text)
{
	char path[600];
	FILE *file;

	snprintf(path, sizeof path, "%s/alice@localhost=%s", directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* What was written before there were policies is still good; a policy that nobody knows is not taken for another one. */
static void a_policy_that_is_unknown_is_refused(void **state)
{
	(void)state;
	write_file("known.json", "{\"known\": []}");
	assert_true(wallet_open(&wallet));
	write_file("known.json",
		   "{\"known\": [], \"policies\": [{\"aor\": \"bob@localhost\", \"smime\": \"of\"}]}");
	assert_false(wallet_open(&wallet));
	write_file("known.json", "{\"known\": [], \"policies\": 1}");
	assert_false(wallet_open(&wallet));
}

static void what_is_not_ours_is_refused(void **state)
{
	static const char *const names[] = { "known.json", "key.pem" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char path[600];

		write_file(names[i], "nonsense");
		snprintf(path, sizeof path, "%s/alice@localhost=%s", directory, names[i]);
		assert_false(wallet_open(&wallet));
		unlink(path);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(a_key_is_made_once_and_for_us_alone, setup, teardown),
	cmocka_unit_test_setup_teardown(who_was_seen_is_known_the_next_time, setup, teardown),
	cmocka_unit_test_setup_teardown(an_imported_key_takes_the_place_of_the_one_that_was_there, setup,
					teardown),
	cmocka_unit_test_setup_teardown(old_keys_are_bounded, setup, teardown),
	cmocka_unit_test_setup_teardown(a_passphrase_opens_the_keys_that_it_was_set_for, setup, teardown),
	cmocka_unit_test_setup_teardown(what_another_process_says_counts, setup, teardown),
	cmocka_unit_test_setup_teardown(who_was_met_meanwhile_is_not_forgotten, setup, teardown),
	cmocka_unit_test_setup_teardown(what_is_wanted_for_a_contact_is_kept, setup, teardown),
	cmocka_unit_test_setup_teardown(a_policy_that_is_unknown_is_refused, setup, teardown),
	cmocka_unit_test_setup_teardown(what_is_not_ours_is_refused, setup, teardown),
};
TEST_MAIN(tests)

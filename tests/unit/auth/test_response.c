#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/response.h"
#include "base/scan.h"
#include "base/writer.h"

static int setup(void **state)
{
	*state = crypto_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	crypto_free(*state);
	return 0;
}

/* Examples that are printed in the standards. */
static const struct {
	const char *label, *algorithm, *realm, *password, *method, *uri, *nonce, *cnonce, *qop, *response;
} examples[] = {
	{ "RFC 2617 §3.5", NULL, "testrealm@host.com", "Circle Of Life", "GET", "/dir/index.html",
	  "dcd98b7102dd2f0e8b11d0f600bfb0c093", "0a4f113b", "auth", "6629fae49393a05397450978507c4ef1" },
	{ "RFC 7616 §3.9.1, MD5", "MD5", "http-auth@example.org", "Circle of Life", "GET", "/dir/index.html",
	  "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
	  "auth", "8ca523f5e9506fed4657c9700eebdbec" },
	{ "RFC 7616 §3.9.1, SHA-256", "SHA-256", "http-auth@example.org", "Circle of Life", "GET",
	  "/dir/index.html", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
	  "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "auth",
	  "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" },
};

static struct slice respond(struct crypto *crypto, struct slice algorithm, const struct auth_login *login,
			    struct auth_exchange exchange, struct auth_hex *hex)
{
	unsigned char ha1[DIGEST_SIZE_MAX];

	assert_true(auth_algorithm_parse(algorithm, &exchange.algorithm, &exchange.session));
	assert_true(auth_ha1(crypto, exchange.algorithm, login, ha1));
	exchange.ha1 = ha1;
	assert_true(auth_response(crypto, &exchange, hex));
	return auth_hex_slice(hex);
}

static void gives_the_responses_that_the_standards_print(void **state)
{
	for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
		const struct auth_login login = { SLICE("Mufasa"), slice_of(examples[i].realm),
						  slice_of(examples[i].password) };
		const struct auth_exchange exchange = {
			.nonce = slice_of(examples[i].nonce),
			.nc = SLICE("00000001"),
			.cnonce = slice_of(examples[i].cnonce),
			.qop = slice_of(examples[i].qop),
			.method = slice_of(examples[i].method),
			.uri = slice_of(examples[i].uri),
		};
		struct auth_hex hex;
		struct slice response = respond(*state, slice_of(examples[i].algorithm), &login, exchange,
						&hex);

		if (!slice_eq(response, slice_of(examples[i].response)))
			fail_msg("%s: %.*s", examples[i].label, SLICE_FMT(response));
	}
}

/* A body in the table stands with \r and \n written out. */
static struct slice unescape(struct slice text, char *buf)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\\' && i + 1 < text.len) {
			i++;
			buf[n++] = text.ptr[i] == 'r' ? '\r' : '\n';
		} else {
			buf[n++] = text.ptr[i];
		}
	}
	return slice_from(buf, n);
}

enum {
	ID,
	SOURCE,
	ALGORITHM,
	USERNAME,
	REALM,
	PASSWORD,
	METHOD,
	URI,
	NONCE,
	NC,
	CNONCE,
	QOP,
	BODY,
	RESPONSE,
	COLUMNS
};

static void check_row(struct crypto *crypto, const struct slice column[COLUMNS])
{
	const struct auth_login login = { column[USERNAME], column[REALM], column[PASSWORD] };
	struct auth_exchange exchange = { .nonce = column[NONCE],
					  .nc = column[NC],
					  .cnonce = column[CNONCE],
					  .method = column[METHOD],
					  .uri = column[URI] };
	struct slice algorithm = column[ALGORITHM], response;
	char body[4096];
	struct auth_hex hex;

	assert_true(column[BODY].len < sizeof body);
	exchange.body = unescape(column[BODY], body);
	if (column[QOP].len)
		exchange.qop = column[QOP];
	if (slice_eq(algorithm, SLICE("(none)")))
		algorithm = (struct slice){ 0 };
	response = respond(crypto, algorithm, &login, exchange, &hex);
	if (!slice_eq(response, column[RESPONSE]))
		fail_msg("%.*s: %.*s", SLICE_FMT(column[ID]), SLICE_FMT(response));
}

static FILE *open_vectors(void)
{
	const char *shared = getenv("SEALINE_SHARED"), *root = getenv("SEALINE_ROOT");
	char path[4096];

	snprintf(path, sizeof path, "%s%s/vectors/digest/vectors.tsv",
		 shared ? shared
		 : root ? root
			: ".",
		 shared ? "" : "/../shared");
	return fopen(path, "r");
}

static void agrees_with_every_vector(void **state)
{
	char line[8192];
	size_t n_rows = 0;
	FILE *file = open_vectors();

	if (!file) {
		test_skip("agrees_with_every_vector", "the digest vectors are not there");
		return;
	}
	while (fgets(line, sizeof line, file)) {
		struct slice column[COLUMNS], rest = slice_from(line, strcspn(line, "\n"));
		size_t n = 0;

		for (; n < COLUMNS; n++) {
			size_t tab = slice_find(rest, '\t');

			column[n] = slice_sub(rest, 0, tab);
			rest = slice_sub(rest, tab + 1, rest.len);
		}
		if (n_rows++ > 0)
			check_row(*state, column);
	}
	fclose(file);
	assert_true(n_rows > 20);
}

static const struct {
	const char *token;
	bool ok;
	enum digest_algorithm algorithm;
	bool session;
} algorithm_cases[] = {
	{ NULL, true, DIGEST_MD5, false },
	{ "MD5", true, DIGEST_MD5, false },
	{ "md5-SESS", true, DIGEST_MD5, true },
	{ "SHA-256", true, DIGEST_SHA256, false },
	{ "sha-256", true, DIGEST_SHA256, false },
	{ "SHA-256-sess", true, DIGEST_SHA256, true },
	{ "SHA-512-256", true, DIGEST_SHA512_256, false },
	{ "SHA-512-256-sess", true, DIGEST_SHA512_256, true },
	{ "", false, 0, false },
	{ "SHA-384", false, 0, false },
	{ "SHA-256 ", false, 0, false },
	{ "AKAv1-MD5", false, 0, false },
};

static void knows_the_algorithms_by_name(void **state)
{
	for (size_t i = 0; i < sizeof algorithm_cases / sizeof algorithm_cases[0]; i++) {
		struct slice token = slice_of(algorithm_cases[i].token);
		enum digest_algorithm algorithm;
		bool session;

		assert_int_equal(auth_algorithm_parse(token, &algorithm, &session), algorithm_cases[i].ok);
		if (!algorithm_cases[i].ok)
			continue;
		assert_int_equal(algorithm, algorithm_cases[i].algorithm);
		assert_int_equal(session, algorithm_cases[i].session);
		if (token.ptr)
			assert_true(slice_eq_nocase(auth_algorithm_name(algorithm, session), token));
	}
}

/* RFC 7616 §3.4.3: H(entity-body) of no body, which we know by heart, is still the hash of nothing. */
static void an_empty_body_counts_as_the_hash_of_nothing(void **state)
{
	for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
		enum digest_algorithm algorithm = (enum digest_algorithm)i;
		const struct auth_login login = { SLICE("bob"), SLICE("example.org"), SLICE("secret") };
		const struct auth_exchange exchange = {
			.nonce = SLICE("n"),
			.nc = SLICE("00000001"),
			.cnonce = SLICE("c"),
			.qop = SLICE("auth-int"),
			.method = SLICE("REGISTER"),
			.uri = SLICE("sip:example.org"),
		};
		unsigned char hash[DIGEST_SIZE_MAX];
		char nothing[2 * DIGEST_SIZE_MAX], a2[2 * DIGEST_SIZE_MAX], text[300];
		char ha1[2 * DIGEST_SIZE_MAX], expected[2 * DIGEST_SIZE_MAX];
		struct writer out = writer_of(text, sizeof text);
		size_t size = digest_size(algorithm), n = 2 * size;
		struct auth_hex hex;
		struct slice whole;

#define HEX_OF(to) put_hex(&(struct writer){ .buf = to, .size = n }, hash, size)
		assert_true(digest(*state, algorithm, NULL, 0, hash));
		HEX_OF(nothing);
		put(&out, SLICE("REGISTER:sip:example.org:"));
		put(&out, slice_from(nothing, n));
		whole = writer_text(&out);
		assert_true(digest(*state, algorithm, &whole, 1, hash));
		HEX_OF(a2);
		assert_true(auth_ha1(*state, algorithm, &login, hash));
		HEX_OF(ha1);
		out.len = 0;
		put(&out, slice_from(ha1, n));
		put(&out, SLICE(":n:00000001:c:auth-int:"));
		put(&out, slice_from(a2, n));
		whole = writer_text(&out);
		assert_true(digest(*state, algorithm, &whole, 1, hash));
		HEX_OF(expected);
#undef HEX_OF
		assert_true(slice_eq(
			respond(*state, auth_algorithm_name(algorithm, false), &login, exchange, &hex),
			slice_from(expected, n)));
	}
}

/* Methods, uris and algorithms enough for each slot to be taken over, in turns: what is kept is what would be computed. */
static void what_is_kept_of_a2_is_what_would_be_computed(void **state)
{
	static struct auth_a2_cache cache; /* zeroed */
	static const char *const methods[] = { "REGISTER", "INVITE", "" };
	const struct auth_login login = { SLICE("alice"), SLICE("example.org"), SLICE("secret") };
	unsigned char ha1[DIGEST_SIZE_MAX];
	struct auth_hex kept, computed;
	struct auth_hash kept_proof, computed_proof;
	char uri[80];

	for (size_t i = 0; i < 400; i++) {
		/* each twice in a row, some again later, and one uri longer than what is kept */
		int n = snprintf(uri, sizeof uri, "sip:%0*zu.example.org", i % 7 == 0 ? 60 : 1, i / 2 % 40);
		struct auth_exchange exchange = {
			.algorithm = (enum digest_algorithm)(i / 2 % DIGEST_ALGORITHMS),
			.ha1 = ha1,
			.nonce = SLICE("n"),
			.nc = SLICE("00000001"),
			.cnonce = SLICE("c"),
			.qop = i % 4 < 2 ? SLICE("auth") : SLICE("auth-int"),
			.method = slice_of(methods[i / 5 % 3]),
			.uri = slice_from(uri, (size_t)n),
			.body = i % 8 < 3 ? SLICE("v=0") : SLICE(""),
		};

		assert_true(auth_ha1(*state, exchange.algorithm, &login, ha1));
		assert_true(auth_response_and_rspauth(*state, &exchange, &computed, &computed_proof));
		exchange.cache = &cache;
		assert_true(auth_response_and_rspauth(*state, &exchange, &kept, &kept_proof));
		assert_true(slice_eq(auth_hex_slice(&kept), auth_hex_slice(&computed)));
		assert_memory_equal(kept_proof.bytes, computed_proof.bytes, computed_proof.size);
	}
}

static void a2_is_computed_once(void **state)
{
	static struct auth_a2_cache cache;
	const unsigned char ha1[DIGEST_SIZE_MAX] = { 1 };
	const struct auth_exchange exchange = {
		.algorithm = DIGEST_SHA256,
		.ha1 = ha1,
		.nonce = SLICE("n"),
		.nc = SLICE("00000001"),
		.cnonce = SLICE("c"),
		.qop = SLICE("auth"),
		.method = SLICE("REGISTER"),
		.uri = SLICE("sip:example.org"),
		.cache = &cache,
	};
	struct auth_hex first, second;
	struct auth_hash first_proof, second_proof;
	size_t n = 0;

	assert_true(auth_response_and_rspauth(*state, &exchange, &first, &first_proof));
	for (size_t i = 0; i < sizeof cache.slots / sizeof cache.slots[0]; i++) {
		struct auth_kept_a2 *slot = &cache.slots[i];

		if (slot->uri_len == 0)
			continue;
		assert_int_equal(slot->uri_len + slot->method_len, strlen("sip:example.orgREGISTER"));
		slot->hashes.request.text[0] ^= 1; /* to be seen in the next one */
		slot->hashes.answer.text[0] ^= 1;
		n++;
	}
	assert_int_equal(n, 1);
	assert_true(auth_response_and_rspauth(*state, &exchange, &second, &second_proof));
	assert_false(slice_eq(auth_hex_slice(&first), auth_hex_slice(&second)));
	assert_memory_not_equal(first_proof.bytes, second_proof.bytes, first_proof.size);
}

/* With each algorithm, each qop, a body and without; a cnonce so long that nothing is joined. */
static void response_and_rspauth_made_together_are_those_made_apart(void **state)
{
	const unsigned char ha1[DIGEST_SIZE_MAX] = { 1, 2, 3 };
	char cnonce[600];

	memset(cnonce, 'c', sizeof cnonce);
	for (unsigned i = 0; i < DIGEST_ALGORITHMS << 4; i++) {
		struct auth_exchange exchange = {
			.algorithm = (enum digest_algorithm)(i >> 4),
			.session = i & 1,
			.ha1 = ha1,
			.nonce = SLICE("n"),
			.nc = SLICE("00000001"),
			.cnonce = slice_from(cnonce, i & 2 ? sizeof cnonce : 20),
			.qop = i & 4 ? SLICE("auth-int") : SLICE("auth"),
			.method = SLICE("INVITE"),
			.uri = SLICE("sip:example.org"),
			.body = i & 8 ? SLICE("v=0") : SLICE(""),
		};
		struct auth_hex response, rspauth, both;
		struct auth_hash hash;
		char hex[2 * DIGEST_SIZE_MAX];
		struct writer out = writer_of(hex, sizeof hex);

		assert_true(auth_response(*state, &exchange, &response));
		assert_true(auth_response_and_rspauth(*state, &exchange, &both, &hash));
		exchange.body = SLICE("");
		assert_true(auth_rspauth(*state, &exchange, &rspauth));
		put_hex(&out, hash.bytes, hash.size);
		assert_true(slice_eq(auth_hex_slice(&both), auth_hex_slice(&response)));
		assert_true(slice_eq(writer_text(&out), auth_hex_slice(&rspauth)));
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(response_and_rspauth_made_together_are_those_made_apart, setup,
					teardown),
	cmocka_unit_test_setup_teardown(gives_the_responses_that_the_standards_print, setup, teardown),
	cmocka_unit_test_setup_teardown(agrees_with_every_vector, setup, teardown),
	cmocka_unit_test_setup_teardown(an_empty_body_counts_as_the_hash_of_nothing, setup, teardown),
	cmocka_unit_test(knows_the_algorithms_by_name),
	cmocka_unit_test_setup_teardown(what_is_kept_of_a2_is_what_would_be_computed, setup, teardown),
	cmocka_unit_test_setup_teardown(a2_is_computed_once, setup, teardown),
};

TEST_MAIN(tests)

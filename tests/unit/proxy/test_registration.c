/* REGISTER by way of the core: proof, registrar, store, and what is said in the end (RFC 3261 §10, §22). */
#include "proxy/backoff.h"
#include "sip/date.h"
#include "world.h"

static const struct ask ask = { .method = "REGISTER",
				.uri = "sip:example.org",
				.to = "<sip:alice@example.org>",
				.headers = "Contact: <sip:alice@192.0.2.10>;expires=300\r\n" };

static bool has(struct slice text, const char *needle)
{
	return slice_find_text(text, slice_of(needle)) < text.len;
}

static void an_answered_registration_is_stored(void **state)
{
	struct world *world = world_new();
	struct sip_message *ok;

	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	ok = world_one(world, ALICE_PHONE);
	assert_int_equal(ok->status, 200);
	assert_true(has(ok->text, "Contact: <sip:alice@192.0.2.10>;expires=300\r\n"));
	assert_true(has(ok->text, "Date: "));
	assert_int_equal(world->accounts[ALICE].n_bindings, 1);
	assert_true(world->accounts[ALICE].bindings[0].flow == world_flow(ALICE_PHONE));
	assert_true(world->accounts[ALICE].bindings[0].secure);
	assert_true(slice_eq(world->accounts[ALICE].bindings[0].received, SLICE("192.0.2.99:1234")));
	assert_true(endpoint_flow_has(world->endpoint, world_flow(ALICE_PHONE), world->accounts[ALICE].id));
	assert_true(has(world_log(world), "flow.proven account=\"alice@example.org\""));
	assert_true(has(world_log(world), "register.ok aor=\"alice@example.org\""));
	assert_true(has(world_log(world), "expires=300"));
	sip_message_free(ok);
	world_end(world);
}

static void a_refresh_is_told_the_time_that_it_is_then(void **state) /* RFC3261:10.3 */
{
	struct world *world = world_new();
	char date[64];

	for (int i = 0; i < 3; i++) {
		struct writer out = writer_of(date, sizeof date - 1);

		put(&out, SLICE("Date: "));
		put_date(&out, world->now.wall);
		date[out.len] = '\0';
		world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
		assert_true(has(world_passed(world, ALICE_PHONE), date));
		assert_int_equal(world->accounts[ALICE].n_bindings, 1);
		assert_true(slice_eq(world->accounts[ALICE].bindings[0].received, SLICE("192.0.2.99:1234")));
		world->now.wall += i;
	}
	world_end(world);
}

/* Neither that there is no such account nor that the password is wrong can be told yet; and no guess is counted. */
static void whoever_was_not_read_yet_comes_again(void **state)
{
	struct ask bob = ask;
	struct world *world = world_new();
	struct slice got;

	bob.to = "<sip:bob@example.org>";
	world->bob_err = ERR_AGAIN;
	for (int i = 0; i < 2 * BACKOFF_FREE; i++) {
		world_ask_proven(world, BOB_PHONE, BOB, &bob);
		got = world_passed(world, BOB_PHONE);
		assert_true(has(got, "SIP/2.0 503 "));
		assert_true(has(got, "Retry-After: 5\r\n"));
	}
	assert_true(has(world_log(world), "code=server.starting"));
	world->bob_err = OK;
	world_ask_proven(world, BOB_PHONE, BOB, &bob);
	assert_true(has(world_passed(world, BOB_PHONE), "SIP/2.0 200 "));
	world_end(world);
}

static void a_binding_over_tcp_is_not_secure(void **state)
{
	struct world *world = world_new();

	world_ask_proven(world, CLEAR, ALICE, &ask);
	assert_true(has(world_passed(world, CLEAR), "SIP/2.0 200 "));
	assert_int_equal(world->accounts[ALICE].n_bindings, 1);
	assert_false(world->accounts[ALICE].bindings[0].secure);
	world_end(world);
}

static void a_phone_is_told_its_way_out(void **state) /* RFC3608:6.1 */
{
	static const struct {
		const char *uri, *route;
	} rows[] = {
		{ "sip:example.org", "Service-Route: <sip:sip.example.org;lr>\r\n" },
		{ "sips:example.org", "Service-Route: <sips:sip.example.org;lr>\r\n" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world *world = world_new();
		struct ask asked = { .method = "REGISTER",
				     .uri = rows[i].uri,
				     .to = "<sip:alice@example.org>",
				     .headers = "Contact: <sips:alice@192.0.2.10>;expires=300\r\n" };

		if (i == 0)
			asked.headers = ask.headers;
		world->server.registrar.service_route = true;
		world_ask_proven(world, ALICE_PHONE, ALICE, &asked);
		struct slice ok = world_passed(world, ALICE_PHONE);
		assert_true(has(ok, "SIP/2.0 200 "));
		assert_true(has(ok, rows[i].route));
		world_end(world);
	}
}

static void the_server_proves_itself_too(void **state) /* RFC7616:3.5 */
{
	struct world *world = world_new();
	const struct auth_subject subject = { SLICE("REGISTER"), SLICE("sip:example.org"), { 0 } };
	char buf[2048];
	struct writer out = writer_of(buf, sizeof buf);
	struct auth_sent sent;
	struct sip_message *ok;

	world_ask(world, ALICE_PHONE, &ask, SLICE(""));
	world_challenged(world, ALICE_PHONE, ALICE);
	assert_true(put_authorization(&out, &world->phones[ALICE], &subject, &sent));
	world_ask(world, ALICE_PHONE, &ask, writer_text(&out));
	ok = world_one(world, ALICE_PHONE);
	assert_int_equal(auth_client_confirm(&world->phones[ALICE], &sent, ok), AUTH_PROOF_GOOD);
	sip_message_free(ok);
	world_end(world);
}

static void one_nonce_serves_many_requests(void **state)
{
	struct world *world = world_new();

	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	world_passed(world, ALICE_PHONE);
	for (int i = 0; i < 5; i++) {
		char buf[2048];
		struct writer out = writer_of(buf, sizeof buf);

		world_put_credentials(world, &out, ALICE, &ask);
		world_ask(world, ALICE_PHONE, &ask, writer_text(&out));
		assert_true(has(world_passed(world, ALICE_PHONE), "SIP/2.0 200 "));
	}
	world_pass(world, 3601000);
	char buf[2048];
	struct writer out = writer_of(buf, sizeof buf);

	world_put_credentials(world, &out, ALICE, &ask);
	world_ask(world, ALICE_PHONE, &ask, writer_text(&out));
	assert_true(has(world_passed(world, ALICE_PHONE), "stale=true"));
	world_end(world);
}

static void a_conflict_is_decided_again(void **state)
{
	struct world *world = world_new();

	world->n_conflicts = 3;
	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	assert_true(has(world_passed(world, ALICE_PHONE), "SIP/2.0 200 "));
	assert_int_equal(world->accounts[ALICE].n_bindings, 1);

	world->n_conflicts = 100;
	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	assert_true(has(world_passed(world, ALICE_PHONE), "SIP/2.0 500 "));
	world_end(world);
}

/* The store was not done, since alice has changed meanwhile. */
static void refuse_store(struct world *world)
{
	struct world_account *alice = &world->accounts[ALICE];
	struct answer answer = { .err = ERR_CONFLICT };

	answer.aor = aor_new(alice->name, ++alice->version, &alice->account, NULL, 0);
	assert_non_null(answer.aor);
	world->loses_stores = false;
	world_answer(world, &answer);
	aor_unref(answer.aor);
}

static void a_conflict_with_another_password_is_challenged(void **state)
{
	struct world *world = world_new();

	world->loses_stores = true;
	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	world->accounts[ALICE].account.sha256[0] ^= 1;
	refuse_store(world);
	assert_true(has(world_passed(world, ALICE_PHONE), "SIP/2.0 401 "));
	assert_int_equal(world->accounts[ALICE].n_bindings, 0);
	world_end(world);
}

static void a_conflict_with_another_account_of_that_name_is_challenged(void **state)
{
	struct world *world = world_new();

	world->loses_stores = true;
	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	world->accounts[ALICE].account.id += 100;
	refuse_store(world);
	assert_true(has(world_passed(world, ALICE_PHONE), "SIP/2.0 401 "));
	assert_int_equal(world->accounts[ALICE].n_bindings, 0);
	world_end(world);
}

/* RFC3261:10.2 */
static void a_conflict_with_who_lets_others_register_no_more_is_refused(void **state)
{
	for (int still = 0; still < 2; still++) {
		struct world *world = world_new();
		struct account_policy *policy = &world->accounts[ALICE].account.policy;

		policy->registrants = SLICE("bob@example.org");
		world->loses_stores = true;
		world_ask_proven(world, BOB_PHONE, BOB, &ask);
		if (!still)
			policy->registrants = SLICE("");
		refuse_store(world);
		assert_true(has(world_passed(world, BOB_PHONE), still ? "SIP/2.0 200 " : "SIP/2.0 403 "));
		assert_int_equal(world->accounts[ALICE].n_bindings, still);
		world_end(world);
	}
}

static void what_is_not_stored_is_not_acknowledged(void **state)
{
	struct world *world = world_new();
	struct slice got;

	world->store_err = ERR_IO;
	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	got = world_passed(world, ALICE_PHONE);
	assert_true(has(got, "SIP/2.0 500 "));
	assert_true(has(got, "Retry-After: "));
	assert_int_equal(world->accounts[ALICE].n_bindings, 0);

	/* somebody removed it in the meantime */
	world->store_err = ERR_NOT_FOUND;
	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	assert_true(has(world_passed(world, ALICE_PHONE), "SIP/2.0 403 "));
	world_end(world);
}

static void dead_flows_make_room_for_new_ones(void **state)
{
	struct world *world = world_new();

	world->server.registrar.bindings_max = 2;
	world_bind(world, ALICE, ALICE_OTHER, "sip:alice@192.0.2.11", 1000);
	world_bind(world, ALICE, STRANGER, "sip:alice@192.0.2.12", 1000);
	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	assert_true(has(world_passed(world, ALICE_PHONE), "SIP/2.0 403 Too Many Contacts Are Registered"));
	world_lose(world, ALICE_OTHER);
	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	assert_true(has(world_passed(world, ALICE_PHONE), "SIP/2.0 200 "));
	assert_int_equal(world->accounts[ALICE].n_bindings, 2);
	assert_true(world->accounts[ALICE].bindings[0].flow == world_flow(STRANGER));
	world_end(world);
}

static void credentials_for_another_uri_are_malformed(void **state)
{
	struct world *world = world_new();
	struct ask other = ask;
	char buf[2048];
	struct writer out = writer_of(buf, sizeof buf);

	other.uri = "sip:other.example.org";
	world_ask(world, ALICE_PHONE, &ask, SLICE(""));
	world_challenged(world, ALICE_PHONE, ALICE);
	world_put_credentials(world, &out, ALICE, &other);
	world_ask(world, ALICE_PHONE, &ask, writer_text(&out));
	assert_true(has(world_passed(world, ALICE_PHONE), "SIP/2.0 400 Digest uri Is Not The Request-URI"));
	world_end(world);
}

static void a_refusal_of_the_registrar_is_passed_on(void **state)
{
	struct world *world = world_new();
	struct ask brief = ask;
	struct slice got;

	brief.headers = "Contact: <sip:alice@192.0.2.10>;expires=5\r\n";
	world_ask_proven(world, ALICE_PHONE, ALICE, &brief);
	got = world_passed(world, ALICE_PHONE);
	assert_true(has(got, "SIP/2.0 423 Interval Too Brief\r\n"));
	assert_true(has(got, "Min-Expires: 60\r\n"));
	assert_true(has(world_log(world), "register.refused status=423"));
	world_end(world);
}

static void a_phone_that_is_called_answers_on_the_flow_it_registered_on(void **state)
{
	struct world *world = world_new();

	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	world_ask_proven(
		world, BOB_PHONE, BOB,
		&(struct ask){ .uri = "sip:alice@example.org", .from = "<sip:bob@example.org>;tag=b" });
	world_passed(world, BOB_PHONE);
	assert_true(has(world_passed(world, ALICE_PHONE), "INVITE sip:alice@192.0.2.10 SIP/2.0"));
	world_end(world);
}

static void a_domain_with_defaults_says_that_it_wants_sha_256(void **state)
{
	struct world *world = world_new();
	struct slice got;

	world_ask(world, ALICE_PHONE, &ask, SLICE(""));
	got = world_passed(world, ALICE_PHONE);
	assert_true(has(got, "algorithm=SHA-256"));
	assert_false(has(got, "MD5"));
	assert_true(has(
		got,
		"Warning: 399 sip.example.org \"this domain accepts digest with SHA-256 only (RFC 8760 §2); "));
	assert_false(has(world_log(world), "auth.unanswered"));
	world_ask(world, ALICE_PHONE, &ask, SLICE(""));
	assert_true(has(world_log(world), "auth.unanswered aor=\"alice@example.org\""));
	world_end(world);
}

static void a_domain_that_allows_md5_offers_it_last(void **state)
{
	static const struct server_domain lax[] = { { .name = SLICE_INIT("example.org"),
						      .md5 = AUTH_MD5_ALLOWED } };
	struct world *world = world_new();
	struct slice got;

	world->server.domains = lax;
	core_reconfigure(world->core, &world->server);
	world_ask(world, ALICE_PHONE, &ask, SLICE(""));
	got = world_passed(world, ALICE_PHONE);
	assert_true(slice_find_text(got, SLICE("algorithm=SHA-256")) <
		    slice_find_text(got, SLICE("algorithm=MD5")));
	assert_true(has(got, "algorithm=MD5"));
	assert_false(has(got, "Warning"));
	world_end(world);
}

/* The answer for somebody who is not there must tell as little as that for a wrong password. */
static void unknown_users_cannot_be_told_from_wrong_passwords(void **state)
{
	struct world *world = world_new();
	struct ask nobody = ask;
	struct sip_message *answers[2];

	nobody.to = "<sip:nobody@example.org>";
	world->phones[ALICE].login.password = SLICE("guess");
	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	answers[0] = world_one(world, ALICE_PHONE);
	world->phones[ALICE].login.username = SLICE("nobody");
	world_ask_proven(world, ALICE_PHONE, ALICE, &nobody);
	answers[1] = world_one(world, ALICE_PHONE);
	assert_int_equal(answers[0]->status, 401);
	assert_int_equal(answers[1]->status, 401);
	assert_int_equal(answers[0]->n_headers, answers[1]->n_headers);
	for (size_t i = 0; i < answers[0]->n_headers; i++)
		assert_int_equal(answers[0]->headers[i].id, answers[1]->headers[i].id);
	assert_false(has(answers[0]->text, "stale"));
	assert_false(has(answers[1]->text, "stale"));
	sip_message_free(answers[0]);
	sip_message_free(answers[1]);
	world_end(world);
}

static void guesses_are_put_off_and_counted(void **state)
{
	struct world *world = world_new();
	struct slice got = { NULL, 0 };

	world->phones[ALICE].login.password = SLICE("guess");
	for (int i = 0; i <= BACKOFF_FREE; i++) {
		world_passed(world, ALICE_PHONE);
		world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
		got = world_passed(world, ALICE_PHONE);
		assert_true(has(got, i < BACKOFF_FREE ? "SIP/2.0 401 " : "SIP/2.0 503 "));
	}
	assert_true(has(got, "Retry-After: 1\r\n"));
	assert_true(has(got, "[account.backed-off]"));
	assert_int_equal(endpoint_counts(world->endpoint).reasons[REASON_BACKED_OFF], 1);
	assert_int_equal(world->n_blamed, BACKOFF_FREE);

	/* the right one is not looked at either, until the time is over */
	world->phones[ALICE].login.password = SLICE("alice");
	world_pass(world, 1000);
	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	assert_true(has(world_passed(world, ALICE_PHONE), "SIP/2.0 200 "));
	world_end(world);
}

static void who_asks_and_never_answers_is_noticed(void **state)
{
	struct world *world = world_new();

	for (int i = 0; i < 20; i++)
		world_ask(world, STRANGER, &ask, SLICE(""));
	assert_int_equal(world->n_blamed, 10);
	world_end(world);
}

static void md5_is_taken_until_its_day(void **state) /* RFC8760:2.4 */
{
	static const struct server_domain lax[] = { { .name = SLICE_INIT("example.org"),
						      .md5 = AUTH_MD5_ONLY } };
	static const struct {
		bool has_day;
		int until; /* seconds from now */
		const char *status;
	} rows[] = { { false, 0, "SIP/2.0 200 " },
		     { true, 1, "SIP/2.0 200 " },
		     { true, 0, "SIP/2.0 403 " },
		     { true, -1, "SIP/2.0 403 " } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world *world = world_new();

		world->server.domains = lax;
		core_reconfigure(world->core, &world->server);
		if (rows[i].has_day)
			world->accounts[ALICE].account.policy.md5_until = world->now.wall + rows[i].until;
		world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
		assert_true(has(world_passed(world, ALICE_PHONE), rows[i].status));
		world_end(world);
	}
}

static void nine_accounts_do_not_fit_on_one_flow(void **state)
{
	struct world *world = world_new();

	for (account_id id = 100; id < 108; id++)
		assert_true(endpoint_flow_prove(world->endpoint, world_flow(ALICE_PHONE), id));
	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	assert_true(has(world_passed(world, ALICE_PHONE), "SIP/2.0 403 "));
	assert_int_equal(world->accounts[ALICE].n_bindings, 0);
	world_end(world);
}

/* The status of what somebody without proof gets for it, who comes by another way. */
static unsigned status_elsewhere(struct world *world, const struct ask *copy)
{
	struct sip_message *answer;
	unsigned status;

	world_ask(world, STRANGER, copy, SLICE(""));
	answer = world_one(world, STRANGER);
	status = answer->status;
	sip_message_free(answer);
	return status;
}

static void
a_copy_that_comes_on_another_way_is_refused_while_the_first_goes_on(void **state) /* RFC3261:8.2.2.2 */
{
	struct world *world = world_new();
	struct ask one = ask, other;
	char buf[2048];
	struct writer credentials = writer_of(buf, sizeof buf);

	one.cseq = 5;
	one.from = "<sip:alice@example.org>;tag=one";
	world->loses_stores = true;
	assert_int_equal(status_elsewhere(world, &one), 401);
	world_ask(world, ALICE_PHONE, &one, SLICE(""));
	assert_int_equal(status_elsewhere(world, &one), 401); /* the first is not proven yet */
	world_challenged(world, ALICE_PHONE, ALICE);
	world_put_credentials(world, &credentials, ALICE, &one);
	world_ask(world, ALICE_PHONE, &one, writer_text(&credentials));
	assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
	assert_int_equal(status_elsewhere(world, &one), 482);
	assert_int_equal(status_elsewhere(world, &one), 482);

	world->n_sent -= 3; /* the branch of the first: no copy, but the same again */
	assert_int_equal(status_elsewhere(world, &one), 401);
	world->n_sent += 3;
	other = one;
	other.cseq = 6;
	assert_int_equal(status_elsewhere(world, &other), 401);
	other = one;
	other.from = "<sip:alice@example.org>;tag=other";
	assert_int_equal(status_elsewhere(world, &other), 401);
	other = one;
	other.call_id = "other";
	assert_int_equal(status_elsewhere(world, &other), 401);
	other = one;
	other.to = "<sip:alice@example.org>;tag=a";
	assert_int_equal(status_elsewhere(world, &other), 401);

	world_pass(world, 64 * 500);
	assert_int_equal(status_elsewhere(world, &one), 401);
	world_end(world);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_answered_registration_is_stored),
	cmocka_unit_test(a_refresh_is_told_the_time_that_it_is_then),
	cmocka_unit_test(whoever_was_not_read_yet_comes_again),
	cmocka_unit_test(a_binding_over_tcp_is_not_secure),
	cmocka_unit_test(a_phone_is_told_its_way_out),
	cmocka_unit_test(the_server_proves_itself_too),
	cmocka_unit_test(one_nonce_serves_many_requests),
	cmocka_unit_test(a_conflict_is_decided_again),
	cmocka_unit_test(a_conflict_with_another_password_is_challenged),
	cmocka_unit_test(a_conflict_with_another_account_of_that_name_is_challenged),
	cmocka_unit_test(a_conflict_with_who_lets_others_register_no_more_is_refused),
	cmocka_unit_test(what_is_not_stored_is_not_acknowledged),
	cmocka_unit_test(dead_flows_make_room_for_new_ones),
	cmocka_unit_test(credentials_for_another_uri_are_malformed),
	cmocka_unit_test(a_refusal_of_the_registrar_is_passed_on),
	cmocka_unit_test(a_phone_that_is_called_answers_on_the_flow_it_registered_on),
	cmocka_unit_test(a_domain_with_defaults_says_that_it_wants_sha_256),
	cmocka_unit_test(a_domain_that_allows_md5_offers_it_last),
	cmocka_unit_test(unknown_users_cannot_be_told_from_wrong_passwords),
	cmocka_unit_test(a_copy_that_comes_on_another_way_is_refused_while_the_first_goes_on),
	cmocka_unit_test(guesses_are_put_off_and_counted),
	cmocka_unit_test(who_asks_and_never_answers_is_noticed),
	cmocka_unit_test(md5_is_taken_until_its_day),
	cmocka_unit_test(nine_accounts_do_not_fit_on_one_flow),
};

TEST_MAIN(tests)

#include "pair.h"

#include "authority.h"
#include "ua/protect.h"
#include "ua/state.h"

enum { WIRE_MAX = 16384 };

/* -- certificates ---------------------------------------------------------------------------------------- */

static void make_own(struct world *world, const char *aor)
{
	struct certificate *certificate;
	struct authority ca;
	struct key *key;

	assert_int_equal(authority_open(&ca, world->crypto, SLICE("CA"), world->now.wall), 0);
	assert_int_equal(key_generate(world->crypto, &key), OK);
	certificate = authority_issue(&ca, key, slice_of(aor), world->now.wall);
	authority_close(&ca);
	assert_non_null(certificate);
	assert_int_equal(credentials_add_own(world->ua->credentials, key, certificate), OK);
}

void pair_acquaint(struct world *whom, const struct world *with, const char *aor)
{
	AUTO(chain) struct chain *chain = NULL;
	struct cms_recipient own[CREDENTIALS_OWN_MAX];
	struct certificate *certificate;
	char pem[4096];
	struct writer out = writer_of(pem, sizeof pem);

	assert_int_equal(credentials_own(with->ua->credentials, own), 1);
	assert_int_equal(put_certificate_pem(&out, own[0].certificate), OK);
	assert_int_equal(chain_parse_pem(whom->crypto, writer_text(&out), &chain), OK);
	assert_int_equal(certificate_copy(chain_at(chain, 0), &certificate), OK);
	assert_int_equal(
		credentials_vouched(whom->ua->credentials, slice_of(aor), &certificate, 1, whom->now), OK);
	world_pump(whom);
}

static enum err ask(void *self, struct slice aor, struct now now)
{
	struct pair *pair = self;

	(void)aor, (void)now;
	pair->asked++;
	return OK;
}

/* -- life ------------------------------------------------------------------------------------------------ */

static void open_one(struct pair *pair, struct world *world, const char *aor, enum ua_smime smime)
{
	char uri[512];
	const struct credentials_source source = { .self = pair, .ask = ask };
	struct ua_config config = { .smime = smime };

	snprintf(uri, sizeof uri, "sips:%s", aor);
	config.aor = slice_of(uri);
	world_open(world, &config);
	if (world == &pair->bob) /* whose keys must not be alice's */
		random_bytes(world->random, &config, sizeof config);
	credentials_free(world->ua->credentials);
	world->ua->credentials = credentials_new(world->crypto, slice_of(aor), &source);
	assert_non_null(world->ua->credentials);
	make_own(world, aor);
	world_register(world);
}

void pair_open_strangers(struct pair *pair, const char *alice)
{
	*pair = (struct pair){ .asked = 0 };
	open_one(pair, &pair->alice, alice, UA_SMIME_PREFER);
	open_one(pair, &pair->bob, "bob@localhost", UA_SMIME_PREFER);
}

void pair_open(struct pair *pair, enum ua_smime alice, enum ua_smime bob, bool are_acquainted)
{
	*pair = (struct pair){ .asked = 0 };
	open_one(pair, &pair->alice, "alice@localhost", alice);
	open_one(pair, &pair->bob, "bob@localhost", bob);
	if (!are_acquainted)
		return;
	pair_acquaint(&pair->alice, &pair->bob, "bob@localhost");
	pair_acquaint(&pair->bob, &pair->alice, "alice@localhost");
}

void pair_close(struct pair *pair)
{
	world_close(&pair->alice);
	world_close(&pair->bob);
}

/* -- the way --------------------------------------------------------------------------------------------- */

static void edit_one(char *text, size_t *len, const struct edit *edit)
{
	size_t from_len = strlen(edit->from), to_len = strlen(edit->to);
	size_t at = slice_find_text(slice_from(text, *len), slice_of(edit->from));

	if (at == *len)
		fail_msg("nothing to be changed: %s", edit->from);
	assert_true(*len + to_len < WIRE_MAX);
	memmove(text + at + to_len, text + at + from_len, *len - at - from_len);
	memcpy(text + at, edit->to, to_len);
	*len += to_len - from_len;
}

static void arrive(struct world *to, struct slice text, const struct edit *edits)
{
	char bytes[WIRE_MAX];
	size_t len = text.len;

	assert_true(len <= sizeof bytes);
	memcpy(bytes, text.ptr, len);
	for (; edits && edits->to; edits++)
		edit_one(bytes, &len, edits);
	endpoint_input(to->endpoint, to->flow, slice_from(bytes, len), to->now);
	world_pump(to);
}

const struct sip_message *pair_carry(struct world *from, struct world *to, const struct edit *edits)
{
	const struct sip_message *message;

	world_pump(from);
	message = world_sent(from);
	assert_non_null(message);
	arrive(to, message->text, edits);
	return message;
}

void pair_repeat(const struct sip_message *message, struct world *to)
{
	arrive(to, message->text,
	       (const struct edit[]){ { "branch=z9hG4bK", "branch=z9hG4bKagain" }, { NULL, NULL } });
}

void pair_seal(const struct world *from, struct world *to, const struct pair_letter *letter)
{
	pair_seal_and_edit(from, to, letter, NULL);
}

void pair_seal_and_edit(const struct world *from, struct world *to, const struct pair_letter *letter,
			const struct edit *edits)
{
	bool is_response = slice_starts(slice_of(letter->start), SLICE("SIP/2.0"));
	const struct protect_order order = {
		.uri = to->ua->aor,
		.message = {
			.start = is_response ? slice_of(letter->start) : SLICE(""),
			.lines = slice_of(letter->lines),
			.body = letter->body,
		},
		.now = from->now.wall,
	};
	struct protected what = { NULL, NULL };
	struct ua_protection how;
	char bytes[WIRE_MAX];
	struct writer out = writer_of(bytes, sizeof bytes);

	if (!letter->is_open)
		assert_int_equal(protect_wrap(from->ua, &order, &what, &how), OK);
	put(&out, slice_of(letter->start));
	put(&out, slice_of(letter->way));
	put(&out, letter->is_open ? slice_of(letter->lines) : secret_slice(what.lines));
	put_body(&out, letter->is_open ? letter->body : secret_slice(what.body));
	protected_fini(&what);
	assert_false(out.overflow);
	arrive(to, writer_text(&out), edits);
}

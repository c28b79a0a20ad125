#include "sealine/load_tally.h"

#include "base/writer.h"

const struct load_word load_failure_words[LOAD_FAILURES] = {
	[LOAD_CONNECT] = { "connect", "no connection" },  [LOAD_HANDSHAKE] = { "handshake", "no TLS" },
	[LOAD_LOST] = { "lost", "the connection ended" }, [LOAD_TIMEOUT] = { "timeout", "no answer in time" },
	[LOAD_REFUSED] = { "refused", "refused" },
};

const struct load_word load_violation_words[LOAD_VIOLATIONS] = {
	[LOAD_NOT_SIP] = { "not-sip", "what came is not SIP" },
	[LOAD_MALFORMED] = { "malformed", "a message is malformed" },
	[LOAD_STRAY_RESPONSE] = { "stray-response", "a response to no request that waits for one" },
	[LOAD_OTHER_FIELDS] = { "other-fields",
				"a response with other From, To, Call-ID or CSeq than its request" },
	[LOAD_MORE_VIAS] = { "more-vias", "a response with somebody else's Via" },
	[LOAD_NO_TAG] = { "no-tag", "a response without a tag in To" },
	[LOAD_NO_BINDING] = { "no-binding", "a 200 to a REGISTER that does not list its Contact" },
	[LOAD_FALSE_PROOF] = { "false-proof", "the server proves with a password that is another" },
	[LOAD_STRAY_REQUEST] = { "stray-request", "a request for a dialog that there is not" },
	[LOAD_NO_ACK] = { "no-ack", "a BYE in a call whose 200 has got no ACK with its CSeq" },
	[LOAD_OTHER_URI] = { "other-uri", "a request for another Contact than the one registered" },
	[LOAD_MAX_FORWARDS] = { "max-forwards",
				"a request was passed on without counting Max-Forwards down" },
	[LOAD_OTHER_BODY] = { "other-body", "a body was changed on its way" },
	[LOAD_STRICT_ROUTE] = { "strict-route", "a Record-Route without lr, which RFC 3261 demands" },
};

/* The first TALLY_STEPS ones are a microsecond wide, each TALLY_STEPS more twice as wide as those before. */
static size_t bucket_of(uint64_t microseconds)
{
	unsigned power = 0;

	while (microseconds >> power >= 2 * TALLY_STEPS)
		power++;
	size_t bucket = (size_t)power * TALLY_STEPS + (size_t)(microseconds >> power);
	return bucket < TALLY_BUCKETS ? bucket : TALLY_BUCKETS - 1;
}

static uint64_t end_of(size_t bucket)
{
	unsigned power = bucket < 2 * TALLY_STEPS ? 0 : (unsigned)(bucket / TALLY_STEPS) - 1;

	return ((bucket - (size_t)power * TALLY_STEPS + 1) << power) - 1;
}

void load_tally_time(struct load_tally *tally, uint64_t microseconds)
{
	tally->buckets[bucket_of(microseconds)]++;
	if (microseconds > tally->longest)
		tally->longest = microseconds;
}

static void keep_first(char *to, const char *what, struct slice about)
{
	struct writer out = writer_of(to, TALLY_TEXT_MAX - 1);

	if (*to)
		return;
	put(&out, slice_of(what));
	if (about.len > 0) {
		put(&out, SLICE(": "));
		put_escaped(&out, about);
	}
	to[out.len] = '\0';
}

void load_tally_failure(struct load_tally *tally, enum load_failure failure, struct slice about)
{
	tally->failures[failure]++;
	keep_first(tally->first_failure, load_failure_words[failure].text, about);
}

void load_tally_retry(struct load_tally *tally, enum load_failure failure, struct slice about)
{
	tally->retries++;
	keep_first(tally->first_retry, load_failure_words[failure].text, about);
}

void load_tally_violation(struct load_tally *tally, enum load_violation violation, struct slice about)
{
	tally->violations[violation]++;
	keep_first(tally->first_violation, load_violation_words[violation].text, about);
}

static uint64_t sum(const uint64_t *numbers, size_t n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += numbers[i];
	return total;
}

uint64_t load_tally_failures(const struct load_tally *tally)
{
	return sum(tally->failures, LOAD_FAILURES);
}

uint64_t load_tally_violations(const struct load_tally *tally)
{
	return sum(tally->violations, LOAD_VIOLATIONS);
}

uint64_t load_tally_quantile(const struct load_tally *tally, unsigned thousandths)
{
	uint64_t total = sum(tally->buckets, TALLY_BUCKETS), seen = 0;
	uint64_t wanted = (total * thousandths + 999) / 1000;

	for (size_t i = 0; i < TALLY_BUCKETS && total > 0; i++) {
		seen += tally->buckets[i];
		if (seen >= wanted)
			return end_of(i) < tally->longest ? end_of(i) : tally->longest;
	}
	return 0;
}

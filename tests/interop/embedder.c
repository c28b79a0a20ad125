/* A program of others that embeds libsealine: a phone that says what it wants of the world first. Built with what pkg-config says. */
#include <stdio.h>
#include <string.h>

#include "crypto/lib.h"
#include "crypto/random.h"
#include "endpoint/endpoint.h"
#include "ua/ua.h"

int main(void)
{
	static const uint8_t branch_key[32] = { 1 };
	struct now now = { .mono = 1, .wall = 1790000000 };
	struct crypto *crypto = crypto_new();
	struct random *random = random_new(crypto);
	struct ua *ua = NULL;
	struct endpoint *endpoint = NULL;
	struct action action;

	struct ua_config config = { .crypto = crypto,
				    .aor = SLICE("sips:alice@example.org"),
				    .password = SLICE("secret"),
				    .instance = SLICE("urn:uuid:00000000-0000-4000-8000-000000000001"),
				    .do_register = true };
	if (ua_new(&config, &ua) != OK)
		return 1;
	struct endpoint_config wiring = { .n_workers = 1,
					  .limits = { .sip = sip_limits_default,
						      .flows = 8,
						      .transactions = 64,
						      .per_flow = 64,
						      .per_sender = 64,
						      .per_peer = 64,
						      .output = 1 << 20 },
					  .map_key = random_map_key(random),
					  .branch_key = branch_key,
					  .random = random,
					  .crypto = crypto,
					  .sent_by = SLICE("alice.invalid"),
					  .user = &ua_user,
					  .user_self = ua };
	if (endpoint_new(&wiring, &endpoint) != OK)
		return 1;
	ua_attach(ua, endpoint);
	ua_start(ua, now);
	endpoint_tick(endpoint, now);
	while (endpoint_output(endpoint, &action))
		if (action.kind == ACTION_RESOLVE)
			printf("resolve %.*s\n", SLICE_FMT(action.resolve.name));
	endpoint_free(endpoint);
	ua_free(ua);
	random_free(random);
	crypto_free(crypto);
	return 0;
}

/*
 * All that the workers need of the configuration, as one read-only snapshot that is replaced whole: a
 * reload makes another one, hands it out, and each worker lets go of the old one when it has changed over.
 * Shared by reference counts.
 */
#pragma once

#include <stdatomic.h>

#include "base/err.h"
#include "base/own.h"
#include "base/writer.h"
#include "crypto/lib.h"
#include "proxy/config.h"
#include "sealined/config.h"
#include "sealined/identity.h"

struct setup {
	_Atomic unsigned refs;
	struct config *config;
	struct identity identity;
	struct server_config server;
	struct slice names[CONFIG_LISTENERS_MAX]; /* our addresses, for server.names */
	char name_texts[CONFIG_LISTENERS_MAX][50];
};

/*
 * Takes the configuration and the identity over, in any case. ports: those that we really listen on, by
 * transport. NULL without memory.
 */
MUST_CHECK struct setup *setup_new(struct config *config, struct identity *identity,
				   const uint16_t ports[TRANSPORT_WS + 1]);
struct setup *setup_ref(struct setup *setup);
void setup_free(struct setup *setup);
OWN(setup)

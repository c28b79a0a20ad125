/*
 * The sections of the configuration that hold numbers: messages and registrar. Each key has a default and bounds; what is
 * outside of them is refused where it stands.
 */
#pragma once

#include "registrar/registrar.h"
#include "sealined/config.h"
#include "sip/message.h"

/* The keys of the section, CONFIG_NUMBERS_MAX at most; 0 for a setting that is no section. */
size_t config_number_names(enum setting section, struct slice ret_names[CONFIG_NUMBERS_MAX]);

/* Puts the defaults into a new configuration. */
void config_numbers_init(struct config *config);

/* Says the which-th of them. False: why has a clause that says what is wrong with the value. */
MUST_CHECK bool config_number_say(struct config *config, enum setting section, size_t which,
				  struct slice value, struct writer *why);

/* What does not go together, as a clause; NULL if all does. */
const char *config_numbers_clash(const struct config *config, enum setting section);

/* What they mean where they are needed. */
struct sip_limits config_sip_limits(const struct config *config);
/* All of the policy but how many bindings there may be. */
void config_set_registrar(const struct config *config, struct registrar_policy *policy);
/* How long somebody who has proven himself may say nothing: not less than he may be registered for. */
ms_t config_silence(const struct config *config);
void config_set_certificate_service(const struct config *config, struct server_config *server);

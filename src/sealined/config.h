/*
 * The configuration: what the file and the options say, as values. Options come after the file and replace
 * what it says; a list that is given in options replaces the whole list of the file. man/sealined.yaml.5 is
 * the reference.
 *
 * All text belongs to the configuration's arena.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/writer.h"
#include "endpoint/action.h"
#include "endpoint/flow.h"
#include "proxy/config.h"
#include "sealined/log.h"
#include "sealined/quotas.h"
#include "tls/policy.h"
#include "transport/transport.h"

enum {
	CONFIG_LISTENERS_MAX = 16,
	CONFIG_DOMAINS_MAX = 1000,
	CONFIG_WORKERS_MAX = 64,
	CONFIG_PEERS_MAX = 100,
	CONFIG_PEER_LIST_MAX = 32, /* domains or addresses of one */
	CONFIG_LINKS_MAX = 32,
	CONFIG_CERTIFICATES_MAX = 4,
	CONFIG_STAPLES_MAX = 16,
	CONFIG_NUMBERS_MAX = 8,     /* keys of a section */
	CONFIG_SCOPE_NAME_MAX = 32, /* of a peer with rules of its own */
};

/* Files in PEM form: the n-th key belongs to the n-th certificate. */
struct config_certificates {
	struct slice files[CONFIG_CERTIFICATES_MAX], keys[CONFIG_CERTIFICATES_MAX];
	size_t n_files, n_keys; /* the same number, once config_complete() was content */
};

struct config_listener {
	enum transport_protocol transport;
	struct address address;
};

/* By what rules of its own a peer is judged. */
struct config_scope {
	struct slice trust;        /* file with the CAs that count for it; empty: the common ones */
	bool takes_wildcards;      /* an exception, for sip requests alone */
	struct slice sips, sip;    /* names of the rules (tls/context.h); empty: there are none of its own. */
	const struct slice *names; /* that it may have to prove, for which they hold */
	size_t n_names;
};

/* What is said of a link besides what the transport has to know. */
struct config_link {
	struct slice mechanism; /* "ipsec", … : what protects it, by the word of whoever wrote the file */
	bool has_sips;          /* it may carry sips */
};

/* Where in the file something was said; line 0: it was not. Both count from 1. */
struct config_place {
	size_t line, column;
};

/* A path, and where it was said. */
struct config_path {
	struct config_path *next;
	struct slice path;
	struct config_place place;
};

enum setting {
	SETTING_LISTEN,
	SETTING_DOMAINS,
	SETTING_CERTIFICATE,
	SETTING_KEY,
	SETTING_ADVERTISE,
	SETTING_WORKERS,
	SETTING_LOG_FORMAT,
	SETTING_LOG_LEVEL,
	SETTING_STATE,
	SETTING_TRUST,
	SETTING_CRL,
	SETTING_DNS,
	SETTING_TRUST_ANCHOR,
	SETTING_USER,
	SETTING_PEERS, /* in the file only */
	SETTING_AGREEMENT,
	SETTING_STAPLE,
	SETTING_OCSP,
	/* sections of numbers, in the file alone (sealined/config_numbers.h) */
	SETTING_SECTIONS,
	SETTING_MESSAGES = SETTING_SECTIONS,
	SETTING_REGISTRAR,
	SETTING_CERTIFICATE_SERVICE,
	SETTINGS,
};

enum { CONFIG_SECTIONS = SETTINGS - SETTING_SECTIONS };

struct config {
	_Atomic unsigned refs;
	struct arena *arena;
	struct config_listener listeners[CONFIG_LISTENERS_MAX];
	size_t n_listeners;
	struct server_domain *domains; /* CONFIG_DOMAINS_MAX of room */
	size_t n_domains;
	struct config_certificates certificates; /* for domains without their own */
	struct config_certificates **of_domain;  /* by domain; NULL: it has none of its own */
	struct slice *
		user_cas; /* by domain: file with the CAs of its users' certificates; empty: ours that issues them */
	struct slice advertise; /* lower case */
	enum agreement agreement;
	unsigned workers;
	enum log_format log_format;
	enum report_level log_level;
	struct slice state;        /* directory */
	struct slice made;         /* the file in it with the certificate that the development CA makes */
	struct server_peer *peers; /* CONFIG_PEERS_MAX of room */
	size_t n_peers;
	struct config_scope *scopes; /* by peer */
	struct config_place *linked; /* by peer: where its link was said */
	struct transport_links links;
	struct config_link link_facts[CONFIG_LINKS_MAX]; /* by link */
	struct slice trust; /* file with the CAs of other domains; empty: the system's */
	struct slice crl;   /* file with what these have revoked; empty: there is none */
	struct slice staples[CONFIG_STAPLES_MAX]; /* files with OCSP responses for certificates of ours */
	size_t n_staples;
	bool needs_staples; /* servers of other domains have to show one */
	struct address dns; /* the name server to ask; ADDRESS_NONE: the system's */
	struct slice user;  /* of the system, to become when started as root; empty: stays who it is */
	struct slice
		trust_anchor; /* of DNSSEC, a file; empty: that of the system, if there is one; "none": none */
	struct tls_policy tls;
	struct limits limits;
	struct bans_policy bans;
	struct config_path *paths;  /* all that were said, the last one first */
	struct config_place saying; /* reading_note_place(): where the value stands that is said */
	struct slice file;          /* its name; the caller's of config_complete() */
	uint32_t numbers[CONFIG_SECTIONS][CONFIG_NUMBERS_MAX];
	struct config_place places[SETTINGS];
};

/* Nothing said yet. NULL without memory. */
MUST_CHECK struct config *config_new(void);
/* One more owner; once config_complete() was content it does not change any more, and may be shared by threads. */
struct config *config_ref(struct config *config);
void config_free(struct config *config);
OWN(config)

/*
 * The name of a setting in the file: "listen". As an option it has "--" before it, and domains is --domain.
 */
struct slice setting_name(enum setting setting);

/*
 * Says one thing; for listen, domains, certificate and key one more of them. False: why has a clause that says what is wrong
 * with the value, which the caller shows itself.
 */
MUST_CHECK bool config_say(struct config *config, enum setting setting, struct slice value,
			   struct writer *why);
/* Whether no certificate was named at all, so that it is the development CA that makes ours. */
bool config_is_development(const struct config *config);
/* Whether the domain is one of ours and has certificates of its own. */
bool config_has_own(const struct config *config, struct slice domain);
/* One more certificate or key (SETTING_CERTIFICATE, SETTING_KEY) for the domain that was said last. */
MUST_CHECK bool config_say_of_domain(struct config *config, enum setting setting, struct slice value,
				     struct writer *why);
/*
 * The next peer, and what it is: say one thing of it, an address or domain as often as there are; then that this was all.
 * False as above.
 */
enum peer_setting {
	PEER_DOMAINS,
	PEER_ADDRESS,
	PEER_PROVES,
	PEER_PIN,
	PEER_TRANSPORT,
	PEER_FROM,
	PEER_RELAY,
	PEER_ROUTE,
	PEER_TRUST_DOMAIN,
	PEER_REGISTERS,
	PEER_EDGE_FOR,
	PEER_TRUST,
	PEER_EXCEPTIONS,
	PEER_DANE,
	PEER_LINK,
	PEER_SETTINGS,
};
struct slice peer_setting_name(enum peer_setting setting);
MUST_CHECK bool config_begin_peer(struct config *config, struct slice name, struct writer *why);
MUST_CHECK bool config_say_of_peer(struct config *config, enum peer_setting setting, struct slice value,
				   struct writer *why);
MUST_CHECK bool config_end_peer(struct config *config, struct writer *why);
/* What concerns peers and domains, when all has been said. */
MUST_CHECK bool config_peers_fit(const struct config *config, struct writer *why);

/* The next link, and what it is, likewise. Which of them the peers have is seen when all is said. */
enum link_setting { LINK_ADDRESSES, LINK_MECHANISM, LINK_INTERFACE, LINK_SIPS, LINK_SETTINGS };
struct slice link_setting_name(enum link_setting setting);
MUST_CHECK bool config_begin_link(struct config *config, struct slice name, struct writer *why);
MUST_CHECK bool config_say_of_link(struct config *config, enum link_setting setting, struct slice value,
				   struct writer *why);
MUST_CHECK bool config_end_link(struct config *config, struct writer *why);
/* For config_complete(): what the peers say of links holds. */
MUST_CHECK bool config_join_links(struct config *config, struct writer *why);

/* "FILE:LINE:COLUMN: " if it is one in the file. */
void put_config_said(struct writer *out, const struct config *config, const struct config_place *place);
/* "FILE:LINE:COLUMN: " if the path, which is one of the configuration's own slices, was said in the file. */
void put_config_place(struct writer *out, const struct config *config, struct slice path);

/* For the other files of the room: keeps a text in lower case. */
MUST_CHECK bool config_keep_lower(struct config *config, struct slice text, struct slice *ret_kept,
				  struct writer *why);
/* Keeps a domain name, in lower case and with A-labels for what is internationalised; refuses what is none. */
MUST_CHECK bool config_keep_name(struct config *config, struct slice value, struct slice *ret_name,
				 struct writer *why);
/* Keeps the path of a file, and where it was said. */
MUST_CHECK bool config_keep_path(struct config *config, struct slice value, struct slice *ret_path,
				 struct writer *why);

/* Forgets what was said of a list, so that it can be said anew. */
void config_unsay(struct config *config, enum setting setting);

/*
 * Puts defaults where nothing was said, and checks what concerns several settings: false, with a whole
 * message in why.
 */
MUST_CHECK bool config_complete(struct config *config, struct slice file, struct writer *why);

/* Reads the file. False: why is "FILE:LINE:COLUMN: what is wrong". */
MUST_CHECK bool config_read(struct config *config, struct slice file, struct writer *why);
/* The same for a text that is there already. */
MUST_CHECK bool config_parse(struct config *config, struct slice file, struct slice text, struct writer *why);

/* The name nearest to the word by the Damerau-Levenshtein distance, if that is at most 2; or empty. */
struct slice nearest_name(struct slice word, const struct slice names[], size_t n);

#include <stdio.h>

#include "sealine/command.h"
#include "sealine/output.h"
#include "sealine/server.h"
#include "store/state.h"

static long long number(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

static void print_flows(const json_t *flows)
{
	printf("%lld with an account, %lld of a domain, %lld TLS, %lld clear, ", number(flows, "account"),
	       number(flows, "domain"), number(flows, "tls"), number(flows, "clear"));
	if (number(flows, "declared") > 0)
		printf("%lld over declared links, ", number(flows, "declared"));
	printf("%lld handshaking\n", number(flows, "handshaking"));
}

static void print_listener(const json_t *listener)
{
	fputs("listens       ", stdout);
	print_escaped(slice_from(json_string_value(listener), json_string_length(listener)));
	putchar('\n');
}

static void print_domain(const json_t *domain)
{
	fputs("domain        ", stdout);
	print_domain_of(text_member(domain, "name"));
	fputs(" (MD5: ", stdout);
	print_escaped(text_member(domain, "md5"));
	puts(")");
}

static void print_peer(const json_t *peer)
{
	size_t i;
	const json_t *domain;

	fputs("peer          ", stdout);
	print_escaped(text_member(peer, "name"));
	fputs(" for", stdout);
	json_array_foreach(json_object_get(peer, "domains"), i, domain)
	{
		putchar(' ');
		print_domain_of(slice_from(json_string_value(domain), json_string_length(domain)));
	}
	if (json_object_get(peer, "link")) {
		fputs(", over the declared link ", stdout);
		print_escaped(text_member(peer, "link"));
	}
	printf("%s%s%s%s%s\n", json_is_true(json_object_get(peer, "clear")) ? ", in clear" : "",
	       json_is_true(json_object_get(peer, "pinned")) ? ", certificate pinned" : "",
	       json_object_get(peer, "trust") ? ", a CA of its own" : "",
	       json_is_true(json_object_get(peer, "wildcard")) ? ", a wildcard counts for sip" : "",
	       json_is_true(json_object_get(peer, "relays")) ? ", may reach other domains through us" : "");
}

static void print_link(const json_t *link)
{
	size_t i;
	const json_t *address;

	fputs("link          ", stdout);
	print_escaped(text_member(link, "name"));
	fputs(" to", stdout);
	json_array_foreach(json_object_get(link, "addresses"), i, address)
	{
		putchar(' ');
		print_escaped(slice_from(json_string_value(address), json_string_length(address)));
	}
	if (json_object_get(link, "interface")) {
		fputs(" by ", stdout);
		print_escaped(text_member(link, "interface"));
	}
	fputs(", declared: ", stdout);
	print_escaped(text_member(link, "mechanism"));
	puts(json_is_true(json_object_get(link, "sips")) ? ", may carry sips" : ", carries no sips");
}

static void print_worker(const json_t *worker)
{
	printf("worker %-2lld     %lld messages in, %lld out, %lld malformed, %lld transactions, %lld handshakes refused\n"
	       "              ",
	       number(worker, "number"), number(worker, "messages_in"), number(worker, "messages_out"),
	       number(worker, "malformed"), number(worker, "transactions"),
	       number(worker, "refused_handshakes"));
	print_flows(json_object_get(worker, "flows"));
}

static void print_certificate(const json_t *certificate)
{
	struct slice names = text_member(certificate, "names");

	/* both are escaped already; the names may be those of hundreds of domains */
	printf("certificate   %.*s%s%.*s", SLICE_FMT(text_member(certificate, "subject")),
	       names.len > 0 ? " for " : "", SLICE_FMT(names));
	printf(", %lld days left%s\n", number(certificate, "days_left"),
	       json_is_true(json_object_get(certificate, "development")) ? ", made by sealined" : "");
}

static void print_status(const json_t *reply)
{
	fputs("sealined      ", stdout);
	print_escaped(text_member(reply, "version"));
	printf(", pid %lld, up %lld s\n", number(reply, "pid"), number(reply, "uptime"));
	print_each(json_object_get(reply, "listeners"), print_listener);
	print_each(json_object_get(reply, "domains"), print_domain);
	print_each(json_object_get(reply, "peers"), print_peer);
	print_each(json_object_get(reply, "links"), print_link);
	printf("accounts      %lld\nbindings      %lld\nconnections   ", number(reply, "accounts"),
	       number(reply, "bindings"));
	print_flows(json_object_get(reply, "flows"));
	print_each(json_object_get(reply, "workers"), print_worker);
	print_each(json_object_get(reply, "certificates"), print_certificate);
}

/* False: it was complained of. */
static bool ask(const struct invocation *invocation, json_t **ret_reply)
{
	char dir_buf[STATE_PATH_MAX], path_buf[STATE_PATH_MAX];
	struct writer dir = writer_of(dir_buf, sizeof dir_buf), path = writer_of(path_buf, sizeof path_buf);
	struct slice message;

	if (!state_find(&dir, invocation->state))
		return complain("there is no state directory to be found; name it with --state DIR");
	put_state_path(&path, writer_text(&dir), SLICE(STATE_CONTROL_SOCKET));
	if (path.overflow)
		return complain("the path of the state directory is too long; give a shorter --state DIR");
	switch (server_ask(writer_text(&path), json_pack("{s:s}", "request", "status"), ret_reply)) {
	case OK: return true;
	case ERR_NOT_FOUND:
		return complain(
			"%.*s: no server runs there; start sealined, or name its directory with --state DIR",
			SLICE_FMT(writer_text(&dir)));
	case ERR_EXISTS:
		message = text_member(*ret_reply, "message");
		return complain("%.*s: %.*s; see the log of sealined", SLICE_FMT(writer_text(&path)),
				SLICE_FMT(message));
	default: return false;
	}
}

enum exit_code status_run(const struct invocation *invocation)
{
	json_t *reply = NULL;
	bool ok = ask(invocation, &reply);

	if (ok && invocation->flags & FLAG_JSON) {
		json_object_del(reply, "ok");
		return print_json(reply) ? EXIT_OK : EXIT_FOUND;
	}
	if (ok)
		print_status(reply);
	json_decref(reply);
	return ok ? EXIT_OK : EXIT_FOUND;
}

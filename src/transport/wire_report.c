/* What the log says of a connection. */
#include "transport/private.h"

enum { USER_WARNING_S = 7 * 86400 };

static void put_field(struct writer *out, struct slice name, struct slice text)
{
	put(out, name);
	put(out, SLICE("\""));
	put_escaped(out, text);
	put(out, SLICE("\""));
}

static void put_wire(struct writer *out, const struct wire *wire)
{
	put(out, SLICE(" peer="));
	put_address(out, &wire->peer);
	put(out, SLICE(" transport="));
	put(out, transport_name(flow_transport(wire->id)));
}

void wire_report_end(struct wire *wire, const struct wire_end *end, struct now now)
{
	struct transport *transport = wire->transport;
	const char *event = wire->known      ? "flow.lost"
			    : wire->outbound ? "connect.failed"
					     : "handshake.refused";
	char text[2560];
	struct writer out = writer_of(text, sizeof text);

	if (!transport_reports(transport, end->level))
		return;
	if (!wire->known && !quota_take(&transport->refusals, 1, now.mono)) {
		transport->unlogged++;
		return;
	}
	put_wire(&out, wire);
	if (end->verdict)
		put_verdict_fields(&out, end->verdict);
	else
		put_field(&out, SLICE(" why="), end->why);
	if (transport->unlogged > 0) {
		put(&out, SLICE(" unlogged="));
		put_number(&out, transport->unlogged);
		transport->unlogged = 0;
	}
	transport_report(transport, &(struct report){ .level = end->level,
						      .event = event,
						      .flow = wire->id,
						      .text = writer_text(&out) });
}

static void tell_opened(const struct wire *wire, const struct flow_facts *facts, bool resumed)
{
	char text[500];
	struct writer out = writer_of(text, sizeof text);

	if (!transport_reports(wire->transport, REPORT_INFO))
		return;
	put_wire(&out, wire);
	if (facts->tls_version.len > 0) {
		put(&out, SLICE(" tls="));
		put(&out, facts->tls_version);
		put(&out, SLICE(" cipher="));
		put(&out, facts->tls_cipher);
		put(&out, resumed ? SLICE(" resumed=yes") : SLICE(""));
	}
	if (facts->verified.len > 0)
		put_field(&out, SLICE(" verified="), facts->verified);
	if (facts->user.len > 0)
		put_field(&out, SLICE(" user="), facts->user);
	if (facts->link.len > 0)
		put_field(&out, SLICE(" declared="), facts->link);
	if (facts->why.len > 0)
		put_field(&out, SLICE(" unproven="), facts->why);
	transport_report(wire->transport, &(struct report){ .level = REPORT_INFO,
							    .event = "flow.opened",
							    .flow = wire->id,
							    .text = writer_text(&out) });
}

/* Who has nothing else to prove himself by is locked out from then on, and has to be told by somebody. */
static void warn_of_user(const struct wire *wire, const struct tls_facts *tls, utc_t now)
{
	char text[1000];
	struct writer out = writer_of(text, sizeof text);

	if (!tls->user[0] || tls->user_until - now > USER_WARNING_S ||
	    !transport_reports(wire->transport, REPORT_WARNING))
		return;
	put_wire(&out, wire);
	put_field(&out, SLICE(" user="), slice_of(tls->user));
	put(&out, SLICE(" hours_left="));
	put_number(&out, tls->user_until > now ? (uint64_t)(tls->user_until - now) / 3600 : 0);
	put_field(
		&out, SLICE(" why="),
		SLICE("the certificate that its phone shows ends; where it counts instead of the password, or beside it, nothing "
		      "lets the phone in afterwards"));
	put_field(&out, SLICE(" remedy="),
		  SLICE("give the phone a new one, or allow the password again (sealine user policy)"));
	transport_report(wire->transport, &(struct report){ .level = REPORT_WARNING,
							    .event = "certificate.user-ends",
							    .flow = wire->id,
							    .text = writer_text(&out) });
}

void wire_report_opened(const struct wire *wire, const struct flow_facts *facts, const struct tls_facts *tls,
			struct now now)
{
	tell_opened(wire, facts, tls->resumed);
	warn_of_user(wire, tls, now.wall);
}

#include "sealphone/report.h"

#include "idn/idn.h"
#include "sealphone/smime.h"

struct page {
	struct security_report *report;
	struct writer out;
	size_t line;
};

static void put_text(struct page *page, const char *text)
{
	put(&page->out, slice_of(text));
}

/* The line that was written ends. */
static void end_line(struct page *page)
{
	page->report->lines[page->report->n++] = slice_from(page->report->text + page->line,
							    page->out.len - page->line);
	page->line = page->out.len;
}

static void write_first_hop(struct page *page, const struct ua *ua)
{
	struct security_report *report = page->report;
	struct flow_view hop;

	put_text(page, "to the server: ");
	if (!ua_first_hop(ua, &hop)) {
		put_text(page, "there is no connection now");
	} else if (hop.verified.len > 0) {
		report->tls = hop.tls_version;
		report->cipher = hop.tls_cipher;
		report->verified = hop.verified;
		put(&page->out, hop.tls_version);
		put_text(page, " with ");
		put(&page->out, hop.tls_cipher);
		put_text(page, "; its certificate proves that it is ");
		put_escaped(&page->out, hop.verified);
	} else {
		put_text(page, "in clear; whoever is on the way can read and change it");
	}
	end_line(page);
}

/* Where the names have led us, by the DNS or the hosts file, and what that is worth. */
static void write_place(struct page *page, const struct ua *ua)
{
	struct locate_target place;

	if (!ua_place(ua, &place))
		return;
	page->report->dnssec = place.is_secure ? SLICE("secure") : SLICE("unsigned");
	put_text(page, "found as ");
	put(&page->out, place.host);
	put_text(page, " at ");
	put_address(&page->out, &place.address);
	put_text(page, place.is_secure ? "; the DNS says so with signatures that were checked (DNSSEC)"
				       : "; no signature of the DNS vouches for that, so it proves nothing");
	end_line(page);
}

static void write_beyond(struct page *page, const struct ua_call_view *call)
{
	bool claimed = call->beyond == UA_CLAIMED;

	page->report->beyond = claimed ? SLICE("claimed") : SLICE("unknown");
	put_text(
		page,
		claimed ? "beyond the server: claimed to be TLS on every hop (sips); nobody has shown it to this phone"
			: "beyond the server: unknown (a sip call); hops may be in clear");
	end_line(page);
}

static void write_peer(struct page *page, const struct ua_call_view *call)
{
	put_text(page, call->incoming ? "the caller: claims to be " : "the other side: was asked for as ");
	put_escaped(&page->out, call->peer);
	put_unicode_beside(&page->out, call->peer);
	if (call->sealed && ua_protection_is_good(call->theirs)) {
		put_text(page, "; that it is, its signature says: ");
		put_escaped(&page->out, verdict_text(&call->theirs->signer));
		put_text(page, ", ");
		put_smime_trust(&page->out, call->theirs);
	} else {
		put_text(page, "; that it is, only the server's word says");
	}
	end_line(page);
}

static void write_media(struct page *page, const struct ua_call_view *call, const struct sdp_media *media)
{
	struct security_report *report = page->report;

	report->codec = sdp_codec_name(media->codec);
	if (!media->secure) {
		put_text(page, "media: in clear (RTP); whoever is on the way can listen");
		end_line(page);
		return;
	}
	report->srtp = sdp_suite_name(media->suite);
	put_text(page, "media: SRTP with ");
	put(&page->out, report->srtp);
	put_text(page, call->sealed   ? "; nobody but the two phones has seen its keys"
		       : call->secure ? "; the servers on the way have seen its keys"
				      : "; hops beyond the first can read its keys, and so listen");
	end_line(page);
}

/* What describes the call, and has the keys of its media in it. */
static void write_end_to_end(struct page *page, const struct ua_call_view *call)
{
	put_text(page, "from end to end, to us: ");
	put_smime_theirs(&page->out, call->theirs);
	end_line(page);
	put_text(page, "from end to end, from us: ");
	if (call->incoming && !call->sealed)
		put_text(page, "not protected, since the call did not come so");
	else
		put_smime_ours(&page->out, call->ours);
	end_line(page);
}

void report_make(struct security_report *report, const struct ua *ua, const struct ua_call_view *call,
		 const struct sdp_media *media)
{
	struct page page = { .report = report, .out = writer_of(report->text, sizeof report->text) };

	report->n = 0;
	report->tls = report->cipher = report->verified = report->srtp = report->dnssec = SLICE("");
	write_first_hop(&page, ua);
	write_place(&page, ua);
	write_beyond(&page, call);
	write_peer(&page, call);
	write_media(&page, call, media);
	write_end_to_end(&page, call);
}

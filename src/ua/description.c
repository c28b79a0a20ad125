#include "ua/description.h"

#include "base/mem.h"

enum { ARENA_LIMIT = 256 * 1024 };

void description_init(struct description *description, struct random *random, const struct address *address,
		      enum sdp_srtp_policy srtp)
{
	description_fini(description);
	description->random = random;
	description->wish = SDP_SENDRECV;
	sdp_local_init(&description->local);
	description->local.address = *address;
	description->local.srtp = srtp;
	random_bytes(random, &description->local.session_id, sizeof description->local.session_id);
	description->local.session_id >>= 2; /* some count seconds in it, as signed numbers */
	description->local.session_version = 1;
}

void description_fini(struct description *description)
{
	mem_wipe(description, sizeof *description);
}

static void begin(struct description *description)
{
	struct sdp_local *local = &description->local;

	local->session_version++;
	local->direction = description->wish;
	local->current = description->has_media ? &description->media : NULL;
	random_bytes(description->random, local->keys, sizeof local->keys);
}

static void end(struct description *description)
{
	mem_wipe(description->local.keys, sizeof description->local.keys);
	description->local.current = NULL;
	description->offering = false;
}

static void agree(struct description *description, struct sdp_media *media)
{
	sdp_media_wipe(&description->media);
	description->media = *media;
	description->media.on_hold = description->wish == SDP_SENDONLY;
	description->has_media = true;
	sdp_media_wipe(media);
}

bool description_offer(struct description *description, struct writer *out)
{
	begin(description);
	if (sdp_offer_build(out, &description->local) != OK) {
		end(description);
		return false;
	}
	description->offering = true;
	return true;
}

void description_withdraw(struct description *description)
{
	if (description->offering)
		end(description);
}

static struct ua_fault fault_of(enum sdp_verdict verdict)
{
	if (verdict == SDP_OK)
		return (struct ua_fault){ .status = 0 };
	return (struct ua_fault){ 488, sdp_verdict_warning(verdict), sdp_verdict_text(verdict) };
}

static struct ua_fault parse(struct arena *arena, struct slice text, const struct sdp_session **ret_session)
{
	switch (arena ? sdp_session_parse(arena, text, ret_session) : ERR_NOMEM) {
	case OK: return (struct ua_fault){ .status = 0 };
	case ERR_SYNTAX: return (struct ua_fault){ 400, 399, SLICE("the session description is malformed") };
	case ERR_LIMIT: return (struct ua_fault){ 488, 399, SLICE("the session description is too large") };
	default: return (struct ua_fault){ 500, 399, SLICE("there is no memory") };
	}
}

struct ua_fault description_accept(struct description *description, struct slice answer)
{
	AUTO(arena) struct arena *arena = arena_new(ARENA_LIMIT);
	const struct sdp_session *session;
	struct sdp_media media;
	struct ua_fault fault = parse(arena, answer, &session);

	if (fault.status == 0)
		fault = fault_of(sdp_answer_accept(session, &description->local, &media));
	if (fault.status != 0)
		return fault;
	agree(description, &media);
	end(description);
	return fault;
}

bool description_preview(const struct description *description, struct slice answer,
			 struct sdp_media *ret_media)
{
	struct description scratch = *description;
	bool is_good = description_accept(&scratch, answer).status == 0;

	if (is_good)
		*ret_media = scratch.media;
	description_fini(&scratch);
	return is_good;
}

struct ua_fault description_answer(struct description *description, struct slice offer, struct writer *out)
{
	AUTO(arena) struct arena *arena = arena_new(ARENA_LIMIT);
	const struct sdp_session *session;
	struct sdp_media media;
	struct ua_fault fault = parse(arena, offer, &session);

	if (fault.status != 0)
		return fault;
	begin(description);
	fault = fault_of(sdp_answer_build(out, session, &description->local, &media));
	end(description);
	if (fault.status == 0)
		agree(description, &media);
	return fault;
}

struct ua_fault description_check(const struct description *description, struct slice offer)
{
	char text[DESCRIPTION_MAX];
	struct description scratch = *description;
	struct writer out = writer_of(text, sizeof text);
	struct ua_fault fault;

	fault = description_answer(&scratch, offer, &out);
	description_fini(&scratch);
	mem_wipe(text, sizeof text);
	return fault;
}

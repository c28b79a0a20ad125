#include "media/srtp.h"

#include <pthread.h>
#include <srtp2/srtp.h>
#include <string.h>

#include "base/mem.h"

enum { REPLAY_WINDOW = 128 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_usable; /* written once, under once */

static void init(void)
{
	is_usable = srtp_init() == srtp_err_status_ok;
}

/* The library of Debian begins with that of NSS, which is one and a half megabyte: not before the first call. */
static bool is_ready(void)
{
	pthread_once(&once, init);
	return is_usable;
}

static bool set_policy(srtp_policy_t *policy, enum sdp_suite suite)
{
	srtp_profile_t profile;

	switch (suite) {
	case SDP_AES_CM_128_HMAC_SHA1_80: profile = srtp_profile_aes128_cm_sha1_80; break;
	case SDP_AEAD_AES_128_GCM: profile = srtp_profile_aead_aes_128_gcm; break;
	default: return false;
	}
	return srtp_crypto_policy_set_from_profile_for_rtp(&policy->rtp, profile) == srtp_err_status_ok &&
	       srtp_crypto_policy_set_from_profile_for_rtcp(&policy->rtcp, profile) == srtp_err_status_ok;
}

static enum err set(srtp_t *context, enum sdp_suite suite, const struct sdp_key *key,
		    srtp_ssrc_type_t direction)
{
	struct sdp_key copy = *key; /* the library's pointer is not const */
	srtp_policy_t policy = {
		.ssrc = { .type = direction },
		.key = copy.bytes,
		.window_size = REPLAY_WINDOW,
	};
	srtp_t made = NULL;
	bool ok = is_ready() && key->len == sdp_suite_key_len(suite) && set_policy(&policy, suite) &&
		  srtp_create(&made, &policy) == srtp_err_status_ok;

	mem_wipe(&copy, sizeof copy);
	if (!ok)
		return ERR_NOMEM;
	if (*context)
		srtp_dealloc(*context);
	*context = made;
	return OK;
}

enum err media_srtp_set_out(struct media_srtp *srtp, enum sdp_suite suite, const struct sdp_key *key)
{
	return set(&srtp->out, suite, key, ssrc_any_outbound);
}

enum err media_srtp_set_in(struct media_srtp *srtp, enum sdp_suite suite, const struct sdp_key *key)
{
	TRY(set(&srtp->in, suite, key, ssrc_any_inbound));
	srtp->n_sources = 0;
	return OK;
}

void media_srtp_fini(struct media_srtp *srtp)
{
	if (srtp->out)
		srtp_dealloc(srtp->out);
	if (srtp->in)
		srtp_dealloc(srtp->in);
	*srtp = (struct media_srtp){ 0 };
}

bool media_srtp_protect(struct media_srtp *srtp, bool is_rtcp, void *packet, size_t *len)
{
	int n = (int)*len;
	srtp_err_status_t status;

	if (!srtp->out)
		return false;
	status = is_rtcp ? srtp_protect_rtcp(srtp->out, packet, &n) : srtp_protect(srtp->out, packet, &n);
	if (status != srtp_err_status_ok)
		return false;
	*len = (size_t)n;
	return true;
}

/* Its place among the sources; n_sources where it is a new one. */
static size_t find_source(const struct media_srtp *srtp, uint32_t source)
{
	size_t at = 0;

	while (at < srtp->n_sources && srtp->sources[at] != source)
		at++;
	return at;
}

enum media_srtp_verdict media_srtp_unprotect(struct media_srtp *srtp, bool is_rtcp, void *packet, size_t *len)
{
	int n = (int)*len;
	size_t offset = is_rtcp ? 4 : 8; /* RFC 3550 §5.1, §6.4 */
	srtp_err_status_t status;
	uint32_t source;
	size_t at;

	if (!srtp->in || *len < offset + sizeof source)
		return MEDIA_SRTP_REFUSED;
	memcpy(&source, (const char *)packet + offset, sizeof source);
	at = find_source(srtp, source);
	/* Who has the key may make up one SSRC after the other, and the library keeps each for as long as the key. */
	if (at == SRTP_SOURCES_MAX)
		return MEDIA_SRTP_REFUSED;
	status = is_rtcp ? srtp_unprotect_rtcp(srtp->in, packet, &n) : srtp_unprotect(srtp->in, packet, &n);
	if (status == srtp_err_status_replay_fail || status == srtp_err_status_replay_old)
		return MEDIA_SRTP_REPLAYED;
	if (status != srtp_err_status_ok)
		return MEDIA_SRTP_REFUSED;
	if (at == srtp->n_sources)
		srtp->sources[srtp->n_sources++] = source;
	*len = (size_t)n;
	return MEDIA_SRTP_OK;
}

#include <stdio.h>

#include "media/card.h"

enum err card_open(const char *name, enum card_use use, struct card **ret_card, char text[MEDIA_MAX_TEXT])
{
	(void)use, (void)ret_card;
	snprintf(text, MEDIA_MAX_TEXT,
		 "cannot open the sound device \"%s\": this phone was built without sound cards "
		 "(-Dsound=false); --device null or tone, --play and --record do without",
		 name);
	return ERR_IO;
}

void card_close(struct card *card)
{
	(void)card;
}

bool card_read(struct card *card, int16_t pcm[AUDIO_FRAME])
{
	(void)card, (void)pcm;
	return false;
}

bool card_write(struct card *card, const int16_t pcm[AUDIO_FRAME])
{
	(void)card, (void)pcm;
	return false;
}

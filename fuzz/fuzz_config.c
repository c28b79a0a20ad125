/* The configuration file: whatever stands in it, there is a configuration or a message that says where it is wrong. */
#include <assert.h>

#include "sealined/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(config) struct config *config = config_new();
	char text[1000];
	struct writer why = writer_of(text, sizeof text);

	if (!config || size > 65536)
		return 0;
	if (!config_parse(config, SLICE("f"), slice_from(data, size), &why))
		assert(why.len > 2 && text[0] == 'f' && text[1] == ':');
	return 0;
}

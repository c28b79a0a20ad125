/* sealphone cert show|export|import|passphrase|trust|forget: the keys and certificates for S/MIME, as the state directory has them; no network. */
#pragma once

#include "sealphone/exit.h"
#include "sealphone/options.h"

enum exit_code cert_run(const struct options *options);

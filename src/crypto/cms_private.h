/* What cms.c and cms_envelope.c share and nobody else includes. */
#pragma once

#include <openssl/cms.h>

#include "crypto/cms.h"

/* Exactly one ContentInfo. ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM. */
MUST_CHECK enum err cms_parse(struct crypto *crypto, struct slice der, CMS_ContentInfo **ret_cms);
/* Puts the content into a structure that was begun with CMS_PARTIAL, and writes it. ERR_NOMEM. */
MUST_CHECK enum err cms_finish(CMS_ContentInfo *cms, struct slice content, struct secret **ret_der);
/* Copies the verdict and returns the error. */
enum err cms_refuse(enum err err, struct verdict *verdict, const struct verdict *why);

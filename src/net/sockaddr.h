/* Between our addresses and the kernel's; for the files of this room. */
#pragma once

#include <sys/socket.h>

#include "base/address.h"

/* ADDRESS_NONE for another family. */
struct address address_of_sockaddr(const struct sockaddr *from);
/* Returns the length. */
socklen_t sockaddr_of_address(const struct address *from, struct sockaddr_storage *ret_to);

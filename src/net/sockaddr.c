#include "net/sockaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct address address_of_sockaddr(const struct sockaddr *from)
{
	struct address address = { .family = ADDRESS_NONE };
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (from->sa_family == AF_INET) {
		memcpy(&in, from, sizeof(in));
		address.family = ADDRESS_V4;
		address.port = ntohs(in.sin_port);
		memcpy(address.ip, &in.sin_addr, 4);
	} else if (from->sa_family == AF_INET6) {
		memcpy(&in6, from, sizeof(in6));
		address.family = ADDRESS_V6;
		address.port = ntohs(in6.sin6_port);
		memcpy(address.ip, &in6.sin6_addr, 16);
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
			address.family = ADDRESS_V4;
			memset(address.ip, 0, sizeof(address.ip));
			memcpy(address.ip, in6.sin6_addr.s6_addr + 12, 4);
		}
	}
	return address;
}

socklen_t sockaddr_of_address(const struct address *from, struct sockaddr_storage *ret_to)
{
	memset(ret_to, 0, sizeof(*ret_to));
	if (from->family == ADDRESS_V6) {
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(from->port) };

		memcpy(&in6.sin6_addr, from->ip, 16);
		memcpy(ret_to, &in6, sizeof(in6));
		return sizeof(in6);
	}
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(from->port) };

	memcpy(&in.sin_addr, from->ip, 4);
	memcpy(ret_to, &in, sizeof(in));
	return sizeof(in);
}

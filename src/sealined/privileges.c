#include "sealined/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

enum { NAME_SIZE = 64, ENTRY_SIZE = 16384 };

static bool wrong(struct writer *why, const char *text)
{
	put(why, slice_of(text));
	return false;
}

bool privileges_drop(struct slice user, struct writer *why)
{
	char name[NAME_SIZE] = "", buf[ENTRY_SIZE];
	struct writer out = writer_of(name, sizeof name - 1);
	struct passwd room, *entry = NULL;

	put(&out, user);
	if (out.overflow || getpwnam_r(name, &room, buf, sizeof buf, &entry) != 0 || !entry)
		return wrong(why, "there is no such user on this system; make one with \"adduser --system\"");
	if (entry->pw_uid == 0)
		return wrong(why, "that is root, whose privileges are not needed; name another one");
	if (geteuid() == entry->pw_uid)
		return true;
	if (geteuid() != 0)
		return wrong(why, "only root can become another user; start as root, or as that user");
	if (initgroups(name, entry->pw_gid) != 0 ||
	    setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0 ||
	    setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0)
		return wrong(why, "the system does not let us become that user");
	if (setuid(0) == 0)
		return wrong(why, "the way back to root is still open on this system");
	return true;
}

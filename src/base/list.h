/*
 * Doubly linked list through a member of the element. The list owns nothing. An element is in at most one
 * list per link; a zeroed link is in none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct link {
	struct link *next, *prev;
};

struct list {
	struct link head;
	size_t n;
};

#define CONTAINER_OF(link_ptr, type, member) ((type *)(void *)((char *)(link_ptr)-offsetof(type, member)))

/* The element that a link is the member of, offset bytes into it; NULL for NULL. */
static inline void *link_owner(struct link *link, size_t offset)
{
	return link ? (char *)link - offset : NULL;
}

static inline bool link_is_in_list(const struct link *link)
{
	return link->next != NULL;
}

/* The first link, or NULL. */
static inline struct link *list_first(const struct list *list)
{
	return list->n ? list->head.next : NULL;
}

/* The link after this one, or NULL at the end of the list. */
static inline struct link *list_next(const struct list *list, const struct link *link)
{
	return link->next == &list->head ? NULL : link->next;
}

/* The body may take the current element out of the list (and free it), and only that one. */
#define LIST_EACH(it, list, type, member)                                                             \
	for (type *it = link_owner(list_first(list), offsetof(type, member)),                         \
		  *it##_next_ = it ? link_owner(list_next(list, &it->member), offsetof(type, member)) \
				   : NULL;                                                            \
	     it; it = it##_next_,                                                                     \
		  it##_next_ = it ? link_owner(list_next(list, &it->member), offsetof(type, member)) : NULL)

void list_init(struct list *list);
void list_append(struct list *list, struct link *link);
void list_prepend(struct list *list, struct link *link);
/* Does nothing when the link is in no list. */
void list_remove(struct list *list, struct link *link);
/* Takes out the first link, or NULL. Inline, for most often there is none. */
static inline struct link *list_take_first(struct list *list)
{
	struct link *first = list_first(list);

	if (first)
		list_remove(list, first);
	return first;
}

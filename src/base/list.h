/*
 * Doubly linked list through a member of the element. The list owns nothing. An element is in at most one list
 * per link; a zeroed link is in none.
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

/* The body may take the current element out of the list, and only that one. */
#define LIST_EACH(it, list, type, member)                                                                 \
	for (struct link *it##_at_ = (list)->head.next,                                                   \
			 *it##_next_ = it##_at_ ? it##_at_->next : NULL;                                  \
	     it##_at_ && it##_at_ != &(list)->head; it##_at_ = it##_next_, it##_next_ = it##_at_->next)   \
		for (type *it = CONTAINER_OF(it##_at_, type, member); it; it = NULL)

void list_init(struct list *list);
void list_append(struct list *list, struct link *link);
void list_prepend(struct list *list, struct link *link);
/* Does nothing when the link is in no list. */
void list_remove(struct list *list, struct link *link);
bool link_is_in_list(const struct link *link);
/* First link or NULL. */
struct link *list_first(const struct list *list);
/* Takes out the first link, or NULL. */
struct link *list_take_first(struct list *list);

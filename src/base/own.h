/*
 * Ownership of a heap object by a local variable.
 *
 *	AUTO(flow) struct flow *flow = mem_new(struct flow);      freed on every return …
 *	*ret_flow = TAKE(flow);                                   … unless it was given away
 *
 * A type takes part by OWN(flow) in its header, which needs: void flow_free(struct flow *), accepting NULL.
 */
#pragma once

#define OWN(name)                                              \
	static inline void name##_free_at(struct name **where) \
	{                                                      \
		name##_free(*where);                           \
	}

#define AUTO(name) __attribute__((cleanup(name##_free_at)))

#define TAKE(var)                           \
	__extension__({                     \
		__typeof__(var) t_ = (var); \
		(var) = NULL;               \
		t_;                         \
	})

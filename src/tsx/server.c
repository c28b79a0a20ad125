#include "tsx/table.h"

/* clang-format off */
/*
 * RFC 3261 figure 8 with RFC 4320 (a 100, and only that, when the transaction user has not answered in time;
 * the end without a word when it never does) and RFC 6026 §8.8 (the transport's failure leaves the state as
 * it is).
 */
const struct tsx_rule tsx_server_table[TSX_STATES][TSX_EVENTS] = {
	/*                         next            actions        starts */
	[TSX_TRYING] = {
		[TSX_RECV_REQUEST] = { TSX_TRYING,     0,             0,        0 },
		[TSX_SEND_1XX]     = { TSX_PROCEEDING, TSX_SEND,      0,        0 },
		[TSX_SEND_2XX]     = { TSX_COMPLETED,  TSX_SEND,      TIMER(J), 0 },
		[TSX_SEND_FAILURE] = { TSX_COMPLETED,  TSX_SEND,      TIMER(J), 0 },
		[TSX_TIMER_100]    = { TSX_PROCEEDING, TSX_SEND_100,  0,        0 },
		[TSX_TIMER_EXPIRY] = { TSX_TERMINATED, 0,             0,        0 },
	},
	[TSX_PROCEEDING] = {
		[TSX_RECV_REQUEST] = { TSX_PROCEEDING, TSX_RESEND,    0,        0 },
		[TSX_SEND_1XX]     = { TSX_PROCEEDING, TSX_SEND,      0,        0 },
		[TSX_SEND_2XX]     = { TSX_COMPLETED,  TSX_SEND,      TIMER(J), 0 },
		[TSX_SEND_FAILURE] = { TSX_COMPLETED,  TSX_SEND,      TIMER(J), 0 },
		[TSX_TIMER_EXPIRY] = { TSX_TERMINATED, 0,             0,        0 },
		[TSX_FLOW_LOST]    = { TSX_PROCEEDING, TSX_TELL_LOST, 0,        0 },
	},
	[TSX_COMPLETED] = {
		[TSX_RECV_REQUEST] = { TSX_COMPLETED,  TSX_RESEND,    0,        0 },
		[TSX_TIMER_J]      = { TSX_TERMINATED, 0,             0,        0 },
		[TSX_FLOW_LOST]    = { TSX_COMPLETED,  TSX_TELL_LOST, 0,        0 },
	},
};
/* clang-format on */

#include "tsx/table.h"

/* clang-format off */
/*
 * RFC 6026 figure 5. The transport's failure ends Proceeding too: §17.1.4 makes no difference between states,
 * and no response can come any more.
 */
const struct tsx_rule tsx_invite_client_table[TSX_STATES][TSX_EVENTS] = {
	/*                         next            actions                     starts */
	[TSX_CALLING] = {
		[TSX_RECV_1XX]     = { TSX_PROCEEDING, TSX_PASS_UP,                0,               0 },
		[TSX_RECV_2XX]     = { TSX_ACCEPTED,   TSX_PASS_UP,                TIMER(M),        0 },
		[TSX_RECV_FAILURE] = { TSX_COMPLETED,  TSX_PASS_UP | TSX_SEND_ACK, TIMER(D),        0 },
		[TSX_TIMER_A]      = { TSX_CALLING,    TSX_RESEND,                 TIMER(A),        0 },
		[TSX_TIMER_B]      = { TSX_TERMINATED, TSX_TELL_TIMEOUT,           0,               0 },
		[TSX_FLOW_LOST]    = { TSX_TERMINATED, TSX_TELL_LOST,              0,               0 },
	},
	[TSX_PROCEEDING] = {
		[TSX_RECV_1XX]     = { TSX_PROCEEDING, TSX_PASS_UP,                0,               0 },
		[TSX_RECV_2XX]     = { TSX_ACCEPTED,   TSX_PASS_UP,                TIMER(M),        0 },
		[TSX_RECV_FAILURE] = { TSX_COMPLETED,  TSX_PASS_UP | TSX_SEND_ACK, TIMER(D),        0 },
		[TSX_CANCEL]       = { TSX_PROCEEDING, TSX_SEND_CANCEL,            TIMER(CANCEL),   0 },
		[TSX_TIMER_CANCEL] = { TSX_TERMINATED, TSX_TELL_TIMEOUT,           0,               0 },
		[TSX_FLOW_LOST]    = { TSX_TERMINATED, TSX_TELL_LOST,              0,               0 },
	},
	[TSX_ACCEPTED] = {
		[TSX_RECV_2XX]     = { TSX_ACCEPTED,   TSX_PASS_UP,                0,               0 },
		[TSX_TIMER_M]      = { TSX_TERMINATED, 0,                          0,               0 },
	},
	[TSX_COMPLETED] = {
		[TSX_RECV_FAILURE] = { TSX_COMPLETED,  TSX_SEND_ACK,               0,               0 },
		[TSX_TIMER_D]      = { TSX_TERMINATED, 0,                          0,               0 },
		[TSX_FLOW_LOST]    = { TSX_TERMINATED, TSX_TELL_LOST,              0,               0 },
	},
};
/* clang-format on */

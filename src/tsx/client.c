#include "tsx/table.h"

/* clang-format off */
/* RFC 3261 figure 6. */
const struct tsx_rule tsx_client_table[TSX_STATES][TSX_EVENTS] = {
	/*                         next            actions           starts */
	[TSX_TRYING] = {
		[TSX_RECV_1XX]     = { TSX_PROCEEDING, TSX_PASS_UP,      0,        0 },
		[TSX_RECV_2XX]     = { TSX_COMPLETED,  TSX_PASS_UP,      TIMER(K), 0 },
		[TSX_RECV_FAILURE] = { TSX_COMPLETED,  TSX_PASS_UP,      TIMER(K), 0 },
		[TSX_TIMER_E]      = { TSX_TRYING,     TSX_RESEND,       TIMER(E), 0 },
		[TSX_TIMER_F]      = { TSX_TERMINATED, TSX_TELL_TIMEOUT, 0,        0 },
		[TSX_FLOW_LOST]    = { TSX_TERMINATED, TSX_TELL_LOST,    0,        0 },
	},
	[TSX_PROCEEDING] = {
		[TSX_RECV_1XX]     = { TSX_PROCEEDING, TSX_PASS_UP,      0,        0 },
		[TSX_RECV_2XX]     = { TSX_COMPLETED,  TSX_PASS_UP,      TIMER(K), 0 },
		[TSX_RECV_FAILURE] = { TSX_COMPLETED,  TSX_PASS_UP,      TIMER(K), 0 },
		[TSX_TIMER_E]      = { TSX_PROCEEDING, TSX_RESEND,       TIMER(E), 0 },
		[TSX_TIMER_F]      = { TSX_TERMINATED, TSX_TELL_TIMEOUT, 0,        0 },
		[TSX_FLOW_LOST]    = { TSX_TERMINATED, TSX_TELL_LOST,    0,        0 },
	},
	[TSX_COMPLETED] = {
		[TSX_TIMER_K]      = { TSX_TERMINATED, 0,                0,        0 },
	},
};
/* clang-format on */

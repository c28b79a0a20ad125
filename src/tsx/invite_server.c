#include "tsx/table.h"

/* clang-format off */
/*
 * RFC 6026 figure 7. Timer H tells the transaction user, as the text of RFC 3261 §17.2.1 says, which RFC 6026
 * left standing.
 */
const struct tsx_rule tsx_invite_server_table[TSX_STATES][TSX_EVENTS] = {
	/*                         next            actions           starts               stops */
	[TSX_PROCEEDING] = {
		[TSX_RECV_REQUEST] = { TSX_PROCEEDING, TSX_RESEND,       0,                   0          },
		[TSX_SEND_1XX]     = { TSX_PROCEEDING, TSX_SEND,         0,                   TIMER(100) },
		[TSX_SEND_2XX]     = { TSX_ACCEPTED,   TSX_SEND,         TIMER(L),            0          },
		[TSX_SEND_FAILURE] = { TSX_COMPLETED,  TSX_SEND,         TIMER(G) | TIMER(H), 0          },
		[TSX_TIMER_100]    = { TSX_PROCEEDING, TSX_SEND_100,     0,                   0          },
		[TSX_FLOW_LOST]    = { TSX_PROCEEDING, TSX_TELL_LOST,    0,                   0          },
	},
	[TSX_ACCEPTED] = {
		[TSX_RECV_REQUEST] = { TSX_ACCEPTED,   0,                0,                   0          },
		[TSX_RECV_ACK]     = { TSX_ACCEPTED,   TSX_PASS_UP,      0,                   0          },
		[TSX_SEND_2XX]     = { TSX_ACCEPTED,   TSX_SEND,         0,                   0          },
		[TSX_TIMER_L]      = { TSX_TERMINATED, 0,                0,                   0          },
		[TSX_FLOW_LOST]    = { TSX_ACCEPTED,   TSX_TELL_LOST,    0,                   0          },
	},
	[TSX_COMPLETED] = {
		[TSX_RECV_REQUEST] = { TSX_COMPLETED,  TSX_RESEND,       0,                   0          },
		[TSX_RECV_ACK]     = { TSX_CONFIRMED,  0,                TIMER(I),            0          },
		[TSX_TIMER_G]      = { TSX_COMPLETED,  TSX_RESEND,       TIMER(G),            0          },
		[TSX_TIMER_H]      = { TSX_TERMINATED, TSX_TELL_TIMEOUT, 0,                   0          },
		[TSX_FLOW_LOST]    = { TSX_COMPLETED,  TSX_TELL_LOST,    0,                   0          },
	},
	[TSX_CONFIRMED] = {
		[TSX_RECV_ACK]     = { TSX_CONFIRMED,  0,                0,                   0          },
		[TSX_TIMER_I]      = { TSX_TERMINATED, 0,                0,                   0          },
	},
};
/* clang-format on */

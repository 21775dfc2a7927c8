//! Options of the other families.

use super::Names;

/// `linux/if_packet.h`.
pub(super) const PACKET: Names = &[
    ("PACKET_ADD_MEMBERSHIP", 1),
    ("PACKET_DROP_MEMBERSHIP", 2),
    ("PACKET_RECV_OUTPUT", 3),
    ("PACKET_RX_RING", 5),
    ("PACKET_STATISTICS", 6),
    ("PACKET_COPY_THRESH", 7),
    ("PACKET_AUXDATA", 8),
    ("PACKET_ORIGDEV", 9),
    ("PACKET_VERSION", 10),
    ("PACKET_HDRLEN", 11),
    ("PACKET_RESERVE", 12),
    ("PACKET_TX_RING", 13),
    ("PACKET_LOSS", 14),
    ("PACKET_VNET_HDR", 15),
    ("PACKET_TX_TIMESTAMP", 16),
    ("PACKET_TIMESTAMP", 17),
    ("PACKET_FANOUT", 18),
    ("PACKET_TX_HAS_OFF", 19),
    ("PACKET_QDISC_BYPASS", 20),
    ("PACKET_ROLLOVER_STATS", 21),
    ("PACKET_FANOUT_DATA", 22),
    ("PACKET_IGNORE_OUTGOING", 23),
    ("PACKET_VNET_HDR_SZ", 24),
];

/// `linux/netlink.h`.
pub(super) const NETLINK: Names = &[
    ("NETLINK_ADD_MEMBERSHIP", 1),
    ("NETLINK_DROP_MEMBERSHIP", 2),
    ("NETLINK_PKTINFO", 3),
    ("NETLINK_BROADCAST_ERROR", 4),
    ("NETLINK_NO_ENOBUFS", 5),
    ("NETLINK_RX_RING", 6),
    ("NETLINK_TX_RING", 7),
    ("NETLINK_LISTEN_ALL_NSID", 8),
    ("NETLINK_LIST_MEMBERSHIPS", 9),
    ("NETLINK_CAP_ACK", 10),
    ("NETLINK_EXT_ACK", 11),
    ("NETLINK_GET_STRICT_CHK", 12),
];

/// `linux/if_alg.h`.
pub(super) const ALG: Names = &[
    ("ALG_SET_KEY", 1),
    ("ALG_SET_IV", 2),
    ("ALG_SET_OP", 3),
    ("ALG_SET_AEAD_ASSOCLEN", 4),
    ("ALG_SET_AEAD_AUTHSIZE", 5),
    ("ALG_SET_DRBG_ENTROPY", 6),
    ("ALG_SET_KEY_BY_KEY_SERIAL", 7),
];

/// `linux/if_xdp.h`.
pub(super) const XDP: Names = &[
    ("XDP_MMAP_OFFSETS", 1),
    ("XDP_RX_RING", 2),
    ("XDP_TX_RING", 3),
    ("XDP_UMEM_REG", 4),
    ("XDP_UMEM_FILL_RING", 5),
    ("XDP_UMEM_COMPLETION_RING", 6),
    ("XDP_STATISTICS", 7),
    ("XDP_OPTIONS", 8),
];

/// `linux/vm_sockets.h`.
pub(super) const VSOCK: Names = &[
    ("SO_VM_SOCKETS_BUFFER_SIZE", 0),
    ("SO_VM_SOCKETS_BUFFER_MIN_SIZE", 1),
    ("SO_VM_SOCKETS_BUFFER_MAX_SIZE", 2),
    ("SO_VM_SOCKETS_PEER_HOST_VM_ID", 3),
    ("SO_VM_SOCKETS_TRUSTED", 5),
    ("SO_VM_SOCKETS_CONNECT_TIMEOUT", 6),
    ("SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD", 6),
    ("SO_VM_SOCKETS_NONBLOCK_TXRX", 7),
    ("SO_VM_SOCKETS_CONNECT_TIMEOUT_NEW", 8),
];

/// `net/bluetooth/bluetooth.h`.
pub(super) const BLUETOOTH: Names = &[
    ("BT_SECURITY", 4),
    ("BT_DEFER_SETUP", 7),
    ("BT_FLUSHABLE", 8),
    ("BT_POWER", 9),
    ("BT_CHANNEL_POLICY", 10),
    ("BT_VOICE", 11),
    ("BT_SNDMTU", 12),
    ("BT_RCVMTU", 13),
    ("BT_PHY", 14),
    ("BT_MODE", 15),
    ("BT_PKT_STATUS", 16),
    ("BT_ISO_QOS", 17),
    ("BT_CODEC", 19),
    ("BT_ISO_BASE", 20),
];

/// `net/bluetooth/hci_sock.h`.
pub(super) const HCI: Names = &[
    ("HCI_DATA_DIR", 1),
    ("HCI_FILTER", 2),
    ("HCI_TIME_STAMP", 3),
];

/// `net/bluetooth/l2cap.h`.
pub(super) const L2CAP: Names = &[("L2CAP_OPTIONS", 1), ("L2CAP_CONNINFO", 2), ("L2CAP_LM", 3)];

/// `net/bluetooth/sco.h`.
pub(super) const SCO: Names = &[("SCO_OPTIONS", 1), ("SCO_CONNINFO", 2)];

/// `net/bluetooth/rfcomm.h`.
pub(super) const RFCOMM: Names = &[("RFCOMM_CONNINFO", 2), ("RFCOMM_LM", 3)];

/// `linux/can/raw.h`.
pub(super) const CAN_RAW: Names = &[
    ("CAN_RAW_FILTER", 1),
    ("CAN_RAW_ERR_FILTER", 2),
    ("CAN_RAW_LOOPBACK", 3),
    ("CAN_RAW_RECV_OWN_MSGS", 4),
    ("CAN_RAW_FD_FRAMES", 5),
    ("CAN_RAW_JOIN_FILTERS", 6),
    ("CAN_RAW_XL_FRAMES", 7),
];

/// `linux/can/isotp.h`.
pub(super) const CAN_ISOTP: Names = &[
    ("CAN_ISOTP_OPTS", 1),
    ("CAN_ISOTP_RECV_FC", 2),
    ("CAN_ISOTP_TX_STMIN", 3),
    ("CAN_ISOTP_RX_STMIN", 4),
    ("CAN_ISOTP_LL_OPTS", 5),
];

/// `linux/can/j1939.h`.
pub(super) const CAN_J1939: Names = &[
    ("SO_J1939_FILTER", 1),
    ("SO_J1939_PROMISC", 2),
    ("SO_J1939_SEND_PRIO", 3),
    ("SO_J1939_ERRQUEUE", 4),
];

/// `linux/tipc.h`.
pub(super) const TIPC: Names = &[
    ("TIPC_IMPORTANCE", 127),
    ("TIPC_SRC_DROPPABLE", 128),
    ("TIPC_DEST_DROPPABLE", 129),
    ("TIPC_CONN_TIMEOUT", 130),
    ("TIPC_NODE_RECVQ_DEPTH", 131),
    ("TIPC_SOCK_RECVQ_DEPTH", 132),
    ("TIPC_MCAST_BROADCAST", 133),
    ("TIPC_MCAST_REPLICAST", 134),
    ("TIPC_GROUP_JOIN", 135),
    ("TIPC_GROUP_LEAVE", 136),
    ("TIPC_SOCK_RECVQ_USED", 137),
    ("TIPC_NODELAY", 138),
];

/// `linux/rxrpc.h`.
pub(super) const RXRPC: Names = &[
    ("RXRPC_SECURITY_KEY", 1),
    ("RXRPC_SECURITY_KEYRING", 2),
    ("RXRPC_EXCLUSIVE_CONNECTION", 3),
    ("RXRPC_MIN_SECURITY_LEVEL", 4),
    ("RXRPC_UPGRADEABLE_SERVICE", 5),
    ("RXRPC_SUPPORTED_CMSG", 6),
];

/// `linux/if_pppol2tp.h`.
pub(super) const PPPOL2TP: Names = &[
    ("PPPOL2TP_SO_DEBUG", 1),
    ("PPPOL2TP_SO_RECVSEQ", 2),
    ("PPPOL2TP_SO_SENDSEQ", 3),
    ("PPPOL2TP_SO_LNSMODE", 4),
    ("PPPOL2TP_SO_REORDERTO", 5),
];

/// `linux/rds.h`.
pub(super) const RDS: Names = &[
    ("RDS_CANCEL_SENT_TO", 1),
    ("RDS_GET_MR", 2),
    ("RDS_FREE_MR", 3),
    ("RDS_RECVERR", 5),
    ("RDS_CONG_MONITOR", 6),
    ("RDS_GET_MR_FOR_DEST", 7),
    ("SO_RDS_TRANSPORT", 8),
    ("SO_RDS_MSG_RXPATH_LATENCY", 10),
];

/// `linux/caif/caif_socket.h`.
pub(super) const CAIF: Names = &[
    ("CAIFSO_LINK_SELECT", 127),
    ("CAIFSO_REQ_PARAM", 128),
    ("CAIFSO_RSP_PARAM", 129),
];

/// `linux/nfc.h`.
pub(super) const NFC: Names = &[
    ("NFC_LLCP_RW", 0),
    ("NFC_LLCP_MIUX", 1),
    ("NFC_LLCP_REMOTE_MIU", 2),
    ("NFC_LLCP_REMOTE_LTO", 3),
    ("NFC_LLCP_REMOTE_RW", 4),
];

/// `linux/kcm.h`.
pub(super) const KCM: Names = &[("KCM_RECV_DISABLE", 1)];

/// `linux/mctp.h`.
pub(super) const MCTP: Names = &[("MCTP_OPT_ADDR_EXT", 1)];

/// `linux/smc.h`.
pub(super) const SMC: Names = &[("SMC_LIMIT_HS", 1)];

/// `net/iucv/af_iucv.h`.
pub(super) const IUCV: Names = &[
    ("SO_IPRMDATA_MSG", 128),
    ("SO_MSGSIZE", 2048),
    ("SO_MSGLIMIT", 4096),
];

/// `net/af_ieee802154.h`.
pub(super) const IEEE802154: Names = &[
    ("WPAN_WANTACK", 0),
    ("WPAN_SECURITY", 1),
    ("WPAN_SECURITY_LEVEL", 2),
    ("WPAN_WANTLQI", 3),
];

/// `linux/phonet.h`.
pub(super) const PNPIPE: Names = &[
    ("PNPIPE_ENCAP", 1),
    ("PNPIPE_IFINDEX", 2),
    ("PNPIPE_HANDLE", 3),
    ("PNPIPE_INITSTATE", 4),
];

/// `linux/llc.h`.
pub(super) const LLC: Names = &[
    ("LLC_OPT_RETRY", 1),
    ("LLC_OPT_SIZE", 2),
    ("LLC_OPT_ACK_TMR_EXP", 3),
    ("LLC_OPT_P_TMR_EXP", 4),
    ("LLC_OPT_REJ_TMR_EXP", 5),
    ("LLC_OPT_BUSY_TMR_EXP", 6),
    ("LLC_OPT_TX_WIN", 7),
    ("LLC_OPT_RX_WIN", 8),
    ("LLC_OPT_PKTINFO", 9),
];

/// `linux/x25.h`.
pub(super) const X25: Names = &[("X25_QBITINCL", 1)];

/// `linux/ax25.h`.
pub(super) const AX25: Names = &[
    ("AX25_WINDOW", 1),
    ("AX25_T1", 2),
    ("AX25_N2", 3),
    ("AX25_T3", 4),
    ("AX25_T2", 5),
    ("AX25_BACKOFF", 6),
    ("AX25_EXTSEQ", 7),
    ("AX25_PIDINCL", 8),
    ("AX25_IDLE", 9),
    ("AX25_PACLEN", 10),
    ("AX25_IAMDIGI", 12),
];

/// `linux/netrom.h`.
pub(super) const NETROM: Names = &[
    ("NETROM_T1", 1),
    ("NETROM_T2", 2),
    ("NETROM_N2", 3),
    ("NETROM_T4", 6),
    ("NETROM_IDLE", 7),
];

/// `linux/rose.h`.
pub(super) const ROSE: Names = &[
    ("ROSE_DEFER", 1),
    ("ROSE_T1", 2),
    ("ROSE_T2", 3),
    ("ROSE_T3", 4),
    ("ROSE_IDLE", 5),
    ("ROSE_QBITINCL", 6),
    ("ROSE_HOLDBACK", 7),
];

/// `linux/atm.h`.
pub(super) const ATM: Names = &[
    ("SO_SETCLP", 1_107_296_260),
    ("SO_ATMQOS", 1_107_427_412),
    ("SO_ATMSAP", 1_107_492_904),
    ("SO_ATMPVC", 1_107_558_412),
    ("SO_MULTIPOINT", 1_107_623_940),
];

//! One file for each row of the hook table: arguments to facts. `address`,
//! `family`, `port` and `waiting` are what several of them share.

pub(crate) mod address;
pub(crate) mod bprm_committed_creds;
pub(crate) mod bprm_creds_for_exec;
pub(crate) mod family;
pub(crate) mod path_mknod;
pub(crate) mod port;
pub(crate) mod sctp_bind_connect;
pub(crate) mod sctp_send;
pub(crate) mod socket_accept;
pub(crate) mod socket_bind;
pub(crate) mod socket_connect;
pub(crate) mod socket_create;
pub(crate) mod socket_listen;
pub(crate) mod socket_listen_keep;
pub(crate) mod socket_sendmsg;
pub(crate) mod socket_setsockopt;
pub(crate) mod task_alloc;
pub(crate) mod unix_dgram_connect_exit;
pub(crate) mod unix_may_send;
pub(crate) mod unix_stream_connect;
pub(crate) mod unix_stream_connect_exit;
pub(crate) mod waiting;

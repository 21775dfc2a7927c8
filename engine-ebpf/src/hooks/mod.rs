//! One file for each row of the hook table: arguments to facts.

pub(crate) mod address;
pub(crate) mod bprm_committed_creds;
pub(crate) mod bprm_creds_for_exec;
pub(crate) mod path_mknod;
pub(crate) mod socket_bind;
pub(crate) mod socket_connect;
pub(crate) mod socket_listen;
pub(crate) mod socket_sendmsg;
pub(crate) mod task_alloc;
pub(crate) mod unix_may_send;
pub(crate) mod unix_stream_connect;

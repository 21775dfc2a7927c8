//! What rules need of a kernel.

use policy_abi::family::UNIX;
use policy_abi::hooks::Hook;
use policy_lang::words::family::Family;
use policy_lang::words::operation::Operation;

/// Oldest kernel that is supported, major and minor.
pub const FLOOR: (u32, u32) = (6, 1);

/// The first two numbers of a release such as `6.1.0-13-amd64`.
#[must_use]
pub fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release
        .split(['.', '-', '+'])
        .map_while(|part| part.parse::<u32>().ok());
    numbers.next().zip(numbers.next())
}

/// The hooks that must be attached for rules about a family's connects or binds.
#[must_use]
pub fn hooks(family: Family, operation: Operation) -> [Hook; 2] {
    if operation == Operation::Bind {
        [Hook::PathMknod, Hook::SocketBind]
    } else if family.number() == UNIX {
        [Hook::UnixStreamConnect, Hook::UnixMaySend]
    } else {
        [Hook::SocketConnect, Hook::SocketSendmsg]
    }
}

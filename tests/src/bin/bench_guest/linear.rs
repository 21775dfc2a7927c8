//! The rules of the linear program (`engine-ebpf/bench/linear.rs`).

use aya::maps::Array;
use aya::{Ebpf, Pod};

use crate::{Outcome, policy};

/// As the program has it.
const MAX_RULES: usize = 1024;

/// A rule, as the program has it.
#[repr(C)]
#[derive(Clone, Copy)]
struct Rule {
    address: u32,
    mask: u32,
    port: u32,
    by_comm: u32,
    comm: [u8; 16],
}

/// All of them.
#[repr(C)]
#[derive(Clone, Copy)]
struct Rules([Rule; MAX_RULES]);

// SAFETY: numbers and bytes alone, without padding.
unsafe impl Pod for Rules {}

const NOTHING: Rule = Rule {
    address: 0,
    mask: 0,
    port: 0,
    by_comm: 0,
    comm: [0; 16],
};

/// The global that says how many rules there are.
pub(crate) const COUNT: &str = "COUNT";

/// Gives the program so many rules, the addresses and ports of interdict's: none
/// of them matches what is measured.
pub(crate) fn fill(program: &mut Ebpf, count: u32) -> Outcome<()> {
    #[expect(clippy::large_stack_arrays, reason = "a process that does this alone")]
    let mut rules = Box::new(Rules([NOTHING; MAX_RULES]));
    let room = rules.0.get_mut(..usize::try_from(count)?);
    let room = room.ok_or("the linear program has no room for so many rules")?;
    for (number, rule) in room.iter_mut().enumerate() {
        *rule = nth(number);
    }
    let map = program.map_mut("RULES").ok_or("no map `RULES`")?;
    Array::<_, Rules>::try_from(map)?.set(0, *rules, 0)?;
    Ok(())
}

fn nth(number: usize) -> Rule {
    let mut comm = [0; 16];
    let name = format!("agent-{}", number % 64);
    for (to, from) in comm.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    Rule {
        address: u32::from_ne_bytes(policy::address(number)),
        mask: u32::MAX,
        port: u32::from(policy::port(number).to_be()),
        by_comm: 1,
        comm,
    }
}

//! System calls.

use interdict_tests::protocol::{Argument, Reply};

/// What the arguments of a call point to.
#[derive(Default)]
struct Memory {
    /// Words, for their alignment; a block never moves.
    blocks: Vec<Vec<u64>>,
    /// Blocks that the reply gives back, with their lengths in bytes.
    rooms: Vec<(usize, usize)>,
}

impl Memory {
    fn lay(&mut self, argument: &Argument) -> u64 {
        match argument {
            Argument::Number(number) => number.cast_unsigned(),
            Argument::Bytes(bytes) => self.keep(bytes),
            Argument::Room(length) => {
                self.rooms.push((self.blocks.len(), *length));
                self.keep(&vec![0; *length])
            }
            Argument::Words(words) => {
                let words: Vec<u8> = words
                    .iter()
                    .flat_map(|word| self.lay(word).to_ne_bytes())
                    .collect();
                self.keep(&words)
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> u64 {
        let words = bytes.chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word.iter_mut()
                .zip(chunk)
                .for_each(|(to, from)| *to = *from);
            u64::from_ne_bytes(word)
        });
        // One more, so that not even an empty one is nowhere.
        let mut block: Vec<u64> = words.chain([0]).collect();
        let place = block.as_mut_ptr() as u64;
        self.blocks.push(block);
        place
    }

    fn rooms(&self) -> Vec<Vec<u8>> {
        let room = |(index, length): &(usize, usize)| {
            let words = self.blocks.get(*index).into_iter().flatten();
            let bytes = words.flat_map(|word| word.to_ne_bytes());
            bytes.take(*length).collect()
        };
        self.rooms.iter().map(room).collect()
    }
}

/// Makes the call.
pub(super) fn perform(number: i64, arguments: &[Argument]) -> Reply {
    let mut memory = Memory::default();
    let mut laid = [0; 6];
    for (to, argument) in laid.iter_mut().zip(arguments) {
        *to = memory.lay(argument);
    }
    let [first, second, third, fourth, fifth, sixth] = laid;
    // SAFETY: addresses are those of blocks that live until the end of this
    // function, and as large as the one who asked says; numbers are his.
    let result = unsafe { libc::syscall(number, first, second, third, fourth, fifth, sixth) };
    let result = if result < 0 {
        -i64::from(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
    } else {
        result
    };
    let rooms = memory.rooms();
    Reply {
        rooms,
        ..super::reply(result)
    }
}

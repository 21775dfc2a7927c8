//! The words of an image as they are put together: what must be near, and what
//! may be far.

use crate::maps::HashMap;
use policy_abi::image::{BLOCK_WORDS, BODY, IMAGE_WORDS, NEAR_WORDS, TOGETHER};

/// The words so far.
pub(super) struct Writer {
    near: Vec<u64>,
    far: Vec<u64>,
    /// Near words that are kept free for what must be near.
    kept: usize,
    /// Near rows that are there already, by content.
    rows: HashMap<Vec<u64>, u32>,
    /// Blocks of wide rows that are there already, by content.
    blocks: HashMap<[u64; BLOCK_WORDS as usize], u32>,
}

/// The image does not fit; nothing is said yet of what to do about it.
#[derive(Debug)]
pub(super) struct Full;

impl Writer {
    /// Words without rules; `kept` near ones stay free for [`Writer::append_near`].
    pub(super) fn new(kept: usize) -> Self {
        Self {
            near: vec![0; BODY as usize],
            far: Vec::new(),
            kept,
            rows: HashMap::default(),
            blocks: HashMap::default(),
        }
    }

    /// Appends words, near if there is room, and says where.
    pub(super) fn append(&mut self, words: &[u64]) -> Result<u32, Full> {
        if self.has_room(self.near.len() + words.len()) {
            return self.append_near(words);
        }
        self.append_far(words)
    }

    /// [`Writer::append`], at a multiple of [`TOGETHER`].
    pub(super) fn append_together(&mut self, words: &[u64]) -> Result<u32, Full> {
        let aligned = |part: &Vec<u64>| part.len().next_multiple_of(TOGETHER as usize);
        let start = aligned(&self.near);
        // Nothing is left out before words that go far: that would take from what is kept free.
        if self.has_room(start + words.len()) {
            self.near.resize(start, 0);
            return self.append_near(words);
        }
        let start = aligned(&self.far);
        self.far.resize(start, 0);
        self.append_far(words)
    }

    /// Whether so many words can be near beside those that are kept free.
    const fn has_room(&self, words: usize) -> bool {
        words + self.kept <= NEAR_WORDS as usize
    }

    /// Appends words that may be far, and says where.
    fn append_far(&mut self, words: &[u64]) -> Result<u32, Full> {
        let base = NEAR_WORDS as usize + self.far.len();
        if base + words.len() > IMAGE_WORDS as usize {
            return Err(Full);
        }
        self.far.extend_from_slice(words);
        u32::try_from(base).ok().ok_or(Full)
    }

    /// Appends words that must be near, and says where.
    pub(super) fn append_near(&mut self, words: &[u64]) -> Result<u32, Full> {
        let base = self.near.len();
        if base + words.len() > NEAR_WORDS as usize {
            return Err(Full);
        }
        self.near.extend_from_slice(words);
        u32::try_from(base).ok().ok_or(Full)
    }

    /// Appends rows that must be near, unless they are there.
    pub(super) fn append_rows(&mut self, rows: Vec<u64>) -> Result<u32, Full> {
        if let Some(base) = self.rows.get(&rows) {
            return Ok(*base);
        }
        let base = self.append_near(&rows)?;
        self.rows.insert(rows, base);
        Ok(base)
    }

    /// Appends a block of a wide row unless it is there.
    pub(super) fn append_block(&mut self, block: [u64; BLOCK_WORDS as usize]) -> Result<u32, Full> {
        if let Some(base) = self.blocks.get(&block) {
            return Ok(*base);
        }
        let base = self.append(&block)?;
        self.blocks.insert(block, base);
        Ok(base)
    }

    /// Sets a word that is near.
    pub(super) fn set(&mut self, at: u32, word: u64) -> Result<(), Full> {
        let place = self.near.get_mut(at as usize).ok_or(Full)?;
        *place = word;
        Ok(())
    }

    /// Words so far.
    pub(super) fn length(&self) -> usize {
        if self.far.is_empty() {
            self.near.len()
        } else {
            NEAR_WORDS as usize + self.far.len()
        }
    }

    /// All words: what is far follows the whole of what is near.
    pub(super) fn finish(mut self) -> Vec<u64> {
        if !self.far.is_empty() {
            self.near.resize(NEAR_WORDS as usize, 0);
            self.near.append(&mut self.far);
        }
        self.near
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy_abi::image::PAGE_WORDS;

    /// However full the near words are when rows go far: what was kept free stays so.
    #[test]
    fn what_is_kept_free_is_not_taken_for_alignment() {
        let kept = 64;
        for filled in 0..=8 {
            let mut writer = Writer::new(kept);
            let free = NEAR_WORDS as usize - BODY as usize - kept;
            writer.append_near(&vec![1; free - filled]).unwrap();
            for length in [9, 1, 16, 3, 7, 200] {
                let base = writer.append_together(&vec![2; length]).unwrap();
                assert!(base.is_multiple_of(TOGETHER), "{filled}: {base}");
                writer.append(&[3]).unwrap();
            }
            for _ in 0..kept {
                writer.append_near(&[4]).expect("it was kept free");
            }
            let words = writer.finish();
            assert!(words.len() < (NEAR_WORDS + PAGE_WORDS) as usize, "{filled}");
        }
    }
}

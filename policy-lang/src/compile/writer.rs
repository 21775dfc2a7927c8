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
        if self.near.len() + words.len() + self.kept <= NEAR_WORDS as usize {
            return self.append_near(words);
        }
        let base = NEAR_WORDS as usize + self.far.len();
        if base + words.len() > IMAGE_WORDS as usize {
            return Err(Full);
        }
        self.far.extend_from_slice(words);
        u32::try_from(base).ok().ok_or(Full)
    }

    /// [`Writer::append`], at a multiple of [`TOGETHER`].
    pub(super) fn append_together(&mut self, words: &[u64]) -> Result<u32, Full> {
        for part in [&mut self.near, &mut self.far] {
            part.resize(part.len().next_multiple_of(TOGETHER as usize), 0);
        }
        self.append(words)
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

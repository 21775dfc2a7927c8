//! How a line that would be too long becomes shorter.

/// Longest line in bytes, its end included.
pub const LINE_BYTES: usize = 8 * 1024;

/// What a line may hold at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes of a path, before escaping.
    pub(super) path: usize,
    /// Whether `executable.path_hex` is written: `decision.subject.exe_hex` has the same bytes.
    pub(super) repeat: Repeat,
    /// Processes above the one that acts.
    pub(super) ancestors: usize,
    /// Names in `decision.recorded` and in `policies.matched`.
    pub(super) names: usize,
    /// Bytes of all `decision.tags` together.
    pub(super) tags: usize,
    /// Bytes of `decision.because`.
    pub(super) because: usize,
    /// Bytes of `decision.file`.
    pub(super) file: usize,
}

/// Whether bytes that stand in one place are written in another too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// In both.
    Both,
    /// In one.
    Once,
}

impl Limits {
    /// Whether nothing is left out.
    pub(super) const fn is_whole(&self) -> bool {
        self.path == usize::MAX && matches!(self.repeat, Repeat::Both)
    }

    /// Whether `executable.path_hex` is left out.
    pub(super) const fn once(&self) -> bool {
        matches!(self.repeat, Repeat::Once)
    }
}

const WHOLE: Limits = Limits {
    path: usize::MAX,
    repeat: Repeat::Both,
    ancestors: 16,
    names: usize::MAX,
    tags: usize::MAX,
    because: usize::MAX,
    file: usize::MAX,
};
const NO_REPEAT: Limits = Limits {
    repeat: Repeat::Once,
    ..WHOLE
};
const SHORT_PATHS: Limits = Limits {
    path: 512,
    ancestors: 4,
    ..NO_REPEAT
};
const FEW_NAMES: Limits = Limits {
    ancestors: 1,
    names: 8,
    tags: 512,
    file: 512,
    ..SHORT_PATHS
};
const SHORT_TEXT: Limits = Limits {
    path: 256,
    because: 255,
    tags: 128,
    file: 256,
    ..FEW_NAMES
};
/// With hostile bytes everywhere each of these can grow sixfold; a rule's id and
/// its file's stem are ASCII and at most 260 bytes. That stays under the limit
/// with some 1,500 bytes to spare, and the property test tries it.
const LEAST: Limits = Limits {
    path: 128,
    ancestors: 0,
    names: 2,
    because: 64,
    tags: 64,
    file: 64,
    ..SHORT_TEXT
};

/// From a whole line to the shortest: the first that fits is taken.
pub(super) const LADDER: &[Limits] = &[WHOLE, NO_REPEAT, SHORT_PATHS, FEW_NAMES, SHORT_TEXT, LEAST];

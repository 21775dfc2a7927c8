//! What a record does not carry: the rules that its numbers mean, and where a
//! file system is mounted. Both are given by whoever loaded the policy.

/// What an event says of a rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    /// Its id.
    pub id: &'a str,
    /// Stem of the file that it stands in.
    pub policy: &'a str,
    /// The file, as it was named to the engine.
    pub file: &'a str,
    /// Line of its first word, from 1.
    pub line: u32,
    /// The text of `because`.
    pub because: Option<&'a str>,
    /// The word of `severity`.
    pub severity: Option<&'a str>,
    /// The texts of `tag`, in order.
    pub tags: &'a [String],
    /// The mode it is in: `enforce` or `audit`.
    pub mode: &'a str,
    /// Name of the errno that it denies with.
    pub errno: &'a str,
}

/// The rules of every generation that records may still speak of.
pub trait Rules {
    /// The rule of a number in a generation, `None` when either is not known.
    fn rule(&self, generation: u64, index: u32) -> Option<Rule<'_>>;

    /// The number of the rule whose term stands at `word` of a generation's image.
    fn rule_of_term(&self, generation: u64, word: u32) -> Option<u32>;
}

/// Where things lie, as PID 1 sees them.
pub trait Places {
    /// The path at which the host sees a file.
    ///
    /// `device` is the file system's `s_dev` as the kernel packs it (major << 20 |
    /// minor). `in_fs` is the path from the root of that file system as the ABI
    /// writes it: no leading slash, every component ended by one, so
    /// `docker.sock/` of a tmpfs on `/run` is `/run/docker.sock`.
    fn host_path(&self, device: u32, in_fs: &[u8]) -> Option<Vec<u8>>;

    /// The path of a cgroup (v2) of this id, from the root of the hierarchy.
    fn cgroup(&self, _id: u64) -> Option<Vec<u8>> {
        None
    }
}

impl<F: Fn(u32, &[u8]) -> Option<Vec<u8>>> Places for F {
    fn host_path(&self, device: u32, in_fs: &[u8]) -> Option<Vec<u8>> {
        self(device, in_fs)
    }
}

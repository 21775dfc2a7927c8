//! **The** bounds of the language (notes 119). Exactly the bound is accepted.

/// Rules and defaults in a policy.
pub const RULES: usize = 16_384;
/// Addresses, networks and address ranges in a policy.
pub const ADDRESSES: usize = 65_536;
/// Literal paths in a policy.
pub const PATHS: usize = 10_000;
/// Patterns with wildcards in a policy.
pub const GLOBS: usize = 1_024;
/// Terms after normal form in any one family and operation.
pub const TERMS_PER_PAIR: usize = 10_240;
/// Terms after normal form in a policy.
pub const TERMS: usize = 40_960;
/// Scopes, parentheses and `not` within each other.
pub const NESTING: usize = 64;
/// Bytes of a file.
pub const FILE_BYTES: usize = 1 << 20;
/// Bytes of a policy.
pub const POLICY_BYTES: usize = 8 << 20;
/// Files of a policy.
pub const FILES: usize = 256;
/// Bytes of a `because`, a `tag` or a test's name.
pub const TEXT_BYTES: usize = 255;
/// Bytes of a path, name or other pattern, as written.
pub const PATTERN_BYTES: usize = 4_096;
/// Bytes of a name or an id.
pub const NAME_BYTES: usize = 63;
/// Tests in one rule's conditions, after names are written out.
pub const TESTS_PER_RULE: usize = 10_240;

//! What rules need of a kernel.

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

//! Layouts of the ABI package as values that aya moves in and out of maps.

use zerocopy::{FromBytes, Immutable, IntoBytes};

/// A value of a type that is plain bytes.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Abi<T>(pub T);

// SAFETY: `T` has no padding (`IntoBytes`), any bytes are one (`FromBytes`),
// and the wrapper has its layout.
unsafe impl<T: Copy + FromBytes + IntoBytes + Immutable + 'static> aya::Pod for Abi<T> {}

//! Maps and sets whose hashes are quick, and seeded for each process: a text
//! that is made so that its words fall together would have to know the seed.

pub(crate) use foldhash::fast::RandomState;

pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;
pub(crate) type HashSet<T> = std::collections::HashSet<T, RandomState>;

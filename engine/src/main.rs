//! interdict.
use interdict::kernel::load::Settings;
fn main() {
    match interdict::kernel::Kernel::load(&Settings {
        hash_key: [1, 2],
        trust_all: false,
    }) {
        Ok(mut k) => println!("loaded; {:?}", k.counters()),
        Err(e) => {
            println!("error: {e}");
            let mut s = std::error::Error::source(&e);
            while let Some(x) = s {
                println!(" by {x}");
                s = x.source();
            }
        }
    }
}

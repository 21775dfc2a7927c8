//! Lines of a process's output, as they come and for good.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// A wait that takes longer has failed. An emulated CPU is slow.
pub const PATIENCE: Duration = Duration::from_mins(3);

#[derive(Default)]
struct State {
    lines: Vec<String>,
    ended: bool,
}

/// All lines that a stream has given so far.
#[derive(Clone, Default)]
pub struct Lines(Arc<(Mutex<State>, Condvar)>);

impl Lines {
    /// Reads a stream to its end, in a thread.
    #[must_use]
    pub fn of(stream: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let shared = lines.clone();
        std::thread::spawn(move || {
            let (state, news) = &*shared.0;
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8(line).expect("output is UTF-8");
                state.lock().unwrap().lines.push(line);
                news.notify_all();
            }
            state.lock().unwrap().ended = true;
            news.notify_all();
        });
        lines
    }

    /// How many there are by now.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.0.lock().unwrap().lines.len()
    }

    /// Those from the one numbered `from`, counted from 0.
    #[must_use]
    pub fn since(&self, from: usize) -> Vec<String> {
        let state = self.0.0.lock().unwrap();
        state.lines.iter().skip(from).cloned().collect()
    }

    /// Waits until the lines from `from` satisfy `wanted`; `None` when the
    /// stream ends before or patience does.
    pub fn wait<T>(
        &self,
        from: usize,
        mut wanted: impl FnMut(&[String]) -> Option<T>,
    ) -> Option<T> {
        let (state, news) = &*self.0;
        let deadline = Instant::now() + PATIENCE;
        let mut state = state.lock().unwrap();
        loop {
            if let Some(found) = state.lines.get(from..).and_then(&mut wanted) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if state.ended || left.is_zero() {
                return None;
            }
            state = news.wait_timeout(state, left).unwrap().0;
        }
    }

    /// The first line from `from` that begins with `prefix`, without it.
    #[must_use]
    pub fn wait_for(&self, from: usize, prefix: &str) -> Option<String> {
        self.wait(from, |lines| {
            let mut rests = lines.iter().filter_map(|line| line.strip_prefix(prefix));
            rests.next().map(str::to_owned)
        })
    }
}

//! The daemon's reader, on a processor of its own.

use crate::producer::{Producer, READER_CPU};
use crate::program::{Outcome, on_cpu, program};
use aya::programs::{RawTracePointRunOptions, TestRun as _};
use interdict::anchors::Anchors;
use interdict::daemon::{Look, Pace, Pipeline, TURN};
use interdict::event::{Book, Cgroups, Places, Shape};
use interdict::kernel::{Kernel, Turn};
use policy_abi::event::Counter;
use policy_lang::compile::{AnyHost, Enforcement, compile};
use policy_lang::load;
use policy_lang::source::Sources;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a reader that is to be woken sleeps without looking whether to end.
const PATIENCE: Duration = Duration::from_millis(50);

/// Bytes of a record.
pub(crate) const fn record_bytes() -> usize {
    policy_abi::event::BRIEF_BYTES
}

/// What came of it.
pub(crate) struct Flood {
    written: u64,
    lost: u64,
    taken: usize,
    lines: u64,
    spent: Duration,
    time: Duration,
    busy: Duration,
}

impl fmt::Display for Flood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            written,
            lost,
            taken,
            lines,
            ..
        } = self;
        let seconds = self.time.as_secs_f64();
        write!(
            f,
            "{written} written in {seconds:.2} s ({:.0} a second), {lost} lost, {taken} read, {lines} lines; \
             producer {:.0} ns each, reader {:.0} ns each",
            *written as f64 / seconds,
            self.spent.as_nanos() as f64 / *written as f64,
            self.busy.as_nanos() as f64 / *taken as f64,
        )
    }
}

/// Where things lie, as the daemon knows it.
struct Host {
    anchors: Option<Anchors>,
    cgroups: Cgroups,
}

impl Places for Host {
    fn host_path(&self, device: u32, in_fs: &[u8]) -> Option<Vec<u8>> {
        self.anchors.as_ref()?.host_path(device, in_fs)
    }

    fn cgroup(&self, id: u64) -> Option<Vec<u8>> {
        self.cgroups.path(id)
    }
}

/// The daemon's way from the ring to a sink.
pub(crate) struct Reader<'k> {
    kernel: &'k mut Kernel,
    pipeline: Pipeline,
    book: Book,
    host: Host,
    ring: OwnedFd,
    /// Whether it looks by the clock while records come, as the daemon does, or is
    /// woken each time.
    paced: bool,
}

impl<'k> Reader<'k> {
    pub(crate) fn new(kernel: &'k mut Kernel, sink: Option<&str>, paced: bool) -> Outcome<Self> {
        let text = "deny tcp connect to 10.0.0.0/8 id inside because \"nothing of ours lies there\" severity high tag \"T1021\"";
        let (policy, report) = load(&Sources::single(
            "/etc/interdict/policies/bench.policy",
            text,
        ));
        let policy = policy.ok_or_else(|| format!("{} findings", report.diagnostics().len()))?;
        let image = compile(&policy, &AnyHost::default(), 1, Enforcement::AsWritten);
        let mut book = Book::new();
        book.enter(
            1,
            Arc::new(image.map_err(|found| format!("{} findings", found.len()))?),
        );
        let pipeline = Pipeline::open(sink, Shape::Tracee, 1_767_323_045_000_000_000)?;
        kernel.begin_epoch(next_epoch());
        Ok(Self {
            ring: kernel.events_fd()?,
            kernel,
            pipeline,
            book,
            host: Host {
                anchors: Anchors::of_host([0; 2]).ok(),
                cgroups: Cgroups::new("/sys/fs/cgroup"),
            },
            paced,
        })
    }

    /// Reads while a producer writes, and what is left then.
    pub(crate) fn during(&mut self, producer: Producer) -> Outcome<Flood> {
        program(self.kernel, "bench_known")?.test_run(RawTracePointRunOptions::new())?;
        let events = program(self.kernel, "bench_events")?;
        let before = self.lost()?;
        let done = AtomicBool::new(false);
        let began = Instant::now();
        let (writing, reading) = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let ran = producer.run(&events).map_err(|error| error.to_string());
                done.store(true, Ordering::Release);
                ran.map(|ran| (ran, began.elapsed()))
            });
            let reading = on_cpu(READER_CPU).and_then(|()| self.read_until(&done));
            (thread.join(), reading)
        });
        let ((written, spent), time) =
            writing.map_err(|panic| format!("the producer panicked: {panic:?}"))??;
        let (taken, busy) = reading?;
        Ok(Flood {
            written,
            lost: self.lost()? - before,
            taken,
            lines: self.pipeline.counts().0,
            spent,
            time,
            busy,
        })
    }

    /// The bytes of one event's records: what is told of its process, and the event.
    pub(crate) fn records(&mut self) -> Outcome<Vec<Vec<u8>>> {
        program(self.kernel, "bench_known")?.test_run(RawTracePointRunOptions::new())?;
        let mut options = RawTracePointRunOptions::new();
        options.args[0] = 1;
        program(self.kernel, "bench_events")?.test_run(options)?;
        let mut records = Vec::new();
        self.kernel
            .drain(TURN, |bytes| records.push(bytes.to_vec()))?;
        Ok(records)
    }

    /// Takes a record as if it had been read.
    pub(crate) fn take(&mut self, record: &[u8]) {
        self.pipeline.take(record, &self.book, &self.host);
    }

    /// Bytes of the line that an event becomes, its end included.
    pub(crate) fn line_bytes(&self, event: &[u8]) -> Outcome<usize> {
        Ok(self.pipeline.line(event, &self.book, &self.host)?.len() + 1)
    }

    /// Events that found no room since the object was loaded.
    fn lost(&mut self) -> Outcome<u64> {
        let counters = self.kernel.counters()?;
        let lost = counters
            .iter()
            .find(|(counter, ..)| *counter == Counter::EventsLost);
        Ok(lost.map_or(0, |(.., count)| *count))
    }

    /// Reads until the producer is done and the ring empty: how many records, and
    /// the time that reading them took.
    fn read_until(&mut self, done: &AtomicBool) -> Outcome<(usize, Duration)> {
        let mut pace = Pace::default();
        let (mut taken, mut busy) = (0, Duration::ZERO);
        self.kernel.wake(true);
        loop {
            let ending = done.load(Ordering::Acquire);
            let began = Instant::now();
            let turn = self.look()?;
            taken += turn.taken;
            if turn.taken != 0 {
                busy += began.elapsed();
            }
            let mut look = pace.looked(turn.taken != 0, turn.emptied);
            if self.paced {
                self.kernel.wake(pace.wakes());
            } else if turn.emptied {
                look = Look::Woken;
            }
            if ending && turn.emptied {
                return Ok((taken, busy));
            }
            match look {
                Look::Now => {}
                // Asked to be woken, it is; else records that lie there must not end the wait.
                Look::After(time) if pace.wakes() => self.wait(time)?,
                Look::After(time) => std::thread::sleep(time),
                Look::Woken => self.wait(PATIENCE)?,
            }
        }
    }

    /// One turn, as the daemon does it.
    fn look(&mut self) -> Outcome<Turn> {
        let (pipeline, book, host) = (&mut self.pipeline, &self.book, &self.host);
        let epoch = pipeline.epoch();
        let turn = self
            .kernel
            .drain(TURN, |bytes| pipeline.take(bytes, book, host))?;
        if pipeline.epoch() != epoch {
            self.kernel.begin_epoch(next_epoch());
        }
        pipeline.flush();
        Ok(turn)
    }

    /// Sleeps until a record wakes it, for so long at most.
    fn wait(&self, time: Duration) -> Outcome<()> {
        let most = Timespec::try_from(time.min(PATIENCE))?;
        poll(&mut [PollFd::new(&self.ring, PollFlags::IN)], Some(&most))?;
        Ok(())
    }
}

/// Another epoch than any before: each reader is to be told of the producer.
fn next_epoch() -> u64 {
    static EPOCH: AtomicU64 = AtomicU64::new(1);
    EPOCH.fetch_add(1, Ordering::Relaxed)
}

//! A case: a policy in force, operations with what must come of them, and the
//! accounts at the end.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use crate::actor::{Actor, outcome};
use crate::engine::{Engine, Policy};
use crate::event::{Decided, Event};
use crate::place;
use crate::protocol::{Reply, Request};
use crate::status::Status;

/// The engine that most tests share: its programs take seconds to load.
static SHARED: Mutex<Option<Engine>> = Mutex::new(None);

/// How often something is done: in the suite of every merge, and in the full one.
#[must_use]
pub fn merge_or_full<T>(merge: T, full: T) -> T {
    match std::env::var("INTERDICT_TEST").as_deref() {
        Ok("full") => full,
        _ => merge,
    }
}

/// One test's time with the engine.
pub struct Case {
    engine: MutexGuard<'static, Option<Engine>>,
    before: Status,
    /// Events before it.
    mark: usize,
    /// Events that were asked for.
    claimed: usize,
    /// Counters of failures that it provokes, and of those that it may.
    provoked: Vec<&'static str>,
    tolerated: Vec<&'static str>,
}

impl Case {
    /// Puts a policy in force.
    #[must_use]
    #[track_caller]
    pub fn under(policy: &Policy<'_>) -> Self {
        Self::within(policy, &[])
    }

    /// Puts a policy in force by an engine that starts now and trusts what runs
    /// already. It is to be ended after the case, by [`Case::end`].
    #[must_use]
    #[track_caller]
    pub fn on_a_live_host(policy: &Policy<'_>) -> Self {
        Self::end();
        Self::within(policy, &["--trust-running", "all"])
    }

    /// Puts a policy in force by an engine that starts now with a configuration. It
    /// is to be ended after the case, by [`Case::end`].
    #[must_use]
    #[track_caller]
    pub fn configured(policy: &Policy<'_>, config: &str) -> Self {
        Self::end();
        let file = place::fresh("config").join("interdict.toml");
        std::fs::write(&file, config).unwrap();
        Self::within(policy, &["--config", file.to_str().unwrap()])
    }

    /// Ends the engine that cases share: nothing is judged until the next one.
    pub fn end() {
        drop(SHARED.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    #[track_caller]
    fn within(policy: &Policy<'_>, options: &[&str]) -> Self {
        // A test that failed leaves an engine that is as good as before.
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if !shared.as_mut().is_some_and(Engine::lives) {
            *shared = Some(Engine::start(policy, options).expect("the engine starts"));
        }
        let engine = shared.as_mut().unwrap();
        engine.put(policy);
        let before = engine.settled();
        let mark = engine.events.count();
        Self {
            engine: shared,
            before,
            mark,
            claimed: 0,
            provoked: Vec::new(),
            tolerated: Vec::new(),
        }
    }

    /// This failure must be counted by the end, where others must not.
    pub fn provokes(&mut self, counter: &'static str) {
        self.provoked.push(counter);
    }

    /// This failure may be counted: whether it happens is luck.
    pub fn tolerates(&mut self, counter: &'static str) {
        self.tolerated.push(counter);
    }

    /// The engine itself.
    pub fn engine(&mut self) -> &mut Engine {
        self.engine.as_mut().unwrap()
    }

    /// A request is refused with EPERM, and its event says by what.
    #[track_caller]
    pub fn denies(&mut self, actor: &mut Actor, request: &Request, decided: &Decided) -> Event {
        self.denies_with(actor, request, decided, (Errno::PERM, "EPERM"))
    }

    /// A request is refused with an errno of a certain name.
    #[track_caller]
    pub fn denies_with(
        &mut self,
        actor: &mut Actor,
        request: &Request,
        decided: &Decided,
        (errno, name): (Errno, &str),
    ) -> Event {
        let reply = actor.ask(request);
        assert_eq!(outcome(&reply), Err(errno), "{request:?}");
        let event = self.event();
        event.says("/decision/action", "deny");
        event.says("/decision/errno", name);
        event.says("/decision/mode", "enforce");
        event.speaks_of(decided, &actor.subject, &reply);
        event
    }

    /// A request is the last that its process made.
    #[track_caller]
    pub fn kills(&mut self, mut actor: Actor, request: &Request, decided: &Decided) -> Event {
        use std::os::unix::process::ExitStatusExt as _;
        actor.begin(request);
        let reply = Reply {
            pid: actor.pid(),
            ..Reply::default()
        };
        let status = actor.ended();
        assert_eq!(status.signal(), Some(libc::SIGKILL), "{request:?}");
        let event = self.event();
        event.says("/decision/action", "kill");
        event.speaks_of(decided, &actor.subject, &reply);
        event
    }

    /// A request succeeds, and is recorded by these rules.
    #[track_caller]
    pub fn records(&mut self, actor: &mut Actor, request: &Request, rules: &[&str]) -> Event {
        let result = outcome(&actor.ask(request));
        assert!(result.is_ok(), "{request:?}: {result:?}");
        let event = self.event();
        event.says("/decision/action", "record");
        event.says("/decision/rule", None::<&str>);
        event.says("/decision/errno", None::<&str>);
        event.says("/decision/recorded", rules);
        event
    }

    /// A request succeeds, and its event says what would have refused it.
    #[track_caller]
    pub fn would_deny(&mut self, actor: &mut Actor, request: &Request, decided: &Decided) -> Event {
        let reply = actor.ask(request);
        assert!(outcome(&reply).is_ok(), "{request:?}: {reply:?}");
        let event = self.event();
        event.says("/decision/action", "would-deny");
        event.says("/decision/errno", None::<&str>);
        event.speaks_of(decided, &actor.subject, &reply);
        event
    }

    /// A request succeeds. That it has no event shows at the end of the case.
    #[track_caller]
    pub fn allows(&mut self, actor: &mut Actor, request: &Request) -> i64 {
        self.no_event_yet(request);
        let result = outcome(&actor.ask(request));
        result.unwrap_or_else(|errno| panic!("{request:?} of {:?}: {errno}", actor.subject))
    }

    /// A request ends with an errno that is not the engine's, and has no event.
    #[track_caller]
    pub fn fails(&mut self, actor: &mut Actor, request: &Request, errno: Errno) {
        self.no_event_yet(request);
        assert_eq!(outcome(&actor.ask(request)), Err(errno), "{request:?}");
    }

    /// All events so far were asked for.
    #[track_caller]
    pub fn no_event_yet(&mut self, request: &Request) {
        let from = self.mark + self.claimed;
        let events = self.engine().events.since(from);
        assert!(events.is_empty(), "before {request:?}: {events:?}");
    }

    /// The next event.
    #[track_caller]
    pub fn event(&mut self) -> Event {
        let from = self.mark + self.claimed;
        self.claimed += 1;
        let engine = self.engine();
        let line = engine.events.wait(from, |lines| lines.first().cloned());
        Event::read(&line.expect("an event"))
    }

    /// All events that nobody has asked for yet.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<Event> {
        self.engine().settled();
        let from = self.mark + self.claimed;
        let events = self.engine().events_since(from);
        self.claimed += events.len();
        events
    }

    /// The counters since the case began, everything settled.
    #[track_caller]
    pub fn counted(&mut self) -> Status {
        let before = self.before.clone();
        self.engine().settled().since(&before)
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let counted = self.counted();
        counted.adds_up();
        for name in &self.provoked {
            assert!(counted.counter(name) > 0, "`{name}` was to be provoked");
        }
        let expected = [&self.provoked[..], &self.tolerated].concat();
        counted.no_failures_but(&expected);
        let from = self.mark + self.claimed;
        let left = self.engine().events.since(from);
        assert!(left.is_empty(), "events that nobody expected: {left:?}");
    }
}

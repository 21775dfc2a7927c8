//! Random policies as text, out of the shared generator: the world that the
//! kernel decides today, small, so that rules and requests meet.

use policy_generator::{Choices, Style, World, files, policy, request};
use policy_lang::request::Request;
use proptest::prelude::*;

/// Bytes that make a policy's or several requests' choices. Shrinking takes
/// bytes away, and what chooses without them chooses what is simplest.
fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), most / 2..most)
}

/// A policy that is valid; its ids are explicit for some rules and implicit for others.
pub(crate) fn text() -> impl Strategy<Value = String> {
    bytes(480).prop_map(|bytes| {
        let made = policy(&mut Choices::new(&bytes), World::Kernel);
        let all = files(&made, &Style::default());
        all.into_iter().map(|(_, text)| text).collect()
    })
}

/// Requests about what the policies name.
pub(crate) fn requests(count: usize) -> impl Strategy<Value = Vec<Request>> {
    bytes(count * 64).prop_map(move |bytes| {
        let mut choices = Choices::new(&bytes);
        let requests = (0..count).map(|_| request(&mut choices, World::Kernel));
        requests.collect()
    })
}

/// The text with each path written as its place in the aliased host.
pub(crate) fn at_places(text: &str) -> String {
    text.replace("/usr/bin/c", "/usr/bin/a")
        .replace("/run/c", "/run/a")
        // A path that has no place: nothing the kernel sees is there.
        .replace("/usr/bin/d", "/no/such/place")
        .replace("/run/d", "/no/such/place")
}

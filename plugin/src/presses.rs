//! Tells a press of Generate from finding it on: in a project that was saved so, or where a host restores parameters.

use std::cell::Cell;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, AtomicUsize, fence};

/// Projects on their way to instances of this process. The framework sets their parameters while blocks may run, and says
/// only then which instance it was.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Whether this thread brings one of them.
    static BRINGS: Cell<bool> = const { Cell::new(false) };
}

/// How often an instance's project was opened.
#[derive(Debug, Default)]
pub struct Openings(AtomicU64);

impl Openings {
    /// This thread is about to set the parameters of some instance from a saved project, and then calls
    /// [`end`](Self::end).
    pub fn begin() {
        if !BRINGS.replace(true) {
            UNDER_WAY.fetch_add(1, Relaxed);
        }
        // Whoever sees a parameter that is set after this sees the project under way.
        fence(Release);
    }

    /// The parameters of this instance are as its project says.
    pub fn end(&self) {
        self.0.fetch_add(1, Release);
        if BRINGS.replace(false) {
            UNDER_WAY.fetch_sub(1, Release);
        }
    }

    /// What `read` says, and how often a project had been opened; `None` where one may be opened meanwhile.
    ///
    /// # Real-time
    ///
    /// Safe.
    fn between(&self, read: impl FnOnce() -> bool) -> Option<(bool, u64)> {
        let count = self.0.load(Acquire);
        let read = read();
        fence(Acquire);
        let is_over = UNDER_WAY.load(Acquire) == 0 && self.0.load(Relaxed) == count;
        is_over.then_some((read, count))
    }
}

/// Hears presses of a switch. **Audio thread only.**
#[derive(Debug, Default)]
pub struct Presses {
    /// Where the switch stood at the last block, and after how many openings; `None` before the first.
    before: Option<(bool, u64)>,
}

impl Presses {
    /// What comes next is where the switch stands, not what happens to it.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn forget(&mut self) {
        self.before = None;
    }

    /// Whether the switch, which `is_on` tells, was pressed since the last block. To be called at every block.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn hear(&mut self, openings: &Openings, is_on: impl FnOnce() -> bool) -> bool {
        // What a project on its way has to do with it shows when it is there; a press is heard then.
        let Some((on, count)) = openings.between(is_on) else { return false };
        let before = self.before.replace((on, count));
        on && before == Some((false, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One at a time: what is under way concerns all.
    static ALONE: parking_lot::Mutex<()> = parking_lot::Mutex::new(());

    #[test]
    fn a_switch_is_pressed_when_it_goes_on_after_it_was_seen_off() {
        let _alone = ALONE.lock();
        let (mut presses, openings) = (Presses::default(), Openings::default());
        let heard = [true, true, false, true, true, false, false, true].map(|on| presses.hear(&openings, || on));
        assert_eq!(heard, [false, false, false, true, false, false, false, true]);
        presses.forget();
        assert!(!presses.hear(&openings, || true));
    }

    #[test]
    fn what_a_project_brings_is_no_press_at_any_moment_of_its_opening() {
        let _alone = ALONE.lock();
        let (mut presses, openings) = (Presses::default(), Openings::default());
        assert!(!presses.hear(&openings, || false));
        Openings::begin();
        assert!(!presses.hear(&openings, || false));
        assert!(!presses.hear(&openings, || true));
        openings.end();
        assert!(!presses.hear(&openings, || true));
        assert!(!presses.hear(&openings, || false));
        // All of it while the switch is looked at.
        let opened = || {
            Openings::begin();
            openings.end();
            false
        };
        assert!(!presses.hear(&openings, opened));
        assert!(!presses.hear(&openings, || true));
        assert!(!presses.hear(&openings, || false));
        assert!(presses.hear(&openings, || true));
    }

    #[test]
    fn a_press_outlasts_the_opening_of_another_instances_project() {
        let _alone = ALONE.lock();
        let (mut presses, mine, other) = (Presses::default(), Openings::default(), Openings::default());
        assert!(!presses.hear(&mine, || false));
        Openings::begin();
        assert!(!presses.hear(&mine, || true));
        other.end();
        assert!(presses.hear(&mine, || true));
    }

    #[test]
    fn an_opening_that_was_given_up_holds_nothing_up_after_the_next() {
        let _alone = ALONE.lock();
        let (mut presses, openings) = (Presses::default(), Openings::default());
        Openings::begin();
        Openings::begin();
        openings.end();
        // Nor does one that nobody announced.
        openings.end();
        let heard = [false, true].map(|on| presses.hear(&openings, || on));
        assert_eq!(heard, [false, true]);
    }
}

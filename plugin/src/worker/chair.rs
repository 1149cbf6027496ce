//! What the worker knows of one instance.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Weak};
use std::time::Duration;

use melfusion::request::Key;
use parking_lot::Mutex;

use crate::session::{Job, Session};

/// How long to wait for a call of the host.
const LONGEST_CALL: Duration = Duration::from_millis(100);

/// One instance, as the worker's threads see it. They keep its session alive only for moments, never through a job.
pub struct Chair {
    /// Names it; never used twice.
    pub id: u64,
    session: Weak<Session>,
    /// Which errands still count: those given since the last cancelling.
    errands: AtomicU64,
    left: AtomicBool,
    /// Takes that are to be heard in another key.
    wishes: Mutex<BTreeMap<u64, Option<Key>>>,
    /// Takes are to be heard at the host's tempo.
    adopts: AtomicBool,
    /// The take that was made last.
    newest: Mutex<Option<u64>>,
    news: Mutex<News>,
}

/// One press of Generate; it counts until the seat cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errand(u64);

/// What the host has to be told.
#[derive(Default)]
struct News {
    /// The host may be called: the instance is active, and therefore alive.
    may_call: bool,
    changed: bool,
    /// Slot that is to be heard.
    select: Option<usize>,
}

impl Chair {
    /// For `session`.
    pub fn new(id: u64, session: &Arc<Session>) -> Self {
        Self {
            id,
            session: Arc::downgrade(session),
            errands: AtomicU64::new(0),
            left: AtomicBool::new(false),
            wishes: Mutex::default(),
            adopts: AtomicBool::new(false),
            newest: Mutex::default(),
            news: Mutex::default(),
        }
    }

    /// The session, while the instance is there.
    pub fn session(&self) -> Option<Arc<Session>> {
        if self.left.load(SeqCst) { None } else { self.session.upgrade() }
    }

    /// A new errand.
    pub fn errand(&self) -> Errand {
        Errand(self.errands.load(SeqCst))
    }

    /// All errands so far no longer count.
    pub fn withdraw(&self) {
        self.errands.fetch_add(1, SeqCst);
    }

    /// Whether an errand no longer counts.
    pub fn has_withdrawn(&self, errand: Errand) -> bool {
        self.has_left() || self.errand() != errand
    }

    /// The instance is being dropped.
    pub fn leave(&self) {
        self.left.store(true, SeqCst);
        self.allow_calls(false);
    }

    /// Whether the instance is gone.
    pub fn has_left(&self) -> bool {
        self.left.load(SeqCst)
    }

    /// Shows a job in the editor; `None` if there is none.
    pub fn show(&self, job: Option<Job>) {
        if let Some(session) = self.session() {
            session.status.lock().job = job;
            session.repaint.request_repaint();
        }
    }

    /// Shows which cues wait.
    pub fn show_queued(&self, cues: Vec<u64>) {
        if let Some(session) = self.session() {
            session.status.lock().queued = cues;
            session.repaint.request_repaint();
        }
    }

    /// A take is to be heard in another key.
    pub fn wish(&self, take: u64, key: Option<Key>) {
        self.wishes.lock().insert(take, key);
    }

    /// The wishes; those that `is_open` says no to are forgotten.
    pub fn wishes(&self, is_open: impl Fn(u64, Option<Key>) -> bool) -> BTreeMap<u64, Option<Key>> {
        let mut wishes = self.wishes.lock();
        wishes.retain(|take, key| is_open(*take, *key));
        wishes.clone()
    }

    /// A wish is fulfilled, or cannot be. A newer one for the same take stays.
    pub fn settle(&self, take: u64, key: Option<Key>) {
        let mut wishes = self.wishes.lock();
        if wishes.get(&take) == Some(&key) {
            wishes.remove(&take);
        }
    }

    /// Takes are to be heard as they were fitted to the host's tempo.
    pub fn adopt(&self) {
        self.adopts.store(true, SeqCst);
    }

    /// Whether they are; once.
    pub fn adopts(&self) -> bool {
        self.adopts.swap(false, SeqCst)
    }

    /// The take that was made last since the instance is there.
    pub fn newest(&self) -> Option<u64> {
        *self.newest.lock()
    }

    /// Remembers the take that was made last.
    pub fn set_newest(&self, take: u64) {
        *self.newest.lock() = Some(take);
    }

    /// The project has changed, and perhaps another slot is to be heard. Said to the host at the next
    /// [`tell_host`](Self::tell_host).
    pub fn has_news(&self, select: Option<usize>) {
        let mut news = self.news.lock();
        news.changed = true;
        news.select = select.or(news.select);
    }

    /// Whether the host may be called: only between activation and deactivation, when it cannot drop the instance.
    ///
    /// Waits for a call under way, which is short, but not for long: a host that answers calls on the very thread that
    /// is waiting here would wait for ever.
    pub fn allow_calls(&self, may_call: bool) {
        if let Some(mut news) = self.news.try_lock_for(LONGEST_CALL) {
            news.may_call = may_call;
        }
    }

    /// Tells the host what there is to tell.
    pub fn tell_host(&self, session: &Session) {
        let mut news = self.news.lock();
        if !news.may_call || !news.changed {
            return;
        }
        news.changed = false;
        let select = news.select.take();
        // The framework panics if the instance is gone all the same. `news` stays locked: see `allow_calls`.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            if let Some(slot) = select {
                hear(session, slot);
            }
            session.mark_changed();
        }));
    }
}

/// Sets the `take` parameter, if there is a host to set it.
fn hear(session: &Session, slot: usize) {
    let host = session.host.lock().clone();
    if let Some((host, params)) = host.zip(session.params()) {
        params.select(slot, &host);
    }
}

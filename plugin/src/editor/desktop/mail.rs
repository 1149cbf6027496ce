//! What waits for the editor.

use std::collections::VecDeque;
use std::sync::Arc;

use nice_plug_egui::RepaintNotifier;
use parking_lot::Mutex;

use super::Arrival;

/// A queue from the desktop's threads to the editor, which it wakes. Clones share the queue.
#[derive(Debug, Clone)]
pub struct Mail {
    queue: Arc<Mutex<VecDeque<Arrival>>>,
    repaint: RepaintNotifier,
}

impl Mail {
    /// An empty queue.
    pub fn new(repaint: RepaintNotifier) -> Self {
        Self { queue: Arc::default(), repaint }
    }

    /// Delivers, and wakes the editor.
    pub fn send(&self, arrival: Arrival) {
        self.queue.lock().push_back(arrival);
        self.repaint.request_repaint();
    }

    /// The oldest that waits.
    pub fn take(&self) -> Option<Arrival> {
        self.queue.lock().pop_front()
    }

    /// Wakes the editor for something that is no arrival.
    pub fn wake(&self) {
        self.repaint.request_repaint();
    }
}

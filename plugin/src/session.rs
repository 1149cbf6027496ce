//! What the parts of one plugin instance share: the project, the status of its jobs, and the way to the player.

use std::sync::{Arc, OnceLock, Weak};

use melfusion::error::Stage;
use nice_plug::context::gui::GuiContext;
use nice_plug_egui::RepaintNotifier;
use parking_lot::Mutex;

use crate::clip::Clip;
use crate::desk::Desk;
use crate::link::{BOARD, Delivery, Outbox, PLACES};
use crate::passages::Passages;
use crate::presses::Openings;
use crate::project::{Bed, Project, Sound, Strengths};
use crate::readout::Readout;

/// One instance's shared parts. Never locked by the audio thread.
pub struct Session {
    /// The document.
    pub project: Mutex<Project>,
    /// What goes on.
    pub status: Mutex<Status>,
    /// What the audio thread reports.
    pub readout: Arc<Readout>,
    /// What the editor tells the audio thread.
    pub desk: Arc<Desk>,
    /// What was automated where cues begin.
    pub passages: Passages,
    /// How often a project was opened.
    pub openings: Openings,
    /// The way to the player.
    pub outbox: Mutex<Outbox>,
    /// The storyboard's sound, as it was mixed last.
    pub bed: Mutex<Option<Bed>>,
    /// What the player has been sent.
    sent: Mutex<[Option<Arc<Sound>>; PLACES]>,
    /// Wakes the editor, if it is open.
    pub repaint: RepaintNotifier,
    /// The host, once an editor has been open.
    pub host: Mutex<Option<GuiContext>>,
    params: OnceLock<Weak<dyn Parameters>>,
}

/// The host's parameters, as far as they matter to others than the player and the editor.
pub trait Parameters: Send + Sync {
    /// The slot of the take that is to be heard.
    fn slot(&self) -> usize;

    /// What shapes the next clip.
    fn strengths(&self) -> Strengths;

    /// Whether the storyboard is to be heard, if there is one.
    fn is_board(&self) -> bool;

    /// Has another take heard, by way of the host.
    fn select(&self, slot: usize, host: &GuiContext);

    /// Counts a change of the project, by way of the host: so it knows that there is something to save.
    fn count_change(&self, host: &GuiContext);
}

/// What goes on, for the editor.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// The generation under way.
    pub job: Option<Job>,
    /// Cues that wait for theirs, in order.
    pub queued: Vec<u64>,
    /// Takes on their way to the host's tempo.
    pub fitting: Option<Fitting>,
    /// What to tell the user, where it happened.
    pub notices: Vec<Notice>,
}

/// Takes are stretched to the host's tempo, and are being fitted to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fitting {
    /// The host's tempo, in quarter notes per minute.
    pub bpm: f64,
    /// All are fitted, and wait for the user to have them heard.
    pub is_ready: bool,
}

/// A generation under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The cue that it is for; `None` is the brief.
    pub cue: Option<u64>,
    /// Jobs before it in the queue; 0 while it runs.
    pub ahead: usize,
    /// Where it is.
    pub stage: Stage,
    /// Share of the whole clip that is done, 0..=1.
    pub done: f32,
    /// Estimate; `None` before there is one.
    pub seconds_left: Option<f32>,
}

/// A message, shown where it belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Where in the editor.
    pub place: Place,
    /// What happened and what to do.
    pub text: String,
    /// Something failed; else it is only worth knowing.
    pub is_error: bool,
}

/// Parts of the editor that messages belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The picture well.
    Picture,
    /// Prompt and request.
    Request,
    /// Generating.
    Generate,
    /// The storyboard.
    Board,
    /// The takes.
    Takes,
    /// The bundle and the engine.
    Engine,
    /// Saving and opening the project.
    Project,
}

impl Session {
    /// An empty project.
    pub fn new(outbox: Outbox) -> Arc<Self> {
        Arc::new(Self {
            project: Mutex::new(Project::default()),
            status: Mutex::new(Status::default()),
            readout: Arc::new(Readout::default()),
            desk: Arc::new(Desk::default()),
            passages: Passages::default(),
            openings: Openings::default(),
            outbox: Mutex::new(outbox),
            bed: Mutex::default(),
            sent: Mutex::new(std::array::from_fn(|_| None)),
            repaint: RepaintNotifier::new(),
            host: Mutex::new(None),
            params: OnceLock::new(),
        })
    }

    /// Says which parameters belong to the session; once.
    pub fn set_params(&self, params: Weak<impl Parameters + 'static>) {
        let _ = self.params.set(params);
    }

    /// The instance's parameters, while it lives.
    pub fn params(&self) -> Option<Arc<dyn Parameters>> {
        self.params.get()?.upgrade()
    }

    /// Sends the player what it does not have yet of the project's takes and of the storyboard's bed, and takes back what
    /// is gone. To be called after every change of takes.
    pub fn publish(&self) {
        // Before the takes are looked at: of two threads here, the later must send the later takes.
        let mut sent = self.sent.lock();
        let mut wanted = self.wanted();
        let mut outbox = self.outbox.lock();
        for (slot, (wanted, sent)) in wanted.iter_mut().zip(sent.iter_mut()).enumerate() {
            let sound = wanted.as_ref().map(|(sound, _)| sound.clone());
            if sound.as_ref().map(Arc::as_ptr) == sent.as_ref().map(Arc::as_ptr) {
                continue;
            }
            outbox.send(match wanted.take() {
                Some((_, clip)) => Delivery::Place { slot, clip: Box::new(clip) },
                None => Delivery::Clear { slot },
            });
            *sent = sound;
        }
    }

    /// What the player is to have in each of its slots.
    fn wanted(&self) -> [Option<(Arc<Sound>, Clip)>; PLACES] {
        let mut places = std::array::from_fn(|_| None);
        let project = self.project.lock();
        let board = &project.board;
        let firsts = board.cues.iter().enumerate().map(|(index, cue)| (cue.id, board.start(index) as i32));
        self.passages.place(firsts.collect());
        self.desk.set_has_board(!board.is_empty());
        for (slot, take) in project.live_takes().filter(|(_, take)| !take.sound.is_missing()) {
            places[slot] = Some((take.sound.clone(), Clip::of(take)));
        }
        places[BOARD] = self.bed.lock().as_ref().map(|bed| (bed.sound.clone(), Clip::of_bed(bed)));
        places
    }

    /// Tells the host that there is something to save. Without effect until an editor has been open: only then does
    /// the framework say how.
    pub fn mark_changed(&self) {
        let host = self.host.lock().clone();
        if let Some((host, params)) = host.zip(self.params()) {
            params.count_change(&host);
        }
        self.repaint.request_repaint();
    }

    /// Replaces what was said at `place`; `None` takes it back.
    pub fn tell(&self, place: Place, notice: Option<Notice>) {
        let mut status = self.status.lock();
        status.notices.retain(|notice| notice.place != place);
        status.notices.extend(notice);
        drop(status);
        self.repaint.request_repaint();
    }
}

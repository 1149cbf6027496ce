//! Frames on their way onto the storyboard.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use crossbeam::channel::{Receiver, TryRecvError, unbounded};
use nice_plug_egui::RepaintNotifier;

use super::super::scene::Scene;
use crate::link::CUES;
use crate::project::{Cue, Frame};
use crate::session::Place;

/// Problems that are told one by one.
const TOLD: usize = 3;

/// Pictures that are read one after the other on a thread of their own.
pub(super) struct Reading {
    frames: Receiver<Result<Frame, String>>,
    /// Where the next cue goes.
    index: usize,
    problems: Vec<String>,
    is_done: bool,
}

impl Reading {
    /// Begins to read `paths`, whose cues go to `index` and after.
    ///
    /// # Errors
    ///
    /// There is no thread to be had.
    pub fn begin(paths: Vec<PathBuf>, index: usize, repaint: RepaintNotifier) -> io::Result<Self> {
        let (sender, frames) = unbounded();
        thread::Builder::new().name("melfusion-frames".into()).spawn(move || {
            for path in paths {
                if sender.send(Frame::open(&path).map_err(|error| error.to_string())).is_err() {
                    break;
                }
                repaint.request_repaint();
            }
            drop(sender);
            repaint.request_repaint();
        })?;
        Ok(Self { frames, index, problems: Vec::new(), is_done: false })
    }

    /// Makes cues of the pictures that have been read since the last call; answers the first cue of all.
    pub fn collect(&mut self, scene: &Scene) -> Option<u64> {
        let mut first = None;
        while !self.is_done {
            match self.frames.try_recv() {
                Ok(Ok(frame)) => {
                    let cue = self.place(frame, scene);
                    first = first.or(cue);
                }
                Ok(Err(problem)) => self.problems.push(problem),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.finish(scene);
                }
            }
        }
        first
    }

    /// Whether all are read.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    fn finish(&mut self, scene: &Scene) {
        self.is_done = true;
        if !self.problems.is_empty() {
            let more = self.problems.len().saturating_sub(TOLD);
            let mut told = self.problems.iter().take(TOLD).cloned().collect::<Vec<_>>();
            told.extend((more > 0).then(|| format!("So it is with {more} more.")));
            scene.fail(Place::Board, told.join("\n"));
        }
    }

    fn place(&mut self, frame: Frame, scene: &Scene) -> Option<u64> {
        let mut placed = None;
        scene.edit_project(|project| {
            let id = project.fresh_id();
            if project.board.insert(self.index, vec![Cue::new(id, Some(Arc::new(frame)))]) == 0 {
                self.index += 1;
                placed = Some(id);
            }
        });
        if placed.is_none() {
            self.problems.push(format!("There is room for {CUES} cues; the frames that came after were left out."));
            self.finish(scene);
        }
        placed
    }
}

//! The storyboard as a lane: frames as wide as they are long, in the order in which they are heard.

mod block;
mod frames;
mod head;
mod thumbnails;

use std::path::PathBuf;

use egui::{Align2, Rect, ScrollArea, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

use self::block::Grip;
use self::frames::Reading;
use self::thumbnails::Thumbnails;
use super::host::{Dial, tap};
use super::scene::Scene;
use super::{notices, theme, widgets};
use crate::link::{BOARD, cue_of};
use crate::project::{Board, Cue, Project};
use crate::session::Place;

/// Widths of a bar, in points: as the window allows.
const BAR: std::ops::RangeInclusive<f32> = 12.0..=110.0;
/// Height of the head.
const HEAD: f32 = 30.0;
/// Height of the bar numbers.
const RULER: f32 = 16.0;

/// The lane between frames.
#[derive(Default)]
pub struct Lane {
    /// The cue that is worked on.
    selected: Option<u64>,
    /// What the pointer holds.
    grip: Option<Grip>,
    thumbnails: Thumbnails,
    /// Pictures that are being read.
    reading: Vec<Reading>,
    /// Where the cues were drawn, and how wide a bar was.
    drawn: Option<(Rect, f32)>,
    /// The cue that was heard in the last frame.
    heard: Option<u64>,
}

impl Lane {
    /// Height at which everything is in it, in a window of this height; 0 without a storyboard.
    pub fn height(&self, project: &Project, window: f32) -> f32 {
        let is_there = !project.board.is_empty() || self.is_reading();
        if is_there { (window * 0.26).clamp(148.0, 196.0).round() } else { 0.0 }
    }

    /// Forgets what belongs to a window that was closed.
    pub fn reopen(&mut self) {
        self.thumbnails = Thumbnails::default();
        (self.grip, self.drawn) = (None, None);
    }

    /// Whether pictures are being read.
    pub fn is_reading(&self) -> bool {
        !self.reading.is_empty()
    }

    /// The cue that is worked on; the first, if the user has not said.
    pub fn selected(&mut self, board: &Board) -> Option<u64> {
        let selected = self.selected.filter(|id| board.cue(*id).is_some());
        self.selected = selected.or_else(|| board.cues.first().map(|cue| cue.id));
        self.selected
    }

    /// Whether something that hovers at `at` would be dropped on the lane.
    pub fn contains(&self, at: egui::Pos2) -> bool {
        self.drawn.is_some_and(|(rect, _)| rect.contains(at))
    }

    /// Reads pictures and makes cues of them: before the cue that is at `at`, else behind all.
    pub fn add(&mut self, paths: Vec<PathBuf>, at: Option<egui::Pos2>, scene: &Scene) {
        let board = &scene.project.board;
        let over = at.zip(self.drawn).map(|(at, (rect, bar))| f64::from((at.x - rect.left()) / bar));
        let index = over.and_then(|bar| board.at(bar)).map_or(board.cues.len(), |(index, _)| index);
        if board.is_empty() {
            tap(scene.host, Dial::Board, 1.0);
        }
        match Reading::begin(paths, index, scene.session.repaint.clone()) {
            Ok(reading) => self.reading.push(reading),
            Err(error) => scene.fail(Place::Board, format!("The frames cannot be read now: {error}. Try again.")),
        }
    }

    /// Takes in the pictures that have been read.
    pub fn collect(&mut self, scene: &Scene) {
        if scene.project.board.is_empty() {
            self.drawn = None;
        }
        for reading in &mut self.reading {
            if let Some(first) = reading.collect(scene) {
                self.selected = Some(first);
            }
        }
        self.reading.retain(|reading| !reading.is_done());
    }

    /// Draws the lane.
    pub fn ui(&mut self, ui: &mut Ui, rect: Rect, scene: &Scene) {
        widgets::panel(ui, rect);
        let inner = rect.shrink2(vec2(theme::GAP, theme::GRID));
        let (head, rest) = inner.split_top_bottom_at_y(inner.top() + HEAD);
        self.head(ui, head, scene);
        let rest = notices::show(ui, scene, Place::Board, rest.with_min_y(rest.top() + 4.0));
        if scene.over_lane {
            ui.painter().rect_stroke(rect, theme::ROUND, Stroke::new(2.0, theme::ACCENT), StrokeKind::Inside);
        }
        let bars = scene.project.board.bars().max(1) as f32;
        let bar = match self.grip {
            Some(Grip::Length { bar, .. }) => bar,
            _ => (rest.width() / bars).clamp(*BAR.start(), *BAR.end()),
        };
        widgets::inside(ui, "cues", rest, |ui| {
            ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
                let size = vec2((bars * bar).max(rest.width()), rest.height());
                let (place, _) = ui.allocate_exact_size(size, Sense::hover());
                self.drawn = Some((place, bar));
                self.cues(ui, place, bar, scene);
            });
        });
    }

    fn cues(&mut self, ui: &mut Ui, rect: Rect, bar: f32, scene: &Scene) {
        let (ruler, blocks) = rect.split_top_bottom_at_y(rect.top() + RULER);
        let heard = heard(scene);
        let board = &scene.project.board;
        let current = heard.and_then(|bar| board.at(bar)).map(|(index, _)| index);
        for (index, cue) in board.cues.iter().enumerate() {
            let left = rect.left() + board.start(index) as f32 * bar;
            let place =
                Rect::from_min_max(pos2(left, blocks.top()), pos2(left + cue.bars as f32 * bar, blocks.bottom()));
            number(ui, ruler, left, scene.project.anchor_bar + 1 + board.start(index) as i32);
            let is_current = current == Some(index);
            ui.push_id(cue.id, |ui| self.block(ui, place, index, bar, is_current, scene));
        }
        self.hold(ui, rect, bar, scene);
        self.follow(ui, rect, current, bar, scene);
        if let Some(bars) = heard {
            let x = rect.left() + bars as f32 * bar;
            ui.painter().vline(x, rect.y_range(), Stroke::new(1.5, theme::ACCENT_HOT));
        }
    }

    /// Keeps the cue that is heard in sight.
    fn follow(&mut self, ui: &Ui, rect: Rect, current: Option<usize>, bar: f32, scene: &Scene) {
        let board = &scene.project.board;
        let heard = current.map(|index| board.cues[index].id);
        if std::mem::replace(&mut self.heard, heard) != heard
            && let Some(index) = current.filter(|_| scene.session.readout.playing())
        {
            let left = rect.left() + board.start(index) as f32 * bar;
            let width = board.cues[index].bars as f32 * bar;
            ui.scroll_to_rect(Rect::from_min_size(pos2(left, rect.top()), vec2(width, 1.0)), None);
        }
    }
}

fn number(ui: &Ui, ruler: Rect, x: f32, bar: i32) {
    ui.painter().vline(x, ruler.y_range(), Stroke::new(1.0, theme::LINE));
    let at = pos2(x + 4.0, ruler.center().y);
    ui.painter().text(at, Align2::LEFT_CENTER, bar.to_string(), theme::small_number(), theme::FAINT);
}

/// The bar of the storyboard that is heard, counted from 0; or where the host stands, while nothing of it is heard.
fn heard(scene: &Scene) -> Option<f64> {
    let readout = &scene.session.readout;
    let board = &scene.project.board;
    if let Some(position) = readout.position().map(f64::from) {
        if readout.slot() == BOARD {
            return Some(position * f64::from(board.bars()));
        }
        if let Some((index, cue)) = cue_of(readout.slot()).and_then(|index| Some((index, board.cues.get(index)?))) {
            let bars = cue.take().map_or(cue.bars, |take| take.recipe.bars.min(cue.bars));
            return Some(f64::from(board.start(index)) + position * f64::from(bars));
        }
    }
    let (beats, unit) = readout.meter().filter(|(_, unit)| *unit > 0)?;
    let bar = f64::from(beats) * 4.0 / f64::from(unit);
    let bar = readout.beats() / bar - f64::from(scene.project.anchor_bar);
    Some(bar).filter(|bar| (0.0..f64::from(board.bars())).contains(bar))
}

/// What people call the cue at `index`.
fn title(index: usize, cue: &Cue) -> String {
    if cue.name.is_empty() { format!("Cue {}", index + 1) } else { format!("Cue {}: {}", index + 1, cue.name) }
}

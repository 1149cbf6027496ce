//! What is said of the picture, where the bundle hears pictures through words: shown, changed, and left to the bundle again.

use std::sync::Arc;

use crossbeam::channel::{Receiver, TryRecvError, bounded};
use egui::{Align2, Id, Rect, ScrollArea, TextEdit, Ui, vec2};
use melfusion::image::Crop;

use super::scene::Scene;
use super::widgets::{self, Look};
use super::{theme, words};
use crate::project::Frame;

/// The field's name.
const NAME: &str = "Picture in words";
/// Height of the label.
const LABEL: f32 = 20.0;
/// Heights of the field.
const TWO_LINES: f32 = 44.0;
const ONE_LINE: f32 = 28.0;
/// Height of picture and phrase below which the picture needs it more.
const NARROW: f32 = 200.0;
/// Descriptions that are remembered: as many as there can be cues.
const KEPT: usize = crate::link::CUES;

/// The phrase between frames.
#[derive(Default)]
pub struct Phrase {
    /// What was found in pictures, the latest last.
    known: Vec<(Sight, String)>,
    /// What is looked at on a thread of its own.
    looking: Option<(Sight, Receiver<String>)>,
}

/// What there is to describe: a picture by its hash, and the part of it that is looked at.
type Sight = (String, Option<Crop>);

impl Phrase {
    /// Height of label and field, if picture and phrase share `room`: a field of one line without a label where that is
    /// little, and 0 where nothing is shown.
    pub fn height(scene: &Scene, room: f32) -> f32 {
        match is_shown(scene) {
            true if room < NARROW => ONE_LINE,
            true => LABEL + TWO_LINES,
            false => 0.0,
        }
    }

    /// Draws them: what the bundle says of the picture, or what the user has it say instead.
    pub fn ui(&mut self, ui: &mut Ui, rect: Rect, scene: &Scene) {
        let Some(frame) = scene.picture().filter(|_| is_shown(scene)) else { return };
        let found = self.found(frame, scene.cue().and_then(|cue| cue.crop), scene);
        let own = scene.picture_words();
        if rect.height() > ONE_LINE {
            widgets::caps(ui, rect.left_top() + vec2(0.0, 8.0), Align2::LEFT_CENTER, NAME, theme::MUTED);
        }
        let [well, back] = places(ui, rect, own.is_some());
        if own.is_some() {
            let back = widgets::button(ui, back, "Automatic", Look::Quiet, true);
            if back.on_hover_text("Says again what is found in the picture").clicked() {
                scene.set_picture_words(None);
            }
        }
        if let Some(text) = field(ui, well, (own, found), scene.cue) {
            let is_own = found != Some(text.as_str());
            scene.set_picture_words(is_own.then_some(text));
        }
    }

    /// What is found in `frame`, or the part of it; `None` until that is known. Large pictures take a while to read, and a
    /// window must not wait.
    fn found(&mut self, frame: &Arc<Frame>, crop: Option<Crop>, scene: &Scene) -> Option<&str> {
        self.collect();
        let sight = (frame.sha256.clone(), crop);
        let is_known = self.known.iter().any(|(known, _)| *known == sight);
        let is_awaited = self.looking.as_ref().is_some_and(|(looking, _)| *looking == sight);
        if !is_known && !is_awaited {
            self.look(frame.clone(), sight.clone(), scene);
        }
        self.known.iter().find(|(known, _)| *known == sight).map(|(_, found)| found.as_str())
    }

    fn look(&mut self, frame: Arc<Frame>, sight: Sight, scene: &Scene) {
        let (sender, receiver) = bounded(1);
        let (crop, repaint) = (sight.1, scene.session.repaint.clone());
        // If there is no thread to be had, the next frame tries again.
        let spawned = std::thread::Builder::new().name("melfusion-phrase".into()).spawn(move || {
            // Nobody waits any more if the window shows another picture meanwhile.
            let _ = sender.send(describe(&frame, crop));
            repaint.request_repaint();
        });
        self.looking = spawned.is_ok().then_some((sight, receiver));
    }

    fn collect(&mut self) {
        let Some((sight, receiver)) = &self.looking else { return };
        let found = match receiver.try_recv() {
            Ok(found) => found,
            Err(TryRecvError::Empty) => return,
            // A decoder panicked: nothing can be said of this one.
            Err(TryRecvError::Disconnected) => String::new(),
        };
        self.known.push((sight.clone(), found));
        if self.known.len() > KEPT {
            self.known.remove(0);
        }
        self.looking = None;
    }
}

/// Where nobody would hear it, a phrase is shown only if the user wrote it.
fn is_shown(scene: &Scene) -> bool {
    scene.picture().is_some() && (scene.describes_pictures || scene.picture_words().is_some())
}

/// Where the field is, and the way back to the bundle's words if there is one.
fn places(ui: &Ui, rect: Rect, has_way_back: bool) -> [Rect; 2] {
    let left = rect.right() - widgets::quiet_width(ui, "Automatic");
    if rect.height() > ONE_LINE {
        let (label, well) = rect.split_top_bottom_at_y(rect.top() + LABEL);
        return [well, label.with_min_x(left).with_min_y(rect.top() - 4.0)];
    }
    [if has_way_back { rect.with_max_x(left - 4.0) } else { rect }, rect.with_min_x(left)]
}

/// The words that the engine finds, as it is given the picture: from the same file and the same part.
fn describe(frame: &Frame, crop: Option<Crop>) -> String {
    let Ok((picture, _)) = frame.picture() else { return String::new() };
    crop.map_or_else(|| picture.words(), |crop| picture.cropped(crop).words())
}

/// Answers the text, if it was changed.
fn field(ui: &mut Ui, well: Rect, (own, found): (Option<&str>, Option<&str>), cue: Option<u64>) -> Option<String> {
    let id = Id::unique(("phrase", cue));
    widgets::well(ui, well, ui.memory(|memory| memory.has_focus(id)));
    let mut text = own.or(found).unwrap_or_default().to_owned();
    let hint = if own.is_some() || found.is_some() { "Nothing is said of it" } else { "Looking at it…" };
    let inner = well.shrink2(vec2(theme::GRID, 6.0));
    let edit = match well.height() > ONE_LINE {
        true => TextEdit::multiline(&mut text).return_key(None).desired_rows(2),
        false => TextEdit::singleline(&mut text),
    };
    let edit = edit
        .id(id)
        .font(theme::small())
        .text_color(if own.is_some() { theme::TEXT } else { theme::MUTED })
        .hint_text(egui::RichText::new(hint).font(theme::small()))
        .frame(egui::Frame::NONE)
        .desired_width(inner.width() - 8.0);
    let response = widgets::inside(ui, NAME, inner, |ui| {
        ScrollArea::vertical().id_salt(NAME).auto_shrink(false).show(ui, |ui| ui.add(edit)).inner
    });
    let response = response.accessible_name(NAME);
    words::catch_clicks(ui, well, &response);
    response.changed().then_some(text)
}

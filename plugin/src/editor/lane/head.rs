//! What is said of the whole storyboard, and done with it.

use egui::{Align2, Rect, Response, Sense, Ui, vec2};

use super::super::host::{Dial, tap};
use super::super::scene::Scene;
use super::super::takes::{cut_left, cut_right};
use super::super::widgets::{self, Look};
use super::super::{listen, theme};
use super::Lane;

impl Lane {
    pub(super) fn head(&mut self, ui: &mut Ui, rect: Rect, scene: &Scene) {
        self.thumbnails.begin(&scene.project.board.cues);
        let mut rest = rect;
        let on = scene.host.value(Dial::Board) >= 0.5;
        let switch = cut_left(&mut rest, 176.0);
        let (board, takes) = switch.split_left_right_at_fraction(0.58);
        if toggle(ui, board, "Storyboard", on).on_hover_text("The storyboard is heard").clicked() && !on {
            tap(scene.host, Dial::Board, 1.0);
        }
        if toggle(ui, takes, "Takes", !on).on_hover_text("A single take is heard").clicked() && on {
            tap(scene.host, Dial::Board, 0.0);
        }
        let add = cut_right(&mut rest, 116.0);
        cut_right(&mut rest, theme::GRID);
        if widgets::button(ui, add, "Add frames…", Look::Raised, true).clicked() {
            scene.host.desktop().choose_frames();
        }
        let notes = cut_right(&mut rest, 112.0);
        let by_note = scene.host.value(Dial::ByNote) >= 0.5;
        let hint =
            "MIDI notes choose the cue that sounds, from the next bar line on: note 36 (C1) the first, and so on up";
        if toggle(ui, notes, "Cues by note", by_note).on_hover_text(hint).clicked() {
            tap(scene.host, Dial::ByNote, if by_note { 0.0 } else { 1.0 });
        }
        let text = rest.shrink2(vec2(theme::GAP, 0.0));
        widgets::write(ui, text, Align2::LEFT_CENTER, &summary(scene), theme::small(), theme::MUTED);
    }
}

/// "6 cues, 24 bars, 0:48 · 2 without music"
fn summary(scene: &Scene) -> String {
    let board = &scene.project.board;
    let count = |number: usize, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
    let quarters = scene.project.meter().map_or(4.0, |meter| meter.quarters());
    let tempo = scene.project.brief.bpm.or(scene.session.readout.tempo());
    let time = tempo.map_or(String::new(), |bpm| {
        let seconds = (f64::from(board.bars()) * quarters * 60.0 / bpm).round() as u64;
        format!(", {}:{:02} at {}", seconds / 60, seconds % 60, listen::tempo(bpm))
    });
    let empty = board.cues.iter().filter(|cue| cue.take().is_none()).count();
    let old = board.wanting(&scene.project.brief).count() - empty;
    let empty = if empty > 0 { format!(" · {empty} without music") } else { String::new() };
    let old = if old > 0 { format!(" · {old} changed since") } else { String::new() };
    format!("{}, {}{time}{empty}{old}", count(board.cues.len(), "cue"), count(board.bars() as usize, "bar"))
}

/// A button that stays down.
pub(in super::super) fn toggle(ui: &Ui, rect: Rect, name: &str, on: bool) -> Response {
    let response = widgets::press(ui, rect, name, name, Some(on), Sense::click());
    let (fill, ink) = match (on, response.hovered()) {
        (true, _) => (theme::ACCENT_DEEP, theme::ACCENT),
        (false, true) => (theme::RAISED_HOT, theme::TEXT),
        (false, false) => (theme::RAISED, theme::MUTED),
    };
    ui.painter().rect_filled(rect.shrink(0.5), theme::ROUND_SMALL, fill);
    widgets::write(ui, rect, Align2::CENTER_CENTER, name, theme::small(), ink);
    response
}

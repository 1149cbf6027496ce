//! One cue on the lane.

use egui::{Align2, Color32, CursorIcon, Rect, Sense, Stroke, StrokeKind, Ui, pos2, vec2};
use melfusion::storyboard::Transition;

use super::super::icons::Icon;
use super::super::scene::Scene;
use super::super::{theme, widgets};
use super::{Lane, title};
use crate::link::cue_slot;
use crate::project::Cue;

/// Height of the words.
const WORDS: f32 = 16.0;
/// Height of the influence's lane.
const INFLUENCE: f32 = 20.0;
/// Width of the edge that is dragged.
const EDGE: f32 = 7.0;

/// What the pointer holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Grip {
    /// A cue, on its way elsewhere.
    Cue(u64),
    /// A cue's end. Until it is let go, a bar stays as wide as it was.
    Length { cue: u64, left: f32, bar: f32 },
}

impl Lane {
    /// Draws the cue at `index` and does what the user asks of it.
    pub(super) fn block(&mut self, ui: &mut Ui, place: Rect, index: usize, bar: f32, is_current: bool, scene: &Scene) {
        let cue = &scene.project.board.cues[index];
        let place = place.shrink2(vec2(1.0, 0.0));
        let (rest, influence) = place.split_top_bottom_at_y(place.bottom() - INFLUENCE);
        let (still, words) = rest.split_top_bottom_at_y(rest.bottom() - WORDS);
        self.body(ui, still, index, is_current, scene);
        self.edge(ui, still, cue, bar);
        self.still(ui, still, index, is_current, scene);
        audition(ui, still, index, cue, scene);
        let ink = if cue.words.is_empty() { theme::FAINT } else { theme::MUTED };
        let text = if cue.words.is_empty() { "no words" } else { &cue.words };
        widgets::write(ui, words.shrink2(vec2(3.0, 0.0)), Align2::LEFT_CENTER, text, theme::small(), ink);
        strength(ui, influence.shrink2(vec2(0.0, 2.0)), index, cue, scene);
    }

    /// The frame as a whole: click selects, drag moves.
    fn body(&mut self, ui: &Ui, rect: Rect, index: usize, is_current: bool, scene: &Scene) {
        let cue = &scene.project.board.cues[index];
        let is_selected = scene.cue == Some(cue.id);
        let bars = if cue.bars == 1 { "1 bar".to_owned() } else { format!("{} bars", cue.bars) };
        let (state, _) = state(index, cue, scene);
        let heard = if is_current { "heard" } else { "" };
        let parts = [title(index, cue), bars, state, heard.to_owned()];
        let name = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        let response = widgets::press(ui, rect, "cue", &name, Some(is_selected), Sense::click_and_drag());
        if response.clicked() {
            self.selected = Some(cue.id);
        }
        if response.drag_started() {
            self.grip = Some(Grip::Cue(cue.id));
            self.selected = Some(cue.id);
        }
        response.context_menu(|ui| self.menu(ui, index, scene));
    }

    /// The end of the frame, which makes it longer and shorter.
    fn edge(&mut self, ui: &Ui, rect: Rect, cue: &Cue, bar: f32) {
        let edge = rect.with_min_x(rect.right() - EDGE);
        let response = widgets::press(ui, edge, "end", &format!("End of {}", cue.name), None, Sense::click_and_drag());
        if response.hovered() || response.dragged() {
            ui.ctx().set_cursor_icon(CursorIcon::ResizeHorizontal);
        }
        if response.drag_started() {
            self.grip = Some(Grip::Length { cue: cue.id, left: rect.left() - 1.0, bar });
        }
    }

    fn menu(&mut self, ui: &mut Ui, index: usize, scene: &Scene) {
        let cue = &scene.project.board.cues[index];
        self.selected = Some(cue.id);
        if ui.button("Generate this cue").clicked() {
            scene.host.generate_cue(cue.id);
        }
        for (name, to) in [("Move left", index.checked_sub(1)), ("Move right", Some(index + 1))] {
            let to = to.filter(|to| *to < scene.project.board.cues.len());
            if ui.add_enabled(to.is_some(), egui::Button::new(name)).clicked()
                && let Some(to) = to
            {
                scene.edit_board(|board| board.reorder(index, to));
            }
        }
        if ui.button("Delete cue").clicked() {
            scene.delete_cue(cue.id);
        }
    }

    /// Carries on what the pointer holds.
    pub(super) fn hold(&mut self, ui: &Ui, rect: Rect, bar: f32, scene: &Scene) {
        let Some(grip) = self.grip else { return };
        let board = &scene.project.board;
        let pointer = ui.input(|input| input.pointer.interact_pos());
        let is_held = ui.input(|input| input.pointer.any_down());
        match (grip, pointer) {
            (Grip::Length { cue, left, bar }, Some(at)) => {
                let bars = ((at.x - left) / bar).round().max(1.0) as u32;
                let bars = bars.clamp(*Cue::BARS.start(), *Cue::BARS.end());
                if board.cue(cue).is_some_and(|cue| cue.bars != bars) {
                    scene.edit_cue(cue, |cue| cue.bars = bars);
                }
            }
            (Grip::Cue(cue), Some(at)) => {
                ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
                let over = f64::from((at.x - rect.left()) / bar).clamp(0.0, f64::from(board.bars()) - 1e-3);
                let to = board.at(over).map(|(index, _)| index);
                if let Some((from, to)) = board.index_of(cue).zip(to) {
                    let to_bar = board.start(if to > from { to + 1 } else { to });
                    let x = rect.left() + to_bar as f32 * bar;
                    if from != to {
                        ui.painter().vline(x, rect.y_range(), Stroke::new(3.0, theme::ACCENT));
                    }
                    if !is_held {
                        scene.edit_board(|board| board.reorder(from, to));
                    }
                }
            }
            (_, None) => {}
        }
        if !is_held {
            self.grip = None;
        }
    }

    fn still(&mut self, ui: &Ui, rect: Rect, index: usize, is_current: bool, scene: &Scene) {
        let cue = &scene.project.board.cues[index];
        widgets::well(ui, rect, false);
        self.thumbnails.paint(ui, rect, cue);
        transition(ui, rect, cue.transition, index);
        let (text, done) = state(index, cue, scene);
        let bottom = rect.with_min_y(rect.bottom() - 17.0);
        ui.painter().rect_filled(bottom, theme::ROUND_SMALL, Color32::from_black_alpha(170));
        if let Some(done) = done {
            let bar = bottom.with_max_x(egui::lerp(bottom.left()..=bottom.right(), done));
            ui.painter().rect_filled(bar, theme::ROUND_SMALL, theme::ACCENT_DEEP);
        }
        let name = bottom.shrink2(vec2(4.0, 0.0));
        let ink = if cue.take().is_some() { theme::TEXT } else { theme::ACCENT };
        let words = if done.is_some() { format!("{text}  {}", cue.name) } else { format!("{}  {text}", cue.name) };
        widgets::write(ui, name, Align2::LEFT_CENTER, &words, theme::small(), ink);
        if is_current {
            ui.painter().rect_filled(rect.with_max_y(rect.top() + 3.0), theme::ROUND_SMALL, theme::ACCENT_HOT);
        }
        if scene.cue == Some(cue.id) {
            ui.painter().rect_stroke(rect, theme::ROUND_SMALL, Stroke::new(2.0, theme::ACCENT), StrokeKind::Inside);
        }
    }
}

/// How far the music of a cue is, and the share that is done while it is made.
fn state(index: usize, cue: &Cue, scene: &Scene) -> (String, Option<f32>) {
    let job = scene.status.job.as_ref().filter(|job| job.cue == Some(cue.id));
    if let Some(job) = job.filter(|job| job.ahead == 0) {
        return (format!("{:.0} %", job.done * 100.0), Some(job.done.clamp(0.0, 1.0)));
    }
    if job.is_some() || scene.status.queued.contains(&cue.id) {
        return ("queued".into(), Some(0.0));
    }
    match cue.take() {
        None => ("no music yet".into(), None),
        Some(take) if take.sound.is_missing() => ("sound missing".into(), None),
        Some(_) if !scene.project.board.is_current(index, &scene.project.brief) => ("changed since".into(), None),
        Some(_) => (String::new(), None),
    }
}

/// How the cue is entered: a wedge that rises over the bars before it would hide them, so it stands at its beginning.
fn transition(ui: &Ui, rect: Rect, transition: Transition, index: usize) {
    if index == 0 || transition == Transition::Cut {
        return;
    }
    let (size, top) = (12.0, rect.left_top());
    let wedge = vec![top, top + vec2(size, 0.0), top + vec2(0.0, size)];
    ui.painter().add(egui::Shape::convex_polygon(wedge, theme::ACCENT, Stroke::NONE));
    if matches!(transition, Transition::Morph { .. }) {
        let line = [top + vec2(size + 4.0, 0.0), top + vec2(0.0, size + 4.0)];
        ui.painter().line_segment(line, Stroke::new(1.5, theme::ACCENT));
    }
}

fn audition(ui: &mut Ui, rect: Rect, index: usize, cue: &Cue, scene: &Scene) {
    if rect.width() < 44.0 || cue.take().is_none() {
        return;
    }
    let desk = &scene.session.desk;
    let on = desk.audition() == Some(cue_slot(index));
    let place = Rect::from_min_size(pos2(rect.right() - 24.0 - EDGE, rect.top() + 2.0), vec2(22.0, 22.0));
    ui.painter().rect_filled(place, theme::ROUND_SMALL, Color32::from_black_alpha(150));
    let (icon, verb) = if on { (Icon::Stop, "Stop") } else { (Icon::Play, "Listen to") };
    if widgets::icon(ui, place, icon, &format!("{verb} cue {}", index + 1), on, true).clicked() {
        desk.set_audition(if on { None } else { Some(cue_slot(index)) });
    }
}

/// How much the picture is heard: drag for a value of the cue's own, double click to follow the parameter.
fn strength(ui: &Ui, rect: Rect, index: usize, cue: &Cue, scene: &Scene) {
    let follows = scene.influence_at(index);
    let value = cue.influence.unwrap_or(follows);
    let text = match cue.influence {
        Some(own) => format!("{:.0} %", own * 100.0),
        None => format!("auto {:.0} %", follows * 100.0),
    };
    let name = format!("Influence of cue {} {text}", index + 1);
    let response = widgets::press(ui, rect, "influence", &name, None, Sense::click_and_drag());
    let hint = "Influence of the picture: drag for a value of this cue's own, double click to follow the parameter, as it \
                was when the song last passed the cue's first bar";
    if response.dragged()
        && let Some(at) = response.interact_pointer_pos()
    {
        let share = f64::from(egui::remap_clamp(at.x, rect.x_range(), 0.0..=1.0));
        scene.edit_cue(cue.id, |cue| cue.influence = Some((share * 100.0).round() / 100.0));
    }
    if response.double_clicked() {
        scene.edit_cue(cue.id, |cue| cue.influence = None);
    }
    let ink = if cue.influence.is_some() { theme::ACCENT } else { theme::FAINT };
    ui.painter().rect_filled(rect, 2.0, theme::WELL);
    let fill = rect.with_max_x(egui::lerp(rect.left()..=rect.right(), value as f32));
    ui.painter().rect_filled(fill, 2.0, ink.gamma_multiply(0.35));
    let text = if rect.width() < 44.0 { String::new() } else { text };
    widgets::write(ui, rect.shrink2(vec2(4.0, 0.0)), Align2::LEFT_CENTER, &text, theme::small_number(), theme::TEXT);
    response.on_hover_text(hint);
}

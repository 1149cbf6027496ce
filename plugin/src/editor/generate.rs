//! The button, and what takes its place while a clip is made.

use egui::{Align2, Rect, Role, Sense, Ui, WidgetInfo, vec2};

use super::scene::Scene;
use super::theme;
use super::widgets::{self, Look};
use crate::project::Cue;
use crate::session::Job;

/// Height of the button.
pub const HEIGHT: f32 = 48.0;

/// Draws the button, or the progress of the clip that is being made.
pub fn ui(ui: &mut Ui, rect: Rect, scene: &Scene) {
    match &scene.status.job {
        Some(job) => progress(ui, rect, job, scene),
        None => match scene.cue() {
            Some(cue) => buttons(ui, rect, cue, scene),
            None => button(ui, rect, scene),
        },
    }
}

/// Of a storyboard: one cue, or all that are wanting.
fn buttons(ui: &mut Ui, rect: Rect, cue: &Cue, scene: &Scene) {
    let board = &scene.project.board;
    let wanting = board.wanting(&scene.project.brief).count();
    let all = match wanting {
        0 => "Generate all anew".to_owned(),
        n if n == board.cues.len() => "Generate all".to_owned(),
        1 => "Generate 1 cue".to_owned(),
        n => format!("Generate {n} cues"),
    };
    let (one, rest) = rect.split_left_right_at_fraction(0.42);
    let has_room = cue.takes.len() < Cue::TAKES;
    let name = if has_room { "Generate this cue" } else { "Delete a take first" };
    if widgets::button(ui, one.with_max_x(one.right() - theme::GRID), name, Look::Raised, has_room).clicked() {
        scene.host.generate_cue(cue.id);
    }
    let response = widgets::press(ui, rest, "generate all", &all, None, Sense::click());
    let fill = if response.hovered() { theme::ACCENT_HOT } else { theme::ACCENT };
    ui.painter().rect_filled(rest, theme::ROUND_SMALL, fill);
    widgets::write(ui, rest, Align2::CENTER_CENTER, &all, theme::display(), theme::ON_ACCENT);
    if response.clicked() {
        scene.host.generate_board();
    }
}

fn button(ui: &mut Ui, rect: Rect, scene: &Scene) {
    let full = scene.project.takes.iter().all(Option::is_some);
    widgets::part(ui, rect, "button", !full, |ui| {
        let response = widgets::press(ui, rect, "generate", "Generate", None, Sense::click());
        let fill = match (full, response.hovered()) {
            (true, _) => theme::RAISED,
            (false, true) => theme::ACCENT_HOT,
            (false, false) => theme::ACCENT,
        };
        let ink = if full { theme::MUTED } else { theme::ON_ACCENT };
        ui.painter().rect_filled(rect, theme::ROUND_SMALL, fill);
        let words = rect.shrink2(vec2(theme::GAP, 0.0));
        let place = widgets::write(ui, words, Align2::LEFT_CENTER, "Generate", theme::display(), ink);
        let rest = words.with_min_x(place.right() + theme::GAP);
        let remark = if full { "All 16 takes are used: delete one first".to_owned() } else { summary(scene) };
        widgets::write(ui, rest, Align2::RIGHT_CENTER, &remark, theme::small(), ink);
        if response.clicked() {
            scene.host.generate();
        }
    });
}

/// What will be made, in a few words.
fn summary(scene: &Scene) -> String {
    let brief = &scene.project.brief;
    let from = match (brief.picture.is_some(), !brief.prompt.trim().is_empty()) {
        (true, true) => "from picture and words",
        (true, false) => "from the picture",
        (false, true) => "from words",
        (false, false) => "a surprise",
    };
    let bars = if brief.bars == 1 { "1 bar".to_owned() } else { format!("{} bars", brief.bars) };
    let key = brief.key.map_or(String::new(), |key| format!(" · {key}"));
    format!("{bars}{key} · {from}")
}

fn progress(ui: &mut Ui, rect: Rect, job: &Job, scene: &Scene) {
    let cancel = rect.with_min_x(rect.right() - 96.0);
    let bar = rect.with_max_x(cancel.left() - theme::GRID);
    widgets::well(ui, bar, false);
    let done = if job.ahead > 0 { 0.0 } else { job.done.clamp(0.0, 1.0) };
    let fill = bar.with_max_x(egui::lerp(bar.left()..=bar.right(), done));
    ui.painter().rect_filled(fill, theme::ROUND_SMALL, theme::ACCENT_DEEP);
    let edge = egui::Rect::from_min_max(egui::pos2(bar.left(), bar.bottom() - 3.0), fill.max);
    ui.painter().rect_filled(edge, theme::ROUND_SMALL, theme::ACCENT);
    let words = bar.shrink2(vec2(theme::GAP, 0.0));
    let stage = of_cue(job, scene) + &stage(job);
    let place = widgets::write(ui, words, Align2::LEFT_CENTER, &stage, theme::title(), theme::TEXT);
    let rest = words.with_min_x(place.right() + theme::GRID);
    let left = left(job, done);
    widgets::write(ui, rest, Align2::RIGHT_CENTER, &left, theme::number(), theme::ACCENT);
    let response = ui.interact(bar, ui.scope_id().with("progress"), Sense::hover());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, format!("{stage}, {left}"));
        info.value = Some(f64::from(done));
        info
    });
    if widgets::button(ui, cancel, "Cancel", Look::Raised, true).clicked() {
        scene.host.cancel();
    }
}

/// "Cue 2, 3 more: "
fn of_cue(job: &Job, scene: &Scene) -> String {
    let index = job.cue.and_then(|cue| scene.project.board.index_of(cue));
    let queued = scene.status.queued.iter().filter(|cue| Some(**cue) != job.cue).count();
    let more = if queued > 0 { format!(", {queued} more") } else { String::new() };
    index.map_or(String::new(), |index| format!("Cue {}{more}: ", index + 1))
}

fn stage(job: &Job) -> String {
    match job.ahead {
        0 => capital(&job.stage.to_string()),
        1 => "Waiting for one other clip".to_owned(),
        n => format!("Waiting for {n} other clips"),
    }
}

fn left(job: &Job, done: f32) -> String {
    match job.seconds_left {
        Some(seconds) if job.ahead == 0 => format!("{:.0} s left", seconds.ceil()),
        _ if job.ahead > 0 => "in the queue".to_owned(),
        _ => format!("{:.0} %", done * 100.0),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

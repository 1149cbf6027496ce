//! The head of the window: name, the host's time and whether takes are fitted to it, undo and redo.

use egui::{Align2, Pos2, Rect, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::history::History;
use super::icons::Icon;
use super::scene::Scene;
use super::widgets::{self, Look};
use super::{listen, theme};
use crate::session::Fitting;

/// Width of what is said of fitting.
const FITTING: f32 = 80.0;

/// What the user asked of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// One back.
    Undo,
    /// One forward.
    Redo,
}

/// Draws all but the engine; returns what was asked of the history.
pub fn ui(ui: &mut Ui, rect: Rect, history: &History, scene: &Scene) -> Option<Step> {
    let end = wordmark(ui, rect);
    let mut right = rect;
    let redo = button(ui, &mut right, Icon::Redo, "Redo", history.can_redo());
    let undo = button(ui, &mut right, Icon::Undo, "Undo", history.can_undo());
    let readouts = Rect::from_min_max(pos2(end + 3.0 * theme::GRID, rect.top()), right.right_bottom());
    let left = time(ui, readouts.with_max_x(readouts.right() - theme::GAP), scene);
    fitting(ui, pos2(left, rect.top()), rect.height(), scene);
    undo.then_some(Step::Undo).or_else(|| redo.then_some(Step::Redo))
}

fn button(ui: &mut Ui, rest: &mut Rect, icon: Icon, name: &str, enabled: bool) -> bool {
    let place = Rect::from_center_size(pos2(rest.right() - 16.0, rest.center().y), Vec2::splat(theme::FIELD));
    rest.max.x -= 34.0;
    widgets::icon(ui, place, icon, name, false, enabled).clicked()
}

/// A lens that sees a wave.
fn wordmark(ui: &Ui, rect: Rect) -> f32 {
    let centre = pos2(rect.left() + 12.0, rect.center().y);
    let painter = ui.painter();
    painter.circle_stroke(centre, 11.0, Stroke::new(1.5, theme::ACCENT));
    for (i, height) in [3.0, 6.5, 4.0, 7.5, 3.0].into_iter().enumerate() {
        let x = centre.x - 6.0 + 3.0 * i as f32;
        painter.vline(x, centre.y - height..=centre.y + height, Stroke::new(1.5, theme::ACCENT));
    }
    let text = rect.with_min_x(centre.x + 20.0);
    widgets::write(ui, text, Align2::LEFT_CENTER, "MeLFusion", theme::display(), theme::TEXT).right()
}

/// The host's time; returns where its left end is.
fn time(ui: &Ui, rect: Rect, scene: &Scene) -> f32 {
    let readout = &scene.session.readout;
    let tempo = readout.tempo().map_or("–".to_owned(), listen::tempo);
    let meter = readout.meter().map_or("–".to_owned(), |(beats, unit)| format!("{beats}/{unit}"));
    let place = place(readout.beats(), readout.meter());
    let mut right = rect.right();
    let entries = [("Bar", place, 88.0), ("Meter", meter.clone(), 52.0), ("Tempo", tempo.clone(), 84.0)];
    for (name, value, width) in entries {
        let cell = Rect::from_min_max(pos2(right - width, rect.top()), pos2(right, rect.bottom()));
        if cell.left() < rect.left() {
            break;
        }
        right -= width + theme::GAP;
        widgets::caps(ui, cell.left_top() + vec2(0.0, 11.0), Align2::LEFT_TOP, name, theme::FAINT);
        let live = readout.playing() && name == "Bar";
        let ink = if live { theme::ACCENT } else { theme::TEXT };
        let number = cell.with_min_y(cell.top() + 22.0).with_max_y(cell.bottom() - 4.0);
        widgets::write(ui, number, Align2::LEFT_CENTER, &value, theme::big_number(), ink);
    }
    let response = ui.interact(rect.with_min_x(right.max(rect.left())), ui.scope_id().with("time"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Host tempo {tempo}, meter {meter}")));
    right
}

/// Says that takes are stretched to the host's tempo, and offers what they were fitted to it. Ends at `end`.
fn fitting(ui: &mut Ui, end: Pos2, height: f32, scene: &Scene) {
    let Some(Fitting { bpm, is_ready }) = scene.status.fitting else { return };
    let cell = Rect::from_min_max(pos2(end.x - FITTING, end.y), pos2(end.x, end.y + height));
    widgets::caps(ui, cell.left_top() + vec2(0.0, 11.0), Align2::LEFT_TOP, "Stretched", theme::FAINT);
    let below = cell.with_min_y(cell.top() + 26.0).with_max_y(cell.bottom() - 4.0);
    let tempo = listen::tempo(bpm);
    if is_ready {
        let hint = format!(
            "Takes are stretched to the host's tempo. Have them played at {tempo} instead, from the host's next start, \
             jump or loop on; this is saved with the project."
        );
        let button = widgets::button(ui, below, "Fit", Look::Raised, true);
        if button.on_hover_text(hint).clicked() {
            scene.host.adopt();
        }
        return;
    }
    widgets::write(ui, below, Align2::LEFT_CENTER, "Fitting…", theme::body(), theme::MUTED);
    let label = ui.interact(below, ui.scope_id().with("fitting"), Sense::hover());
    label.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Fitting to {tempo}…")));
}

/// Bar and beat, both from 1.
fn place(beats: f64, meter: Option<(u32, u32)>) -> String {
    if !beats.is_finite() {
        return "–".to_owned();
    }
    let (numerator, denominator) = meter.filter(|(_, unit)| *unit > 0).unwrap_or((4, 4));
    let unit = 4.0 / f64::from(denominator);
    let bar = f64::from(numerator.max(1)) * unit;
    // A host that counts in 1920ths of a beat must not show the beat before.
    let beats = beats + 1e-3;
    let beat = (beats.rem_euclid(bar) / unit).floor() + 1.0;
    format!("{}.{}", (beats / bar).floor() + 1.0, beat)
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn bars_and_beats_count_from_one_in_every_meter() {
        assert_eq!(place(0.0, Some((4, 4))), "1.1");
        assert_eq!(place(5.0, Some((4, 4))), "2.2");
        assert_eq!(place(3.0, Some((6, 8))), "2.1");
        assert_eq!(place(-1.0, Some((4, 4))), "0.4");
        assert_eq!(place(3.9997, Some((4, 4))), "2.1");
        assert_eq!(place(f64::NAN, None), "–");
    }
}

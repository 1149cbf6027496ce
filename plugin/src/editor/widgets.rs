//! The few parts that everything is made of. Each is placed by its rectangle, so that the grid holds.

use std::sync::Arc;

use egui::text::{CCursor, CCursorRange, LayoutJob, TextFormat, TextWrapping};
use egui::{Align2, Color32, FontId, Galley, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo};

use super::icons::Icon;
use super::theme;

/// How much a button asks to be pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Words only.
    Quiet,
    /// Stands out from its panel.
    Raised,
}

/// A child that fills `rect` and stays in it.
pub fn inside<R>(ui: &mut Ui, salt: &str, rect: Rect, content: impl FnOnce(&mut Ui) -> R) -> R {
    let builder = egui::UiBuilder::new().id_salt(salt).max_rect(rect);
    ui.scope_builder(builder, |ui| {
        ui.shrink_clip_rect(rect.expand(1.0));
        content(ui)
    })
    .inner
}

/// The ground of a group of controls.
pub fn panel(ui: &Ui, rect: Rect) {
    ui.painter().rect_filled(rect, theme::ROUND, theme::PANEL);
}

/// A sunken field.
pub fn well(ui: &Ui, rect: Rect, focused: bool) {
    let edge = Stroke::new(1.0, if focused { theme::ACCENT } else { theme::EDGE });
    ui.painter().rect(rect, theme::ROUND_SMALL, theme::WELL, edge, StrokeKind::Inside);
}

/// One line, as long as it fits into `width` points.
pub fn line(ui: &Ui, text: &str, font: FontId, color: Color32, width: f32) -> Arc<Galley> {
    let mut job = LayoutJob::simple_singleline(text.to_owned(), font, color);
    job.wrap = TextWrapping::truncate_at_width(width);
    ui.painter().layout_job(job)
}

/// Writes one line into `rect`, shortened if need be.
pub fn write(ui: &Ui, rect: Rect, align: Align2, text: &str, font: FontId, color: Color32) -> Rect {
    let galley = line(ui, text, font, color, rect.width());
    let place = align.align_size_within_rect(galley.size(), rect);
    ui.painter().galley(place.min, galley, color);
    place
}

/// A label in spaced capitals; returns where it ends.
pub fn caps(ui: &Ui, at: Pos2, align: Align2, text: &str, color: Color32) -> Rect {
    let format = TextFormat { font_id: theme::label(), color, extra_letter_spacing: 1.2, ..Default::default() };
    let galley = ui.painter().layout_job(LayoutJob::single_section(text.to_uppercase(), format));
    let place = align.anchor_size(at, galley.size());
    ui.painter().galley(place.min, galley, color);
    place
}

/// A part that can be pressed. `salt` must differ among the parts of `ui`.
pub fn press(ui: &Ui, rect: Rect, salt: impl egui::AsIdSalt, name: &str, on: Option<bool>, sense: Sense) -> Response {
    let response = ui.interact(rect, ui.scope_id().with(salt), sense);
    let enabled = ui.is_enabled();
    response.widget_info(|| match on {
        Some(on) => WidgetInfo::selected(Role::Button, enabled, on, name),
        None => WidgetInfo::labeled(Role::Button, enabled, name),
    });
    if response.has_focus() {
        ui.painter().rect_stroke(rect, theme::ROUND_SMALL, Stroke::new(1.0, theme::ACCENT), StrokeKind::Inside);
    }
    response
}

/// A part of `ui` that takes no room in it, and that may be switched off.
pub fn part<R>(ui: &mut Ui, rect: Rect, salt: &str, enabled: bool, content: impl FnOnce(&mut Ui) -> R) -> R {
    let mut part = ui.new_child(egui::UiBuilder::new().id_salt(salt).max_rect(rect));
    if !enabled {
        part.disable();
    }
    content(&mut part)
}

/// A button with a word on it.
pub fn button(ui: &mut Ui, rect: Rect, name: &str, look: Look, enabled: bool) -> Response {
    part(ui, rect, name, enabled, |ui| {
        let response = press(ui, rect, name, name, None, Sense::click());
        let hot = response.hovered() || response.has_focus();
        let (fill, ink) = match look {
            Look::Quiet => (Color32::TRANSPARENT, if hot { theme::ACCENT } else { theme::MUTED }),
            Look::Raised => (if hot { theme::RAISED_HOT } else { theme::RAISED }, theme::TEXT),
        };
        let font = if look == Look::Quiet { theme::small() } else { theme::body() };
        ui.painter().rect_filled(rect, theme::ROUND_SMALL, fill);
        write(ui, rect, Align2::CENTER_CENTER, name, font, ink);
        response
    })
}

/// Width of a quiet button with `name` on it.
pub fn quiet_width(ui: &Ui, name: &str) -> f32 {
    (line(ui, name, theme::small(), theme::MUTED, f32::INFINITY).size().x + theme::GRID).ceil()
}

/// A button with a sign; `name` shows under the pointer.
pub fn icon(ui: &mut Ui, rect: Rect, icon: Icon, name: &str, on: bool, enabled: bool) -> Response {
    part(ui, rect, name, enabled, |ui| {
        let response = press(ui, rect, name, name, Some(on), Sense::click());
        let hot = response.hovered();
        if hot {
            ui.painter().rect_filled(rect, theme::ROUND_SMALL, theme::RAISED_HOT);
        }
        let ink = match (on, hot) {
            (true, _) => theme::ACCENT,
            (false, true) => theme::TEXT,
            (false, false) => theme::MUTED,
        };
        icon.paint(ui.painter(), rect, ink);
        response.on_hover_text(name)
    })
}

/// Gives a field that is about to appear the focus, with everything in it selected.
pub fn start_typing(ui: &Ui, id: egui::Id, text: &str) {
    let all = CCursorRange::two(CCursor::new(0), CCursor::new(text.chars().count()));
    let mut state = egui::TextEdit::load_state(ui.ctx(), id).unwrap_or_default();
    state.cursor.set_char_range(Some(all));
    state.store(ui.ctx(), id);
    ui.memory_mut(|memory| memory.request_focus(id));
}

/// A number between a minus and a plus; returns the change that is asked for.
pub fn stepper(ui: &mut Ui, rect: Rect, name: &str, value: &str, hint: &str) -> i32 {
    well(ui, rect, false);
    let width = rect.height().min(3.0 * theme::GRID);
    let minus = Rect::from_min_size(rect.min, egui::vec2(width, rect.height()));
    let plus = Rect::from_min_max(egui::pos2(rect.right() - width, rect.top()), rect.max);
    let less = icon(ui, minus, Icon::Minus, &format!("Fewer {name}"), false, true).clicked();
    let more = icon(ui, plus, Icon::Plus, &format!("More {name}"), false, true).clicked();
    let middle = Rect::from_min_max(minus.right_top(), plus.left_bottom());
    let response = ui.interact(middle, ui.scope_id().with((name, "number")), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name} {value}")));
    if !hint.is_empty() {
        response.on_hover_text(hint);
    }
    write(ui, middle, Align2::CENTER_CENTER, value, theme::number(), theme::TEXT);
    i32::from(more) - i32::from(less)
}

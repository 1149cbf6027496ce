//! Knobs and sliders: drag, wheel, double click for the default, click on the number to type one.

use std::f32::consts::PI;

use egui::{Align2, Pos2, Rect, Response, Role, Sense, Stroke, TextEdit, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::host::{Dial, tap};
use super::icons::arc;
use super::scene::Scene;
use super::{theme, widgets};

/// Points of dragging from one end to the other.
const TRAVEL: f32 = 160.0;
/// With shift, dragging is this much slower.
const FINE: f32 = 0.1;
/// Where a knob's scale begins and ends, clockwise from the right.
const SCALE: std::ops::RangeInclusive<f32> = 0.75 * PI..=2.25 * PI;

/// The number that is being typed, if any.
#[derive(Debug, Default)]
pub struct Dials {
    typing: Option<Typing>,
}

#[derive(Debug)]
struct Typing {
    dial: Dial,
    text: String,
    /// The field has not been shown yet.
    is_new: bool,
}

impl Dials {
    /// A knob with its name above and its value below; about 72 by 88 points.
    pub fn knob(&mut self, ui: &mut Ui, rect: Rect, dial: Dial, name: &str, about: &str, scene: &Scene) {
        let radius = 20.0;
        let centre = pos2(rect.center().x, rect.top() + 20.0 + radius);
        let face = Rect::from_center_size(centre, Vec2::splat(2.0 * radius + 4.0));
        let response = turn(ui, face, dial, name, scene, |drag| (drag.x - drag.y) / TRAVEL).on_hover_text(about);
        let live = response.hovered() || response.dragged();
        widgets::caps(ui, pos2(centre.x, rect.top()), Align2::CENTER_TOP, name, theme::MUTED);
        paint_knob(ui, centre, radius, scene.host.value(dial), live);
        let number = Rect::from_min_max(pos2(rect.left(), rect.bottom() - 22.0), rect.max);
        self.number(ui, number, dial, name, scene);
    }

    /// A slider with its value at the right.
    pub fn slider(&mut self, ui: &mut Ui, rect: Rect, dial: Dial, name: &str, scene: &Scene) {
        let (track, number) = rect.split_left_right_at_x(rect.right() - 72.0);
        let length = track.width();
        let response = turn(ui, track, dial, name, scene, |drag| drag.x / length).on_hover_text(name);
        let value = scene.host.value(dial);
        let bar = Rect::from_center_size(track.center(), vec2(length, 4.0));
        let x = egui::lerp(bar.left()..=bar.right(), value);
        ui.painter().rect_filled(bar, 2.0, theme::WELL);
        ui.painter().rect_filled(bar.with_max_x(x), 2.0, theme::ACCENT);
        let ink = if response.hovered() || response.dragged() { theme::TEXT } else { theme::MUTED };
        ui.painter().circle_filled(pos2(x, bar.center().y), 6.0, ink);
        self.number(ui, number, dial, name, scene);
    }

    /// The value in words; a click makes it a field to type into.
    fn number(&mut self, ui: &mut Ui, rect: Rect, dial: Dial, name: &str, scene: &Scene) {
        if self.typing.as_ref().is_some_and(|typing| typing.dial == dial) {
            self.type_number(ui, rect, dial, name, scene);
            return;
        }
        let text = dial.text(scene.params, scene.host.value(dial));
        let response = ui.interact(rect, ui.scope_id().with((dial, "number")), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{name} value {text}")));
        let ink = if response.hovered() { theme::ACCENT } else { theme::TEXT };
        widgets::write(ui, rect, Align2::CENTER_CENTER, &text, theme::number(), ink);
        if response.clicked() {
            self.typing = Some(Typing { dial, text, is_new: true });
        }
    }

    fn type_number(&mut self, ui: &mut Ui, rect: Rect, dial: Dial, name: &str, scene: &Scene) {
        let Some(Typing { text, is_new, .. }) = &mut self.typing else { return };
        widgets::well(ui, rect, true);
        let id = ui.scope_id().with((dial, "typing"));
        if std::mem::take(is_new) {
            widgets::start_typing(ui, id, text);
        }
        let field = TextEdit::singleline(text)
            .id(id)
            .font(theme::number())
            .frame(egui::Frame::NONE)
            .align(Align2::CENTER_CENTER);
        let response = ui.put(rect, field).accessible_name(format!("{name} value"));
        if response.lost_focus() {
            let given_up = ui.input(|input| input.key_pressed(egui::Key::Escape));
            let value = dial.parse(scene.params, text).filter(|_| !given_up);
            if let Some(value) = value {
                tap(scene.host, dial, value);
                overrule(dial, scene);
            }
            self.typing = None;
        }
    }
}

/// The gestures of a dial. `share` says how far a drag moves it.
fn turn(ui: &Ui, rect: Rect, dial: Dial, name: &str, scene: &Scene, share: impl Fn(Vec2) -> f32) -> Response {
    let host = scene.host;
    let id = ui.scope_id().with((dial, "dial"));
    let response = ui.interact(rect, id, Sense::click_and_drag());
    let value = host.value(dial);
    response.widget_info(|| WidgetInfo::slider(true, f64::from(value), name));
    if response.double_clicked() {
        tap(host, dial, dial.default_value(scene.params));
        overrule(dial, scene);
    }
    // Steps would swallow small movements, so what is dragged is kept exactly.
    let exact = id.with("exact");
    if response.drag_started() {
        host.begin(dial);
        ui.data_mut(|data| data.insert_temp(exact, value));
    }
    if response.dragged() {
        let fine = if ui.input(|input| input.modifiers.shift) { FINE } else { 1.0 };
        let start = ui.data(|data| data.get_temp::<f32>(exact)).unwrap_or(value);
        let next = (start + share(response.drag_delta()) * fine).clamp(0.0, 1.0);
        ui.data_mut(|data| data.insert_temp(exact, next));
        if dial.snap(scene.params, next) != value {
            host.set(dial, dial.snap(scene.params, next));
        }
    }
    if response.drag_stopped() {
        host.end(dial);
        overrule(dial, scene);
    }
    keys_and_wheel(ui, &response, dial, value, scene);
    response
}

/// What the user turns to is meant, whatever automation said where cues begin.
fn overrule(dial: Dial, scene: &Scene) {
    if dial == Dial::Influence {
        scene.session.passages.forget();
    }
}

fn keys_and_wheel(ui: &Ui, response: &Response, dial: Dial, value: f32, scene: &Scene) {
    let focused = response.has_focus();
    let (wheel, up, down, fine) = ui.input(|input| {
        let notches: f32 = input.events.iter().map(notch).sum();
        let pressed = |key| focused && input.key_pressed(key);
        (notches, pressed(egui::Key::ArrowUp), pressed(egui::Key::ArrowDown), input.modifiers.shift)
    });
    let wheel = if response.hovered() { wheel } else { 0.0 };
    if wheel != 0.0 || up || down {
        tap(scene.host, dial, dial.step(scene.params, value, wheel > 0.0 || up, fine));
        overrule(dial, scene);
    }
}

fn notch(event: &egui::Event) -> f32 {
    match event {
        egui::Event::MouseWheel { delta, .. } if delta.y != 0.0 => delta.y.signum(),
        _ => 0.0,
    }
}

fn paint_knob(ui: &Ui, centre: Pos2, radius: f32, value: f32, live: bool) {
    let painter = ui.painter();
    let angle = egui::lerp(SCALE, value);
    let stroke = |color| Stroke::new(3.0, color);
    painter.line(arc(centre, radius, *SCALE.start(), *SCALE.end()).collect(), stroke(theme::WELL));
    if value > 0.0 {
        let ink = if live { theme::ACCENT_HOT } else { theme::ACCENT };
        painter.line(arc(centre, radius, *SCALE.start(), angle).collect(), stroke(ink));
    }
    let face = if live { theme::RAISED_HOT } else { theme::RAISED };
    painter.circle_filled(centre, radius - 5.0, face);
    let hand = Vec2::angled(angle);
    painter.line_segment([centre + hand * 5.0, centre + hand * (radius - 7.0)], Stroke::new(2.0, theme::TEXT));
}

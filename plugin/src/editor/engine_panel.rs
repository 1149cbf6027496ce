//! The engine: which bundle, where it computes, what it costs in memory.

use egui::{Align2, Popup, PopupCloseBehavior, Rect, RichText, Sense, Ui, vec2};

use super::icons::Icon;
use super::scene::Scene;
use super::{theme, widgets};
use crate::worker::EngineState;

/// Width of the button that opens the panel.
pub const WIDTH: f32 = 128.0;

/// Draws the button; a click opens the panel below it.
pub fn ui(ui: &mut Ui, rect: Rect, scene: &Scene) {
    let (word, ink) = match &scene.engine {
        EngineState::Loaded { .. } => ("Engine ready", theme::ACCENT),
        EngineState::Loading => ("Loading…", theme::TEXT),
        EngineState::Unloaded { reason: Some(_) } => ("Engine failed", theme::ERROR),
        EngineState::Unloaded { reason: None } => ("Engine asleep", theme::FAINT),
    };
    let response = widgets::press(ui, rect, "engine", "Engine", None, Sense::click());
    let fill = if response.hovered() { theme::RAISED_HOT } else { theme::RAISED };
    ui.painter().rect_filled(rect, theme::ROUND_SMALL, fill);
    ui.painter().circle_filled(rect.left_center() + vec2(14.0, 0.0), 3.5, ink);
    let text = rect.with_min_x(rect.left() + 26.0);
    widgets::write(ui, text, Align2::LEFT_CENTER, word, theme::small(), theme::TEXT);
    let more = rect.with_min_x(rect.right() - 22.0);
    Icon::More.paint(ui.painter(), more, theme::MUTED);
    let popup = Popup::from_toggle_button_response(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    popup.width(280.0).show(|ui| details(ui, scene));
}

fn details(ui: &mut Ui, scene: &Scene) {
    ui.set_min_width(264.0);
    match &scene.engine {
        EngineState::Loaded { bundle, device, why, memory } => {
            fact(ui, "Bundle", bundle);
            fact(ui, "Device", device);
            fact(ui, "Memory", &format!("{:.0} MB", *memory as f64 / 1e6));
            if !why.is_empty() {
                ui.label(RichText::new(why).font(theme::small()).color(theme::MUTED));
            }
        }
        EngineState::Loading => fact(ui, "Bundle", "is being read…"),
        EngineState::Unloaded { reason } => {
            fact(ui, "Bundle", "not in memory");
            let text = reason.as_deref().unwrap_or("It is read when you generate.");
            let ink = if reason.is_some() { theme::ERROR } else { theme::MUTED };
            ui.label(RichText::new(text).font(theme::small()).color(ink));
        }
    }
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let loaded = matches!(scene.engine, EngineState::Loaded { .. });
        let idle = matches!(scene.engine, EngineState::Unloaded { .. });
        if ui.add_enabled(idle, egui::Button::new("Load")).clicked() {
            scene.host.load();
        }
        if ui.add_enabled(loaded, egui::Button::new("Unload")).clicked() {
            scene.host.unload();
        }
    });
}

fn fact(ui: &mut Ui, name: &str, value: &str) {
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(64.0, 20.0), Sense::hover());
        widgets::caps(ui, rect.left_center(), Align2::LEFT_CENTER, name, theme::FAINT);
        ui.add(egui::Label::new(RichText::new(value).color(theme::TEXT)).truncate());
    });
}

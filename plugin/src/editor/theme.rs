//! Colours, type and distances. Everything is placed on a grid of eight points, and one colour says "this is live".

use egui::{Color32, CornerRadius, FontFamily, FontId, Stroke, Visuals};

/// Behind everything.
pub const GROUND: Color32 = Color32::from_rgb(15, 16, 18);
/// What controls stand on.
pub const PANEL: Color32 = Color32::from_rgb(23, 25, 28);
/// What is sunk in: pictures, text, waveforms.
pub const WELL: Color32 = Color32::from_rgb(10, 11, 12);
/// What can be pressed.
pub const RAISED: Color32 = Color32::from_rgb(35, 38, 42);
/// The same under the pointer.
pub const RAISED_HOT: Color32 = Color32::from_rgb(45, 49, 54);
/// Hairlines.
pub const LINE: Color32 = Color32::from_rgb(41, 45, 50);
/// The edge of what is sunk in.
pub const EDGE: Color32 = Color32::from_rgb(31, 34, 37);
/// What is read first.
pub const TEXT: Color32 = Color32::from_rgb(236, 232, 224);
/// What is read second.
pub const MUTED: Color32 = Color32::from_rgb(160, 158, 152);
/// What is only there when it is looked for.
pub const FAINT: Color32 = Color32::from_rgb(108, 109, 110);
/// The one accent: tungsten light.
pub const ACCENT: Color32 = Color32::from_rgb(242, 168, 74);
/// The accent under the pointer.
pub const ACCENT_HOT: Color32 = Color32::from_rgb(252, 188, 104);
/// The accent as a background of text.
pub const ACCENT_DEEP: Color32 = Color32::from_rgb(58, 43, 24);
/// Text on the accent.
pub const ON_ACCENT: Color32 = Color32::from_rgb(28, 18, 6);
/// Something failed.
pub const ERROR: Color32 = Color32::from_rgb(236, 116, 96);

/// Unit of all distances.
pub const GRID: f32 = 8.0;
/// Between panels, and between a panel's edge and what is in it.
pub const GAP: f32 = 2.0 * GRID;
/// Height of buttons and fields.
pub const FIELD: f32 = 4.0 * GRID;
/// Corners of panels.
pub const ROUND: CornerRadius = CornerRadius::same(8);
/// Corners of buttons, fields and wells.
pub const ROUND_SMALL: CornerRadius = CornerRadius::same(4);

/// The name of the instrument.
pub fn display() -> FontId {
    FontId::new(20.0, FontFamily::Proportional)
}

/// Names of things.
pub fn title() -> FontId {
    FontId::new(17.0, FontFamily::Proportional)
}

/// What is read.
pub fn body() -> FontId {
    FontId::new(14.0, FontFamily::Proportional)
}

/// Remarks.
pub fn small() -> FontId {
    FontId::new(12.5, FontFamily::Proportional)
}

/// Labels, set in spaced capitals.
pub fn label() -> FontId {
    FontId::new(10.5, FontFamily::Proportional)
}

/// Numbers that must not jump.
pub fn number() -> FontId {
    FontId::new(13.0, FontFamily::Monospace)
}

/// Numbers in rows and on axes.
pub fn small_number() -> FontId {
    FontId::new(11.0, FontFamily::Monospace)
}

/// The tempo.
pub fn big_number() -> FontId {
    FontId::new(18.0, FontFamily::Monospace)
}

/// Dresses egui's own parts: text fields, menus, tooltips, scroll bars.
pub fn install(ctx: &egui::Context) {
    ctx.set_theme(egui::Theme::Dark);
    ctx.all_styles_mut(|style| {
        style.visuals = visuals();
        style.spacing.item_spacing = egui::vec2(GRID, GRID);
        style.spacing.button_padding = egui::vec2(1.5 * GRID, 0.5 * GRID);
        style.spacing.menu_margin = egui::Margin::same(6);
        style.spacing.interact_size = egui::vec2(2.0 * GRID, 3.0 * GRID);
        style.spacing.scroll = egui::style::ScrollStyle::thin();
        style.interaction.selectable_labels = false;
        style.interaction.tooltip_delay = 0.6;
        style.text_styles.insert(egui::TextStyle::Body, body());
        style.text_styles.insert(egui::TextStyle::Button, body());
        style.text_styles.insert(egui::TextStyle::Small, small());
        style.text_styles.insert(egui::TextStyle::Monospace, number());
        style.text_styles.insert(egui::TextStyle::Heading, title());
    });
}

fn visuals() -> Visuals {
    let mut visuals = Visuals::dark();
    visuals.panel_fill = GROUND;
    visuals.window_fill = RAISED;
    visuals.window_stroke = Stroke::new(1.0, LINE);
    visuals.extreme_bg_color = WELL;
    visuals.text_edit_bg_color = Some(WELL);
    visuals.faint_bg_color = PANEL;
    visuals.weak_text_color = Some(FAINT);
    visuals.error_fg_color = ERROR;
    visuals.warn_fg_color = ACCENT;
    visuals.hyperlink_color = ACCENT;
    visuals.selection.bg_fill = ACCENT_DEEP;
    visuals.selection.stroke = Stroke::new(1.0, ACCENT);
    visuals.text_cursor.stroke = Stroke::new(1.5, ACCENT);
    visuals.menu_corner_radius = ROUND_SMALL;
    visuals.window_corner_radius = ROUND;
    let widgets = &mut visuals.widgets;
    for (widget, fill, ink) in [
        (&mut widgets.noninteractive, PANEL, MUTED),
        (&mut widgets.inactive, RAISED, TEXT),
        (&mut widgets.hovered, RAISED_HOT, TEXT),
        (&mut widgets.active, RAISED_HOT, ACCENT),
        (&mut widgets.open, RAISED_HOT, TEXT),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::NONE;
        widget.fg_stroke = Stroke::new(1.0, ink);
        widget.corner_radius = ROUND_SMALL;
        widget.expansion = 0.0;
    }
    visuals.widgets.noninteractive.bg_stroke = Stroke::new(1.0, LINE);
    visuals
}

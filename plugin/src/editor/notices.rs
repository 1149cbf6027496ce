//! Messages, each at the place it is about, until the user has read them.

use std::sync::Arc;

use egui::text::LayoutJob;
use egui::{Galley, Rect, Ui, pos2, vec2};

use super::icons::Icon;
use super::scene::Scene;
use super::{theme, widgets};
use crate::session::{Notice, Place};

/// Height that the message at `place` takes at `width`, with the gap below it; 0 if there is none.
pub fn height(ui: &Ui, scene: &Scene, place: Place, width: f32) -> f32 {
    scene.notice(place).map_or(0.0, |notice| text(ui, notice, width).size().y + 3.0 * theme::GRID)
}

/// Shows the message at `place`, if there is one, at the top of `rect`. Returns what is left of `rect`.
pub fn show(ui: &mut Ui, scene: &Scene, place: Place, rect: Rect) -> Rect {
    let Some(notice) = scene.notice(place) else { return rect };
    let galley = text(ui, notice, rect.width());
    let strip = Rect::from_min_size(rect.min, vec2(rect.width(), galley.size().y + 2.0 * theme::GRID));
    let ink = if notice.is_error { theme::ERROR } else { theme::ACCENT };
    let painter = ui.painter();
    painter.rect_filled(strip, theme::ROUND_SMALL, theme::PANEL.blend(ink.gamma_multiply(0.12)));
    let edge = Rect::from_min_size(strip.min, vec2(3.0, strip.height()));
    painter.rect_filled(edge, theme::ROUND_SMALL, ink);
    painter.galley(strip.min + vec2(1.5 * theme::GRID, theme::GRID), galley, theme::TEXT);
    let label = ui.interact(strip, ui.scope_id().with((place as u8, "notice")), egui::Sense::hover());
    label.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Alert, true, &notice.text));
    let close = Rect::from_min_size(pos2(strip.right() - 28.0, strip.top() + 2.0), vec2(26.0, 26.0));
    if widgets::icon(ui, close, Icon::Close, &format!("Dismiss: {}", name(place)), false, true).clicked() {
        scene.session.tell(place, None);
    }
    Rect::from_min_max(pos2(rect.left(), strip.bottom() + theme::GRID), rect.max)
}

fn text(ui: &Ui, notice: &Notice, width: f32) -> Arc<Galley> {
    let wrap = (width - 6.0 * theme::GRID).max(80.0);
    let mut job = LayoutJob::simple(notice.text.clone(), theme::small(), theme::TEXT, wrap);
    job.wrap.max_rows = 4;
    ui.painter().layout_job(job)
}

fn name(place: Place) -> &'static str {
    match place {
        Place::Picture => "picture",
        Place::Request => "request",
        Place::Generate => "generate",
        Place::Board => "storyboard",
        Place::Takes => "takes",
        Place::Engine => "engine",
        Place::Project => "project",
    }
}

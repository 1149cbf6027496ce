//! "Score this part": a rectangle on the picture of a cue.

use egui::{Color32, CursorIcon, Pos2, Rect, Response, Stroke, StrokeKind, Ui, pos2, vec2};
use melfusion::image::Crop;

use super::scene::Scene;
use super::theme;
use super::widgets::{self, Look};
use crate::project::Cue;

/// Share of the picture's sides below which a drag was only a click.
const SMALLEST: f32 = 0.04;

/// A rectangle that is being drawn.
#[derive(Debug, Default)]
pub struct CropTool {
    /// The corner that it began at, in shares of the picture.
    corner: Option<Pos2>,
}

impl CropTool {
    /// Shows the part of `cue`'s picture, drawn at `place`, that is looked at. A drag chooses another part.
    pub fn ui(&mut self, ui: &mut Ui, place: Rect, response: &Response, cue: &Cue, scene: &Scene) {
        let pointer = response.interact_pointer_pos().map(|at| share(place, at));
        if response.drag_started() {
            // Where the button went down, not where the pointer is by the time this is known to be a drag.
            let origin = ui.input(|input| input.pointer.press_origin());
            self.corner = origin.map(|at| share(place, at));
        }
        let drawn = self.corner.zip(pointer).map(|(from, to)| Rect::from_two_pos(from, to));
        if response.hovered() || drawn.is_some() {
            ui.ctx().set_cursor_icon(CursorIcon::Crosshair);
        }
        if response.drag_stopped() {
            self.corner = None;
            if let Some(crop) = drawn.and_then(crop) {
                scene.edit_cue(cue.id, |cue| cue.crop = Some(crop));
            }
        }
        let Some(part) = drawn.or_else(|| cue.crop.map(rect)) else { return };
        paint(ui, place, part);
        let whole = Rect::from_min_size(place.min + vec2(theme::GRID, theme::GRID), vec2(108.0, 22.0));
        if cue.crop.is_some() && widgets::button(ui, whole, "Whole picture", Look::Raised, true).clicked() {
            scene.edit_cue(cue.id, |cue| cue.crop = None);
        }
    }
}

/// Darkens what is not looked at.
fn paint(ui: &Ui, place: Rect, part: Rect) {
    let at = |share: Pos2| place.min + share.to_vec2() * place.size();
    let part = Rect::from_min_max(at(part.min), at(part.max));
    let beside = place.with_min_y(part.top()).with_max_y(part.bottom());
    for dark in [
        place.with_max_y(part.top()),
        place.with_min_y(part.bottom()),
        beside.with_max_x(part.left()),
        beside.with_min_x(part.right()),
    ] {
        ui.painter().rect_filled(dark, 0.0, Color32::from_black_alpha(150));
    }
    ui.painter().rect_stroke(part, 0.0, Stroke::new(1.5, theme::ACCENT), StrokeKind::Inside);
}

fn share(place: Rect, at: Pos2) -> Pos2 {
    let share = (at - place.min) / place.size();
    pos2(share.x.clamp(0.0, 1.0), share.y.clamp(0.0, 1.0))
}

/// With three digits, as people would write it. `None` if it is too small to be meant.
fn crop(part: Rect) -> Option<Crop> {
    let digits = |share: f32| (f64::from(share) * 1000.0).round() / 1000.0;
    let [left, top, right, bottom] = [part.left(), part.top(), part.right(), part.bottom()].map(digits);
    let is_meant = part.width() >= SMALLEST && part.height() >= SMALLEST;
    is_meant.then(|| Crop::new(left, top, right - left, bottom - top).ok())?
}

fn rect(crop: Crop) -> Rect {
    let [x, y, width, height] = <[f64; 4]>::from(crop).map(|share| share as f32);
    Rect::from_min_size(pos2(x, y), vec2(width, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drag_beyond_the_picture_ends_at_its_edge_and_a_click_is_none() {
        let place = Rect::from_min_size(pos2(100.0, 50.0), vec2(200.0, 100.0));
        let drawn = |from: (f32, f32), to: (f32, f32)| {
            crop(Rect::from_two_pos(share(place, pos2(from.0, from.1)), share(place, pos2(to.0, to.1))))
        };
        assert_eq!(drawn((200.0, 100.0), (500.0, 500.0)), Crop::new(0.5, 0.5, 0.5, 0.5).ok());
        assert_eq!(drawn((200.0, 100.0), (0.0, 0.0)), Crop::new(0.0, 0.0, 0.5, 0.5).ok());
        assert_eq!(drawn((200.0, 100.0), (203.0, 103.0)), None);
    }
}

//! The selected take over the beat grid, with the playhead.

use std::sync::Arc;

use egui::{Align2, Mesh, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{theme, widgets};
use crate::project::{Sound, Take};

/// Lowest and highest sample of each column of a picture of a sound, cached until the sound or the width changes.
#[derive(Debug, Default)]
pub struct Waveform {
    of: Option<(Arc<Sound>, usize)>,
    columns: Arc<[(f32, f32)]>,
}

impl Waveform {
    /// Columns for `sound`, `width` of them.
    pub fn columns(&mut self, sound: &Arc<Sound>, width: usize) -> Arc<[(f32, f32)]> {
        let known = self.of.as_ref().is_some_and(|(of, columns)| Arc::ptr_eq(of, sound) && *columns == width);
        if !known {
            self.columns = columns(&sound.frames, width);
            self.of = Some((sound.clone(), width));
        }
        self.columns.clone()
    }

    /// Draws `take` with bar numbers from `first_bar` (1 is the song's first) and the playhead at `position`, 0..1.
    pub fn ui(&mut self, ui: &mut Ui, rect: Rect, take: &Take, first_bar: i32, position: Option<f32>) {
        widgets::well(ui, rect, false);
        let (ruler, lane) = rect.split_top_bottom_at_y(rect.top() + 18.0);
        let lane = lane.shrink2(vec2(1.0, 4.0));
        grid(ui, ruler, lane, take, first_bar);
        let columns = self.columns(&take.sound, (lane.width() * ui.pixels_per_point()) as usize);
        let played = position.map_or(lane.left(), |position| egui::lerp(lane.left()..=lane.right(), position));
        paint(ui, lane, &columns, |x| if x < played { theme::ACCENT } else { theme::MUTED });
        if position.is_some() {
            ui.painter().vline(played, rect.y_range(), Stroke::new(1.5, theme::ACCENT_HOT));
        }
        let response = ui.interact(rect, ui.scope_id().with("waveform"), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Waveform of {}", take.name)));
    }
}

/// A small picture of a sound.
pub fn miniature(ui: &Ui, rect: Rect, columns: &[(f32, f32)], live: bool) {
    let ink = if live { theme::ACCENT } else { theme::FAINT };
    paint(ui, rect, columns, |_| ink);
}

fn paint(ui: &Ui, rect: Rect, columns: &[(f32, f32)], ink: impl Fn(f32) -> egui::Color32) {
    let mut mesh = Mesh::default();
    let width = rect.width() / columns.len().max(1) as f32;
    let (middle, half) = (rect.center().y, rect.height() / 2.0);
    for (i, (low, high)) in columns.iter().enumerate() {
        let x = rect.left() + i as f32 * width;
        let (top, bottom) = (middle - high.min(1.0) * half, middle - low.max(-1.0) * half);
        let bar = Rect::from_min_max(pos2(x, top.min(middle - 0.5)), pos2(x + width, bottom.max(middle + 0.5)));
        mesh.add_colored_rect(bar, ink(x));
    }
    ui.painter().add(mesh);
}

fn grid(ui: &Ui, ruler: Rect, lane: Rect, take: &Take, first_bar: i32) {
    let (bars, beats) = (take.recipe.bars.max(1), take.recipe.meter.beats().max(1));
    let bar_width = lane.width() / bars as f32;
    // Numbers must not touch each other.
    let every = [1, 2, 4, 8, 16, 32].into_iter().find(|n| bar_width * *n as f32 >= 28.0).unwrap_or(64);
    for bar in 0..bars {
        let x = lane.left() + bar as f32 * bar_width;
        let strong = bar % every == 0;
        let stroke = Stroke::new(1.0, if strong { theme::LINE } else { theme::RAISED });
        ui.painter().vline(x, lane.y_range(), stroke);
        if strong {
            let number = (first_bar + bar as i32).to_string();
            let at = pos2(x + 4.0, ruler.center().y + 1.0);
            ui.painter().text(at, Align2::LEFT_CENTER, number, theme::small_number(), theme::FAINT);
        }
        if bar_width / beats as f32 >= 8.0 {
            for beat in 1..beats {
                let x = x + bar_width * beat as f32 / beats as f32;
                ui.painter().vline(x, lane.y_range(), Stroke::new(1.0, theme::PANEL));
            }
        }
    }
}

/// Lowest and highest sample of `width` equal parts, both channels together.
pub fn columns(frames: &[[f32; 2]], width: usize) -> Arc<[(f32, f32)]> {
    let width = width.clamp(1, 4096);
    let edge = |i: usize| (i as u64 * frames.len() as u64 / width as u64) as usize;
    (0..width)
        .map(|i| {
            let part = &frames[edge(i)..edge(i + 1)];
            let samples = || part.iter().flatten().copied().filter(|sample| sample.is_finite());
            (samples().fold(0.0, f32::min), samples().fold(0.0, f32::max))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn every_sample_is_in_one_column() {
        let mut frames = vec![[0.0_f32; 2]; 1001];
        frames[0] = [0.5, 0.0];
        frames[500] = [0.0, -0.25];
        frames[1000] = [1.0, -1.0];
        let columns = columns(&frames, 7);
        assert_eq!(columns.len(), 7);
        assert_eq!((columns[0], columns[3], columns[6]), ((0.0, 0.5), (-0.25, 0.0), (-1.0, 1.0)));
        assert!([1, 2, 4, 5].iter().all(|i| columns[*i] == (0.0, 0.0)));
    }

    #[test]
    fn more_columns_than_samples_and_no_samples_at_all() {
        assert_eq!(columns(&[[0.5, -0.5]], 4).iter().filter(|column| **column == (-0.5, 0.5)).count(), 1);
        assert_eq!(columns(&[], 3).as_ref(), [(0.0, 0.0); 3]);
    }
}

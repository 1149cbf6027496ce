//! The level meter: falls slowly, and holds its peaks.

use egui::{Rect, Role, Sense, Ui, WidgetInfo, vec2};

use super::theme;

/// What the meter shows at least, in decibels of full scale.
const FLOOR_DB: f32 = -60.0;
/// How fast it falls, in decibels per second.
const FALL_DB: f32 = 26.0;
/// How long a peak stands, in seconds.
const HOLD: f64 = 1.6;

/// Two channels.
#[derive(Debug, Default)]
pub struct Meter {
    channels: [Channel; 2],
    seen: f64,
}

#[derive(Debug, Clone, Copy)]
struct Channel {
    level_db: f32,
    peak_db: f32,
    peak_at: f64,
}

impl Default for Channel {
    fn default() -> Self {
        Self { level_db: FLOOR_DB, peak_db: FLOOR_DB, peak_at: 0.0 }
    }
}

impl Meter {
    /// Takes the highest magnitudes since the last call, at `now` seconds.
    pub fn feed(&mut self, peaks: [f32; 2], now: f64) {
        let fall = FALL_DB * (now - self.seen).clamp(0.0, 1.0) as f32;
        self.seen = now;
        for (channel, peak) in self.channels.iter_mut().zip(peaks) {
            let db = (20.0 * peak.max(1e-9).log10()).max(FLOOR_DB);
            channel.level_db = db.max(channel.level_db - fall).max(FLOOR_DB);
            if db >= channel.peak_db {
                (channel.peak_db, channel.peak_at) = (db, now);
            } else if now - channel.peak_at > HOLD {
                channel.peak_db = (channel.peak_db - fall).max(channel.level_db);
            }
        }
    }

    /// Whether anything still falls.
    pub fn is_moving(&self) -> bool {
        self.channels.iter().any(|channel| channel.peak_db > FLOOR_DB)
    }

    /// The highest peak that is held, in decibels; `None` in silence.
    pub fn peak_db(&self) -> Option<f32> {
        let peak = self.channels[0].peak_db.max(self.channels[1].peak_db);
        (peak > FLOOR_DB).then_some(peak)
    }

    /// Draws two upright bars.
    pub fn ui(&self, ui: &Ui, rect: Rect) {
        let width = (rect.width() - 2.0) / 2.0;
        for (i, channel) in self.channels.iter().enumerate() {
            let at = rect.left_top() + vec2(i as f32 * (width + 2.0), 0.0);
            let bar = Rect::from_min_size(at, vec2(width, rect.height()));
            let y = |db: f32| egui::lerp(bar.bottom()..=bar.top(), (db - FLOOR_DB) / -FLOOR_DB);
            ui.painter().rect_filled(bar, 2.0, theme::WELL);
            ui.painter().rect_filled(bar.with_min_y(y(channel.level_db.min(0.0))), 2.0, theme::ACCENT);
            if channel.peak_db > FLOOR_DB {
                let ink = if channel.peak_db >= 0.0 { theme::ERROR } else { theme::TEXT };
                let mark = Rect::from_min_size(egui::pos2(bar.left(), y(channel.peak_db.min(0.0))), vec2(width, 2.0));
                ui.painter().rect_filled(mark, 0.0, ink);
            }
        }
        let text = self.peak_db().map_or("Level: silence".to_owned(), |db| format!("Level: peak {db:.1} dB"));
        let response = ui.interact(rect, ui.scope_id().with("meter"), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, &text));
        response.on_hover_text(text);
    }
}

#[cfg(test)]
mod tests {
    use super::Meter;

    #[test]
    fn a_peak_is_held_while_the_level_falls() {
        let mut meter = Meter::default();
        meter.feed([0.5, 0.0], 1.0);
        meter.feed([0.0, 0.0], 2.0);
        assert_eq!(meter.peak_db().map(|db| (db * 100.0).round()), Some(-602.0));
        assert!((meter.channels[0].level_db - (-6.02 - 26.0)).abs() < 0.01);
        for second in 3..10 {
            meter.feed([0.0, 0.0], f64::from(second));
        }
        assert!(!meter.is_moving());
    }
}

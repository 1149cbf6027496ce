//! The selected take: its waveform in time, what is known of it, and how it is played.

use egui::{Align2, Rect, Ui, pos2, vec2};

use super::dials::Dials;
use super::host::{Dial, tap};
use super::icons::Icon;
use super::meter::Meter;
use super::pair::Pair;
use super::scene::Scene;
use super::waveform::Waveform;
use super::{request, takes, theme, widgets};
use crate::project::Take;

/// The deck between frames.
#[derive(Default)]
pub struct Listen {
    waveform: Waveform,
    /// Levels of the output.
    pub meter: Meter,
}

impl Listen {
    /// Lowest useful height.
    pub const MIN_HEIGHT: f32 = 152.0;

    /// Draws the deck.
    pub fn ui(&mut self, ui: &mut Ui, rect: Rect, dials: &mut Dials, pair: &Pair, scene: &Scene) {
        widgets::panel(ui, rect);
        let inner = rect.shrink2(vec2(theme::GAP, 1.5 * theme::GRID));
        let (upper, controls) = inner.split_top_bottom_at_y(inner.bottom() - theme::FIELD);
        let (mut picture, meter) = upper.split_left_right_at_x(upper.right() - 14.0);
        let bottom = controls.top() - 1.5 * theme::GRID;
        picture = picture.with_max_x(picture.right() - theme::GRID).with_max_y(bottom);
        match scene.selected() {
            Some(take) => {
                let head = picture.with_max_y(picture.top() + 44.0);
                slate(ui, head, take, scene);
                let lane = picture.with_min_y(head.bottom() + 4.0);
                match take.sound.is_missing() {
                    true => said(ui, lane, MISSING),
                    false => self.waveform.ui(ui, lane, take, scene.project.anchor_bar + 1, position(scene)),
                }
            }
            None => nothing(ui, picture, scene),
        }
        self.meter.ui(ui, meter.with_max_y(bottom));
        self.controls(ui, controls, dials, pair, scene);
    }

    fn controls(&mut self, ui: &mut Ui, rect: Rect, dials: &mut Dials, pair: &Pair, scene: &Scene) {
        let mut x = rect.left();
        let mut place = |width: f32, gap: f32| {
            let place = Rect::from_min_size(pos2(x, rect.top()), vec2(width, rect.height()));
            x += width + gap;
            place
        };
        takes::switch_ab(ui, place(44.0, 4.0), pair, scene);
        toggle(ui, place(32.0, 2.0), Icon::Loop, "Loop", Dial::Loop, scene);
        Self::output(ui, rect.with_min_x(x), dials, scene);
    }

    /// Mute, start and gain.
    pub fn output(ui: &mut Ui, rect: Rect, dials: &mut Dials, scene: &Scene) {
        let mut x = rect.left();
        let mut place = |width: f32, gap: f32| {
            let place = Rect::from_min_size(pos2(x, rect.top()), vec2(width, rect.height()));
            x += width + gap;
            place
        };
        toggle(ui, place(32.0, theme::GRID), Icon::Mute, "Mute", Dial::Mute, scene);
        let label = place(68.0, 4.0);
        widgets::caps(ui, label.left_center(), Align2::LEFT_CENTER, "From bar", theme::MUTED);
        anchor(ui, place(80.0, theme::GAP).shrink2(vec2(0.0, 3.0)), scene);
        dials.slider(ui, rect.with_min_x(x), Dial::Gain, "Gain", scene);
    }
}

fn toggle(ui: &mut Ui, rect: Rect, icon: Icon, name: &str, dial: Dial, scene: &Scene) {
    let on = scene.host.value(dial) >= 0.5;
    if widgets::icon(ui, rect, icon, name, on, true).clicked() {
        tap(scene.host, dial, if on { 0.0 } else { 1.0 });
    }
}

fn anchor(ui: &mut Ui, rect: Rect, scene: &Scene) {
    let bar = scene.project.anchor_bar;
    let change =
        widgets::stepper(ui, rect, "anchor bar", &(bar + 1).to_string(), "Bar of the song at which clips begin");
    if change != 0 {
        let bar = (bar + change).clamp(-999, 9_999);
        scene.session.desk.set_anchor_bar(bar);
        scene.edit(|project| project.anchor_bar = bar);
    }
}

/// Where in the selected take the playhead is.
fn position(scene: &Scene) -> Option<f32> {
    let readout = &scene.session.readout;
    readout.position().filter(|_| readout.slot() == scene.slot)
}

/// What is said in place of a waveform: a sentence, and what to do.
type Said = (&'static str, &'static str);

const MISSING: Said = ("The sound of this take is missing.", "It is decoded again once the engine is ready.");
const EMPTY: Said = ("Nothing on this take", "Choose one of the takes below.");
const FIRST: Said = ("Show it a picture, tell it a mood, press Generate.", "With neither, it surprises you.");

fn nothing(ui: &Ui, rect: Rect, scene: &Scene) {
    let any = scene.project.takes.iter().any(Option::is_some);
    said(ui, rect, if any { EMPTY } else { FIRST });
}

fn said(ui: &Ui, rect: Rect, (first, second): Said) {
    widgets::well(ui, rect, false);
    let line = |y: f32| Rect::from_center_size(rect.center() + vec2(0.0, y), vec2(rect.width() - 32.0, 24.0));
    widgets::write(ui, line(-10.0), Align2::CENTER_CENTER, first, theme::title(), theme::TEXT);
    widgets::write(ui, line(14.0), Align2::CENTER_CENTER, second, theme::small(), theme::MUTED);
}

/// Name and facts, as on the slate before a shot.
fn slate(ui: &mut Ui, rect: Rect, take: &Take, scene: &Scene) {
    let key = Rect::from_min_max(pos2(rect.right() - 112.0, rect.top()), pos2(rect.right(), rect.top() + 24.0));
    let made_in = take.recipe.key.map_or("own key".to_owned(), |key| key.to_string());
    if let Some(key) = request::key_menu(ui, key, "Heard in", &made_in, take.key) {
        scene.host.transpose(take.id, key);
    }
    let name = Rect::from_min_max(rect.min, pos2(key.left() - theme::GRID, rect.top() + 24.0));
    widgets::write(ui, name, Align2::LEFT_CENTER, &take.name, theme::title(), theme::TEXT);
    let mut x = rect.left();
    let y = rect.top() + 34.0;
    let measured = take.measured.map_or("–".to_owned(), |measured| tempo(measured.bpm));
    let sure = take.measured.map_or(String::new(), |measured| format!(" {:.0}%", measured.confidence * 100.0));
    for (label, value) in [
        ("Asked", tempo(take.recipe.bpm)),
        ("Heard", format!("{measured}{sure}")),
        ("Fitted", tempo(take.sound.bpm)),
        ("Seed", take.recipe.seed.to_string()),
    ] {
        let end = widgets::caps(ui, pos2(x, y), Align2::LEFT_CENTER, label, theme::FAINT).right();
        let place = Rect::from_min_max(pos2(end + 5.0, y - 8.0), pos2(rect.right(), y + 8.0));
        if place.width() < 40.0 {
            break;
        }
        let text = widgets::write(ui, place, Align2::LEFT_CENTER, &value, theme::small_number(), theme::MUTED);
        x = text.right() + 14.0;
    }
}

/// A tempo without digits that say nothing.
pub fn tempo(bpm: f64) -> String {
    let text = format!("{bpm:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

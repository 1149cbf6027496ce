//! What to make: length, tempo, key, seed, and how strongly picture and words are heard.

use egui::{Align2, ComboBox, Rect, TextEdit, Ui, pos2, vec2};
use melfusion::request::{Key, Mode};

use super::dials::Dials;
use super::host::Dial;
use super::icons::Icon;
use super::scene::Scene;
use super::{theme, widgets};

/// Lengths that are offered; the engine can do any.
const BARS: std::ops::RangeInclusive<u32> = 1..=64;
/// Seeds are drawn small enough to be read out and typed.
const SEEDS: std::ops::Range<u64> = 1..1_000_000;

/// The request between frames.
#[derive(Debug, Default)]
pub struct Request {
    /// The seed as it is typed.
    seed: Option<String>,
    /// The tempo as it is typed.
    tempo: Option<String>,
}

impl Request {
    /// Height of the knobs and fields.
    pub const HEIGHT: f32 = 92.0;

    /// Draws three knobs and four fields.
    pub fn ui(&mut self, ui: &mut Ui, rect: Rect, dials: &mut Dials, scene: &Scene) {
        const KNOBS: [(Dial, &str, &str); 3] = [
            (Dial::Influence, "Influence", "How much the picture is heard"),
            (Dial::Guidance, "Guidance", "How strictly the words are followed"),
            (Dial::Steps, "Steps", "More steps: finer, and slower"),
        ];
        let knob = (rect.width() * 0.14).clamp(68.0, 84.0).round();
        for (i, (dial, name, about)) in KNOBS.into_iter().enumerate() {
            let place = Rect::from_min_size(rect.min + vec2(i as f32 * knob, 0.0), vec2(knob - 4.0, rect.height()));
            dials.knob(ui, place, dial, name, about, scene);
        }
        let fields = rect.with_min_x(rect.left() + KNOBS.len() as f32 * knob + theme::GRID);
        let width = ((fields.width() - theme::GAP) / 2.0).floor();
        let cell = |column: usize, row: usize| {
            let at = vec2(column as f32 * (width + theme::GAP), row as f32 * 50.0);
            Rect::from_min_size(fields.min + at, vec2(width, 42.0))
        };
        bars(ui, field(ui, cell(0, 0), "Bars"), scene);
        key(ui, field(ui, cell(1, 0), "Key"), scene);
        self.tempo(ui, field(ui, cell(0, 1), "Tempo"), scene);
        self.seed(ui, field(ui, cell(1, 1), "Seed"), scene);
    }

    fn tempo(&mut self, ui: &mut Ui, rect: Rect, scene: &Scene) {
        let shown = scene.project.brief.bpm.map_or(String::new(), |bpm| format!("{bpm}"));
        let hint = scene.session.readout.tempo().map_or("host".to_owned(), |bpm| format!("host {bpm:.1}"));
        let Some(typed) = typed(ui, rect, "Tempo", &mut self.tempo, &shown, &hint) else { return };
        let bpm = typed.trim().replace(',', ".").parse::<f64>().ok().filter(|bpm| bpm.is_finite());
        if bpm.is_some() || typed.trim().is_empty() {
            scene.edit(|project| project.brief.bpm = bpm.map(|bpm| bpm.clamp(20.0, 300.0)));
        }
    }

    fn seed(&mut self, ui: &mut Ui, rect: Rect, scene: &Scene) {
        let brief = &scene.project.brief;
        let side = 24.0;
        let dice = Rect::from_min_max(pos2(rect.right() - side, rect.top()), rect.max);
        let lock = dice.translate(vec2(-side, 0.0));
        let number = rect.with_max_x(lock.left());
        let typed = typed(ui, number, "Seed", &mut self.seed, &brief.seed.to_string(), "");
        if let Some(seed) = typed.and_then(|seed| seed.trim().parse().ok()) {
            // A number that was typed is meant.
            scene.edit(|project| (project.brief.seed, project.brief.seed_locked) = (seed, true));
        }
        let (sign, name) = match brief.seed_locked {
            true => (Icon::Locked, "Unlock seed"),
            false => (Icon::Unlocked, "Lock seed"),
        };
        if widgets::icon(ui, lock, sign, name, brief.seed_locked, true).clicked() {
            scene.edit(|project| project.brief.seed_locked = !project.brief.seed_locked);
        }
        if widgets::icon(ui, dice, Icon::Dice, "Draw another seed", false, true).clicked() {
            scene.edit(|project| project.brief.seed = rand::random_range(SEEDS));
        }
    }
}

/// Label above, well below; returns the well.
fn field(ui: &Ui, rect: Rect, name: &str) -> Rect {
    widgets::caps(ui, rect.left_top(), Align2::LEFT_TOP, name, theme::MUTED);
    let well = rect.with_min_y(rect.bottom() - 26.0);
    widgets::well(ui, well, false);
    well
}

fn bars(ui: &mut Ui, rect: Rect, scene: &Scene) {
    let bars = scene.cue().map_or(scene.project.brief.bars, |cue| cue.bars);
    let hint = if scene.cue.is_some() { "Length of the cue" } else { "Length of the clip" };
    let change = widgets::stepper(ui, rect, "bars", &bars.to_string(), hint);
    if change != 0 {
        // Music comes in powers of two first, single bars with shift.
        let single = ui.input(|input| input.modifiers.shift);
        let next = match (single, change > 0) {
            (true, true) => bars + 1,
            (true, false) => bars.saturating_sub(1),
            (false, true) => (bars + 1).next_power_of_two(),
            (false, false) => bars.next_power_of_two() / 2,
        };
        let next = next.clamp(*BARS.start(), *BARS.end());
        match scene.cue {
            Some(cue) => scene.edit_cue(cue, |cue| cue.bars = next),
            None => scene.edit(|project| project.brief.bars = next),
        }
    }
}

fn key(ui: &mut Ui, rect: Rect, scene: &Scene) {
    if let Some(key) = key_menu(ui, rect, "Key", "any", scene.project.brief.key) {
        scene.edit(|project| project.brief.key = key);
    }
}

/// A menu of all keys; `none` is the first entry. Returns what was chosen, if it is another one.
pub fn key_menu(ui: &mut Ui, rect: Rect, name: &str, none: &str, key: Option<Key>) -> Option<Option<Key>> {
    let mut chosen = key;
    let word = |key: Option<Key>| key.map_or(none.to_owned(), |key| key.to_string());
    widgets::inside(ui, name, rect, |ui| {
        ui.spacing_mut().interact_size.y = rect.height();
        ui.visuals_mut().widgets.inactive.weak_bg_fill = theme::WELL;
        let menu = ComboBox::from_id_salt(name).width(rect.width()).truncate().height(360.0);
        let menu = menu.selected_text(egui::RichText::new(word(key)).font(theme::small()));
        let response = menu.show_ui(ui, |ui| {
            ui.selectable_value(&mut chosen, None, none);
            for mode in [Mode::Major, Mode::Minor] {
                for tonic in 0..12 {
                    let key = Some(Key::new(tonic, mode));
                    ui.selectable_value(&mut chosen, key, word(key));
                }
            }
        });
        response.response.accessible_name(name);
    });
    (chosen != key).then_some(chosen)
}

/// A number to type into. Returns what was typed once it is finished.
fn typed(ui: &mut Ui, rect: Rect, name: &str, draft: &mut Option<String>, shown: &str, hint: &str) -> Option<String> {
    let id = ui.scope_id().with((name, "typed"));
    if ui.memory(|memory| memory.has_focus(id)) {
        widgets::well(ui, rect, true);
    }
    let mut text = draft.clone().unwrap_or_else(|| shown.to_owned());
    let edit = TextEdit::singleline(&mut text)
        .id(id)
        .font(theme::number())
        .hint_text(egui::RichText::new(hint).font(theme::small()))
        .frame(egui::Frame::NONE)
        .align(Align2::LEFT_CENTER);
    let response = ui.put(rect.shrink2(vec2(6.0, 0.0)), edit).accessible_name(name);
    if response.has_focus() {
        *draft = Some(text);
        return None;
    }
    let draft = draft.take().filter(|_| response.lost_focus())?;
    let given_up = ui.input(|input| input.key_pressed(egui::Key::Escape));
    (!given_up && draft != shown).then_some(draft)
}

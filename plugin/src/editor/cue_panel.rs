//! The selected cue: how it is entered, what was made for it, and variations of that.

use std::collections::HashMap;
use std::sync::Arc;

use egui::{Align2, ComboBox, Key, Popup, PopupCloseBehavior, Rect, ScrollArea, Sense, TextEdit, Ui, pos2, vec2};
use melfusion::storyboard::Transition;

use super::dials::Dials;
use super::icons::Icon;
use super::listen::Listen;
use super::scene::Scene;
use super::waveform::{self, Waveform};
use super::widgets::{self, Look};
use super::{notices, takes, theme};
use crate::link::cue_slot;
use crate::project::{Cue, Take};
use crate::session::Place;

/// Name of the field for other words.
const OTHER_WORDS: &str = "Other words";
/// Height of a row.
const ROW: f32 = 30.0;

/// The panel between frames.
#[derive(Default)]
pub struct CuePanel {
    miniatures: HashMap<u64, Waveform>,
    /// Other words for the same picture, as they are typed.
    other_words: String,
    /// They were asked for in the last frame. The click that asks would take the focus away again.
    is_asked: bool,
}

/// What a variation needs from other parts of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Another picture for this cue; then it is generated.
    OtherPicture(u64),
}

impl CuePanel {
    /// Draws the panel.
    pub fn ui(&mut self, ui: &mut Ui, rect: Rect, listen: &Listen, dials: &mut Dials, scene: &Scene) -> Option<Wish> {
        widgets::panel(ui, rect);
        let cue = scene.cue()?;
        let index = scene.project.board.index_of(cue.id)?;
        let inner = rect.shrink2(vec2(theme::GAP, 1.5 * theme::GRID));
        let (upper, output) = inner.split_top_bottom_at_y(inner.bottom() - theme::FIELD);
        let (upper, meter) = upper.split_left_right_at_x(upper.right() - 14.0);
        let upper = Rect::from_min_max(upper.min, upper.max - vec2(theme::GRID, theme::GRID));
        let (first, rest) = upper.split_top_bottom_at_y(upper.top() + theme::FIELD);
        entrance(ui, first, index, cue, scene);
        let (second, rest) = rest.with_min_y(rest.top() + theme::GRID).split_top_bottom_at_y(rest.top() + 42.0);
        let wish = self.variations(ui, second.with_max_y(second.top() + theme::FIELD), cue, scene);
        let list = notices::show(ui, scene, Place::Takes, rest.with_min_y(second.bottom() + theme::GRID));
        self.takes(ui, list, index, cue, scene);
        listen.meter.ui(ui, meter.with_max_y(output.top() - theme::GRID));
        Listen::output(ui, output, dials, scene);
        wish
    }

    /// The same words with another picture, and the same picture with other words.
    fn variations(&mut self, ui: &mut Ui, rect: Rect, cue: &Cue, scene: &Scene) -> Option<Wish> {
        let width = ((rect.width() - theme::GRID) / 2.0).floor();
        let (left, right) = rect.split_left_right_at_x(rect.left() + width);
        let can = cue.take().is_some();
        let picture = widgets::button(ui, left, "Same words, other picture…", Look::Raised, can);
        let picture =
            picture.on_hover_text("Chooses a picture and makes a take from the same seed: only the picture differs");
        let words = right.with_min_x(right.left() + theme::GRID);
        let words =
            widgets::button(ui, words, "Same picture, other words…", Look::Raised, can && cue.picture.is_some());
        let words =
            words.on_hover_text("Makes a take from the same seed and the picture that is known: only the words differ");
        if std::mem::take(&mut self.is_asked) {
            widgets::start_typing(ui, egui::Id::unique(OTHER_WORDS), &self.other_words);
        }
        if words.clicked() {
            self.other_words = cue.words.clone();
            self.is_asked = true;
        }
        let popup = Popup::from_toggle_button_response(&words).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        popup.width(320.0).show(|ui| self.other_words(ui, cue, scene));
        picture.clicked().then_some(Wish::OtherPicture(cue.id))
    }

    fn other_words(&mut self, ui: &mut Ui, cue: &Cue, scene: &Scene) {
        let field = TextEdit::singleline(&mut self.other_words).id(egui::Id::unique(OTHER_WORDS));
        let field = ui.add(field.desired_width(300.0).hint_text("Other words, then Enter"));
        let field = field.accessible_name(OTHER_WORDS);
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if ui.button("Generate with these words").clicked() || entered {
            let words = self.other_words.trim().to_owned();
            scene.vary(cue, |cue| cue.words = words);
            ui.close();
        }
    }

    fn takes(&mut self, ui: &mut Ui, rect: Rect, index: usize, cue: &Cue, scene: &Scene) {
        if cue.takes.is_empty() {
            let text = "Nothing was made for this cue yet. Until then it is silent.";
            widgets::write(ui, rect, Align2::CENTER_CENTER, text, theme::small(), theme::FAINT);
            return;
        }
        self.miniatures.retain(|id, _| scene.project.take(*id).is_some());
        widgets::inside(ui, "cue takes", rect, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                for (number, take) in cue.takes.iter().enumerate() {
                    ui.push_id(take.id, |ui| self.row(ui, number, take, (index, cue), scene));
                }
            });
        });
    }

    fn row(&mut self, ui: &mut Ui, number: usize, take: &Arc<Take>, (index, cue): (usize, &Cue), scene: &Scene) {
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
        let chosen = cue.chosen == Some(take.id);
        let name = format!("Take {} of cue {}", number + 1, index + 1);
        let row = widgets::press(ui, rect, "row", &name, Some(chosen), Sense::click_and_drag());
        let row = takes::remember(row, take);
        if row.clicked() && !chosen {
            scene.edit_cue(cue.id, |cue| cue.chosen = Some(take.id));
        }
        if row.drag_started() {
            takes::drag(take, scene);
        }
        takes::ground(ui, rect, chosen, row.hovered());
        let mut rest = rect.shrink2(vec2(4.0, 0.0));
        let delete = takes::cut_right(&mut rest, 28.0);
        if widgets::icon(ui, delete, Icon::Delete, &format!("Delete take {}", number + 1), false, true).clicked() {
            scene.edit_cue(cue.id, |cue| cue.remove(take.id));
        }
        let play = takes::cut_left(&mut rest, 28.0);
        if chosen {
            listen(ui, play, index, scene);
        }
        let wave = takes::cut_right(&mut rest, 96.0).shrink2(vec2(0.0, 6.0));
        let columns = self.miniatures.entry(take.id).or_default().columns(&take.sound, 96);
        waveform::miniature(ui, wave, &columns, chosen);
        let ink = if chosen { theme::TEXT } else { theme::MUTED };
        let text = format!("{}  {}", number + 1, facts(take));
        widgets::write(ui, rest.shrink2(vec2(4.0, 0.0)), Align2::LEFT_CENTER, &text, theme::small(), ink);
    }
}

/// Plays and stops the cue.
fn listen(ui: &mut Ui, rect: Rect, index: usize, scene: &Scene) {
    let desk = &scene.session.desk;
    let on = desk.audition() == Some(cue_slot(index));
    let (icon, verb) = if on { (Icon::Stop, "Stop") } else { (Icon::Play, "Listen to") };
    if widgets::icon(ui, rect, icon, &format!("{verb} this take"), on, true).clicked() {
        desk.set_audition(if on { None } else { Some(cue_slot(index)) });
    }
}

/// "4 bars · seed 5 · 80 % · calm strings", and what was said of the picture
fn facts(take: &Take) -> String {
    let recipe = &take.recipe;
    let bars = if recipe.bars == 1 { "1 bar".to_owned() } else { format!("{} bars", recipe.bars) };
    let told = recipe.picture_words.as_ref().map_or(String::new(), |words| format!(" · “{words}”"));
    format!("{bars} · seed {} · {:.0} % · {}{told}", recipe.seed, recipe.influence * 100.0, recipe.title())
}

/// Name, how the music gets here, length, and the way out.
fn entrance(ui: &mut Ui, rect: Rect, index: usize, cue: &Cue, scene: &Scene) {
    let delete = Rect::from_min_max(pos2(rect.right() - theme::FIELD, rect.top()), rect.max);
    if widgets::icon(ui, delete, Icon::Delete, "Delete cue", false, true).clicked() {
        scene.delete_cue(cue.id);
    }
    let bars = Rect::from_min_max(
        pos2(delete.left() - 92.0, rect.top() + 3.0),
        pos2(delete.left() - 8.0, rect.bottom() - 3.0),
    );
    let kind = bars.translate(vec2(-128.0, 0.0)).with_max_x(bars.left() - theme::GRID);
    if index > 0 {
        entered_by(ui, kind, bars, cue, scene);
    } else {
        let text = kind.with_max_x(bars.right());
        widgets::write(ui, text, Align2::RIGHT_CENTER, "begins the board", theme::small(), theme::FAINT);
    }
    let number = rect.with_max_x(rect.left() + 52.0);
    widgets::write(ui, number, Align2::LEFT_CENTER, &format!("Cue {}", index + 1), theme::title(), theme::TEXT);
    let field = Rect::from_min_max(
        pos2(number.right() + 4.0, rect.top() + 3.0),
        pos2(kind.left() - theme::GRID, rect.bottom() - 3.0),
    );
    let id = egui::Id::unique(("name of cue", cue.id));
    widgets::well(ui, field, ui.memory(|memory| memory.has_focus(id)));
    let mut name = cue.name.clone();
    let edit =
        TextEdit::singleline(&mut name).id(id).char_limit(120).frame(egui::Frame::NONE).align(Align2::LEFT_CENTER);
    let edit = edit.hint_text("Name");
    if ui.put(field.shrink2(vec2(6.0, 0.0)), edit).accessible_name("Name of the cue").changed() {
        scene.edit_cue(cue.id, |cue| cue.name = name);
    }
}

fn entered_by(ui: &mut Ui, kind: Rect, bars: Rect, cue: &Cue, scene: &Scene) {
    let length = cue.transition.bars().max(1);
    let kinds = [Transition::Cut, Transition::Crossfade { bars: length }, Transition::Morph { bars: length }];
    let mut chosen = cue.transition;
    widgets::inside(ui, "transition", kind, |ui| {
        ui.spacing_mut().interact_size.y = kind.height();
        ui.visuals_mut().widgets.inactive.weak_bg_fill = theme::WELL;
        let menu = ComboBox::from_id_salt("transition").width(kind.width());
        let text = egui::RichText::new(word(chosen)).font(theme::small());
        let response = menu.selected_text(text).show_ui(ui, |ui| {
            for kind in kinds {
                ui.selectable_value(&mut chosen, kind, word(kind)).on_hover_text(about(kind));
            }
        });
        response.response.accessible_name("Transition");
    });
    if cue.transition != Transition::Cut {
        let hint = "Bars before the cue over which the music gets there";
        let change = widgets::stepper(ui, bars, "bars of transition", &length.to_string(), hint);
        let bars = length.saturating_add_signed(change).clamp(1, 16);
        match &mut chosen {
            Transition::Cut => {}
            Transition::Crossfade { bars: length } | Transition::Morph { bars: length } => *length = bars,
        }
    }
    if chosen != cue.transition {
        scene.edit_cue(cue.id, |cue| cue.transition = chosen);
    }
}

fn word(transition: Transition) -> &'static str {
    match transition {
        Transition::Cut => "Cut",
        Transition::Crossfade { .. } => "Crossfade",
        Transition::Morph { .. } => "Morph",
    }
}

fn about(transition: Transition) -> &'static str {
    match transition {
        Transition::Cut => "At once, on the bar line",
        Transition::Crossfade { .. } => "At equal power, over the bars before the cue",
        Transition::Morph { .. } => "The cue before is composed towards this one: generate that one anew",
    }
}

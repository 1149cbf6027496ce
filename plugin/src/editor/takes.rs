//! The takes: choose, listen, rename, delete, export, drag to a track.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use egui::{Align2, Popup, PopupCloseBehavior, Rect, Response, ScrollArea, Sense, TextEdit, Ui, pos2, vec2};

use super::icons::Icon;
use super::pair::Pair;
use super::scene::Scene;
use super::waveform::{self, Waveform};
use super::widgets::{self, Look};
use super::{export, notices, theme};
use crate::project::Take;
use crate::session::Place;

/// Height of a row.
const ROW: f32 = theme::FIELD;
/// Width of the small waveforms.
const MINIATURE: f32 = 72.0;

/// The list between frames.
#[derive(Default)]
pub struct Takes {
    renaming: Option<Renaming>,
    /// The take that is renamed from the next frame on: the click that asks for a field would take its focus away.
    rename_next: Option<Renaming>,
    /// The take that is being exported, and where to.
    exporting: Option<(u64, String)>,
    miniatures: HashMap<u64, Waveform>,
}

/// A take that is being renamed.
struct Renaming {
    take: u64,
    name: String,
    /// The field has not been shown yet.
    is_new: bool,
}

impl Takes {
    /// Draws the list.
    pub fn ui(&mut self, ui: &mut Ui, rect: Rect, pair: &Pair, scene: &Scene) {
        widgets::panel(ui, rect);
        self.renaming = self.rename_next.take().or_else(|| self.renaming.take());
        let inner = rect.shrink2(vec2(theme::GRID, theme::GRID));
        let count = scene.project.takes.iter().flatten().count();
        let head = inner.min + vec2(theme::GRID, 10.0);
        let end = widgets::caps(ui, head, Align2::LEFT_CENTER, "Takes", theme::MUTED);
        let number = format!("{count} of {}", scene.project.takes.len());
        let at = pos2(end.right() + theme::GRID, head.y);
        ui.painter().text(at, Align2::LEFT_CENTER, number, theme::small_number(), theme::FAINT);
        let hint = "drag a take onto a track";
        if count > 0 {
            let at = Rect::from_min_max(inner.min, pos2(inner.right() - theme::GRID, head.y + 10.0));
            widgets::write(ui, at, Align2::RIGHT_CENTER, hint, theme::small(), theme::FAINT);
        }
        let list = inner.with_min_y(inner.top() + 3.0 * theme::GRID);
        let list = notices::show(ui, scene, Place::Takes, list);
        if count == 0 {
            let text = "Every clip you generate is kept here.";
            widgets::write(ui, list, Align2::CENTER_CENTER, text, theme::small(), theme::FAINT);
        }
        self.miniatures.retain(|id, _| scene.slot_of(*id).is_some());
        widgets::inside(ui, "takes", list, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                for (slot, take) in scene.project.takes.iter().enumerate() {
                    let Some(take) = take else { continue };
                    ui.push_id(take.id, |ui| self.row(ui, slot, take, pair, scene));
                }
            });
        });
    }

    /// Writes the take that is being exported to `path`.
    pub fn export_to(&mut self, path: PathBuf, scene: &Scene) {
        let take = self.exporting.as_ref().and_then(|(id, _)| find(scene, *id));
        match take.or_else(|| scene.selected().cloned()) {
            Some(take) => write(&take, &path, scene),
            None => scene.fail(Place::Takes, "The take that was to be exported is gone. Undo brings it back."),
        }
    }

    fn row(&mut self, ui: &mut Ui, slot: usize, take: &Arc<Take>, pair: &Pair, scene: &Scene) {
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
        let selected = slot == scene.slot;
        let row = self.handle(ui, rect, slot, take, scene);
        ground(ui, rect, selected, row.hovered());
        let mut left = rect;
        let grip = cut_left(&mut left, 20.0);
        Icon::Grip.paint(ui.painter(), grip, if row.hovered() { theme::TEXT } else { theme::FAINT });
        let play = cut_left(&mut left, 28.0);
        audition(ui, play, slot, take, scene);
        let number = cut_left(&mut left, 24.0);
        let ink = if selected { theme::ACCENT } else { theme::FAINT };
        widgets::write(ui, number, Align2::CENTER_CENTER, &(slot + 1).to_string(), theme::small_number(), ink);
        let delete = cut_right(&mut left, 28.0);
        if widgets::icon(ui, delete, Icon::Delete, &format!("Delete {}", take.name), false, true).clicked() {
            self.delete(slot, scene);
        }
        let export = cut_right(&mut left, 28.0);
        self.export_button(ui, export, take, scene);
        cut_right(&mut left, theme::GRID);
        self.facts(ui, &mut left, take, selected);
        if let Some(letter) = pair.letter(take.id) {
            cut_right(&mut left, theme::GRID);
            let badge = Rect::from_center_size(cut_right(&mut left, 20.0).center(), vec2(18.0, 18.0));
            ui.painter().rect_filled(badge, theme::ROUND_SMALL, theme::ACCENT_DEEP);
            widgets::write(ui, badge, Align2::CENTER_CENTER, letter, theme::small(), theme::ACCENT);
        }
        self.name(ui, left.shrink2(vec2(4.0, 0.0)), take, selected, scene);
    }

    /// The row as a whole: click selects, double click renames, drag takes the sound out.
    fn handle(&mut self, ui: &mut Ui, rect: Rect, slot: usize, take: &Arc<Take>, scene: &Scene) -> Response {
        let name = format!("Take {}: {}", slot + 1, take.name);
        let selected = Some(slot == scene.slot);
        let row = widgets::press(ui, rect, "row", &name, selected, Sense::click_and_drag());
        let row = remember(row, take);
        if row.clicked() {
            scene.select(slot);
        }
        if row.double_clicked() {
            self.start_renaming(take);
        }
        if row.drag_started() {
            drag(take, scene);
        }
        if row.dragged() {
            ui.ctx().set_cursor_icon(egui::CursorIcon::Grabbing);
        }
        row.context_menu(|ui| {
            if ui.button("Rename").clicked() {
                self.start_renaming(take);
                ui.close();
            }
            if ui.button("Delete").clicked() {
                self.delete(slot, scene);
            }
            if ui.button("Show file in folder").clicked() {
                let path = export::library().join(export::file_name(take));
                if write_quietly(take, &path, scene) {
                    scene.host.desktop().reveal(&path);
                }
            }
        });
        row
    }

    fn facts(&mut self, ui: &Ui, left: &mut Rect, take: &Arc<Take>, selected: bool) {
        if left.width() > 220.0 {
            let wave = cut_right(left, MINIATURE);
            let columns = self.miniatures.entry(take.id).or_default().columns(&take.sound, MINIATURE as usize);
            waveform::miniature(ui, wave.shrink2(vec2(0.0, 7.0)), &columns, selected);
            cut_right(left, theme::GRID);
        }
        let bars = cut_right(left, 48.0);
        let text = if take.recipe.bars == 1 { "1 bar".to_owned() } else { format!("{} bars", take.recipe.bars) };
        widgets::write(ui, bars, Align2::LEFT_CENTER, &text, theme::small_number(), theme::FAINT);
    }

    fn name(&mut self, ui: &mut Ui, rect: Rect, take: &Arc<Take>, selected: bool, scene: &Scene) {
        let Some(Renaming { name, is_new, .. }) = self.renaming.as_mut().filter(|renaming| renaming.take == take.id)
        else {
            let ink = if selected { theme::TEXT } else { theme::MUTED };
            widgets::write(ui, rect, Align2::LEFT_CENTER, &take.name, theme::body(), ink);
            return;
        };
        widgets::well(ui, rect.shrink2(vec2(0.0, 4.0)), true);
        let id = ui.scope_id().with("rename");
        if std::mem::take(is_new) {
            widgets::start_typing(ui, id, name);
        }
        let field =
            TextEdit::singleline(name).id(id).char_limit(120).frame(egui::Frame::NONE).align(Align2::LEFT_CENTER);
        let response = ui.put(rect.shrink2(vec2(6.0, 0.0)), field).accessible_name("Name of the take");
        if !response.lost_focus() {
            return;
        }
        let name = name.trim().to_owned();
        self.renaming = None;
        let given_up = ui.input(|input| input.key_pressed(egui::Key::Escape));
        if !given_up && !name.is_empty() && name != take.name {
            let id = take.id;
            scene.edit_takes(|takes| {
                if let Some(slot) = takes.iter_mut().flatten().find(|take| take.id == id) {
                    *slot = Arc::new(slot.renamed(name));
                }
            });
        }
    }

    fn start_renaming(&mut self, take: &Take) {
        self.rename_next = Some(Renaming { take: take.id, name: take.name.clone(), is_new: true });
    }

    fn delete(&mut self, slot: usize, scene: &Scene) {
        if scene.session.desk.audition() == Some(slot) {
            scene.session.desk.set_audition(None);
        }
        scene.edit_takes(|takes| takes[slot] = None);
        if slot == scene.slot {
            let left = |slot: &usize| scene.project.takes[*slot].is_some();
            let next = (slot + 1..scene.project.takes.len()).find(left).or_else(|| (0..slot).rev().find(left));
            if let Some(next) = next {
                scene.select(next);
            }
        }
    }

    fn export_button(&mut self, ui: &mut Ui, rect: Rect, take: &Arc<Take>, scene: &Scene) {
        let response = widgets::icon(ui, rect, Icon::Export, &format!("Export {}", take.name), false, true);
        if response.clicked() {
            let path = export::library().join(export::file_name(take));
            self.exporting = Some((take.id, path.display().to_string()));
        }
        let popup =
            Popup::from_toggle_button_response(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        popup.width(360.0).show(|ui| self.export_form(ui, take, scene));
    }

    fn export_form(&mut self, ui: &mut Ui, take: &Arc<Take>, scene: &Scene) {
        let Some((_, path)) = self.exporting.as_mut().filter(|(id, _)| *id == take.id) else { return };
        ui.label(egui::RichText::new("Write a WAV file, 24 bits, with tempo and loop").color(theme::MUTED));
        let field = ui.add(TextEdit::singleline(path).desired_width(344.0)).accessible_name("Path of the WAV file");
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        ui.horizontal(|ui| {
            let write_it = egui::Button::new(egui::RichText::new("Write").color(theme::ON_ACCENT)).fill(theme::ACCENT);
            if ui.add(write_it).clicked() || entered {
                write(take, &PathBuf::from(path.trim()), scene);
                ui.close();
            }
            if ui.button("Choose…").clicked() {
                scene.host.desktop().choose_export(&export::file_name(take));
                ui.close();
            }
        });
    }
}

/// The ground of a row.
pub(super) fn ground(ui: &Ui, rect: Rect, selected: bool, hovered: bool) {
    let fill = match (selected, hovered) {
        (true, _) => theme::RAISED_HOT,
        (false, true) => theme::RAISED,
        (false, false) => return,
    };
    ui.painter().rect_filled(rect, theme::ROUND_SMALL, fill);
    if selected {
        let mark = rect.with_max_x(rect.left() + 3.0);
        ui.painter().rect_filled(mark, theme::ROUND_SMALL, theme::ACCENT);
    }
}

/// Says under the pointer what was said of the take's picture, what it showed, and how its words were read.
pub(super) fn remember(row: Response, take: &Take) -> Response {
    let told = take.recipe.picture_words.as_ref().map(|words| format!("The picture was told as “{words}”"));
    let seen = take.recipe.impression.as_ref().map(|seen| format!("The picture shows {}", seen.words));
    let said: Vec<String> = told.into_iter().chain(seen).chain(take.recipe.remark()).collect();
    if said.is_empty() { row } else { row.on_hover_text(said.join("\n")) }
}

fn audition(ui: &mut Ui, rect: Rect, slot: usize, take: &Take, scene: &Scene) {
    let desk = &scene.session.desk;
    let on = desk.audition() == Some(slot);
    let (icon, name) = match on {
        true => (Icon::Stop, format!("Stop {}", take.name)),
        false => (Icon::Play, format!("Listen to {}", take.name)),
    };
    if widgets::icon(ui, rect, icon, &name, on, true).clicked() {
        desk.set_audition(if on { None } else { Some(slot) });
    }
}

fn find(scene: &Scene, id: u64) -> Option<Arc<Take>> {
    scene.project.takes.iter().flatten().find(|take| take.id == id).cloned()
}

/// Lets the user drop a take on a track.
pub(super) fn drag(take: &Take, scene: &Scene) {
    // Hosts refer to the file for ever after, so each take has its own, in a place that stays.
    let path = export::library().join(export::file_name(take));
    if write_quietly(take, &path, scene) {
        scene.host.desktop().drag_out(path);
    }
}

fn write_quietly(take: &Take, path: &std::path::Path, scene: &Scene) -> bool {
    export::write(take, path).map_err(|error| scene.fail(Place::Takes, error.to_string())).is_ok()
}

fn write(take: &Take, path: &std::path::Path, scene: &Scene) {
    if write_quietly(take, path, scene) {
        scene.remark(Place::Takes, format!("Written: {}", path.display()));
    }
}

/// Takes the left part of `rect` off it.
pub(super) fn cut_left(rect: &mut Rect, width: f32) -> Rect {
    let cut = rect.with_max_x(rect.left() + width);
    rect.min.x += width;
    cut
}

/// Takes the right part of `rect` off it.
pub(super) fn cut_right(rect: &mut Rect, width: f32) -> Rect {
    let cut = rect.with_min_x(rect.right() - width);
    rect.max.x -= width;
    cut
}

/// The button that switches between A and B.
pub fn switch_ab(ui: &mut Ui, rect: Rect, pair: &Pair, scene: &Scene) {
    let other = pair.other().and_then(|take| scene.slot_of(take));
    let response = widgets::button(ui, rect, "A/B", Look::Raised, other.is_some());
    let response = response.on_hover_text("Switch between the two takes heard last (B)");
    let typing = ui.ctx().text_edit_focused();
    let key = !typing && ui.input(|input| input.modifiers.is_none() && input.key_pressed(egui::Key::B));
    if let Some(other) = other.filter(|_| response.clicked() || key) {
        if scene.session.desk.audition() == Some(scene.slot) {
            scene.session.desk.set_audition(Some(other));
        }
        scene.select(other);
    }
}

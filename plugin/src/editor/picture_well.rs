//! Where the picture lies: drop one, open a file, paste, or type a path.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam::channel::{Receiver, TryRecvError, bounded};
use egui::{Align2, Rect, Role, Sense, Stroke, StrokeKind, TextEdit, TextureHandle, Ui, WidgetInfo, pos2, vec2};

use super::crop::CropTool;
use super::icons::Icon;
use super::phrase::Phrase;
use super::scene::Scene;
use super::widgets::{self, Look};
use super::{notices, theme};
use crate::project::Frame;
use crate::session::Place;

/// The picture well between frames.
#[derive(Default)]
pub struct PictureWell {
    /// The thumbnail as a texture, and the picture it belongs to.
    texture: Option<(String, TextureHandle)>,
    /// A picture that is being read on a thread of its own, and the cue it is for.
    reading: Option<Reading>,
    crop: CropTool,
    phrase: Phrase,
    /// The cue that is generated as soon as it has another picture.
    vary: Option<u64>,
    /// The path that is being typed.
    path: Option<String>,
    /// The field for it has just appeared, and is to be typed into at once.
    is_path_new: bool,
}

/// A picture on its way to a cue, or to the brief.
struct Reading {
    cue: Option<u64>,
    frame: Receiver<Result<Frame, String>>,
}

impl PictureWell {
    /// Draws the well and its buttons.
    pub fn ui(&mut self, ui: &mut Ui, rect: Rect, scene: &Scene) {
        self.collect(scene);
        let (top, buttons) = rect.split_top_bottom_at_y(rect.bottom() - theme::FIELD);
        let phrase = Phrase::height(scene, top.height());
        let extra = notices::height(ui, scene, Place::Picture, rect.width()) + self.path_height();
        let extra = if phrase > 0.0 { extra + phrase + theme::GRID } else { extra };
        let well = top.with_max_y(top.bottom() - theme::GRID - extra);
        self.picture(ui, well, scene);
        let mut rest = Rect::from_min_max(pos2(rect.left(), well.bottom() + theme::GRID), rect.max);
        if phrase > 0.0 {
            let (place, below) = rest.split_top_bottom_at_y(rest.top() + phrase);
            self.phrase.ui(ui, place, scene);
            rest = below.with_min_y(below.top() + theme::GRID);
        }
        rest = self.path_field(ui, rest, scene);
        notices::show(ui, scene, Place::Picture, rest);
        self.buttons(ui, buttons, scene);
    }

    /// Forgets what belongs to a window that was closed.
    pub fn reopen(&mut self) {
        self.texture = None;
    }

    /// Asks for another picture of a cue, which is then generated from the same seed.
    pub fn vary(&mut self, cue: u64, scene: &Scene) {
        self.vary = Some(cue);
        scene.host.desktop().choose_picture();
    }

    /// Whether a picture is being read.
    pub fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// Reads a picture's file; it lies in the well when it is read.
    pub fn open(&mut self, path: PathBuf, scene: &Scene) {
        self.read(scene, move || Frame::open(&path));
    }

    /// Takes a picture that was pasted.
    pub fn take_rgb(&mut self, (width, height): (u32, u32), rgb: Vec<u8>, scene: &Scene) {
        self.read(scene, move || Frame::from_rgb(width, height, rgb, "pasted picture"));
    }

    /// Large pictures take a while to read, and a window must not wait.
    fn read(&mut self, scene: &Scene, read: impl FnOnce() -> Result<Frame, melfusion::Error> + Send + 'static) {
        let (sender, receiver) = bounded(1);
        let repaint = scene.session.repaint.clone();
        let spawned = std::thread::Builder::new().name("melfusion-picture".into()).spawn(move || {
            // Nobody waits any more if the window took another picture meanwhile.
            let _ = sender.send(read().map_err(|error| error.to_string()));
            repaint.request_repaint();
        });
        match spawned {
            Ok(_) => self.reading = Some(Reading { cue: scene.cue, frame: receiver }),
            Err(error) => scene.fail(Place::Picture, format!("The picture cannot be read now: {error}. Try again.")),
        }
    }

    fn collect(&mut self, scene: &Scene) {
        let Some(Reading { cue, frame }) = &self.reading else { return };
        match frame.try_recv() {
            Ok(Ok(frame)) => {
                scene.session.tell(Place::Picture, None);
                let frame = Some(Arc::new(frame));
                let varied =
                    cue.filter(|cue| self.vary.take() == Some(*cue)).and_then(|cue| scene.project.board.cue(cue));
                match varied {
                    Some(cue) => scene.vary(cue, |cue| cue.show(frame)),
                    None => scene.set_picture(*cue, frame),
                }
            }
            Ok(Err(problem)) => scene.fail(Place::Picture, problem),
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => {
                scene.fail(Place::Picture, "The picture could not be read. Try another file.");
            }
        }
        self.reading = None;
    }

    fn picture(&mut self, ui: &mut Ui, well: Rect, scene: &Scene) {
        widgets::well(ui, well, false);
        let picture = scene.picture().cloned();
        let label = match &picture {
            Some(frame) => format!("Picture {}", frame.name),
            None => "No picture".to_owned(),
        };
        let sense = if scene.cue.is_some() { Sense::click_and_drag() } else { Sense::click() };
        let response = ui.interact(well, ui.scope_id().with("well"), sense);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &label));
        match &picture {
            Some(frame) => {
                let place = self.thumbnail(ui, well, frame);
                if let Some((place, cue)) = place.zip(scene.cue()) {
                    self.crop.ui(ui, place, &response, cue, scene);
                }
            }
            None => self.invitation(ui, well, response.hovered()),
        }
        if response.clicked() && picture.is_none() {
            scene.host.desktop().choose_picture();
        }
        let hovering = scene.host.desktop().hovering().is_some();
        if hovering {
            // Whatever was asked for before, this is another picture.
            self.vary = None;
        }
        if hovering && !scene.over_lane {
            let glow = theme::ACCENT.gamma_multiply(0.12);
            ui.painter().rect_filled(well, theme::ROUND_SMALL, glow);
            ui.painter().rect_stroke(well, theme::ROUND_SMALL, Stroke::new(2.0, theme::ACCENT), StrokeKind::Inside);
            let sign = Rect::from_center_size(well.center(), vec2(well.width(), 24.0));
            widgets::write(ui, sign, Align2::CENTER_CENTER, "Drop it here", theme::title(), theme::ACCENT);
        }
    }

    /// Draws the picture; answers where.
    fn thumbnail(&mut self, ui: &Ui, well: Rect, frame: &Frame) -> Option<Rect> {
        let known = self.texture.as_ref().is_some_and(|(hash, _)| *hash == frame.sha256);
        if !known {
            self.texture = texture(ui, frame).map(|texture| (frame.sha256.clone(), texture));
        }
        let (_, texture) = self.texture.as_ref()?;
        let size = texture.size_vec2();
        let inner = well.shrink(1.0);
        let scale = (inner.width() / size.x).min(inner.height() / size.y);
        let place = Rect::from_center_size(inner.center(), size * scale);
        egui::Image::new(texture).corner_radius(theme::ROUND_SMALL).paint_at(ui, place);
        caption(ui, place, &frame.name);
        Some(place)
    }

    fn invitation(&self, ui: &Ui, well: Rect, hot: bool) {
        let ink = if hot { theme::ACCENT } else { theme::FAINT };
        let dashes = [well.left_top(), well.right_top(), well.right_bottom(), well.left_bottom(), well.left_top()];
        let dashes = dashes.map(|corner| corner + (well.center() - corner).normalized() * 12.0);
        ui.painter().extend(egui::Shape::dashed_line(&dashes, Stroke::new(1.0, theme::LINE), 6.0, 6.0));
        let centre = well.center();
        Icon::Picture.paint(ui.painter(), Rect::from_center_size(centre - vec2(0.0, 32.0), vec2(40.0, 30.0)), ink);
        let line = |y: f32| Rect::from_center_size(centre + vec2(0.0, y), vec2(well.width() - 32.0, 20.0));
        let words = if self.is_reading() { "Reading the picture…" } else { "Drop a frame, or a whole storyboard" };
        widgets::write(ui, line(8.0), Align2::CENTER_CENTER, words, theme::title(), theme::TEXT);
        let hint = "or click to open one · PNG, JPEG, WebP";
        widgets::write(ui, line(30.0), Align2::CENTER_CENTER, hint, theme::small(), theme::MUTED);
    }

    fn buttons(&mut self, ui: &mut Ui, rect: Rect, scene: &Scene) {
        let width = (rect.width() - 3.0 * theme::GRID) / 4.0;
        let place = |i: usize| {
            let left = rect.left() + i as f32 * (width + theme::GRID);
            Rect::from_min_size(pos2(left, rect.top()), vec2(width, rect.height()))
        };
        let desktop = scene.host.desktop();
        if widgets::button(ui, place(0), "Open…", Look::Raised, true).clicked() {
            self.vary = None;
            desktop.choose_picture();
        }
        let paste = widgets::button(ui, place(1), "Paste", Look::Raised, true);
        paste.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Paste picture"));
        if paste.clicked() {
            self.vary = None;
            desktop.paste_image();
        }
        if widgets::button(ui, place(2), "Path", Look::Raised, true).clicked() {
            self.path = if self.path.is_some() { None } else { Some(String::new()) };
            self.is_path_new = self.path.is_some();
        }
        let clear = widgets::button(ui, place(3), "Clear", Look::Raised, scene.picture().is_some());
        if clear.clicked() {
            scene.set_picture(scene.cue, None);
            scene.session.tell(Place::Picture, None);
        }
    }

    fn path_height(&self) -> f32 {
        if self.path.is_some() { theme::FIELD + theme::GRID } else { 0.0 }
    }

    /// For desktops without a file dialog.
    fn path_field(&mut self, ui: &mut Ui, rect: Rect, scene: &Scene) -> Rect {
        let Some(path) = &mut self.path else { return rect };
        let place = Rect::from_min_size(rect.min, vec2(rect.width(), theme::FIELD));
        let id = ui.scope_id().with("path");
        widgets::well(ui, place, ui.memory(|memory| memory.has_focus(id)));
        let field = TextEdit::singleline(path)
            .id(id)
            .hint_text("/path/to/frame.png, then Enter")
            .frame(egui::Frame::NONE)
            .align(Align2::LEFT_CENTER);
        let response = ui.put(place.shrink2(vec2(theme::GRID, 0.0)), field).accessible_name("Path of the picture");
        if std::mem::take(&mut self.is_path_new) {
            response.request_focus();
        }
        if response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter)) {
            let path = PathBuf::from(path.trim().trim_matches('"'));
            self.path = None;
            self.open(path, scene);
        }
        Rect::from_min_max(pos2(rect.left(), place.bottom() + theme::GRID), rect.max)
    }
}

/// The picture's name, on the picture.
fn caption(ui: &Ui, picture: Rect, name: &str) {
    let width = picture.width() - 4.0 * theme::GRID;
    let text = widgets::line(ui, name, theme::small(), theme::TEXT, width.max(0.0));
    let size = text.size() + vec2(2.0 * theme::GRID, 6.0);
    let chip = Rect::from_min_size(picture.left_bottom() + vec2(theme::GRID, -theme::GRID - size.y), size);
    ui.painter().rect_filled(chip, theme::ROUND_SMALL, egui::Color32::from_black_alpha(190));
    ui.painter().galley(chip.min + vec2(theme::GRID, 3.0), text, theme::TEXT);
}

/// Whether a dropped file holds words instead of a picture.
pub fn holds_words(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ["txt", "md", "fountain"].iter().any(|words| extension.eq_ignore_ascii_case(words))
}

fn texture(ui: &Ui, frame: &Frame) -> Option<TextureHandle> {
    let picture = image::load_from_memory(&frame.thumbnail).ok()?.into_rgb8();
    let size = [picture.width() as usize, picture.height() as usize];
    let image = egui::ColorImage::from_rgb(size, picture.as_raw());
    Some(ui.ctx().load_texture("picture", image, egui::TextureOptions::LINEAR))
}

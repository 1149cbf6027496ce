//! The whole window, without the window: everything is driven through [`Host`].

use std::sync::Arc;
use std::time::Duration;

use egui::{Key, KeyboardShortcut, Modifiers, Rect, Ui, pos2, vec2};

use super::cue_panel::{CuePanel, Wish};
use super::desktop::Arrival;
use super::dials::Dials;
use super::history::History;
use super::host::Host;
use super::lane::Lane;
use super::listen::Listen;
use super::pair::Pair;
use super::phrase::Phrase;
use super::picture_well::{PictureWell, holds_words};
use super::readouts::{self, Step};
use super::request::Request;
use super::scene::Scene;
use super::takes::Takes;
use super::words::Words;
use super::{engine_panel, generate, notices, theme, widgets};
use crate::params::MelfusionParams;
use crate::session::{Place, Session};

/// Between frames while something moves.
const FRAME: Duration = Duration::from_millis(33);
/// Longest text that is taken from a file.
const MAX_WORDS: u64 = 1 << 20;

/// The editor's state between frames.
pub struct Screen {
    session: Arc<Session>,
    params: Arc<MelfusionParams>,
    lane: Lane,
    cue_panel: CuePanel,
    picture: PictureWell,
    words: Words,
    request: Request,
    dials: Dials,
    listen: Listen,
    takes: Takes,
    pair: Pair,
    history: History,
    /// Whether a text field had the focus in the last frame.
    typing: bool,
}

/// Where things stand in the window.
struct Plan {
    head: Rect,
    messages: Rect,
    lane: Rect,
    picture: Rect,
    words: Rect,
    request: Rect,
    listen: Rect,
    takes: Rect,
}

impl Screen {
    /// Shows one instance.
    pub fn new(session: Arc<Session>, params: Arc<MelfusionParams>) -> Self {
        Self {
            session,
            params,
            lane: Lane::default(),
            cue_panel: CuePanel::default(),
            picture: PictureWell::default(),
            words: Words::default(),
            request: Request::default(),
            dials: Dials::default(),
            listen: Listen::default(),
            takes: Takes::default(),
            pair: Pair::default(),
            history: History::default(),
            typing: false,
        }
    }

    /// Forgets what belongs to a window that was closed.
    pub fn reopen(&mut self) {
        self.picture.reopen();
        self.lane.reopen();
        self.typing = false;
    }

    /// Draws one frame and does what the user asks.
    pub fn ui(&mut self, ui: &mut Ui, host: &dyn Host) {
        let (session, params) = (self.session.clone(), self.params.clone());
        let now = ui.input(|input| input.time);
        self.arrivals(host, now);
        self.lane.collect(&Scene::new(&session, &params, host, now));
        let scene = self.scene(&session, &params, host, now);
        self.history.observe(&scene.project, scene.now);
        self.pair.keep(|take| scene.slot_of(take).is_some());
        self.pair.follow(scene.selected().map(|take| take.id));
        self.listen.meter.feed(session.readout.take_peaks(), scene.now);
        self.draw(ui, &scene);
        self.keyboard(ui, &scene);
        self.audition(&scene);
        self.repaint(ui, &scene);
    }

    /// What is worked on.
    fn scene<'a>(
        &mut self,
        session: &'a Session,
        params: &'a MelfusionParams,
        host: &'a dyn Host,
        now: f64,
    ) -> Scene<'a> {
        let mut scene = Scene::new(session, params, host, now);
        scene.over_lane = host.desktop().hovering().is_some_and(|at| self.lane.contains(at));
        scene.cue = self.lane.selected(&scene.project.board).filter(|_| scene.is_board());
        scene
    }

    fn draw(&mut self, ui: &mut Ui, scene: &Scene) {
        let whole = ui.max_rect();
        ui.painter().rect_filled(whole, 0.0, theme::GROUND);
        let plan = Plan::new(ui, whole, self.lane.height(&scene.project, whole.height()), scene);
        self.head(ui, plan.head, scene);
        let rest = notices::show(ui, scene, Place::Engine, plan.messages);
        let rest = notices::show(ui, scene, Place::Project, rest);
        if plan.lane.height() == 0.0 {
            notices::show(ui, scene, Place::Board, rest);
        }
        if plan.lane.height() > 0.0 {
            widgets::inside(ui, "lane", plan.lane, |ui| self.lane.ui(ui, plan.lane, scene));
        }
        widgets::inside(ui, "picture", plan.picture, |ui| self.picture.ui(ui, plan.picture, scene));
        widgets::inside(ui, "words", plan.words, |ui| self.words.ui(ui, plan.words, scene));
        widgets::inside(ui, "request", plan.request, |ui| self.make(ui, plan.request, scene));
        if scene.cue.is_some() {
            let place = plan.listen.union(plan.takes);
            let wish = widgets::inside(ui, "cue", place, |ui| {
                self.cue_panel.ui(ui, place, &self.listen, &mut self.dials, scene)
            });
            if let Some(Wish::OtherPicture(cue)) = wish {
                self.picture.vary(cue, scene);
            }
            return;
        }
        widgets::inside(ui, "listen", plan.listen, |ui| {
            self.listen.ui(ui, plan.listen, &mut self.dials, &self.pair, scene);
        });
        widgets::inside(ui, "list", plan.takes, |ui| self.takes.ui(ui, plan.takes, &self.pair, scene));
    }

    fn head(&mut self, ui: &mut Ui, rect: Rect, scene: &Scene) {
        let engine = Rect::from_center_size(
            pos2(rect.right() - engine_panel::WIDTH / 2.0, rect.center().y),
            vec2(engine_panel::WIDTH, theme::FIELD - 2.0),
        );
        engine_panel::ui(ui, engine, scene);
        let rest = rect.with_max_x(engine.left() - theme::GRID);
        if let Some(step) = readouts::ui(ui, rest, &self.history, scene) {
            self.step(step, scene);
        }
    }

    fn make(&mut self, ui: &mut Ui, rect: Rect, scene: &Scene) {
        widgets::panel(ui, rect);
        let inner = rect.shrink(theme::GAP);
        let knobs = inner.with_max_y(inner.top() + Request::HEIGHT);
        self.request.ui(ui, knobs, &mut self.dials, scene);
        let rest = inner.with_min_y(knobs.bottom() + theme::GAP);
        let rest = notices::show(ui, scene, Place::Request, rest);
        let rest = notices::show(ui, scene, Place::Generate, rest);
        generate::ui(ui, rest.with_max_y(rest.top() + generate::HEIGHT), scene);
    }

    fn step(&mut self, step: Step, scene: &Scene) {
        let changed = {
            let mut project = scene.session.project.lock();
            match step {
                Step::Undo => self.history.undo(&mut project),
                Step::Redo => self.history.redo(&mut project),
            }
        };
        if changed {
            scene.session.desk.set_anchor_bar(scene.session.project.lock().anchor_bar);
            scene.session.publish();
            scene.session.mark_changed();
        }
    }

    fn arrivals(&mut self, host: &dyn Host, now: f64) {
        let session = self.session.clone();
        let params = self.params.clone();
        while let Some(arrival) = host.desktop().poll() {
            let scene = self.scene(&session, &params, host, now);
            let is_picture = matches!(arrival, Arrival::PictureFile(_) | Arrival::Frames(_));
            let dropped = is_picture.then(|| host.desktop().dropped()).flatten();
            let over = dropped.filter(|at| self.lane.contains(*at));
            match arrival {
                Arrival::PictureFile(path) if holds_words(&path) => match read_words(&path) {
                    Ok(words) => self.words.take(&words, &scene),
                    Err(problem) => scene.fail(Place::Request, problem),
                },
                Arrival::PictureFile(path) if over.is_some() => self.lane.add(vec![path], over, &scene),
                Arrival::PictureFile(path) => self.picture.open(path, &scene),
                Arrival::Frames(paths) => self.lane.add(paths, over, &scene),
                Arrival::PictureRgb { width, height, rgb } => self.picture.take_rgb((width, height), rgb, &scene),
                Arrival::Words(words) => self.words.take(&words, &scene),
                Arrival::ExportTo(path) => self.takes.export_to(path, &scene),
                Arrival::Failed(place, problem) => scene.fail(place, problem),
                Arrival::DragEnded(_) => {}
            }
        }
    }

    /// Shortcuts, while no text field takes the keys; and word to the desktop when one does.
    fn keyboard(&mut self, ui: &Ui, scene: &Scene) {
        const REDO: [KeyboardShortcut; 2] = [
            KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::Z),
            KeyboardShortcut::new(Modifiers::COMMAND, Key::Y),
        ];
        const UNDO: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Z);
        let typing = ui.ctx().text_edit_focused();
        if typing != self.typing {
            self.typing = typing;
            scene.host.desktop().text_focus(typing);
        }
        if typing {
            return;
        }
        let redo = ui.input_mut(|input| REDO.iter().any(|shortcut| input.consume_shortcut(shortcut)));
        if redo {
            self.step(Step::Redo, scene);
        } else if ui.input_mut(|input| input.consume_shortcut(&UNDO)) {
            self.step(Step::Undo, scene);
        }
    }

    /// Listening to a take ends when the song starts, or when the take is gone.
    fn audition(&self, scene: &Scene) {
        let desk = &scene.session.desk;
        let gone = |slot: usize| scene.project.live_takes().all(|(live, _)| live != slot);
        if desk.audition().is_some_and(|slot| scene.session.readout.playing() || gone(slot)) {
            desk.set_audition(None);
        }
    }

    fn repaint(&self, ui: &Ui, scene: &Scene) {
        let session = scene.session;
        let moves = session.readout.playing()
            || session.desk.audition().is_some()
            || scene.status.job.is_some()
            || self.picture.is_reading()
            || self.lane.is_reading()
            || self.listen.meter.is_moving()
            || matches!(scene.engine, crate::worker::EngineState::Loading);
        if moves {
            ui.ctx().request_repaint_after(FRAME);
        }
    }
}

impl Plan {
    fn new(ui: &Ui, whole: Rect, lane: f32, scene: &Scene) -> Self {
        let inner = whole.shrink2(vec2(theme::GAP, 0.0)).with_max_y(whole.bottom() - theme::GAP);
        let head = inner.with_max_y(inner.top() + 7.0 * theme::GRID);
        let at = |place| notices::height(ui, scene, place, inner.width());
        let said = at(Place::Engine) + at(Place::Project) + if lane == 0.0 { at(Place::Board) } else { 0.0 };
        let messages = Rect::from_min_max(head.left_bottom(), pos2(inner.right(), head.bottom() + said));
        let below = inner.with_min_y(messages.bottom());
        let lane = below.with_max_y(below.top() + lane);
        let gap = if lane.height() > 0.0 { theme::GAP } else { 0.0 };
        let body = below.with_min_y(lane.bottom() + gap);
        let share = egui::remap_clamp(body.width(), 728.0..=1200.0, 0.345..=0.40);
        let column = (body.width() * share / theme::GRID).round() * theme::GRID;
        let left = body.with_max_x(body.left() + column);
        let right = body.with_min_x(left.right() + theme::GAP);
        // The picture gets all the height that its width can use; the rest is for words.
        let said = notices::height(ui, scene, Place::Picture, column) + Phrase::height(scene, f32::INFINITY);
        let words = if scene.cue.is_some() { Words::BOARD_HEIGHT } else { Words::HEIGHT };
        let height = (left.height() - words - theme::GAP).min(column * 0.84 + 40.0 + said);
        let picture = left.with_max_y(left.top() + height);
        let words = left.with_min_y(picture.bottom() + theme::GAP);
        let width = right.width() - 2.0 * theme::GAP;
        let at = |place| notices::height(ui, scene, place, width);
        let said = at(Place::Request) + at(Place::Generate);
        let height = 3.0 * theme::GAP + Request::HEIGHT + generate::HEIGHT + said;
        let request = right.with_max_y(right.top() + height);
        let rest = right.with_min_y(request.bottom() + theme::GAP);
        let deck = (rest.height() * 0.56).clamp(Listen::MIN_HEIGHT, 320.0);
        let listen = rest.with_max_y(rest.top() + deck);
        let takes = rest.with_min_y(listen.bottom() + theme::GAP);
        Self { head, messages, lane, picture, words, request, listen, takes }
    }
}

fn read_words(path: &std::path::Path) -> Result<String, String> {
    let problem = |what: String| format!("{}: {what}", path.display());
    let size = std::fs::metadata(path).map_err(|error| problem(error.to_string()))?.len();
    if size > MAX_WORDS {
        return Err(problem("longer than 1 MB; choose a shorter text".into()));
    }
    let bytes = std::fs::read(path).map_err(|error| problem(error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

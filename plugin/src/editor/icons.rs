//! Signs on buttons, drawn as lines so that they are sharp at every scale.

use std::f32::consts::{PI, TAU};

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, Vec2, pos2, vec2};

/// What a button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Icon {
    /// Take the last change back.
    Undo,
    /// Make it again.
    Redo,
    /// Listen.
    Play,
    /// Stop listening.
    Stop,
    /// Write to a file.
    Export,
    /// Throw away.
    Delete,
    /// Draw another number.
    Dice,
    /// The number stays.
    Locked,
    /// The number changes.
    Unlocked,
    /// Dismiss.
    Close,
    /// One less.
    Minus,
    /// One more.
    Plus,
    /// Take hold here and drag.
    Grip,
    /// There are more in a list.
    More,
    /// Repeat.
    Loop,
    /// Silence.
    Mute,
    /// A picture.
    Picture,
}

impl Icon {
    /// Paints it in the middle of `rect`, about 14 points large.
    pub fn paint(self, painter: &Painter, rect: Rect, color: Color32) {
        let pen = Pen { painter, centre: rect.center(), color };
        match self {
            Self::Undo => pen.turn(-1.0),
            Self::Redo => pen.turn(1.0),
            Self::Play => pen.fill(&[(-4.0, -5.5), (5.5, 0.0), (-4.0, 5.5)]),
            Self::Stop => pen.fill(&[(-4.5, -4.5), (4.5, -4.5), (4.5, 4.5), (-4.5, 4.5)]),
            Self::Export => pen.export(),
            Self::Delete => pen.delete(),
            Self::Dice => pen.dice(),
            Self::Locked => pen.lock(0.0),
            Self::Unlocked => pen.lock(5.0),
            Self::Close => {
                pen.line(&[(-4.0, -4.0), (4.0, 4.0)]);
                pen.line(&[(-4.0, 4.0), (4.0, -4.0)]);
            }
            Self::Minus => pen.line(&[(-4.0, 0.0), (4.0, 0.0)]),
            Self::Plus => {
                pen.line(&[(-4.0, 0.0), (4.0, 0.0)]);
                pen.line(&[(0.0, -4.0), (0.0, 4.0)]);
            }
            Self::Grip => pen.grip(),
            Self::More => pen.line(&[(-4.0, -2.0), (0.0, 2.0), (4.0, -2.0)]),
            Self::Loop => pen.repeat(),
            Self::Mute => pen.mute(),
            Self::Picture => pen.picture(),
        }
    }
}

struct Pen<'a> {
    painter: &'a Painter,
    centre: Pos2,
    color: Color32,
}

impl Pen<'_> {
    fn stroke(&self) -> Stroke {
        Stroke::new(1.4, self.color)
    }

    fn at(&self, (x, y): (f32, f32)) -> Pos2 {
        self.centre + vec2(x, y)
    }

    fn line(&self, points: &[(f32, f32)]) {
        self.painter.line(points.iter().map(|point| self.at(*point)).collect(), self.stroke());
    }

    fn fill(&self, points: &[(f32, f32)]) {
        let points = points.iter().map(|point| self.at(*point)).collect();
        self.painter.add(Shape::convex_polygon(points, self.color, Stroke::NONE));
    }

    fn dot(&self, point: (f32, f32), radius: f32) {
        self.painter.circle_filled(self.at(point), radius, self.color);
    }

    /// An arrow that turns back; `side` is -1 for undo and 1 for redo, its mirror image.
    fn turn(&self, side: f32) {
        let bow = arc(self.at((0.0, 1.5)), 4.8, PI, 2.35 * PI);
        let mirrored = |point: Pos2| pos2(self.centre.x - (point.x - self.centre.x) * side, point.y);
        // Drawn for undo: from the arrow head at the left over the top to the right.
        self.painter.line(bow.map(mirrored).collect(), self.stroke());
        self.line(&[(-7.4, -1.6), (-4.8, 1.8), (-1.6, -1.2)].map(|(x, y)| (-x * side, y)));
    }

    fn export(&self) {
        self.line(&[(0.0, -6.0), (0.0, 2.5)]);
        self.line(&[(-3.5, -1.0), (0.0, 2.5), (3.5, -1.0)]);
        self.line(&[(-5.5, 2.5), (-5.5, 6.0), (5.5, 6.0), (5.5, 2.5)]);
    }

    fn delete(&self) {
        self.line(&[(-5.5, -4.0), (5.5, -4.0)]);
        self.line(&[(-2.0, -4.0), (-2.0, -6.0), (2.0, -6.0), (2.0, -4.0)]);
        self.line(&[(-4.2, -4.0), (-3.4, 6.0), (3.4, 6.0), (4.2, -4.0)]);
    }

    fn dice(&self) {
        let rect = Rect::from_center_size(self.centre, Vec2::splat(12.0));
        self.painter.rect_stroke(rect, 2.5, self.stroke(), egui::StrokeKind::Middle);
        for point in [(-3.0, -3.0), (3.0, -3.0), (0.0, 0.0), (-3.0, 3.0), (3.0, 3.0)] {
            self.dot(point, 1.15);
        }
    }

    fn lock(&self, open: f32) {
        let body = Rect::from_min_max(self.at((-5.0, -0.5)), self.at((5.0, 6.0)));
        self.painter.rect_filled(body, 1.5, self.color);
        let mut bow: Vec<Pos2> = arc(self.at((0.0, -3.0)), 3.2, PI, TAU).collect();
        bow.insert(0, self.at((-3.2, 0.0)));
        bow.push(self.at((3.2, 0.0 - open.min(3.0))));
        self.painter.line(bow, self.stroke());
    }

    fn grip(&self) {
        for x in [-2.0, 2.0] {
            for y in [-4.0, 0.0, 4.0] {
                self.dot((x, y), 1.0);
            }
        }
    }

    fn repeat(&self) {
        self.line(&[(-6.0, 0.0), (-6.0, -3.5), (5.0, -3.5)]);
        self.line(&[(2.5, -6.0), (5.0, -3.5), (2.5, -1.0)]);
        self.line(&[(6.0, 0.0), (6.0, 3.5), (-5.0, 3.5)]);
        self.line(&[(-2.5, 1.0), (-5.0, 3.5), (-2.5, 6.0)]);
    }

    fn mute(&self) {
        self.fill(&[(-6.0, -2.0), (-3.5, -2.0), (-3.5, 2.0), (-6.0, 2.0)]);
        self.fill(&[(-3.5, -2.0), (0.0, -5.5), (0.0, 5.5), (-3.5, 2.0)]);
        self.line(&[(2.5, -2.5), (7.0, 2.5)]);
        self.line(&[(2.5, 2.5), (7.0, -2.5)]);
    }

    fn picture(&self) {
        let rect = Rect::from_center_size(self.centre, vec2(40.0, 30.0));
        self.painter.rect_stroke(rect, 3.0, self.stroke(), egui::StrokeKind::Middle);
        self.painter.circle_stroke(self.at((9.0, -6.0)), 3.5, self.stroke());
        self.line(&[(-20.0, 9.0), (-8.0, -3.0), (2.0, 7.0), (7.0, 2.0), (20.0, 13.0)]);
    }
}

/// Points of an arc; angles in radians, clockwise from the right.
pub fn arc(centre: Pos2, radius: f32, from: f32, to: f32) -> impl Iterator<Item = Pos2> {
    const POINTS: usize = 24;
    (0..=POINTS).map(move |i| centre + radius * Vec2::angled(egui::lerp(from..=to, i as f32 / POINTS as f32)))
}

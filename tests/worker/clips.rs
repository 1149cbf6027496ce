//! A clip that went through a worker is the clip that the engine makes, whether the worker is a process or threads.

use std::sync::Mutex;

use melfusion::clip::State;
use melfusion::engine::Redecoding;
use melfusion::error::{Error, Stage};
use melfusion::progress::{Progress, Silent};
use melfusion::request::RequestFields;
use melfusion::service::{Job, Wanted};
use melfusion::storyboard::{Board, BoardFields, Cue, TempoMap, Transition};
use melfusion::{Clip, Request};

use crate::house::{ENGINE_HERE, House, client_here, engine, picture, quick};

#[derive(Default)]
struct Log(Mutex<Vec<(Stage, usize, usize)>>);

impl Progress for Log {
    fn step(&self, stage: Stage, done: usize, total: usize) {
        self.0.lock().unwrap().push((stage, done, total));
    }
}

#[track_caller]
fn assert_same(ours: &Clip, theirs: &Clip) {
    let bits = |clip: &Clip| clip.audio.channels().concat().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(ours), bits(theirs));
    assert_eq!(ours.audio.sample_rate(), theirs.audio.sample_rate());
    assert_eq!((&ours.latents, &ours.recipe), (&theirs.latents, &theirs.recipe));
}

#[test]
fn every_job_gives_the_same_bits_and_steps_as_in_process() {
    let house = House::new(&[]);
    let clients = [house.client(), client_here()];
    // Numbers that JSON would miss by the last bit.
    let fields = RequestFields { bpm: 95.3, influence: 0.1 + 0.2, key: Some("D minor".parse().unwrap()), ..quick(9) };
    let request = Request::new(fields).unwrap();
    let steps = |log: Log| log.0.into_inner().unwrap();
    let here = Log::default();
    let clip = engine().generate(&request, &here).unwrap();
    let here = steps(here);
    for client in &clients {
        let there = Log::default();
        assert_same(&client.run(&Job::Generate(Box::new(request.clone())), &there).unwrap(), &clip);
        let there = steps(there);
        assert_eq!(there[..2], [(Stage::Load, 0, 1), (Stage::Load, 1, 1)]);
        assert_eq!(there[2..], here);
    }

    let to = Redecoding { sample_rate: 44_100, ..Default::default() };
    let again = ENGINE_HERE.redecode(&State::from(&clip), to, &Silent).unwrap();
    let job = Job::Redecode(Box::new(State::from(&clip)), to);
    clients.iter().for_each(|client| assert_same(&client.run(&job, &Silent).unwrap(), &again));

    let cue = |start_bar, words: &str, transition| Cue {
        picture: Some(picture()),
        crop: Some([0.0, 0.25, 0.5, 0.5].try_into().unwrap()),
        prompt: words.into(),
        start_bar,
        bars: 2,
        transition,
        ..Default::default()
    };
    let board = Board::new(BoardFields {
        tempo: TempoMap::constant(187.3).unwrap(),
        style: "strings".into(),
        steps: 2,
        sample_rate: 16_000,
        cues: vec![cue(1, "calm", Transition::Cut), cue(3, "wild", Transition::Morph { bars: 1 })],
        ..Default::default()
    });
    let board = board.unwrap();
    for index in [0, 1] {
        let scored = ENGINE_HERE.score(&board, index, &Silent).unwrap();
        let job = Job::Score(board.clone(), index);
        clients.iter().for_each(|client| assert_same(&client.run(&job, &Silent).unwrap(), &scored));
    }
}

#[test]
fn errors_arrive_as_what_they_are() {
    let house = House::new(&[]);
    let clip = ENGINE_HERE.generate(&Request::new(quick(3)).unwrap(), &Silent).unwrap();
    let to = Redecoding { bpm: Some(90.0), ..Default::default() };
    let here = ENGINE_HERE.redecode(&State::from(&clip), to, &Silent).unwrap_err();
    let job = Job::Redecode(Box::new(State::from(&clip)), to);
    for client in [house.client(), client_here()] {
        let there = client.run(&job, &Silent).unwrap_err();
        assert!(matches!((&here, &there), (Error::Request { what: "bpm", .. }, Error::Request { what: "bpm", .. })));
        assert_eq!(there.to_string(), here.to_string());
    }
    let wanted = Wanted { sha256: "0".repeat(64), folder: None };
    let nobody = melfusion::service::Client::new(house.place(), None, Some(wanted));
    let error = nobody.facts().unwrap_err();
    assert!(matches!(error, Error::Worker { .. }) && error.to_string().contains("no bundle"), "{error}");
}

#[test]
fn words_too_long_to_send_are_refused_before_they_are() {
    let house = House::new(&[]);
    let cue = Cue { name: "x".repeat(40 << 20), bars: 1, ..Default::default() };
    let board = Board::new(BoardFields { cues: vec![cue], ..Default::default() }).unwrap();
    let error = house.client().run(&Job::Score(board, 0), &Silent).unwrap_err();
    assert!(matches!(error, Error::Request { .. }), "{error}");
}

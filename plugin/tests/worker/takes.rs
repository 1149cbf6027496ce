//! The worker: turns, progress, cancelling, faults, fitting. Most tests run a stand-in for the engine; the last ones run
//! the bundle that ships.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use melfusion::request::Meter;
use melfusion_plugin::project::{Frame, Sound};
use melfusion_plugin::session::Place;
use melfusion_plugin::worker::composer::Shipped;
use melfusion_plugin::worker::{EngineState, Seat, Timing, Worker, fit};

use crate::fake::Script;
use crate::house::{Instance, QUICK, TIMING, until, worker};

#[test]
fn nothing_is_loaded_and_no_thread_runs_before_it_is_needed() {
    let script = Script::new();
    let worker = worker(&script);
    let session = melfusion_plugin::session::Session::new(melfusion_plugin::link::pair().0);
    let seat = Seat::take_at(&worker, session);
    assert!(!worker.is_running());
    seat.wake();
    assert!(worker.is_running());
    assert_eq!(script.loads.load(SeqCst), 0);
    assert_eq!(seat.engine(), EngineState::Unloaded { reason: None });
    drop(seat);
    worker.join();
    assert!(!worker.is_running());
}

#[test]
fn a_take_arrives_in_the_first_free_slot_and_at_the_player() {
    let script = Script::new();
    let worker = worker(&script);
    let mut it = Instance::new(&worker);
    it.generate("calm piano over soft strings and bells");
    let take = it.await_take(0);
    assert_eq!(take.name, "Take 1: calm piano over soft strings and");
    assert_eq!((take.sound.rate, take.sound.bpm, take.sound.frames.len()), (48_000, 120.0, 96_000));
    assert_eq!(take.recipe.seed, it.session.project.lock().brief.seed);
    until("the player's copy", || it.placed() == [(0, 96_000)]);
    it.generate("");
    assert_eq!(it.await_take(1).name, "Take 2");
    it.session.project.lock().takes[0] = None;
    it.generate("more");
    assert_eq!(it.await_take(0).name, "Take 1: more");
    until("rest", || it.is_idle());
    assert!(matches!(it.seat.engine(), EngineState::Loaded { bundle, .. } if bundle == "fake 1"));
    assert_eq!(script.loads.load(SeqCst), 1);
}

#[test]
fn instances_take_turns_and_see_how_many_are_before_them() {
    let script = Script::new();
    let worker = worker(&script);
    let [a, b, c] = [(); 3].map(|()| Instance::new(&worker));
    a.generate("slow a1");
    until("a1 to begin", || script.has("slow a1"));
    a.generate("a2");
    a.generate("a3");
    b.generate("b1");
    c.generate("c1");
    let ahead = |it: &Instance| it.session.status.lock().job.as_ref().map(|job| job.ahead);
    until("a1's progress", || ahead(&a) == Some(0));
    assert_eq!((ahead(&b), ahead(&c)), (Some(1), Some(2)));
    script.permit(4);
    until("all takes", || a.count() == 3 && b.count() == 1 && c.count() == 1);
    let order = ["slow a1", "b1", "c1", "a2", "a3"];
    let log = script.log.lock().clone();
    let begun: Vec<_> = log.iter().filter(|entry| order.contains(&entry.as_str())).collect();
    assert_eq!(begun, order);
}

#[test]
fn progress_never_goes_back_and_then_says_how_long() {
    let script = Script::new();
    let worker = worker(&script);
    let it = Instance::new(&worker);
    it.generate("slow again");
    let job = || it.session.status.lock().job.clone();
    let mut shares: Vec<f32> = Vec::new();
    let is_shown = |before: f32| {
        job().is_some_and(|job| {
            job.stage == melfusion::error::Stage::Music && job.seconds_left.is_some() && job.done > before
        })
    };
    for step in 1..=7 {
        let count = || script.log.lock().iter().filter(|entry| entry.starts_with("slow again step")).count();
        script.permit(1);
        until("a step", || count() == step);
        // Of the second run, nothing is shown that would go back.
        if step <= 4 {
            until("it to be shown", || is_shown(shares.last().copied().unwrap_or_default()));
        }
        // The eighth would be the last, and the sound follows at once.
        let job = job().unwrap();
        assert_eq!(job.stage, melfusion::error::Stage::Music);
        assert!(job.seconds_left.is_some_and(|left| left >= 0.0));
        shares.push(job.done);
    }
    assert!(shares.is_sorted() && shares[0] > 0.0 && shares[3] > shares[0] && shares[6] <= 1.0, "{shares:?}");
    script.permit(1);
    it.await_take(0);
    until("rest", || job().is_none());
}

#[test]
fn cancelling_ends_within_the_step_and_takes_back_what_waits() {
    let script = Script::new();
    let worker = worker(&script);
    let [a, b] = [(); 2].map(|()| Instance::new(&worker));
    a.generate("slow a1");
    a.generate("a2");
    b.generate("b1");
    script.permit(1);
    until("a step", || script.has("slow a1 step 1"));
    a.seat.cancel();
    assert!(a.is_idle(), "the editor shows it at once");
    until("a1 to hear of it", || script.has_told("slow a1"));
    script.permit(1);
    until("b1", || b.count() == 1);
    assert!(script.has("slow a1 cancelled before step 3") || script.has("slow a1 cancelled before step 2"));
    assert!(!script.has("a2"));
    assert_eq!((a.count(), a.notice(Place::Generate)), (0, None));
    // It is as good as new.
    a.generate("a3");
    a.await_take(0);
}

#[test]
fn dropping_an_instance_does_not_wait_for_its_job() {
    let script = Script::new();
    let worker = worker(&script);
    let [a, b] = [(); 2].map(|()| Instance::new(&worker));
    a.generate("slow a1");
    until("a1 to begin", || script.has("slow a1"));
    b.generate("b1");
    let session = Arc::downgrade(&a.session);
    // The step under way cannot end before it is permitted: if this waited for it, it would wait for ever.
    drop(a);
    assert_eq!(session.strong_count(), 0, "no thread keeps the instance alive");
    assert_eq!(b.session.status.lock().job.as_ref().map(|job| job.ahead), Some(1));
    until("a1 to hear of it", || script.has_told("slow a1"));
    script.permit(1);
    b.await_take(0);
    assert!(script.has("slow a1 cancelled before step 2") || script.has("slow a1 cancelled before step 1"));
}

#[test]
fn threads_end_with_the_last_instance_and_begin_again() {
    let script = Script::new();
    let worker = worker(&script);
    for round in 1..=3 {
        let it = Instance::new(&worker);
        it.generate("again");
        it.await_take(0);
        drop(it);
        worker.join();
        assert!(!worker.is_running());
        assert_eq!(worker.engine(), EngineState::Unloaded { reason: None });
        assert_eq!(script.loads.load(SeqCst), round);
    }
}

#[test]
fn a_panic_fails_one_clip_and_the_engine_is_read_again() {
    let script = Script::new();
    let worker = worker(&script);
    let [a, b] = [(); 2].map(|()| Instance::new(&worker));
    a.generate("slow panic");
    until("a1 to begin", || script.has("slow panic"));
    b.generate("b1");
    script.permit(1);
    assert_eq!(
        a.await_notice(Place::Generate),
        "the engine stopped on a fault of its own (on request); the next clip starts it afresh"
    );
    b.await_take(0);
    assert_eq!(script.loads.load(SeqCst), 2);
    assert_eq!((a.count(), b.notice(Place::Generate)), (0, None));
    a.generate("fine");
    a.await_take(0);
    assert_eq!(a.notice(Place::Generate), None, "success takes the message back");
}

#[test]
fn an_error_fails_one_clip_with_its_reason() {
    let script = Script::new();
    let worker = worker(&script);
    let it = Instance::new(&worker);
    it.generate("error");
    assert_eq!(
        it.await_notice(Place::Generate),
        "the model made silence, twice; try another seed, fewer steps or less guidance"
    );
    until("rest", || it.is_idle());
    it.generate("fine");
    it.await_take(0);
    assert_eq!(script.loads.load(SeqCst), 1, "the engine is still good");
}

#[test]
fn weights_that_cannot_be_read_fail_the_clip_and_the_engine_until_they_can() {
    let script = Script::new();
    let worker = worker(&script);
    let it = Instance::new(&worker);
    script.is_damaged.store(true, SeqCst);
    let words = "bundle fake: damaged; install it again";
    let reason = || match it.seat.engine() {
        EngineState::Unloaded { reason } => reason,
        state => panic!("{state:?}"),
    };
    it.generate("nothing");
    assert_eq!(it.await_notice(Place::Generate), words);
    assert_eq!(reason().as_deref(), Some(words));
    it.seat.load();
    assert_eq!(it.await_notice(Place::Engine), words);
    assert_eq!((reason().as_deref(), script.loads.load(SeqCst)), (Some(words), 2), "each time it is tried");
    script.is_damaged.store(false, SeqCst);
    it.seat.load();
    until("the engine", || matches!(it.seat.engine(), EngineState::Loaded { .. }));
    until("the message to go", || it.notice(Place::Engine).is_none());
    it.generate("fine");
    it.await_take(0);
}

#[test]
fn a_brief_that_cannot_be_is_refused_where_it_was_written() {
    let worker = worker(&Script::new());
    let it = Instance::new(&worker);
    {
        let brief = &mut it.session.project.lock().brief;
        brief.bars = 64;
        brief.meter = Some(Meter::new(20, 4).unwrap());
        brief.bpm = Some(20.0);
    }
    it.generate("too long");
    assert!(it.notice(Place::Request).unwrap().contains("ask for fewer bars or a faster tempo"));
    assert!(it.is_idle());
    it.session.project.lock().brief.bpm = None;
    it.session.project.lock().brief.bars = 1;
    it.generate("fine");
    it.await_take(0);
    assert_eq!(it.notice(Place::Request), None);
}

#[test]
fn no_take_is_ever_written_over() {
    let script = Script::new();
    let worker = worker(&script);
    let it = Instance::new(&worker);
    let others: Vec<_> = (0..15).map(|slot| it.import(slot)).collect();
    it.generate("slow last");
    until("it to begin", || script.has("slow last"));
    it.generate("one too many");
    assert!(it.notice(Place::Generate).unwrap().contains("delete one"));
    // The last slot is filled while the clip is being made.
    let late = it.import(15);
    script.permit(4);
    until("the message", || it.notice(Place::Generate).is_some_and(|text| text.contains("when the clip was done")));
    let takes = it.session.project.lock().takes.clone();
    assert!(takes.iter().flatten().zip(others.iter().chain([&late])).all(|(now, then)| Arc::ptr_eq(now, then)));
}

#[test]
fn a_picture_that_is_gone_is_said_where_the_picture_is() {
    let script = Script::new();
    let worker = worker(&script);
    let it = Instance::new(&worker);
    let pixels = (0..32 * 32 * 3).map(|i| (i * 7) as u8).collect();
    let frame = Frame::from_rgb(32, 32, pixels, "harbour.png").unwrap();
    let gone = Frame { path: Some("/nowhere/harbour.png".into()), ..frame.clone() };
    it.session.project.lock().brief.picture = Some(Arc::new(gone));
    it.generate("seen");
    assert!(it.await_take(0).recipe.picture_sha256.is_some());
    assert!(it.notice(Place::Picture).unwrap().contains("/nowhere/harbour.png"));
    let broken = Frame { thumbnail: vec![1, 2, 3], ..frame };
    it.session.project.lock().brief.picture = Some(Arc::new(broken));
    it.generate("unseen");
    until("the message", || it.notice(Place::Picture).is_some_and(|text| !text.contains("nowhere")));
    assert_eq!(it.count(), 1);
}

#[test]
fn the_engine_goes_when_told_and_when_idle_and_comes_back() {
    let script = Script::new();
    let worker = Worker::new(script.source(), Timing { idle: Duration::from_millis(20), ..TIMING });
    let it = Instance::new(&worker);
    it.generate("first");
    it.await_take(0);
    until("idle release", || it.seat.engine() == EngineState::Unloaded { reason: None });
    it.seat.load();
    until("a load", || script.loads.load(SeqCst) == 2);
    until("idle release", || it.seat.engine() == EngineState::Unloaded { reason: None });
    let worker = crate::house::worker(&script);
    let it = Instance::new(&worker);
    it.seat.load();
    until("a load", || matches!(it.seat.engine(), EngineState::Loaded { .. }));
    it.generate("slow second");
    it.seat.unload();
    script.permit(4);
    it.await_take(0);
    until("unloading", || it.seat.engine() == EngineState::Unloaded { reason: None });
    assert_eq!(script.loads.load(SeqCst), 3, "the job had the engine that was there");
}

#[test]
fn the_generate_parameter_generates() {
    let script = Script::new();
    let worker = worker(&script);
    let it = Instance::new(&worker);
    it.session.project.lock().brief.prompt = "pressed".into();
    it.session.readout.press_generate();
    it.await_take(0);
    assert!(script.has("pressed step 20"), "with as many steps as the parameter says");
}

#[test]
fn takes_follow_the_tempo_when_asked_to_and_are_otherwise_left_alone() {
    let script = Script::new();
    let worker = worker(&script);
    let mut it = Instance::new(&worker);
    it.generate("grid");
    let first = it.await_take(0);
    let other = it.import(1);
    until("the player's copies", || it.placed().contains(&(0, 96_000)));
    it.session.publish();
    it.placed();
    it.session.readout.set_tempo(Some(97.3));
    it.await_fits(97.3);
    // Whatever is ready, and however long ago: what is heard and what is saved are what they were.
    assert!(Arc::ptr_eq(&it.take(0).unwrap(), &first) && Arc::ptr_eq(&it.take(1).unwrap(), &other));
    assert_eq!(it.placed(), []);
    it.seat.adopt();
    let fitted = it.await_fit(0, &first.sound);
    let stretched = it.await_fit(1, &other.sound);
    let length = (4.0_f64 * 60.0 / 97.3 * 48_000.0).round() as usize;
    for (take, was) in [(&fitted, &first), (&stretched, &other)] {
        assert_eq!((take.id, &take.name, &take.recipe), (was.id, &was.name, &was.recipe));
        assert!(Arc::ptr_eq(&take.latents, &was.latents));
        assert_eq!((take.sound.frames.len(), take.sound.bpm, take.sound.rate), (length, 97.3, 48_000));
    }
    assert_eq!(script.redecodings.load(SeqCst), 1, "only its own bundle's takes are decoded again");
    until("the player's copies", || {
        let placed = it.placed();
        placed.contains(&(1, length)) || placed.contains(&(0, length))
    });
    // A generation later, all is as it was: nothing was fitted again.
    it.session.readout.set_tempo(Some(97.3 * (1.0 + 1e-8)));
    it.generate("another");
    it.await_take(2);
    it.seat.adopt();
    assert!(Arc::ptr_eq(&it.take(0).unwrap(), &fitted) && Arc::ptr_eq(&it.take(1).unwrap(), &stretched));
    // Back at its first tempo, a stretched take is the very sound that it was.
    it.follow(120.0);
    assert!(Arc::ptr_eq(&it.await_fit(1, &stretched.sound).sound, &other.sound));
}

#[test]
fn takes_move_to_another_key_and_back() {
    let script = Script::new();
    let worker = worker(&script);
    let it = Instance::new(&worker);
    it.session.project.lock().brief.key = Some("A minor".parse().unwrap());
    it.generate("grid");
    let first = it.await_take(0);
    let other = it.import(1);
    let key = "D minor".parse().unwrap();
    it.seat.transpose(first.id, Some(key));
    it.seat.transpose(other.id, Some(key));
    for (slot, was) in [&first, &other].into_iter().enumerate() {
        let take = it.await_fit(slot, &was.sound);
        assert_eq!((take.key, take.sound.frames.len()), (Some(key), was.sound.frames.len()));
    }
    it.seat.transpose(other.id, None);
    until("the old key", || Arc::ptr_eq(&it.take(1).unwrap().sound, &other.sound));
    it.seat.transpose(first.id, Some("D major".parse().unwrap()));
    assert!(it.notice(Place::Takes).unwrap().contains("another mode"));
}

#[test]
fn a_fit_that_fails_leaves_the_sound_and_says_so() {
    let script = Script::new();
    let worker = worker(&script);
    let it = Instance::new(&worker);
    for (slot, prompt) in ["error in fit", "panic in fit"].into_iter().enumerate() {
        let request =
            melfusion::request::RequestFields { prompt: prompt.into(), bpm: 120.0, bars: 1, ..Default::default() };
        let clip = crate::fake::clip(
            crate::fake::recipe(&melfusion::Request::new(request).unwrap(), crate::fake::HASH),
            48_000,
        );
        let mut take = (*it.import(slot)).clone();
        take.latents = clip.state().into();
        take.recipe = clip.recipe;
        it.session.project.lock().takes[slot] = Some(Arc::new(take));
    }
    let before = [0, 1].map(|slot| it.take(slot).unwrap());
    it.session.readout.set_tempo(Some(90.0));
    until("both to fail", || script.redecodings.load(SeqCst) == 2);
    assert!(it.await_notice(Place::Takes).contains("stays as it is"));
    // They are not tried again, and do not keep others from being fitted.
    let third = it.import(2);
    it.await_fits(90.0);
    it.seat.adopt();
    it.await_fit(2, &third.sound);
    assert_eq!(script.redecodings.load(SeqCst), 2);
    for (slot, before) in before.iter().enumerate() {
        assert!(Arc::ptr_eq(&it.take(slot).unwrap(), before));
    }
    it.generate("fine");
    it.await_take(3);
}

#[test]
fn a_sound_whose_file_is_gone_is_decoded_again_or_missed_in_words() {
    let script = Script::new();
    let worker = worker(&script);
    let it = Instance::new(&worker);
    it.generate("grid");
    let take = it.await_take(0);
    let link = melfusion_plugin::project::Link { sha256: String::new(), path: "/nowhere/x.flac".into() };
    let missing = |sound: &Sound| Arc::new(Sound::missing(link.clone(), sound.rate, sound.bpm));
    let lose = |slot: usize| {
        let mut project = it.session.project.lock();
        let take = project.takes[slot].clone().unwrap();
        let sound = missing(&take.sound);
        project.takes[slot] = Some(Arc::new(melfusion_plugin::project::Take { sound, ..(*take).clone() }));
    };
    lose(0);
    until("a new sound", || !it.take(0).unwrap().sound.is_missing());
    assert_eq!(it.take(0).unwrap().sound.frames, take.sound.frames);
    it.import(1);
    lose(1);
    assert!(it.await_notice(Place::Takes).contains("needs the bundle fake"));
}

#[test]
fn conforming_is_exact_and_changes_nothing_that_fits() {
    let worker = worker(&Script::new());
    let mut it = Instance::new(&worker);
    // Nobody else is to fit meanwhile.
    it.session.readout.set_rate(0);
    let takes = [0, 1].map(|slot| it.import(slot));
    it.session.publish();
    fit::conform(&it.session, 48_000);
    assert!(takes.iter().enumerate().all(|(slot, take)| Arc::ptr_eq(&it.take(slot).unwrap(), take)));
    assert_eq!(it.placed().len(), 2);
    for rate in [44_100, 96_000, 22_050, 47_999] {
        fit::conform(&it.session, rate);
        let length = 2 * rate as usize;
        assert_eq!(it.placed(), [(0, length), (1, length)]);
        let sound = it.take(0).unwrap().sound.clone();
        assert_eq!((sound.rate, sound.bpm), (rate, 120.0));
        // The tone is still the same tone.
        let periods = |frames: &[[f32; 2]]| frames.windows(2).filter(|w| w[0][0] <= 0.0 && w[1][0] > 0.0).count();
        assert!(periods(&sound.frames).abs_diff(periods(&takes[0].sound.frames)) <= 1, "{rate}");
    }
    fit::conform(&it.session, 48_000);
    assert!(Arc::ptr_eq(&it.take(0).unwrap().sound, &takes[0].sound), "the very sound that it was");
}

/// With the bundle that ships.
#[test]
fn two_instances_generate_while_one_is_dropped() {
    let worker = Worker::new(Box::new(Shipped), TIMING);
    let [a, b] = [(); 2].map(|()| Instance::new(&worker));
    b.session.readout.set_tempo(Some(97.0));
    a.generate("calm piano");
    until("a to compose", || a.session.status.lock().job.as_ref().is_some_and(|job| job.done > 0.1));
    b.generate("soft strings");
    drop(a);
    let take = b.await_take(0);
    let length = |bpm: f64| (4.0 * 60.0 / bpm * 48_000.0).round() as usize;
    assert_eq!(take.sound.frames.len(), length(97.0));
    assert_eq!(take.recipe.steps, QUICK.steps);
    assert!(take.measured.is_some());
    // Decoded again at another tempo while the next is being composed.
    b.generate("soft strings");
    b.follow(131.0);
    let fitted = b.await_fit(0, &take.sound);
    assert_eq!((fitted.sound.frames.len(), fitted.sound.bpm), (length(131.0), 131.0));
    if b.await_take(1).sound.bpm != 131.0 {
        b.follow(131.0);
    }
    until("both at one tempo", || b.take(1).unwrap().sound.bpm == 131.0);
}

#[test]
fn what_is_said_of_the_picture_goes_with_the_job_and_stays_with_the_take() {
    let worker = worker(&Script::new());
    let it = Instance::new(&worker);
    let picture = Frame::from_rgb(16, 16, vec![90; 3 * 16 * 16], "pasted").unwrap();
    it.session.project.lock().brief.show(Some(Arc::new(picture)));
    it.generate("calm");
    assert_eq!(it.await_take(0).recipe.picture_words, None, "left to the bundle");
    it.session.project.lock().brief.picture_words = Some("rust and rope".into());
    it.generate("calm");
    assert_eq!(it.await_take(1).recipe.picture_words.as_deref(), Some("rust and rope"));
}

#[test]
fn whether_the_bundle_hears_pictures_through_words_is_looked_at_again_when_it_was_read() {
    let script = Script::new();
    let worker = worker(&script);
    let it = Instance::new(&worker);
    assert!(!it.seat.describes_pictures());
    script.describes_pictures.store(true, SeqCst);
    assert!(!it.seat.describes_pictures(), "not with every frame of the window");
    it.seat.load();
    until("the bundle", || matches!(it.seat.engine(), EngineState::Loaded { .. }));
    assert!(it.seat.describes_pictures());
}

//! The engine on the bundle that ships. Few steps: these are laws, not a listening test.
#![cfg(feature = "embed-mini")]

use std::path::Path;
use std::sync::LazyLock;

use crate::laws::{self, Watch, bits, distance, fingerprint, generate, request};
use candle_core::Device;
use melfusion::check;
use melfusion::clip::State;
use melfusion::engine::Redecoding;
use melfusion::error::{Error, Stage};
use melfusion::image::Picture;
use melfusion::progress::Silent;
use melfusion::request::{Key, Request, RequestFields};
use melfusion::text::Reading;
use melfusion::{Bundle, Clip, Engine};
use score::Part;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::load(&Bundle::mini().unwrap(), Device::Cpu).unwrap());

/// What most laws are tried on; made once.
static CLIP: LazyLock<Clip> = LazyLock::new(|| generate(&ENGINE, fields()));

fn root(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn frame(name: &str) -> Option<Picture> {
    Some(Picture::open(&root(&format!("examples/frames/{name}.png"))).unwrap())
}

/// Two bars at the decoder's own rate.
fn fields() -> RequestFields {
    RequestFields {
        prompt: "calm piano over soft strings".into(),
        picture: frame("harbour"),
        bars: 2,
        bpm: 96.0,
        seed: 7,
        steps: 2,
        sample_rate: ENGINE.native_rate(),
        ..Default::default()
    }
}

fn key(name: &str) -> Option<Key> {
    Some(name.parse().unwrap())
}

fn reading(prompt: &str) -> Reading {
    reading_of(RequestFields { prompt: prompt.into(), ..Default::default() })
}

fn reading_of(fields: RequestFields) -> Reading {
    ENGINE.reading(&Request::new(fields).unwrap()).unwrap()
}

#[test]
fn a_slip_of_a_known_word_is_read_as_that_word() {
    assert_eq!(reading("calm paino over soft stirngs").prompt, "calm piano over soft strings");
    assert_eq!(reading("a horse, 808s & zither").prompt, "a horse, 808s & zither");
    let slip = RequestFields { prompt: "calm paino over soft stirngs".into(), bars: 1, ..fields() };
    let meant = RequestFields { prompt: "calm piano over soft strings".into(), bars: 1, ..fields() };
    assert_eq!(bits(&generate(&ENGINE, slip)), bits(&generate(&ENGINE, meant)));
}

#[test]
fn right_words_stay_and_those_that_mean_nothing_are_named() {
    for prompt in
        ["then they enter", "spring morning", "father and child", "fade out", "adagio, pizzicato", "café, Dvořák"]
    {
        assert_eq!(reading(prompt).prompt, prompt);
    }
    for (prompt, unknown) in [
        ("calm piano over soft strings, 808s, lo-fi, at dawn", &[][..]),
        ("solo duduk", &[]),
        ("theremin and vuvuzela, Vuvuzela's", &["vuvuzela"]),
        ("hurdy-gurdy drone", &[]),
        ("静かなピアノ", &[]),
        ("静かな提灯", &["提灯"]),
        ("тихое пианино", &["тихое", "пианино"]),
        ("blizzard, xyzzy", &["xyzzy"]),
        ("🎻😢 piano", &["🎻😢"]),
        ("ruhiges Klavier, keine Trommeln", &[]),
        ("ruhiger Zauberwald", &["Zauberwald"]),
        ("no theremin", &["theremin"]),
        ("piano\u{2014}strings \u{2026} 12/8, 90 (soft)", &["90"]),
        ("quiet piano at 500 bpm, 808", &["500", "bpm"]),
    ] {
        assert_eq!(reading(prompt).unknown, unknown, "{prompt}");
    }
}

#[test]
fn what_a_prompt_says_of_the_request_is_read_and_compared() {
    let said = |prompt: &str| reading(prompt);
    let read = said("120 bpm house groove in F# minor, 8 bars, 3/4");
    assert_eq!(read.prompt, "house groove");
    assert_eq!((read.settings.bpm, read.settings.bars), (Some(120.0), Some(8)));
    assert_eq!(read.settings.key, "F# minor".parse().ok());
    assert!(read.overruled.iter().any(|it| it.starts_with("120 bpm (it is ")), "{:?}", read.overruled);
    assert!(read.overruled.contains(&"F# minor (none is set)".to_string()), "{:?}", read.overruled);
    assert_eq!((said("blizzard").placed[0].word.as_str(), said("storm").placed.len()), ("blizzard", 0));
    assert_eq!(said("a ticking clock, low strings").style.as_deref(), Some("ticking suspense"));
    assert_eq!(said("low strings").style, None);
    assert_eq!(said("keine Trommeln, ruhiges Klavier").avoided, ["drums"]);
}

/// Words of mood act without a picture: pleasant ones have more thirds in major, lively ones more notes.
#[test]
fn words_of_mood_are_heard() {
    let count = |prompt: &str| -> (usize, usize) {
        let clips = (0..5).map(|seed| {
            let fields = RequestFields { prompt: prompt.into(), seed, picture: None, bars: 4, steps: 20, ..fields() };
            generate(&ENGINE, fields).score.expect("mini plays notes")
        });
        clips.fold((0, 0), |(major, notes), score| {
            let of =
                |class: u8| score.notes.iter().filter(|note| !note.part.is_drums() && note.pitch % 12 == class).count();
            let key = score.key;
            let third = |up: u8| of((key.tonic() + up) % 12);
            (major + usize::from(!key.mode().is_minor() && third(4) >= third(3)), notes + score.notes.len())
        })
    };
    let (bright, dark) = (count("joyful film score"), count("gloomy film score"));
    assert!(bright.0 > dark.0, "in major {} and {}", bright.0, dark.0);
    let (lively, calm) = (count("busy film score"), count("sparse film score"));
    assert!(lively.1 > calm.1, "notes {} and {}", lively.1, calm.1);
}

/// Odd prompts, and long ones.
fn prompts() -> Vec<String> {
    let long = "A slow, melancholic opening: felt piano alone, without any vibrato. ".repeat(9);
    let odd = [
        "",
        " ",
        "calm paino, no drums",
        "no drums",
        "静かなピアノ 🎻",
        "\u{1}\u{2028}-",
        "not sad but happy",
        "e\u{301}tude",
    ];
    let run =
        ["a".repeat(300), "静か".repeat(90), "🎻 ".repeat(90), "the celllo's; ".repeat(50), "x, no y ".repeat(3000)];
    odd.map(String::from).into_iter().chain(run).chain([long]).collect()
}

#[test]
fn what_is_said_to_be_read_is_what_is_read() {
    for prompt in prompts() {
        let read = reading(&prompt);
        let again = reading(&read.prompt);
        assert_eq!((&again.prompt, again.unread.as_str(), again.avoided.len()), (&read.prompt, "", 0), "{prompt:.60}");
        let clip = |prompt: &str, negative: &str| {
            let (prompt, negative) = (prompt.to_string(), negative.to_string());
            bits(&generate(&ENGINE, RequestFields { prompt, negative, bars: 1, steps: 1, ..fields() }))
        };
        assert_eq!(clip(&prompt, ""), clip(&read.prompt, &read.negative), "{prompt:.60}");
    }
}

#[test]
fn no_word_of_a_long_prompt_is_lost_unsaid() {
    for key in [None, key("D minor")] {
        let words = ["soft", "piano", "calm", "strings"].iter().cycle().take(100).copied().collect::<Vec<_>>();
        let read = reading_of(RequestFields { prompt: words.join(" "), key, ..Default::default() });
        assert_eq!(format!("{} {}", read.prompt, read.unread), words.join(" "));
        assert_eq!(read.prompt.split(' ').count(), if key.is_none() { 63 } else { 60 }, "the key is read, too");
    }
    let read = reading(&"calm piano ".repeat(90_000));
    assert_eq!((read.prompt.split(' ').count(), read.unread.split_whitespace().count()), (63, 180_000 - 63));
}

#[test]
fn what_a_prompt_wants_none_of_is_avoided_as_by_a_negative_prompt() {
    let clip = |prompt: &str, negative: &str, guidance: f64| {
        let (prompt, negative) = (prompt.to_string(), negative.to_string());
        generate(&ENGINE, RequestFields { prompt, negative, guidance, bars: 1, ..fields() })
    };
    let typed = clip("calm strings, no drums", "brass", 3.0);
    assert_eq!(bits(&typed), bits(&clip("calm strings", "brass, drums", 3.0)));
    assert_eq!(
        bits(&typed),
        bits(&clip("calm strings, no drums", "no brass", 3.0)),
        "\"no\" adds nothing to a negative prompt"
    );
    assert_ne!(bits(&typed), bits(&clip("calm strings", "brass", 3.0)));
    let recipe = &typed.recipe;
    assert_eq!((recipe.prompt.as_str(), recipe.negative.as_str()), ("calm strings, no drums", "brass"), "as typed");
    assert_eq!(recipe.remark().unwrap(), "the prompt is read as \"calm strings\"; avoided: drums");
    assert_eq!(bits(&typed), bits(&clip(&recipe.prompt, &recipe.negative, recipe.guidance)), "a recipe makes the same");
    // What guidance cannot avoid is at least not asked for, and said; instruments are silent all the same.
    for guidance in [0.5, 1.0] {
        let clip = clip("calm strings, no drums", "", guidance);
        assert_eq!(clip.score.as_ref().unwrap().player(Part::Drums), None);
        assert!(clip.recipe.remark().unwrap().contains("avoids nothing"));
    }
    assert_eq!(
        generate(&ENGINE, RequestFields { prompt: "calm strings".into(), bars: 1, ..fields() }).recipe.reading,
        None
    );
}

#[test]
fn every_stage_agrees_with_torch_and_diffusers() {
    let bundle = Bundle::open(root("bundles/mini")).unwrap();
    let rows = check::run(&bundle, Device::Cpu).unwrap().rows;
    for row in &rows {
        assert!(row.passes(), "{}: {} is off by {:e}", row.stage, row.tensor, row.error);
    }
    for tensor in ["synapse.global", "music.class", "music.latents", "decoder.roll"] {
        assert!(rows.iter().any(|row| row.tensor == tensor), "{tensor} was not compared");
    }
}

#[test]
fn a_clip_has_exactly_the_frames_of_its_music() {
    let fields = RequestFields { guidance: 1.0, ..fields() };
    let shapes = [
        (1, "4/4", 96.0, 48_000),
        (3, "4/4", 117.3, 44_100),
        (4, "4/4", 169.9, 32_000),
        (8, "4/4", 140.0, 22_050),
        (2, "3/4", 61.7, 32_000),
        (3, "6/8", 133.33, 48_000),
        (3, "7/8", 99.9, 44_100),
        (1, "1/16", 300.0, 48_000),
    ];
    laws::lasts_exactly(&ENGINE, &fields, &shapes);
}

#[test]
fn the_same_request_gives_the_same_bytes_with_any_number_of_threads() {
    assert_eq!(fingerprint(&generate(&ENGINE, fields())), fingerprint(&CLIP));
    laws::threads_change_nothing("mini::the_same_request_gives_the_same_bytes_with_any_number_of_threads", &CLIP);
}

#[test]
fn no_influence_is_no_picture_bit_for_bit() {
    laws::needs_influence_to_see(&ENGINE, &fields());
}

#[test]
fn a_calm_and_a_wild_picture_are_heard_apart() {
    let wild = generate(&ENGINE, RequestFields { picture: frame("chase_at_night"), ..fields() });
    assert!(distance(&CLIP, &wild) > 0.1);
}

#[test]
fn a_clip_is_decoded_again_to_the_same_samples() {
    for to in [(None, None), (Some(96.0), None)] {
        let to = Redecoding { bpm: to.0, key: to.1, sample_rate: CLIP.audio.sample_rate() };
        let again = ENGINE.redecode(&State::from(&*CLIP), to, &Silent).unwrap();
        assert_eq!((bits(&again), &again.recipe), (bits(&CLIP), &CLIP.recipe));
    }
}

#[test]
fn a_clip_is_decoded_again_at_any_tempo_and_in_any_key() {
    for (bpm, name, sample_rate) in [(120.0, "C", 48_000), (61.3, "F#", 44_100), (187.9, "Bb", 32_000)] {
        let to = Redecoding { bpm: Some(bpm), key: key(name), sample_rate };
        let again = ENGINE.redecode(&State::from(&*CLIP), to, &Silent).unwrap();
        let wanted = request(RequestFields { bpm, ..fields() }).frames(sample_rate);
        assert_eq!((again.audio.frames(), again.audio.sample_rate()), (wanted, sample_rate));
        assert_eq!((again.recipe.bpm, again.recipe.key), (bpm, key(name)));
        assert_eq!((again.recipe.composed_bpm, &again.latents), (96.0, &CLIP.latents));
        // There and back again: nothing is lost on the way.
        let to = Redecoding { bpm: Some(96.0), key: key("C"), sample_rate: CLIP.audio.sample_rate() };
        let back = ENGINE.redecode(&State::from(&again), to, &Silent).unwrap();
        assert_eq!(bits(&back), bits(&CLIP));
    }
}

#[test]
fn a_clip_cannot_be_decoded_into_another_mode() {
    let minor = generate(&ENGINE, RequestFields { key: key("A minor"), ..fields() });
    let to = Redecoding { key: key("A major"), ..Default::default() };
    let refused = ENGINE.redecode(&State::from(&minor), to, &Silent);
    assert!(matches!(refused, Err(Error::Request { what: "key", .. })));
}

#[test]
fn clips_loop_without_a_click() {
    let rates = [32_000, 44_100].into_iter().cycle();
    for (bpm, sample_rate) in [96.0, 87.3, 111.1, 143.0, 61.7, 180.0].into_iter().zip(rates) {
        let to = Redecoding { bpm: Some(bpm), sample_rate, ..Default::default() };
        let clip = ENGINE.redecode(&State::from(&*CLIP), to, &Silent).unwrap();
        let (seam, usual, largest) = laws::steps(&clip);
        assert!(seam <= largest && seam <= 5.0 * usual, "{bpm} bpm: {seam} where {usual} is usual");
    }
}

#[test]
fn a_run_is_cancelled_within_one_step() {
    let request = request(fields());
    let watch = Watch::cancelling_at(1);
    assert!(matches!(ENGINE.generate(&request, &watch), Err(Error::Cancelled)));
    assert_eq!(watch.asked(), 2);
    assert_eq!(bits(&ENGINE.generate(&request, &Silent).unwrap()), bits(&CLIP));
}

#[test]
fn progress_tells_the_stages_in_their_order_and_a_known_picture_is_not_looked_at() {
    let engine = Engine::load(&Bundle::mini().unwrap(), Device::Cpu).unwrap();
    let stages = |seed| {
        let watch = Watch::new();
        engine.generate(&request(RequestFields { seed, ..fields() }), &watch).unwrap();
        watch.stages()
    };
    assert_eq!(stages(1), [Stage::Text, Stage::Picture, Stage::Music, Stage::Sound]);
    assert_eq!(stages(2), [Stage::Text, Stage::Music, Stage::Sound]);
}

#[test]
fn the_spectrogram_is_of_the_whole_clip() {
    let (mel, bands) = ENGINE.mel(&CLIP).unwrap();
    // Two bars of 16 columns, 8 frames each.
    assert_eq!((mel.len(), bands), (2 * 16 * 8 * 128, 128));
}

use super::*;
use melfusion::error::Error;
use melfusion::image::{Crop, Picture};
use melfusion::request::MAX_PROMPT_BYTES;
use melfusion::storyboard::Gaps;

/// The board is refused with a message that has all of `words`.
#[track_caller]
fn refused(fields: BoardFields, words: &[&str]) {
    let error = Board::new(fields).unwrap_err();
    assert!(matches!(error, Error::Board { .. }), "{error:?}");
    for word in words {
        assert!(error.to_string().contains(word), "no {word:?} in: {error}");
    }
}

#[test]
fn what_cannot_be_names_the_cue_and_says_what_would_be_right() {
    refused(fields(vec![]), &["cues", "add at least one"]);
    let changed = |change: &dyn Fn(&mut Cue)| {
        let mut fields = fields(cues(&[4, 2, 3], Transition::Cut));
        change(&mut fields.cues[1]);
        fields
    };
    refused(changed(&|cue| cue.bars = 0), &["cue 2 \"cue 2\"", "bars", "from 1 to 64"]);
    refused(changed(&|cue| cue.bars = 65), &["cue 2", "bars"]);
    refused(changed(&|cue| cue.influence = 1.5), &["cue 2", "influence"]);
    refused(changed(&|cue| cue.prompt = "a".repeat(MAX_PROMPT_BYTES + 1)), &["cue 2", "prompt"]);
    refused(changed(&|cue| cue.start_bar = 0), &["cue 2", "the first bar is 1"]);
    refused(changed(&|cue| cue.start_bar = 4), &["cue 2", "bar 4 still belongs to cue 1", "begin at bar 5"]);
    refused(changed(&|cue| cue.start_bar = u32::MAX), &["cue 2", "start_bar"]);
    refused(changed(&|cue| cue.bars = 3), &["cue 3", "begin at bar 8"]);
    refused(changed(&|cue| cue.bars = 1), &["cue 3", "from bar 6", "1 bars more", "gaps = \"silence\""]);
    refused(changed(&|cue| cue.transition = Transition::Crossfade { bars: 5 }), &["cue 2", "needs 5", "there are 4"]);
    refused(changed(&|cue| cue.transition = Transition::Morph { bars: 0 }), &["cue 2", "at least 1"]);
}

#[test]
fn a_board_has_an_end() {
    let slow = BoardFields { tempo: TempoMap::constant(20.0).unwrap(), ..fields(cues(&[50; 6], Transition::Cut)) };
    assert!(Board::new(slow.clone()).is_ok());
    refused(BoardFields { cues: cues(&[50; 7], Transition::Cut), ..slow }, &["seconds", "make two of it"]);
    refused(fields(cues(&[1; 1001], Transition::Cut)), &["1001"]);
    assert!(Board::new(fields(cues(&[1; 500], Transition::Crossfade { bars: 1 }))).is_ok());
}

#[test]
fn gaps_are_meant_or_refused() {
    let mut gap = fields(cues(&[2, 2], Transition::Cut));
    gap.cues.remove(0);
    refused(gap.clone(), &["cue 1", "from bar 1", "to bar 3"]);
    gap.gaps = Gaps::Silence;
    assert_eq!(Board::new(gap.clone()).unwrap().end_bar(), 5);
    // A fade-in from silence has as much room as the silence.
    gap.cues[0].transition = Transition::Crossfade { bars: 2 };
    assert!(Board::new(gap.clone()).is_ok());
    gap.cues[0].transition = Transition::Crossfade { bars: 3 };
    refused(gap, &["needs 3"]);
}

#[test]
fn the_first_cue_has_nothing_to_come_from() {
    let mut fields = fields(cues(&[2, 2], Transition::Cut));
    fields.cues[0].transition = Transition::Morph { bars: 9 };
    assert!(Board::new(fields).is_ok());
}

#[test]
fn cues_share_what_the_board_says() {
    let mut fields = fields(cues(&[1, 2], Transition::Cut));
    (fields.style, fields.negative, fields.seed) = ("warm strings".into(), "drums".into(), 9);
    fields.key = "A minor".parse().ok();
    (fields.cues[0].prompt, fields.cues[1].seed) = ("calm".into(), Some(3));
    fields.tempo = tempi(&[(1, 120.0), (2, 90.0)]);
    let board = Board::new(fields).unwrap();
    let [first, second] = [0, 1].map(|cue| board.request(cue));
    assert_eq!((first.prompt.as_str(), first.negative.as_str()), ("calm, warm strings", "drums"));
    assert_eq!((second.prompt.as_str(), second.key), ("warm strings", first.key));
    assert_eq!((first.seed, second.seed), (9, 3));
    assert_eq!((first.bpm, second.bpm), (120.0, 90.0));
    assert_eq!((first.bars, second.bars), (1, 2));
}

#[test]
fn a_crop_is_another_picture() {
    let rgb = |x: u32| if x < 4 { [255, 0, 0] } else { [0, 0, 255] };
    let whole = Picture::from_rgb(8, 2, (0..16).flat_map(|i| rgb(i % 8)).collect()).unwrap();
    let part = whole.cropped(Crop::new(0.5, 0.0, 0.5, 1.0).unwrap());
    assert_eq!((part.width(), part.height()), (4, 2));
    assert_eq!(part.rgb(), [0, 0, 255].repeat(8));
    assert_ne!(part.sha256(), whole.sha256());
    assert_ne!(part.sha256(), whole.cropped(Crop::new(0.0, 0.0, 0.5, 1.0).unwrap()).sha256());
    let dot = whole.cropped(Crop::new(0.99, 0.99, 0.01, 0.01).unwrap());
    assert_eq!((dot.width(), dot.height()), (1, 1));
    for [x, y, width, height] in
        [[0.6, 0.0, 0.5, 1.0], [0.0, 0.0, 0.0, 1.0], [-0.1, 0.0, 0.5, 1.0], [0.0, f64::NAN, 1.0, 1.0]]
    {
        assert!(Crop::new(x, y, width, height).unwrap_err().to_string().contains("inside the picture"));
    }
    let mut fields = fields(cues(&[1], Transition::Cut));
    fields.cues[0].picture = Some(whole.clone());
    fields.cues[0].crop = Some(Crop::new(0.5, 0.0, 0.5, 1.0).unwrap());
    assert_eq!(board(fields.cues).request(0).picture, Some(part));
}

#[test]
fn what_is_said_of_a_picture_is_the_cue_s_own() {
    let mut fields = fields(cues(&[1, 1, 1], Transition::Cut));
    (fields.cues[0].picture_words, fields.cues[2].picture_words) = (Some("grey light".into()), Some(String::new()));
    let board = Board::new(fields.clone()).unwrap();
    let said = [0, 1, 2].map(|cue| board.request(cue).into_fields().picture_words);
    assert_eq!(said, [Some("grey light".into()), None, Some(String::new())]);
    fields.cues[1].picture_words = Some("a".repeat(MAX_PROMPT_BYTES + 1));
    refused(fields, &["cue 2", "picture words"]);
}

#[test]
fn transitions_are_read_as_they_are_written() {
    for transition in [Transition::Cut, Transition::Crossfade { bars: 2 }, Transition::Morph { bars: 11 }] {
        assert_eq!(transition.to_string().parse::<Transition>().unwrap(), transition);
    }
    assert_eq!("Crossfade 1 bar".parse::<Transition>().unwrap(), Transition::Crossfade { bars: 1 });
    for text in ["", "fade 2", "cut 1", "crossfade", "crossfade x", "morph -1", "morph 1.5", "morph 2 bars more"] {
        assert!(text.parse::<Transition>().unwrap_err().to_string().contains("not a transition"), "{text}");
    }
}

#[test]
fn tempi_change_on_bar_lines_in_order() {
    let map = tempi(&[(1, 120.0), (3, 60.0)]);
    assert_eq!([1, 2, 3, 99].map(|bar| map.at(bar)), [120.0, 120.0, 60.0, 60.0]);
    let fields = BoardFields { tempo: map.clone(), ..fields(cues(&[4], Transition::Cut)) };
    let board = Board::new(fields).unwrap();
    assert_eq!([1, 2, 3, 4, 5].map(|bar| board.seconds(bar)), [0.0, 2.0, 4.0, 8.0, 12.0]);
    assert_eq!(board.tempi(0), [120.0, 60.0]);
    let written = serde_json::to_string(&map).unwrap();
    assert_eq!(serde_json::from_str::<TempoMap>(&written).unwrap(), map);
    assert_eq!(serde_json::from_str::<TempoMap>("95.000000056").unwrap().at(7), 95.000000056);
    for changes in [
        &[][..],
        &[(2, 90.0)],
        &[(1, 90.0), (1, 80.0)],
        &[(1, 90.0), (5, 80.0), (4, 70.0)],
        &[(1, 19.0)],
        &[(1, f64::NAN)],
    ] {
        let changes = changes.iter().map(|&(bar, bpm)| Tempo { bar, bpm }).collect();
        assert!(TempoMap::new(changes).is_err());
    }
}

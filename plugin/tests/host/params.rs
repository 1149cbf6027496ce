//! What hosts and their automation lanes rely on.

use std::collections::BTreeMap;
use std::sync::Arc;

use melfusion_plugin::link;
use melfusion_plugin::params::MelfusionParams;
use melfusion_plugin::session::Session;
use nice_plug::prelude::{ParamFlags, ParamPtr, Params};

/// A parameter as a host sees it.
#[derive(Debug)]
struct Seen {
    name: String,
    unit: &'static str,
    default: f32,
    flags: ParamFlags,
    steps: Option<usize>,
    /// Text with unit at 0, 0.25, 0.5, 0.75 and 1.
    texts: Vec<String>,
    pointer: ParamPtr,
}

/// With the session, whose parts the parameters share.
fn params() -> (Arc<Session>, MelfusionParams) {
    let (outbox, _inbox) = link::pair();
    let session = Session::new(outbox);
    let params = MelfusionParams::new(&session);
    (session, params)
}

fn seen(params: &MelfusionParams) -> BTreeMap<String, Seen> {
    let see = |(id, pointer, _): (String, ParamPtr, String)| {
        // SAFETY: the pointer is into `params`, which outlives this call.
        let seen = unsafe {
            Seen {
                name: pointer.name().to_owned(),
                unit: pointer.unit(),
                default: pointer.default_plain_value(),
                flags: pointer.flags(),
                steps: pointer.step_count(),
                texts: (0..5).map(|i| pointer.normalized_value_to_string(i as f32 / 4.0, true)).collect(),
                pointer,
            }
        };
        (id, seen)
    };
    params.param_map().into_iter().map(see).collect()
}

#[test]
fn ids_names_defaults_and_steps_stay_for_ever() {
    let (_session, params) = params();
    let seen = seen(&params);
    let rows: Vec<_> =
        seen.iter().map(|(id, seen)| (id.as_str(), seen.name.as_str(), seen.default, seen.steps)).collect();
    let expected = [
        ("board", "Storyboard", 0.0, Some(1)),
        ("by_note", "Cues by note", 0.0, Some(1)),
        ("changes", "Changes", 0.0, Some(9_999)),
        ("gain", "Gain", 1.0, None),
        ("generate", "Generate", 0.0, Some(1)),
        ("guidance", "Guidance", 3.0, None),
        ("influence", "Influence", 1.0, None),
        ("loop", "Loop", 1.0, Some(1)),
        ("mute", "Mute", 0.0, Some(1)),
        ("steps", "Steps", 20.0, Some(96)),
        ("take", "Take", 1.0, Some(15)),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn hosts_see_values_with_their_units() {
    let (_session, params) = params();
    let seen = seen(&params);
    let texts = |id: &str| seen[id].texts.iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(texts("influence"), ["0 %", "25 %", "50 %", "75 %", "100 %"]);
    assert_eq!(texts("guidance"), ["0.0", "2.5", "5.0", "7.5", "10.0"]);
    assert_eq!(texts("steps"), ["4", "28", "52", "76", "100"]);
    assert_eq!(texts("take"), ["1", "5", "9", "12", "16"]);
    assert_eq!((texts("gain")[0], texts("gain")[4]), ("-60.0 dB", "6.0 dB"));
    assert_eq!((seen["gain"].unit, seen["influence"].unit), (" dB", " %"));
    for id in ["mute", "loop", "generate"] {
        assert_eq!((texts(id)[0], texts(id)[4]), ("Off", "On"), "{id}");
    }
}

#[test]
fn only_the_counter_of_changes_is_hidden_from_automation() {
    let (_session, params) = params();
    for (id, seen) in seen(&params) {
        let is_hidden = seen.flags.contains(ParamFlags::HIDDEN) && seen.flags.contains(ParamFlags::NON_AUTOMATABLE);
        assert_eq!(is_hidden, id == "changes", "{id}");
    }
}

/// What a host shows and the user types back is the same value, as far as the text tells.
#[test]
fn text_and_value_lead_to_each_other() {
    let (_session, params) = params();
    for (id, seen) in seen(&params) {
        for i in 0..=1000 {
            let value = i as f32 / 1000.0;
            for with_unit in [true, false] {
                // SAFETY: the pointer is into `params`, which outlives this loop.
                let (text, parsed, again) = unsafe {
                    let text = seen.pointer.normalized_value_to_string(value, with_unit);
                    let parsed = seen.pointer.string_to_normalized_value(&text);
                    (text, parsed, parsed.map(|x| seen.pointer.normalized_value_to_string(x, with_unit)))
                };
                assert!(parsed.is_some_and(|x| (0.0..=1.0).contains(&x)), "{id}: {text} is {parsed:?}");
                assert_eq!(again.as_ref(), Some(&text), "{id} at {value}");
            }
        }
    }
}

#[test]
fn what_is_no_value_is_refused() {
    let (_session, params) = params();
    for (id, seen) in seen(&params) {
        for text in ["", "x", "loud", "1e", "--1"] {
            // SAFETY: the pointer is into `params`, which outlives this loop.
            let parsed = unsafe { seen.pointer.string_to_normalized_value(text) };
            // A switch is off for every word but those for on.
            assert!(parsed.is_none_or(|x| x == 0.0 && seen.steps == Some(1)), "{id}: {text:?} is {parsed:?}");
        }
    }
}

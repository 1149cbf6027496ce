//! Lines of older versions, brought to this one step by step.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::sheet::{CueSheet, ProjectSheet, TakeSheet};
use super::text;

/// Turns the JSON of one version into that of the next.
#[derive(Clone, Copy)]
struct Step {
    project: fn(&mut Value),
    take: fn(&mut Value),
    cue: fn(&mut Value),
}

/// `STEPS[n]` leads from version `n + 1` to `n + 2`. A step stays as it is for ever, as do the texts of old versions
/// in `tests/host/saved`; when [`VERSION`](super::VERSION) grows, one is added to each.
const STEPS: [Step; (super::VERSION - 1) as usize] = [
    // Storyboards came: without one, nothing is different.
    Step { project: |_| {}, take: |_| {}, cue: |_| {} },
    // Words of pictures came: without any, the bundle finds them as before.
    Step { project: |_| {}, take: |_| {}, cue: |_| {} },
];

/// The line `project` of `version`; `None` if it is not what it should be.
pub fn project(json: &str, version: u32) -> Option<ProjectSheet> {
    walk(json, version, &STEPS, |step| step.project)
}

/// The line `take` of `version`; `None` if it is not what it should be.
pub fn take(json: &str, version: u32) -> Option<TakeSheet> {
    walk(json, version, &STEPS, |step| step.take)
}

/// The line `cue` of `version`; `None` if it is not what it should be.
pub fn cue(json: &str, version: u32) -> Option<CueSheet> {
    walk(json, version, &STEPS, |step| step.cue)
}

fn walk<T: DeserializeOwned>(json: &str, version: u32, steps: &[Step], kind: fn(&Step) -> fn(&mut Value)) -> Option<T> {
    let mut value: Value = text::parse(json)?;
    steps.iter().skip(version as usize - 1).for_each(|step| kind(step)(&mut value));
    serde_json::from_value(value).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Made-up history: a field was renamed, then its unit changed.
    const STEPS: [Step; 2] = [
        Step {
            project: |value| {
                let tempo = value.as_object_mut().and_then(|fields| fields.remove("tempo"));
                value["bpm"] = tempo.unwrap_or_default();
            },
            take: |_| {},
            cue: |_| {},
        },
        Step {
            project: |value| value["bpm"] = json!(value["bpm"].as_f64().unwrap_or_default() * 60.0),
            take: |_| {},
            cue: |_| {},
        },
    ];

    #[test]
    fn steps_are_taken_in_order_from_the_version_of_the_text() {
        let read = |json: &str, version| {
            walk::<Value>(json, version, &STEPS, |step| step.project).and_then(|value| value["bpm"].as_f64())
        };
        assert_eq!(read(r#"{"tempo": 1.5}"#, 1), Some(90.0));
        assert_eq!(read(r#"{"bpm": 1.5}"#, 2), Some(90.0));
        assert_eq!(read(r#"{"bpm": 90.0}"#, 3), Some(90.0));
        assert_eq!(read("{", 1), None);
    }
}

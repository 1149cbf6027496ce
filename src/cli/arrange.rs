//! What `generate` asks of the notes, and what there is to say of it.

use std::collections::BTreeMap;

use melfusion::bundle::Bundle;
use melfusion::clip::{ArrangementRecipe, Clip};
use melfusion::error::Error;
use melfusion::request::{Arrangement, Request, Theme};
use score::{Part, TICKS_PER_QUARTER};

use super::args::Arrange;

/// Reads what is asked for, in music at `bpm`, of `meter`.
pub fn read(args: &Arrange, bpm: f64, meter: score::Meter) -> Result<Arrangement, Error> {
    let theme = args.theme.as_ref().map(|clip| -> Result<Theme, Error> {
        let none = "the clip has no notes in it; only clips whose bundle composes notes have";
        let score = Clip::read_state(clip)?.score;
        let score = score.ok_or_else(|| Error::Request { what: "--theme", problem: none.into() })?;
        Ok(Theme { score, strength: args.theme_strength })
    });
    Ok(Arrangement {
        chords: args.chords.clone(),
        key_lock: args.key_lock,
        density: once("--density", &args.density)?,
        register: once("--register", &args.register)?,
        theme: theme.transpose()?,
        hits: args.hit.iter().map(|hit| hit.position(bpm, meter).0).collect(),
        end: args.end,
        build: args.build,
        intensity: Vec::new(),
    })
}

/// Refuses what only notes can give, where the bundle has none.
pub fn check(args: &Arrange, bundle: &Bundle) -> Result<(), Error> {
    let asked = [
        ("--chords", args.chords.is_some()),
        ("--key-lock", args.key_lock),
        ("--density", !args.density.is_empty()),
        ("--register", !args.register.is_empty()),
        ("--theme", args.theme.is_some()),
        ("--hit", !args.hit.is_empty()),
        ("--end", args.end),
        ("--build", args.build),
    ];
    match asked.into_iter().find(|(_, asked)| *asked && !bundle.manifest().plays_notes()) {
        Some((what, _)) => {
            let name = &bundle.manifest().name;
            let problem =
                format!("the bundle {name} composes sound and no notes; leave it out or choose another bundle");
            Err(Error::Request { what, problem })
        }
        None => Ok(()),
    }
}

/// What a person should know of how it was read, one thing each.
pub fn remarks(args: &Arrange, request: &Request) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(chart) = &args.chords {
        let (own, all) = (chart.ticks(request.meter), (request.quarters() * f64::from(TICKS_PER_QUARTER)) as u32);
        if own < all {
            let bars = f64::from(own) / f64::from(all) * f64::from(request.bars);
            remarks.push(format!("the chords fill {bars} of {} bars, so they begin anew there", request.bars));
        }
    }
    remarks.extend(args.hit.iter().filter_map(|hit| hit.remark(hit.position(request.bpm, request.meter))));
    remarks
}

/// What was asked of a clip's notes, as it is typed.
pub fn options(recipe: &ArrangementRecipe) -> String {
    let ArrangementRecipe { asked, theme_sha256 } = recipe;
    let listed = |entries: Vec<String>| (!entries.is_empty()).then(|| entries.join(","));
    let density = listed(asked.density.iter().map(|(part, number)| format!("{part}={number}")).collect());
    let register = listed(asked.register.iter().map(|(part, range)| format!("{part}={range}")).collect());
    let hits = listed(asked.hits.iter().map(ToString::to_string).collect());
    let flag = |name: &str, is_set: bool| is_set.then(|| name.to_string());
    let found = [
        asked.chords.as_ref().map(|chords| format!("--chords \"{chords}\"")),
        flag("--key-lock", asked.key_lock),
        density.map(|density| format!("--density {density}")),
        register.map(|register| format!("--register {register}")),
        flag("--theme", theme_sha256.is_some()),
        hits.map(|hits| format!("--hit {hits}")),
        flag("--end", asked.end),
        flag("--build", asked.build),
        flag("intensity of its board", !asked.intensity.is_empty()),
    ];
    found.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn once<T: Copy>(what: &'static str, entries: &[(Part, T)]) -> Result<BTreeMap<Part, T>, Error> {
    let mut found = BTreeMap::new();
    for (part, value) in entries {
        if found.insert(*part, *value).is_some() {
            return Err(Error::Request { what, problem: format!("the {part} is named twice; name it once") });
        }
    }
    Ok(found)
}

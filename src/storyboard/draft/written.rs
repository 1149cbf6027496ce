//! `board.toml`.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::arrangement;
use super::lines::{CueLines, Lines, line};
use super::{Draft, Problem};
use crate::storyboard::Sheet;

pub fn read(path: &Path, text: &str) -> Result<Draft, Problem> {
    let fail = |error: toml::de::Error| {
        let at = error.span().map_or(0, |span| line(text, span.start));
        (at, error.message().replace('\n', "; "))
    };
    let sheet: Sheet = toml::from_str(text).map_err(fail)?;
    let residues = vec![None; sheet.cues.len()];
    let lines = lines(text).map_err(fail)?;
    let notes = arrangement::remarks(&sheet);
    Ok(Draft { sheet, residues, notes, path: path.to_path_buf(), lines })
}

fn lines(text: &str) -> Result<Lines, toml::de::Error> {
    let table = DeTable::parse(text)?.into_inner();
    let of = |table: &DeTable<'_>| {
        table.keys().map(|key| (key.get_ref().to_string(), line(text, key.span().start))).collect()
    };
    let cue = |value: &toml::Spanned<DeValue<'_>>| CueLines {
        first: line(text, value.span().start),
        fields: value.get_ref().as_table().map(of).unwrap_or_default(),
    };
    let cues = table.get("cue").and_then(|cues| cues.get_ref().as_array());
    let cues = cues.map(|cues| cues.iter().map(cue).collect()).unwrap_or_default();
    Ok(Lines { board: of(&table), cues })
}

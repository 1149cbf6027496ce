//! Which of some styles a prompt names.

use super::Orchestration;
use super::lexicon::plain;

/// The place of the one style that `prompt` names; `None` where it names none, or several. `styles` are the names of each; one that is an
/// instrument's, as "choir", asks for that.
pub(crate) fn named(prompt: &str, styles: &[Vec<String>]) -> Option<usize> {
    let prompt = words(prompt);
    let is_named = |names: &Vec<String>| names.iter().any(|name| holds(&prompt, &words(name)) && !is_instrument(name));
    let mut found = styles.iter().enumerate().filter(|(_, names)| is_named(names)).map(|(place, _)| place);
    let first = found.next();
    first.filter(|_| found.next().is_none())
}

fn is_instrument(name: &str) -> bool {
    Orchestration::new(name, &[]).asked.first().is_some_and(|asked| asked.words == name)
}

fn words(text: &str) -> Vec<String> {
    let plain = plain(text);
    plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(String::from).collect()
}

fn holds(words: &[String], name: &[String]) -> bool {
    !name.is_empty() && words.windows(name.len()).any(|some| some == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_style_is_named_in_whole_words_or_none_is() {
        let styles = [
            vec!["ticking suspense", "ticking clock"],
            vec!["neo-noir jazz", "smoky jazz"],
            vec!["dread", "choir", "horror strings"],
        ];
        let styles = styles.map(|names| names.into_iter().map(String::from).collect());
        for (prompt, place) in [
            ("a Ticking clock, low strings", Some(0)),
            ("Neo noir jazz with brushes", Some(1)),
            ("neo-noir jazz, smoky jazz", Some(1)),
            ("ticking  clocks", None),
            ("clock ticking", None),
            ("dreadful", None),
            ("tense strings and choir", None),
            ("horror strings", Some(2)),
            ("ticking clock and dread", None),
            ("", None),
        ] {
            assert_eq!(named(prompt, &styles), place, "{prompt}");
        }
    }
}

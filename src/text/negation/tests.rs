//! Prompts with what is left of them and what they avoid.

use super::Wish;

/// Prompt, what is left, what is avoided.
const NEGATED: &[(&str, &str, &[&str])] = &[
    ("calm strings, no drums", "calm strings", &["drums"]),
    ("no drums", "", &["drums"]),
    ("No drums.", "", &["drums"]),
    ("calm strings, no drums, soft piano", "calm strings, soft piano", &["drums"]),
    ("calm strings, no drums or brass", "calm strings", &["drums", "brass"]),
    ("no percussion or brass", "", &["percussion", "brass"]),
    ("calm strings, no drums, brass or choir", "calm strings", &["drums", "brass", "choir"]),
    ("no drums, brass, or choir, slow", "slow", &["drums", "brass", "choir"]),
    ("no drums, no brass and no choir", "", &["drums", "brass", "choir"]),
    ("no drums and brass", "", &["drums", "brass"]),
    ("no drums and soft piano", "and soft piano", &["drums"]),
    ("no drums and quiet", "and quiet", &["drums"]),
    ("no drums, piano and strings", "piano and strings", &["drums"]),
    ("ambient piano without drums", "ambient piano", &["drums"]),
    (
        "always very soft, without any vibrato. In the middle a flute",
        "always very soft. In the middle a flute",
        &["vibrato"],
    ),
    ("sad, not angry", "sad", &["angry"]),
    ("not sad but hopeful", "hopeful", &["sad"]),
    ("not too fast, not very loud", "", &["fast", "loud"]),
    ("slow but no drums", "slow", &["drums"]),
    ("strings with no drums and a soft piano", "strings and a soft piano", &["drums"]),
    ("strings (no drums) over bass", "strings over bass", &["drums"]),
    ("calm strings no drums soft piano", "calm strings soft piano", &["drums"]),
    ("no brass soft piano", "soft piano", &["brass"]),
    ("slow piano, not the drums", "slow piano", &["drums"]),
    ("slow, free of drums", "slow", &["drums"]),
    ("drum-free and vocal-free ambient", "and ambient", &["drum", "vocal"]),
    ("drumless ambient", "ambient", &["drums"]),
    ("piano instead of drums", "piano", &["drums"]),
    ("solo cello rather than a full orchestra", "solo cello", &["full orchestra"]),
    ("neither drums nor brass, calm", "calm", &["drums", "brass"]),
    ("I don't want any drums, calm strings", "calm strings", &["drums"]),
    ("please do not use electric guitar", "", &["electric guitar"]),
    ("everything except drums", "everything", &["drums"]),
    ("everything but drums, calm", "calm", &["drums"]),
    ("no instruments except piano", "piano", &["instruments"]),
    ("no drums at all please, calm", "calm", &["drums"]),
    ("the mood is not sad", "the mood", &["sad"]),
    ("avoid brass, warm pads", "warm pads", &["brass"]),
    ("NO DRUMS, CALM STRINGS", "CALM STRINGS", &["DRUMS"]),
    ("Calm Strings With No Drums", "Calm Strings", &["Drums"]),
    ("strings, no hint of drums", "strings", &["drums"]),
    ("no more drums, piano", "piano", &["drums"]),
    ("strings w/o drums", "strings", &["drums"]),
    ("Calm strings. No drums. Slow.", "Calm strings. Slow.", &["drums"]),
    ("no no drums", "", &["drums"]),
    ("slower and darker than before, no drums, 90 bpm", "slower and darker than before, 90 bpm", &["drums"]),
    ("no drums until the end", "until the end", &["drums"]),
    ("sad but not depressing", "sad", &["depressing"]),
    ("the strings should not be loud", "the strings", &["loud"]),
    ("strings only, no other instruments", "strings only", &["instruments"]),
    ("no 808s, no hi-hats", "", &["808s", "hi-hats"]),
    ("no loud drums or harsh brass", "", &["loud drums", "harsh brass"]),
    ("there are no drums; slow", "slow", &["drums"]),
    ("nothing too loud, strings", "strings", &["loud"]),
];

/// Prompts that negate nothing, or not plainly.
const PLAIN: &[&str] = &[
    "calm strings",
    "",
    "nothing but strings",
    "no longer sad",
    "not only strings but brass",
    "not just piano",
    "no one is home",
    "without a doubt heroic",
    "can't stop dancing",
    "with or without you",
    "Symphony No. 5",
    "opus 27 no 2",
    "in the style of \u{201c}No Surprises\u{201d}",
    "like 'No Woman No Cry', slow",
    "in the style of No Woman No Cry",
    "\"no drums\"",
    "no, slower",
    "slow, no",
    "no matter what happens",
    "royalty-free piano",
    "break free from chains",
    "zero gravity",
    "minus 6 dB",
    "not without hope",
    "why not jazz",
    "did not die",
    "endless, wordless, seamless choir",
    "noble knot of nobody, nocturne",
    "don't stop",
    "never-ending road",
    "happy but not too happy",
    "a song about not giving up",
    "no strings attached",
    "not 4/4",
];

#[test]
fn what_is_negated_is_avoided_and_the_rest_is_asked_for() {
    for (prompt, asked, avoided) in NEGATED {
        let wish = Wish::new(prompt);
        assert_eq!(
            (wish.asked.as_str(), wish.avoided.as_slice()),
            (*asked, to_strings(avoided).as_slice()),
            "{prompt:?}"
        );
    }
}

#[test]
fn where_nothing_is_negated_the_prompt_stays_as_it_is() {
    for prompt in PLAIN {
        assert_eq!(Wish::new(prompt), Wish { asked: prompt.to_string(), avoided: vec![] }, "{prompt:?}");
    }
}

#[test]
fn what_is_left_negates_nothing() {
    for (prompt, ..) in NEGATED {
        let asked = Wish::new(prompt).asked;
        assert_eq!(Wish::new(&asked), Wish { asked: asked.clone(), avoided: vec![] }, "{prompt:?}");
    }
}

/// Every word of a prompt is asked for, avoided, or one that negates or joins.
#[test]
fn no_word_of_music_is_lost() {
    for (prompt, ..) in NEGATED {
        let wish = Wish::new(prompt);
        let said = format!("{} {}", wish.asked, wish.avoided.join(" ")).to_lowercase();
        for word in
            ["strings", "drums", "piano", "brass", "choir", "slow", "soft", "calm", "ambient", "cello", "guitar", "sad"]
        {
            assert_eq!(
                said.contains(word),
                prompt.to_lowercase().replace("drumless", "drums").contains(word),
                "{prompt:?}: {word}"
            );
        }
    }
}

#[test]
fn any_text_is_read_in_time_in_proportion() {
    for text in ["no ", "no drums, ", "no a, ", "not ", "'", "\"", "without any ", "no \u{301}\u{1f3bb} ", "no x, or "]
    {
        let long = text.repeat(20_000);
        let _ = Wish::new(&long);
    }
}

fn to_strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| word.to_string()).collect()
}

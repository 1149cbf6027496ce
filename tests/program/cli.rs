//! The `melfusion` program from outside: what it writes, what it says of bad input, and how it ends.
#![cfg(feature = "cli")]

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::run::{HARBOUR, MINI, Ran, SHORT, folder, generate, program, run};

const WAVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/wave");
const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pictures");

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn frames(wav: &Path) -> u32 {
    hound::WavReader::open(wav).unwrap().duration()
}

/// A copy of the mini bundle, to damage.
fn copy_of_mini() -> TempDir {
    let folder = folder();
    for entry in fs::read_dir(MINI).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
    }
    folder
}

/// Changes the last bytes of a file.
fn end_with(path: &Path, change: impl FnOnce(&mut [u8])) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

fn sha256(path: &Path) -> String {
    Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

mod device {
    use super::*;

    /// What `--json` says of a clip made with `more`, and the clip's hash.
    fn made(more: &[&str]) -> (Value, String) {
        let folder = folder();
        let out = folder.path().join("bed.wav");
        let ran = generate(&out, &[&["--json"], more].concat()).assert_fine();
        (serde_json::from_str(&ran.out).unwrap(), sha256(&out))
    }

    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    #[test]
    fn the_summary_says_where_and_how_a_clip_was_made() {
        let (said, plain) = made(&[]);
        assert_eq!([&said["device"], &said["dtype"], &said["memory"]], ["cpu", "f32", "resident"]);
        for memory in ["resident", "staged", "halves", "tiles"] {
            let (said, hash) = made(&["--device", "cpu", "--memory", memory]);
            assert_eq!((said["memory"].as_str(), hash), (Some(memory), plain.clone()));
        }
        let (said, half) = made(&["--dtype", "bf16"]);
        assert_eq!(said["dtype"], "bf16");
        assert_ne!(half, plain);
        let folder = folder();
        let ran = generate(&folder.path().join("bed.wav"), &["--device", "auto"]).assert_fine();
        assert!(ran.out.trim_end().ends_with(" s on cpu"), "{}", ran.out);
    }

    #[test]
    fn what_cannot_be_computed_with_is_refused() {
        let folder = folder();
        let refused = |more: &[&str], words: &[&str]| {
            generate(&folder.path().join("bed.wav"), more).assert_bad_input(words);
            assert!(files(folder.path()).is_empty());
        };
        refused(&["--device", "gpu"], &["no device \"gpu\"", "cuda:N"]);
        refused(&["--dtype", "f64"], &["choose f32, bf16 or f16"]);
        refused(&["--memory", "little"], &["choose resident, staged, halves or tiles"]);
        #[cfg(not(feature = "cuda"))]
        refused(&["--device", "cuda:1"], &["this build has no CUDA", "leave --device out"]);
        #[cfg(not(feature = "metal"))]
        refused(&["--device", "metal"], &["this build has no Metal"]);
    }

    #[test]
    fn a_check_says_its_type_and_has_a_tolerance_for_it() {
        let ran = run(["check", MINI, "--dtype", "bf16", "--device", "cpu"]).assert_fine();
        assert!(ran.out.starts_with("on cpu in bf16\n") && ran.out.contains("2.0e-1"), "{}", ran.out);
    }
}

mod bad_input {
    use super::*;

    /// Generates with `more` in an empty folder and checks that it stays empty.
    #[track_caller]
    fn refused(more: &[&str], words: &[&str]) {
        let folder = folder();
        let args = ["generate", "--seed", "7"].iter().chain(more).map(OsStr::new);
        let out = folder.path().join("bed.wav");
        run(args.chain([OsStr::new("--out"), out.as_os_str()])).assert_bad_input(words);
        assert!(files(folder.path()).is_empty());
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        for (option, value) in [
            ("bars", "0"),
            ("bars", "-1"),
            ("bars", "65"),
            ("bars", "4.5"),
            ("bpm", "0"),
            ("bpm", "-96"),
            ("bpm", "1e9"),
            ("bpm", "NaN"),
            ("bpm", "inf"),
            ("bpm", "fast"),
            ("steps", "0"),
            ("steps", "201"),
            ("guidance", "-1"),
            ("guidance", "nan"),
            ("influence", "1.01"),
            ("rate", "1"),
            ("meter", "4/3"),
            ("meter", "0/4"),
            ("meter", "waltz"),
            ("key", "H"),
            ("sampler", "euler"),
            ("takes", "0"),
            ("seed", "seven"),
        ] {
            refused(&[&format!("--{option}"), value], &[option]);
        }
    }

    #[test]
    fn music_longer_than_the_limit_is_refused() {
        refused(&["--bars", "64", "--meter", "32/4", "--bpm", "20"], &["bars", "seconds"]);
    }

    #[test]
    fn seeds_do_not_run_over() {
        refused(&["--seed", "18446744073709551615", "--takes", "2"], &["seed"]);
    }

    #[test]
    fn pictures_that_are_none_are_named() {
        for (name, word) in [
            ("missing.png", "no such file"),
            ("text.png", "text"),
            ("empty.png", "empty"),
            ("cut_short.jpg", "cut short"),
            ("huge.png", "too large"),
            ("", "folder"),
        ] {
            let path = format!("{PICTURES}/{name}");
            refused(&["--image", &path], &["picture", &path, word]);
        }
    }

    #[test]
    fn prompts_from_files_that_are_no_text_are_named() {
        let missing = format!("{PICTURES}/missing.txt");
        refused(&["--prompt-file", &missing], &["missing.txt", "prompt"]);
        refused(&["--prompt-file", HARBOUR], &["harbour.png", "UTF-8"]);
        refused(&["--prompt-file", HARBOUR, "--prompt", "piano"], &["--prompt"]);
    }

    #[test]
    fn outputs_that_cannot_be_written_are_named() {
        let folder = folder();
        fs::write(folder.path().join("file"), "").unwrap();
        fs::create_dir(folder.path().join("folder.wav")).unwrap();
        for (name, word) in [
            ("no/such/bed.wav", "does not exist"),
            ("file/bed.wav", "folder"),
            ("folder.wav", "is a folder"),
            ("bed.mp3", ".wav"),
            ("bed", ".wav"),
        ] {
            generate(&folder.path().join(name), &[]).assert_bad_input(&[name, word]);
        }
        let plot = folder.path().join("no/plot.png");
        generate(&folder.path().join("bed.wav"), &["--plot", plot.to_str().unwrap()])
            .assert_bad_input(&["plot.png", "does not exist"]);
        assert_eq!(files(folder.path()), ["file", "folder.wav"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_without_permission_is_named() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder();
        let closed = folder.path().join("closed");
        fs::create_dir(&closed).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
        // Nothing is closed to root.
        if fs::write(closed.join("probe"), "").is_err() {
            generate(&closed.join("bed.wav"), &[]).assert_bad_input(&["closed", "cannot write"]);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_into_a_folder_that_is_not_there_is_named() {
        let folder = folder();
        let link = folder.path().join("bed.wav");
        std::os::unix::fs::symlink("gone/bed.wav", &link).unwrap();
        generate(&link, &[]).assert_bad_input(&["bed.wav", "gone does not exist"]);
        assert!(link.is_symlink());
    }

    #[test]
    fn the_picture_is_not_overwritten_by_its_plot() {
        let folder = folder();
        let picture = folder.path().join("picture.png");
        fs::copy(HARBOUR, &picture).unwrap();
        let picture = picture.to_str().unwrap();
        generate(&folder.path().join("bed.wav"), &["--image", picture, "--plot", picture])
            .assert_bad_input(&["picture.png", "lost"]);
        assert_eq!(fs::read(picture).unwrap(), fs::read(HARBOUR).unwrap());
    }

    #[test]
    fn bundles_that_are_none_are_named() {
        let empty = folder();
        for bundle in ["nonesuch", "no/such/folder", empty.path().to_str().unwrap()] {
            refused(&["--bundle", bundle], &["bundle", bundle]);
            for command in ["show", "verify"] {
                run(["bundle", command, bundle]).assert_bad_input(&["bundle", bundle]);
            }
            run(["check", bundle]).assert_bad_input(&["bundle", bundle]);
        }
    }

    #[test]
    fn bundles_of_spectrograms_are_refused_with_what_to_do() {
        let folder = folder();
        let manifest = fs::read_to_string(Path::new(MINI).join("manifest.toml")).unwrap();
        fs::write(folder.path().join("manifest.toml"), manifest.replace("\"score\"", "\"grid\"")).unwrap();
        let words = ["before 0.12.0", "spectrograms", "no longer plays", "bundled model", "0.11.0"];
        let bundle = folder.path().to_str().unwrap();
        refused(&["--bundle", bundle], &words);
        for command in ["show", "verify"] {
            run(["bundle", command, bundle]).assert_bad_input(&words);
        }
        run(["check", bundle]).assert_bad_input(&words);
    }

    #[test]
    fn a_clip_whose_bundle_is_not_there_keeps_its_sound() {
        let folder = folder();
        let [wav, out] = ["bed.wav", "again.wav"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
        run(["generate", "--bundle", WAVE, "--bars", "1", "--steps", "2", "--seed", "7", "--out", &wav]).assert_fine();
        let words = ["not installed", "--bundle", "before 0.12.0", "keeps the sound"];
        run(["render", &wav, "--bpm", "200", "--out", &out]).assert_bad_input(&words);
        assert_eq!(files(folder.path()), ["bed.wav"]);
    }

    #[test]
    fn clips_that_are_none_are_named() {
        let folder = folder();
        let out = folder.path().join("bed.wav");
        for clip in ["missing.wav", HARBOUR] {
            let out = out.to_str().unwrap();
            run(["render", clip, "--out", out]).assert_bad_input(&[clip]);
        }
        assert!(files(folder.path()).is_empty());
    }

    #[test]
    fn soundfonts_that_cannot_play_are_refused() {
        const FONT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instruments/tests/fixtures/tiny.sf3");
        refused(&["--instruments", HARBOUR], &["harbour.png", ".sf2"]);
        refused(&["--instruments", "none.sf2"], &["none.sf2", "cannot be read"]);
        refused(&["--instruments", &format!("lead={HARBOUR}")], &["harbour.png", ".sf2"]);
        refused(&["--bundle", WAVE, "--instruments", FONT], &["instruments", "plays no notes"]);
        let twice = format!("lead={FONT}");
        refused(&["--instruments", &twice, "--instruments", &twice], &["two soundfonts are for the lead"]);
        refused(&["--instruments", &format!("violin={FONT}")], &["no part", "ostinato"]);
    }

    #[test]
    fn commands_that_are_none_are_refused() {
        for args in [&["compose"][..], &["generate"], &["generate", "--out"], &["bundle"], &["render"]] {
            assert_eq!(run(args).code, Some(2), "{args:?}");
        }
        assert_eq!(run([""; 0]).code, Some(2));
    }
}

mod damaged_bundles {
    use super::*;

    /// Generates with the bundle and checks that nothing is written.
    #[track_caller]
    fn refused(bundle: &Path, words: &[&str]) {
        let folder = folder();
        let bundle = ["--bundle", bundle.to_str().unwrap()];
        generate(&folder.path().join("bed.wav"), &bundle).assert_bad_input(words);
        assert!(files(folder.path()).is_empty());
    }

    #[test]
    fn missing_files_are_named() {
        let bundle = copy_of_mini();
        fs::remove_file(bundle.path().join("music.safetensors")).unwrap();
        refused(bundle.path(), &["music.safetensors", "missing"]);
    }

    #[test]
    fn truncated_files_are_named() {
        let bundle = copy_of_mini();
        let weights = fs::OpenOptions::new().write(true).open(bundle.path().join("decoder.safetensors")).unwrap();
        weights.set_len(weights.metadata().unwrap().len() - 10).unwrap();
        refused(bundle.path(), &["decoder.safetensors", "truncated"]);
    }

    #[test]
    fn files_of_another_hash_are_named() {
        let bundle = copy_of_mini();
        // The lowest bit of a number.
        end_with(&bundle.path().join("image.safetensors"), |bytes| {
            let last = bytes.len() - 2;
            bytes[last] ^= 1;
        });
        refused(bundle.path(), &["image.safetensors", "SHA-256"]);
        let verified = run(["bundle", "verify", bundle.path().to_str().unwrap()]);
        assert_eq!(verified.code, Some(1));
        assert!(verified.out.lines().any(|line| line.starts_with("BAD") && line.contains("image.safetensors")));
        assert!(verified.out.lines().any(|line| line.starts_with("ok") && line.contains("music.safetensors")));
    }

    #[test]
    fn numbers_that_are_not_finite_are_named() {
        let bundle = copy_of_mini();
        let weights = bundle.path().join("text.safetensors");
        let honest = sha256(&weights);
        end_with(&weights, |bytes| {
            let last = bytes.len() - 2;
            bytes[last..].copy_from_slice(&half::f16::NAN.to_le_bytes());
        });
        let manifest = bundle.path().join("manifest.toml");
        let text = fs::read_to_string(&manifest).unwrap().replace(&honest, &sha256(&weights));
        fs::write(manifest, text).unwrap();
        refused(bundle.path(), &["text.safetensors", "finite"]);
    }
}

mod music {
    use super::*;

    fn json(ran: &Ran) -> Value {
        assert_eq!(ran.out.lines().count(), 1);
        serde_json::from_str(&ran.out).unwrap()
    }

    #[test]
    fn a_picture_and_words_become_a_clip_of_exact_length() {
        let folder = folder();
        let [wav, plot] = ["bed.wav", "plot.png"].map(|name| folder.path().join(name));
        let more = ["--image", HARBOUR, "--prompt", "calm piano", "--meter", "3/4", "--bpm", "97", "--rate", "44100"];
        let plotted = [&more[..], &["--plot", plot.to_str().unwrap()]].concat();
        let ran = generate(&wav, &plotted).assert_fine();
        // 3 beats at 97 a minute, at 44100 Hz, to the nearest frame.
        assert_eq!(frames(&wav), 81_835);
        for word in ["bed.wav", "1 bar of 3/4", "97 bpm", "seed 7", "LUFS", "dBTP"] {
            assert!(ran.out.contains(word), "no {word:?} in: {}", ran.out);
        }
        // Standard error is no terminal here.
        assert!(ran.err.starts_with("the picture shows ") && ran.err.lines().count() == 1, "{}", ran.err);
        assert_eq!(files(folder.path()), ["bed.wav", "plot.png"]);
    }

    #[test]
    fn the_same_request_is_the_same_file() {
        let folder = folder();
        let wavs = ["a.wav", "b.wav"].map(|name| folder.path().join(name));
        for wav in &wavs {
            generate(wav, &["--image", HARBOUR, "--prompt", "calm piano"]).assert_fine();
        }
        assert_eq!(fs::read(&wavs[0]).unwrap(), fs::read(&wavs[1]).unwrap());
    }

    #[test]
    fn json_is_one_object_with_all_takes() {
        let folder = folder();
        let more = ["--takes", "2", "--json", "--format", "float", "--key", "F#m"];
        let ran = generate(&folder.path().join("bed.wav"), &more).assert_fine();
        assert_eq!(ran.err, "");
        let takes = json(&ran)["takes"].as_array().unwrap().clone();
        assert_eq!(takes.len(), 2);
        for (i, take) in takes.iter().enumerate() {
            let wav = folder.path().join(format!("bed-{}.wav", i + 1));
            assert_eq!(take["path"], wav.to_str().unwrap());
            assert_eq!(take["seed"], 7 + i);
            assert_eq!(take["recipe"]["key"], "F# minor");
            assert_eq!((&take["frames"], &take["sample_rate"]), (&96_000.into(), &48_000.into()));
            assert_eq!((take["seconds"].as_f64(), frames(&wav)), (Some(2.0), 96_000));
            assert!(take["loudness"]["lufs"].as_f64().unwrap() < 0.0);
            assert!(take["timings_ms"]["music"].as_f64().unwrap() > 0.0);
        }
        assert_eq!(files(folder.path()), ["bed-1.wav", "bed-2.wav"]);
    }

    #[test]
    fn a_random_seed_is_told_and_repeats_the_clip() {
        let folder = folder();
        let [first, again] = ["first.wav", "again.wav"].map(|name| folder.path().join(name));
        let seedless: Vec<_> = SHORT[..SHORT.len() - 2].to_vec();
        let ran = run([&seedless[..], &["--json", "--out", first.to_str().unwrap()]].concat()).assert_fine();
        let seed = json(&ran)["takes"][0]["seed"].to_string();
        run([&seedless[..], &["--seed", &seed, "--out", again.to_str().unwrap()]].concat()).assert_fine();
        assert_eq!(fs::read(first).unwrap(), fs::read(again).unwrap());
    }

    #[test]
    fn any_prompt_is_fine() {
        let folder = folder();
        let wav = folder.path().join("bed.wav");
        let long = folder.path().join("long.txt");
        fs::write(&long, "calm piano ".repeat(10_000)).unwrap();
        for prompt in ["🎹🌊 \u{200d}", "-loud drums"] {
            generate(&wav, &["--prompt", prompt, "--negative", prompt]).assert_fine();
        }
        generate(&wav, &["--prompt-file", long.to_str().unwrap()]).assert_fine();
        generate(&wav, &["--prompt", "", "--image", HARBOUR]).assert_fine();
    }

    #[test]
    fn how_words_are_read_is_said_in_text_and_in_json() {
        let folder = folder();
        let wav = folder.path().join("bed.wav");
        let long = ["paino, no drums, vuvuzela ", &"calm ".repeat(80)].concat();
        let ran = generate(&wav, &["--prompt", &long]).assert_fine();
        let lines: Vec<&str> = ran.err.lines().collect();
        assert_eq!(lines.len(), 1, "{}", ran.err);
        for part in [
            "the prompt is read as \"piano, vuvuzela calm",
            "avoided: drums",
            "not known: vuvuzela",
            "words of the prompt are not read",
        ] {
            assert!(lines[0].contains(part), "no {part:?} in: {}", lines[0]);
        }
        let ran = generate(&wav, &["--prompt", &long, "--json"]).assert_fine();
        assert_eq!(ran.err, "");
        let reading = &json(&ran)["reading"];
        assert_eq!(
            (&reading["avoided"], &reading["unknown"]),
            (&serde_json::json!(["drums"]), &serde_json::json!(["vuvuzela"]))
        );
        let words = |name: &str| reading[name].as_str().unwrap().split_whitespace().count();
        assert_eq!(words("prompt") + words("unread"), 82);
        assert_eq!(json(&ran)["takes"][0]["recipe"]["prompt"], long);
    }

    #[test]
    fn quiet_says_nothing() {
        let folder = folder();
        let ran = generate(&folder.path().join("bed.wav"), &["--quiet"]).assert_fine();
        assert_eq!((ran.out, ran.err), (String::new(), String::new()));
    }

    #[test]
    fn progress_in_lines_names_stage_and_step() {
        let folder = folder();
        let ran = generate(&folder.path().join("bed.wav"), &["--image", HARBOUR, "--progress", "lines"]).assert_fine();
        for line in ["loading the bundle 0/1", "looking at the picture 0/", "composing 2/2", "making sound"] {
            assert!(ran.err.contains(line), "no {line:?} in: {}", ran.err);
        }
    }

    #[test]
    fn another_tempo_is_another_exact_length() {
        let folder = folder();
        let [wav, slower, same] = ["bed.wav", "slower.wav", "same.wav"].map(|name| folder.path().join(name));
        generate(&wav, &[]).assert_fine();
        let render = |more: &[&str], out: &Path| {
            let args = ["render", wav.to_str().unwrap(), "--bundle", MINI, "--out", out.to_str().unwrap()];
            run([&args[..], more].concat()).assert_fine()
        };
        render(&["--bpm", "90.5", "--key", "D", "--json"], &slower);
        // 4 beats at 90.5 a minute, at 48000 Hz, to the nearest frame.
        assert_eq!(frames(&slower), 127_293);
        render(&[], &same);
        assert_eq!(fs::read(&same).unwrap(), fs::read(&wav).unwrap());
        run(["render", wav.to_str().unwrap(), "--bpm", "5", "--out", same.to_str().unwrap()])
            .assert_bad_input(&["bpm"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_cancelled_run_leaves_no_file() {
        use std::io::{BufRead, BufReader, Read};
        let folder = folder();
        let out = folder.path().join("bed.wav");
        let args = ["generate", "--bundle", MINI, "--bars", "16", "--steps", "200", "--progress", "lines", "--out"];
        let mut running = program().args(args).arg(&out).stderr(Stdio::piped()).spawn().unwrap();
        let mut err = BufReader::new(running.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("composing 1/") {
            line.clear();
            assert!(err.read_line(&mut line).unwrap() > 0, "ended before it was cancelled");
        }
        let interrupt = Command::new("sh").args(["-c", &format!("kill -INT {}", running.id())]).status();
        assert!(interrupt.unwrap().success());
        let mut rest = String::new();
        err.read_to_string(&mut rest).unwrap();
        assert_eq!(running.wait().unwrap().code(), Some(130));
        assert!(rest.ends_with("cancelled\n"), "{rest}");
        // Within one step.
        assert!(rest.lines().filter(|line| line.contains("composing")).count() <= 2, "{rest}");
        assert!(files(folder.path()).is_empty());
    }
}

#[cfg(unix)]
mod modes {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[test]
    fn a_private_clip_and_its_plot_stay_private() {
        let folder = folder();
        let [wav, plot] = ["bed.wav", "plot.png"].map(|name| folder.path().join(name));
        for path in [&wav, &plot] {
            fs::write(path, "old").unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        generate(&wav, &["--plot", plot.to_str().unwrap()]).assert_fine();
        for path in [&wav, &plot] {
            let found = fs::metadata(path).unwrap();
            assert!(found.len() > 3, "{} was replaced", path.display());
            assert_eq!(found.mode() & 0o777, 0o600, "{}", path.display());
        }
    }
}

mod bundles {
    use super::*;

    #[test]
    fn the_mini_bundle_shows_its_licence_and_verifies() {
        let shown = run(["bundle", "show", MINI]).assert_fine().out;
        for word in ["licence", "trained on", "parameters", "music.safetensors"] {
            assert!(shown.contains(word), "no {word:?} in: {shown}");
        }
        let verified = run(["bundle", "verify", MINI]).assert_fine().out;
        assert!(verified.lines().all(|line| line.starts_with("ok ")), "{verified}");
    }

    #[cfg(feature = "embed-mini")]
    #[test]
    fn the_mini_bundle_is_built_in() {
        assert!(run(["bundle", "list"]).assert_fine().out.contains("mini"));
        run(["bundle", "verify", "mini"]).assert_fine();
    }

    #[test]
    fn the_mini_bundle_agrees_with_its_reference() {
        let checked = run(["check", MINI]).assert_fine().out;
        assert!(checked.contains("tolerance"), "{checked}");
    }

    #[test]
    fn a_reader_that_goes_away_is_no_fault() {
        let mut running = program().arg("--help").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(running.stdout.take());
        assert!(running.wait().unwrap().success());
        let mut running =
            program().args(["bundle", "show", MINI]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(running.stdout.take());
        let output = running.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    }
}

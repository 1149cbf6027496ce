//! `melfusion bundle`.

mod import;
mod pull;

use std::process::ExitCode;

use melfusion::bundle::{self, Bundle, Manifest};
use melfusion::error::Error;

use super::args;
use super::parameters::parameters;
use super::terminal::{self, plain, table};

pub use self::import::HELP as IMPORT_HELP;

/// Lists, shows, verifies, downloads or imports.
pub fn run(command: &args::Bundle) -> anyhow::Result<ExitCode> {
    match command {
        args::Bundle::List => list(),
        args::Bundle::Show { bundle } => show(&Bundle::find(Some(bundle))?),
        args::Bundle::Verify { bundle } => verify(&Bundle::find(Some(bundle))?),
        args::Bundle::Pull(args) => pull::run(args),
        args::Bundle::Import(args) => import::run(args),
    }
}

fn list() -> anyhow::Result<ExitCode> {
    let bundles = Bundle::list();
    if bundles.is_empty() {
        let places: Vec<_> = bundle::places().iter().map(|place| place.display().to_string()).collect();
        terminal::warn(&format!("no bundles in {}", places.join(" or ")));
        return Ok(ExitCode::SUCCESS);
    }
    let (found, broken): (Vec<_>, Vec<_>) = bundles.into_iter().partition(Result::is_ok);
    let head = ["name", "version", "size", "where"].map(String::from);
    let rows: Vec<_> = found.into_iter().flatten().map(|bundle| row(&bundle)).collect();
    if !rows.is_empty() {
        print(&table(&[vec![head], rows].concat()))?;
    }
    for error in broken.into_iter().filter_map(Result::err) {
        terminal::warn(&format!("broken: {error}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn row(bundle: &Bundle) -> [String; 4] {
    let Manifest { name, version, .. } = bundle.manifest();
    let bytes = bundle.files().into_iter().filter_map(|file| bundle.manifest().files.get(file)).map(|file| file.bytes);
    [plain(name), plain(version), megabytes(bytes.sum()), bundle.location().display().to_string()]
}

fn show(bundle: &Bundle) -> anyhow::Result<ExitCode> {
    let about = bundle.manifest();
    let defaults = &about.defaults;
    print(&table(
        &[
            ["name", &format!("{} {}", plain(&about.name), plain(&about.version))],
            ["about", &plain(&about.description)],
            ["licence", &plain(&about.licence)],
            ["authors", &plain(&about.authors.join(", "))],
            ["trained on", &plain(&about.trained_on)],
            ["where", &bundle.location().display().to_string()],
            ["hash", bundle.hash()],
            ["sound", &format!("{} Hz", about.sample_rate)],
            [
                "defaults",
                &format!("{} steps, guidance {}, {}", defaults.steps, defaults.guidance, defaults.sampler.name()),
            ],
        ]
        .map(|row| row.map(String::from)),
    ))?;
    terminal::line("")?;
    print(&stages(bundle)?)?;
    terminal::line("")?;
    print(&files(bundle))?;
    Ok(ExitCode::SUCCESS)
}

fn stages(bundle: &Bundle) -> Result<Vec<String>, Error> {
    let about = bundle.manifest();
    let stages = [
        ("text", &about.text.weights),
        ("image", &about.image.weights),
        ("music", &about.music.weights),
        ("synapse", &about.synapse.weights),
        ("decoder", &about.decoder.weights),
    ];
    let mut rows = vec![["stage", "parameters", "weights"].map(String::from)];
    for (stage, file) in stages {
        rows.push([stage.into(), grouped(parameters(bundle, file)?), file.clone()]);
    }
    Ok(table(&rows))
}

fn files(bundle: &Bundle) -> Vec<String> {
    let mut rows = vec![["file", "bytes", "SHA-256"].map(String::from)];
    for (name, entry) in &bundle.manifest().files {
        rows.push([name.clone(), grouped(entry.bytes), entry.sha256.clone()]);
    }
    table(&rows)
}

fn verify(bundle: &Bundle) -> anyhow::Result<ExitCode> {
    let mut failed = false;
    for name in bundle.files() {
        match bundle.verify_file(name) {
            Ok(()) => terminal::line(&format!("ok   {name}")),
            Err(error) => {
                failed = true;
                terminal::line(&format!("BAD  {error}"))
            }
        }?;
    }
    Ok(ExitCode::from(if failed { super::FAILED } else { 0 }))
}

fn print(lines: &[String]) -> anyhow::Result<()> {
    lines.iter().try_for_each(|line| terminal::line(line))
}

/// In megabytes, to a tenth.
fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// In megabytes, to a tenth, for files of gigabytes beside those of kilobytes.
fn grouped_megabytes(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{} MB", grouped(tenths / 10), tenths % 10)
}

/// With spaces between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1 000", "1 234 567"]);
        assert_eq!([0, 1, 4_829_066_707].map(grouped_megabytes), ["0.0 MB", "0.1 MB", "4 829.1 MB"]);
    }
}

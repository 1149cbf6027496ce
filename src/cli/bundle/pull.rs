//! `melfusion bundle pull`: downloads what an import needs.

mod files;
mod hub;
mod known;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use melfusion::error::Error;
use melfusion::import::Licence;

use self::files::{Download, Files};
use self::hub::Hub;
use self::known::NAMES;
use super::{grouped_megabytes, print};
use crate::cli::args::Pull;
use crate::cli::destination::check_folder;
use crate::cli::terminal;

/// The token of who has an account at the hub.
const TOKEN: &str = "HF_TOKEN";
/// What a user types to agree.
const YES: &str = "yes";

/// Shows what would come, asks, and brings it.
pub fn run(args: &Pull) -> anyhow::Result<ExitCode> {
    let parts = known::parts(args).ok_or_else(|| refused(args))?;
    let token = token(args)?;
    create(&args.to)?;
    for part in &parts {
        let Licence { name, terms, .. } = part.licence;
        terminal::line(&format!("{}: {}, {name}: {terms}", part.folder, part.repository))?;
    }
    let files = Files::new(&args.to);
    let hub = Hub::new(&files.incomplete(), token)?;
    let mut downloads = Vec::new();
    for part in &parts {
        downloads.extend(files.plan(part, &hub.look(part)?)?);
    }
    show(&downloads, &args.to)?;
    let missing: Vec<&Download> = downloads.iter().filter(|download| !download.is_there).collect();
    if !missing.is_empty() {
        files.check_space(&missing)?;
        if !args.yes && !agrees()? {
            let problem = format!("nothing was downloaded; type {YES} when asked, or give --yes");
            return Err(Error::Request { what: "pull", problem }.into());
        }
        files.bring(&hub, &parts, &missing)?;
    }
    print(&next(&args.to, &args.name))?;
    Ok(ExitCode::SUCCESS)
}

fn refused(args: &Pull) -> Error {
    let problem = format!("{:?} is none that is known; choose one of {}", args.name, NAMES.join(", "));
    Error::Request { what: "name", problem }
}

/// Of the file that was named, else of the environment.
fn token(args: &Pull) -> Result<Option<String>, Error> {
    let token = match &args.token_file {
        Some(path) => Some(fs::read_to_string(path).map_err(|error| Error::File {
            path: path.clone(),
            problem: format!("the token cannot be read: {error}"),
        })?),
        None => env::var(TOKEN).ok(),
    };
    Ok(token.map(|token| token.trim().to_string()).filter(|token| !token.is_empty()))
}

fn create(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|error| Error::File {
        path: folder.to_path_buf(),
        problem: format!("cannot be created ({error}); choose another folder with --to"),
    })?;
    check_folder(&folder.join("file"))
}

/// Every file with its size, and what is yet to come.
fn show(downloads: &[Download], to: &Path) -> anyhow::Result<()> {
    let state = |download: &Download| if download.is_there { "is there already" } else { "" };
    let row = |d: &Download| [format!("{}/{}", d.folder, d.name), grouped_megabytes(d.size), state(d).into()];
    print(&terminal::table(&downloads.iter().map(row).collect::<Vec<_>>()))?;
    let mut said: Vec<&String> = downloads.iter().filter_map(|download| download.said_licence.as_ref()).collect();
    said.dedup();
    for said in said {
        terminal::line(said)?;
    }
    let missing: u64 = downloads.iter().filter(|download| !download.is_there).map(|download| download.size).sum();
    terminal::line(&format!("{} to download to {}", grouped_megabytes(missing), to.display()))
}

/// Whether the user types that they agree. Without a terminal too, for those who pipe it.
fn agrees() -> anyhow::Result<bool> {
    if io::stdin().is_terminal() {
        let mut out = io::stderr();
        write!(out, "Do you keep to these licences, and shall it be downloaded? Type {YES}: ")?;
        out.flush()?;
    }
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case(YES))
}

/// What to type next.
fn next(to: &Path, name: &str) -> Vec<String> {
    let place = |part: &str| quoted(&to.join(part));
    let command = format!(
        "  melfusion bundle import --tango {} --stable-diffusion {} --tokenizer {} --name {name}",
        place("tango"),
        place("image"),
        place("tokenizer/tokenizer.json")
    );
    vec!["All is there. To make a bundle of it:".into(), command]
}

/// A path that a shell reads as one word.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = text.chars().all(|c| c.is_alphanumeric() || "/._-\\:".contains(c));
    if is_plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_a_shell_would_split_them() {
        assert_eq!(quoted(Path::new("/a/b-c.d")), "/a/b-c.d");
        assert_eq!(quoted(Path::new("my models")), "'my models'");
        assert_eq!(quoted(Path::new("it's")), r"'it'\''s'");
    }
}

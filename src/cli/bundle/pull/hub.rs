//! The hub: what repositories hold, and one file of them at a time.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use hf_hub::api::Progress;
use hf_hub::api::sync::{Api, ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};
use melfusion::error::Error;
use serde::Deserialize;

use super::known::Part;

const ENDPOINT: &str = "HF_ENDPOINT";
const USUAL_ENDPOINT: &str = "https://huggingface.co";
/// Attempts without a byte more than the one before had.
const ATTEMPTS: u32 = 4;
/// Before the second attempt; twice as long before each further one.
const PAUSE: Duration = Duration::from_millis(500);

/// A hub, and the folder for what is on its way.
pub struct Hub {
    api: Api,
    cache: Cache,
    endpoint: String,
}

/// What a repository says of itself.
#[derive(Debug, Deserialize)]
pub struct Repository {
    /// Commit.
    pub sha: String,
    #[serde(default, rename = "cardData")]
    pub card: Option<Card>,
    pub siblings: Vec<Sibling>,
}

#[derive(Debug, Deserialize)]
pub struct Card {
    /// A name, or several.
    #[serde(default)]
    pub license: serde_json::Value,
}

/// A file of it.
#[derive(Debug, Clone, Deserialize)]
pub struct Sibling {
    #[serde(rename = "rfilename")]
    pub name: String,
    #[serde(default)]
    pub size: u64,
    /// Of large ones.
    pub lfs: Option<Lfs>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Lfs {
    pub sha256: String,
}

impl Hub {
    /// The one of the environment, else the public one; `incomplete` holds what is on its way.
    pub fn new(incomplete: &Path, token: Option<String>) -> anyhow::Result<Self> {
        let endpoint = std::env::var(ENDPOINT).ok().filter(|url| !url.trim().is_empty());
        let endpoint = endpoint.unwrap_or_else(|| USUAL_ENDPOINT.into()).trim_end_matches('/').to_string();
        let cache = Cache::new(incomplete.to_path_buf());
        let api = ApiBuilder::from_cache(cache.clone())
            .with_endpoint(endpoint.clone())
            .with_token(token)
            .with_progress(false)
            .with_user_agent("melfusion", env!("CARGO_PKG_VERSION"))
            .build()
            .context("cannot speak to the hub")?;
        Ok(Self { api, cache, endpoint })
    }

    /// What a part's repository holds, with sizes and hashes.
    pub fn look(&self, part: &Part) -> anyhow::Result<Repository> {
        let request = self.api.model(part.repository.clone()).info_request().query("blobs", "true");
        let read = || request.call()?.body_mut().read_json();
        read().map_err(|error| self.explain(part, "", &ApiError::RequestError(Box::new(error))))
    }

    /// Brings a file of commit `sha` whole into the folder of incomplete ones, going on where an earlier attempt ended, in
    /// this run or before; returns where it lies, with the hash that the hub has of it, if it has one.
    pub fn fetch<P: Progress>(
        &self,
        part: &Part,
        sha: &str,
        file: &Sibling,
        progress: impl Fn() -> P,
    ) -> anyhow::Result<(PathBuf, Option<String>)> {
        let repo = Repo::with_revision(part.repository.clone(), RepoType::Model, sha.into());
        let api = self.api.repo(repo.clone());
        let fail = |error: &ApiError| self.explain(part, &file.name, error);
        let (mut attempt, mut before) = (0, 0);
        loop {
            attempt += 1;
            let about = match self.about(&api, &file.name) {
                Ok(about) => about,
                Err(error) if attempt < ATTEMPTS && is_passing(&error) => {
                    pause(attempt);
                    continue;
                }
                Err(error) => return Err(fail(&error)),
            };
            let blob = self.blob(&repo, &about.etag)?;
            let size = about.size;
            if is_whole(&blob, size)? {
                return Ok((blob, file.lfs.as_ref().map(|lfs| lfs.sha256.clone()).or(sha256_of(&about.etag))));
            }
            let tried = api.download_with_progress(&file.name, progress());
            // What counts is what lies there: a disk without links, for instance, fails only after the last byte.
            let arrived = if blob.is_file() { length(&blob) } else { length(&blob.with_extension("part")) };
            match tried {
                _ if blob.is_file() && arrived == size => {}
                Ok(_) => {
                    let _ = fs::remove_file(&blob);
                    bail!("{}: the hub sent {arrived} bytes of {size}; pull again later", file.name);
                }
                Err(error) if is_passing(&error) && (arrived > before || attempt < ATTEMPTS) => {
                    attempt = if arrived > before { 1 } else { attempt };
                    before = arrived;
                    pause(attempt);
                }
                Err(error) => return Err(fail(&error)),
            }
        }
    }

    fn about(&self, api: &ApiRepo, file: &str) -> Result<About, ApiError> {
        let about = self.api.metadata(&api.url(file))?;
        Ok(About { etag: about.etag().into(), size: about.size() as u64 })
    }

    /// Where hf-hub puts a file of that name, which comes from the other side and must not lead elsewhere.
    fn blob(&self, repo: &Repo, etag: &str) -> anyhow::Result<PathBuf> {
        if etag.is_empty() || !etag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            bail!("the hub at {} names a file {etag:?}, which is no hash; set {ENDPOINT} to another", self.endpoint);
        }
        Ok(self.cache.repo(repo.clone()).blob_path(etag))
    }

    /// What went wrong and what to do.
    fn explain(&self, part: &Part, file: &str, error: &ApiError) -> anyhow::Error {
        let Part { repository, option, .. } = part;
        let what = if file.is_empty() { repository.clone() } else { format!("{repository}: {file}") };
        let endpoint = &self.endpoint;
        let problem = match error {
            ApiError::RequestError(error) => match **error {
                ureq::Error::StatusCode(401 | 403) => format!(
                    "the hub at {endpoint} shows it only to those it knows, or there is no such repository; give a token with \
                     HF_TOKEN or --token-file, accept the repository's terms on its page, or name another with {option}"
                ),
                ureq::Error::StatusCode(404) => {
                    format!("not found at {endpoint}; name another repository with {option}")
                }
                ureq::Error::StatusCode(429) => "the hub wants fewer requests; pull again later".into(),
                _ => format!("the hub at {endpoint} does not answer as it should ({error}); pull again to go on"),
            },
            ApiError::IoError(error) if is_local(error) => {
                return Error::File {
                    path: self.cache.path().clone(),
                    problem: format!("cannot be written ({error}); free some space or choose another folder with --to"),
                }
                .into();
            }
            ApiError::IoError(error) => format!("the connection broke ({error}); pull again to go on where it ended"),
            ApiError::LockAcquisition(_) => "another pull is bringing it here; wait for that one".into(),
            other => format!("the hub at {endpoint} does not answer as it should ({other}); pull again later"),
        };
        anyhow::anyhow!("{what}: {problem}")
    }
}

/// An etag and a length.
struct About {
    etag: String,
    size: u64,
}

/// Whether all of a file has arrived. hf-hub would ask for what comes after the last byte of one that has, and would add to
/// one that is too long.
#[allow(clippy::disallowed_methods, reason = "within the hub's own folder")]
fn is_whole(blob: &Path, size: u64) -> io::Result<bool> {
    let part = blob.with_extension("part");
    if part.is_file() && length(&part) == size {
        fs::rename(&part, blob)?;
    } else if length(&part) > size {
        fs::remove_file(&part)?;
    }
    if blob.is_file() && length(blob) != size {
        fs::remove_file(blob)?;
    }
    Ok(blob.is_file())
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |about| about.len())
}

/// Of large files the hub's name is the hash.
fn sha256_of(etag: &str) -> Option<String> {
    (etag.len() == 64 && etag.chars().all(|c| c.is_ascii_hexdigit())).then(|| etag.to_lowercase())
}

fn pause(attempt: u32) {
    thread::sleep(PAUSE * 2u32.pow(attempt - 1));
}

/// Whether it may work the next time.
fn is_passing(error: &ApiError) -> bool {
    match error {
        ApiError::RequestError(error) => match **error {
            ureq::Error::StatusCode(code) => code >= 500,
            ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed => true,
            _ => false,
        },
        ApiError::IoError(error) => !is_local(error),
        _ => false,
    }
}

/// Whether this machine's disk is to blame, and not the connection.
fn is_local(error: &io::Error) -> bool {
    use ErrorKind::{AlreadyExists, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem, StorageFull};
    let kinds = [AlreadyExists, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem, StorageFull];
    kinds.contains(&error.kind())
}

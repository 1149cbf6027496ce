//! Worker processes, and clients that say what a test wants them to.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use std::{fs, thread};

use candle_core::Device;
use melfusion::image::Picture;
use melfusion::request::RequestFields;
use melfusion::service::{
    Client, ENGINE, FrameError, FromWorker, GREETING, Job, PROTOCOL, Parcel, Place, ToWorker, Workshop, read_frame,
    write_frame,
};
use melfusion::{Bundle, Engine, Request};
use serde::Serialize;
use tempfile::TempDir;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_melfusion");
/// A bundle of random weights.
pub const WAVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/wave");
const RATE: u32 = 16_000;

/// The same engine in this process.
pub static ENGINE_HERE: LazyLock<Engine> = LazyLock::new(engine);

/// One that has seen no picture yet.
pub fn engine() -> Engine {
    Engine::load(&Bundle::open(WAVE).unwrap(), Device::Cpu).unwrap()
}

/// A client of a worker that is threads of this process.
pub fn client_here() -> Client {
    Client::here(Workshop::new(Bundle::open(WAVE).unwrap(), Device::Cpu, "CPU")).unwrap()
}

/// A folder with a worker in it, which goes when this is dropped.
pub struct House {
    pub folder: TempDir,
    worker: Child,
}

impl House {
    pub fn new(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let worker = start(folder.path(), options);
        Self { folder, worker }
    }

    pub fn place(&self) -> Place {
        Place::at(self.folder.path())
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("worker.sock")
    }

    /// A client that starts no worker of its own.
    pub fn client(&self) -> Client {
        Client::new(self.place(), None, None)
    }

    /// A client that has said hello.
    pub fn guest(&self) -> Guest {
        let guest = Guest::greeted(self.connect());
        guest.say(&hello(ENGINE));
        assert!(matches!(guest.hear(), Ok(FromWorker::Hello(facts)) if facts.device == "CPU" && !facts.is_gpu));
        guest
    }

    pub fn connect(&self) -> UnixStream {
        UnixStream::connect(self.socket()).unwrap()
    }

    pub fn process(&self) -> u32 {
        self.worker.id()
    }

    /// As `kill -9` does.
    pub fn kill(&mut self) {
        self.worker.kill().unwrap();
        self.worker.wait().unwrap();
    }

    /// Waits for the worker to end by itself.
    pub fn await_end(&mut self) -> ExitStatus {
        until("the worker to end", || self.worker.try_wait().unwrap().is_some());
        self.worker.wait().unwrap()
    }

    pub fn is_alive(&mut self) -> bool {
        self.worker.try_wait().unwrap().is_none()
    }

    /// Another worker in the same folder, in the place of one that has died.
    pub fn restart(&mut self) {
        self.worker = start(self.folder.path(), &[]);
    }

    /// It still works.
    #[track_caller]
    pub fn assert_serves(&mut self) {
        assert!(self.is_alive());
        let guest = self.guest();
        guest.submit(1, quick(1));
        assert!(matches!(guest.outcome(1), FromWorker::Clip { .. }));
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.worker.kill();
        let _ = self.worker.wait();
    }
}

/// Starts a worker and waits until it is ready.
fn start(folder: &Path, options: &[&str]) -> Child {
    let mut worker = command(folder).args(["--bundle", WAVE]).args(options).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(worker.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "ready\n");
    worker
}

pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("worker").arg("--folder").arg(folder).stdin(Stdio::null());
    command
}

/// A client that says what it is told.
pub struct Guest {
    pub stream: UnixStream,
}

impl Guest {
    /// Says and hears the greetings.
    pub fn greeted(stream: UnixStream) -> Self {
        let guest = Self { stream };
        guest.say_bytes(&greeting(PROTOCOL));
        let mut greeted = [0; 8];
        std::io::Read::read_exact(&mut &guest.stream, &mut greeted).unwrap();
        assert_eq!(greeted, greeting(PROTOCOL).as_slice());
        guest
    }

    pub fn say_bytes(&self, bytes: &[u8]) {
        // The worker may have closed the line in the midst of it.
        let _ = (&self.stream).write_all(bytes);
    }

    pub fn say(&self, message: &impl Serialize) {
        let _ = write_frame(&self.stream, message);
    }

    pub fn hear(&self) -> Result<FromWorker, FrameError> {
        read_frame(&self.stream)
    }

    pub fn submit(&self, job: u64, fields: RequestFields) {
        self.say(&ToWorker::Submit { job, parcel: parcel(fields) });
    }

    /// The next message that is about a job.
    pub fn next(&self, job: u64) -> FromWorker {
        loop {
            let message = self.hear().unwrap();
            if job_of(&message) == Some(job) {
                return message;
            }
        }
    }

    /// The last message about a job.
    pub fn outcome(&self, job: u64) -> FromWorker {
        loop {
            let message = self.next(job);
            if is_last(&message) {
                return message;
            }
        }
    }

    /// Hears until the worker says why it hears no more, or closes the line; the reason.
    pub fn refusal(&self) -> Option<(String, bool)> {
        loop {
            match self.hear() {
                Ok(FromWorker::Refused { reason, is_ending }) => return Some((reason, is_ending)),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}

pub fn greeting(protocol: u32) -> Vec<u8> {
    [GREETING, protocol.to_le_bytes()].concat()
}

pub fn hello(engine: &str) -> ToWorker {
    ToWorker::Hello { engine: engine.into(), bundle: None }
}

pub fn job_of(message: &FromWorker) -> Option<u64> {
    match message {
        FromWorker::Ready { job }
        | FromWorker::Progress { job, .. }
        | FromWorker::Sound { job, .. }
        | FromWorker::Clip { job, .. }
        | FromWorker::Failed { job, .. } => Some(*job),
        _ => None,
    }
}

pub fn is_last(message: &FromWorker) -> bool {
    matches!(message, FromWorker::Ready { .. } | FromWorker::Clip { .. } | FromWorker::Failed { .. })
}

pub fn parcel(fields: RequestFields) -> Parcel {
    Parcel::from(&job(fields))
}

pub fn job(fields: RequestFields) -> Job {
    Job::Generate(Box::new(Request::new(fields).unwrap()))
}

/// A bar in as little time as it takes.
pub fn quick(seed: u64) -> RequestFields {
    RequestFields {
        prompt: "quiet strings".into(),
        picture: Some(picture()),
        bars: 1,
        bpm: 187.3,
        seed,
        steps: 2,
        sample_rate: RATE,
        ..Default::default()
    }
}

/// Music that is not done before it is cancelled.
pub fn endless() -> RequestFields {
    RequestFields { bars: 64, bpm: 60.0, steps: 200, ..quick(1) }
}

pub fn picture() -> Picture {
    let pixels = (0..48 * 36 * 3).map(|i| (i * 7 % 251) as u8).collect();
    Picture::from_rgb(48, 36, pixels).unwrap()
}

/// Waits for something that must happen; five minutes are for ever.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(300), "waited in vain for {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

pub fn signal(process: u32, name: &str) {
    let status = Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status().unwrap();
    assert!(status.success());
}

/// State and parent of a process; `None` if there is none.
fn process(id: &str) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// Whether a process is there and no zombie.
pub fn is_running(id: u32) -> bool {
    process(&id.to_string()).is_some_and(|(state, _)| state != 'Z')
}

/// Whether this process has children that have ended and were not waited for.
pub fn has_zombies() -> bool {
    let own = std::process::id();
    let ids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    ids.filter_map(|id| process(&id)).any(|found| found == ('Z', own))
}

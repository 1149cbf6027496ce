//! Where a worker can be found: a folder of the user's own, with its socket and its lock.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use directories::{BaseDirs, ProjectDirs};
use interprocess::ConnectWaitMode;
use interprocess::local_socket::{ConnectOptions, Listener, ListenerOptions, Name, Stream};

use super::lost;
use crate::error::Error;

/// How long connecting may take; a worker that is well answers at once.
const CONNECT: Duration = Duration::from_secs(10);

/// The folder of one worker. There is one for each user of a machine; tests make their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    folder: PathBuf,
}

/// Says that the worker of a place is this process, as long as it is there, however the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Place {
    /// The user's own: in the folder that the system keeps for a session, else in the user's cache.
    ///
    /// # Errors
    ///
    /// [`Error::Worker`] if no home folder is known.
    pub fn of_user() -> Result<Self, Error> {
        let session = BaseDirs::new().and_then(|base| Some(base.runtime_dir()?.join("melfusion")));
        let cache = || Some(ProjectDirs::from("", "", "melfusion")?.cache_dir().join("worker"));
        let folder = session.or_else(cache);
        folder.map(Self::at).ok_or_else(|| lost("has no place to be found at: no home folder is known; set HOME"))
    }

    /// A folder that nobody else needs to know.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the worker writes what went wrong.
    pub fn log(&self) -> PathBuf {
        self.folder.join("worker.log")
    }

    /// Makes the folder, which only its user may enter.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if that cannot be.
    pub fn prepare(&self) -> Result<(), Error> {
        self.make().map_err(|error| self.problem(format!("cannot be made private to this user ({error})")))
    }

    #[cfg(unix)]
    fn make(&self) -> io::Result<()> {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        // One that was there before may be open to others; if it is another user's, this fails.
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o700))
    }

    #[cfg(not(unix))]
    fn make(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)
    }

    /// Becomes the worker of this place; `None` if there is one. Two that try at once are told apart by the system.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if there can be no lock.
    pub(super) fn lock(&self) -> Result<Option<Lock>, Error> {
        let problem = |error: io::Error| self.problem(format!("its worker.lock cannot be locked ({error})"));
        let options = File::options().create(true).truncate(false).write(true).open(self.folder.join("worker.lock"));
        let file = options.map_err(problem)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(problem(error)),
        }
    }

    /// Listens. A socket that is there belongs to a worker that has ended, as whoever calls this holds the lock.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if that cannot be.
    pub(super) fn listen(&self, _lock: &Lock) -> Result<Listener, Error> {
        let listen = || -> io::Result<Listener> {
            #[cfg(unix)]
            match fs::remove_file(self.socket()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = ListenerOptions::new().name(self.name()?).create_sync()?;
            #[cfg(unix)]
            fs::set_permissions(self.socket(), std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            Ok(listener)
        };
        listen().map_err(|error| self.problem(format!("there can be no socket in it ({error})")))
    }

    /// A line to the worker that listens here.
    ///
    /// # Errors
    ///
    /// Nobody does.
    pub(super) fn connect(&self) -> io::Result<Stream> {
        ConnectOptions::new().name(self.name()?).wait_mode(ConnectWaitMode::Timeout(CONNECT)).connect_sync()
    }

    /// Whether clients can still find the worker that listens here. Whoever tidies up folders may take its socket away, and
    /// no other worker can come as long as it holds the lock.
    pub(super) fn can_be_found(&self) -> bool {
        #[cfg(unix)]
        return self.socket().exists();
        #[cfg(not(unix))]
        true
    }

    fn problem(&self, problem: String) -> Error {
        Error::File { path: self.folder.clone(), problem: format!("{problem}; name another folder with --folder") }
    }

    #[cfg(unix)]
    fn socket(&self) -> PathBuf {
        self.folder.join("worker.sock")
    }

    #[cfg(unix)]
    fn name(&self) -> io::Result<Name<'static>> {
        use interprocess::local_socket::{GenericFilePath, ToFsName};
        self.socket().to_fs_name::<GenericFilePath>()
    }

    /// Pipes have names of their own; the folder, which lies among the user's files, makes it that user's.
    #[cfg(not(unix))]
    fn name(&self) -> io::Result<Name<'static>> {
        use interprocess::local_socket::{GenericNamespaced, ToNsName};
        let hash = crate::hash::sha256(self.folder.to_string_lossy().as_bytes());
        format!("melfusion-worker-{}", &hash[..32]).to_ns_name::<GenericNamespaced>()
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn one_lock_is_held_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::at(folder.path().join("run"));
        place.prepare().unwrap();
        let held = place.lock().unwrap();
        assert!(held.is_some() && place.lock().unwrap().is_none());
        drop(held);
        assert!(place.lock().unwrap().is_some());
    }

    #[test]
    fn what_was_left_behind_is_replaced_and_nobody_else_may_look() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let place = Place::at(folder.path());
        place.prepare().unwrap();
        fs::write(place.socket(), "no socket").unwrap();
        let lock = place.lock().unwrap().unwrap();
        let listener = place.listen(&lock).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder.path()), mode(&place.socket())), (0o700, 0o600));
        drop(listener);
        assert!(!place.socket().exists(), "it is gone with its listener");
    }

    #[test]
    fn a_folder_too_deep_for_a_socket_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::at(folder.path().join("x".repeat(120)));
        place.prepare().unwrap();
        let lock = place.lock().unwrap().unwrap();
        let error = place.listen(&lock).unwrap_err().to_string();
        assert!(error.contains("xxx") && error.contains("--folder"), "{error}");
    }
}

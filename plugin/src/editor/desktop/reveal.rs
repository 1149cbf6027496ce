//! Shows a file in the desktop's file manager.

use std::path::Path;
use std::process::{Command, Stdio};

/// Opens the file manager on `path`, on a thread; `otherwise` is called with what to tell the user if there is none.
pub fn reveal(path: &Path, otherwise: impl FnOnce(String) + Send + 'static) {
    let path = path.to_owned();
    std::thread::spawn(move || {
        if !commands(&path).into_iter().any(succeeds) {
            otherwise(format!(
                "No file manager answered. The file is {}; its path is in the clipboard.",
                path.display()
            ));
        }
    });
}

/// What to try, in order.
#[cfg(target_os = "linux")]
fn commands(path: &Path) -> Vec<Command> {
    let mut show = Command::new("dbus-send");
    show.args(["--session", "--print-reply", "--reply-timeout=3000", "--dest=org.freedesktop.FileManager1"]);
    show.args(["/org/freedesktop/FileManager1", "org.freedesktop.FileManager1.ShowItems"]);
    show.args([format!("array:string:{}", super::uris::uri(path)), "string:".into()]);
    let mut open = Command::new("xdg-open");
    open.arg(path.parent().unwrap_or(path));
    vec![show, open]
}

#[cfg(target_os = "macos")]
fn commands(path: &Path) -> Vec<Command> {
    let mut open = Command::new("open");
    open.arg("-R").arg(path);
    vec![open]
}

#[cfg(target_os = "windows")]
fn commands(path: &Path) -> Vec<Command> {
    use std::os::windows::process::CommandExt;
    let mut open = Command::new("explorer");
    open.raw_arg(format!("/select,\"{}\"", path.display()));
    vec![open]
}

fn succeeds(mut command: Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Explorer's exit status says nothing.
    quiet.status().is_ok_and(|status| status.success() || cfg!(target_os = "windows"))
}

//! Shows the plugin's editor in a window, for screenshots and for trying things by hand. X11 only.
//!
//! Reads commands, one a line, and answers each with one line that begins with `ok` or `error`:
//! `open`, `close`, `scale 2`, `size 1200 800`, `play 96`, `stop`, `wait 500` (milliseconds), `project FILE` (loads the
//! plugin's own state text), `write FILE` (saves it), `load FILE`, `save FILE` (the host's whole state), `ids` (host's
//! window, editor's window, corner on the screen), `keys` (key codes the host got), `quit`.
//! Switches: `--aware`, `--grab-space`, `--steal-focus` make the host behave as some do.
//!
//! ```text
//! Xvfb :9 -screen 0 1400x1000x24 -noreset +extension GLX &
//! (echo open; echo play 96; sleep 3; DISPLAY=:9 import -window root editor.png; echo quit) |
//!     DISPLAY=:9 cargo run --release -p melfusion-plugin --example gui_host
//! ```

#[cfg(target_os = "linux")]
#[path = "../tests/editor/host.rs"]
mod host;

#[cfg(target_os = "linux")]
fn main() -> host::Result<()> {
    use std::io::{BufRead, Write};

    let switches: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| switches.iter().any(|switch| switch == name);
    let manners =
        host::Manners { aware: has("--aware"), grabs_space: has("--grab-space"), steals_focus: has("--steal-focus") };
    let mut host = host::Host::new(None, manners)?;
    let (sender, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    loop {
        host.rest(std::time::Duration::from_millis(10))?;
        let line = match lines.try_recv() {
            Ok(line) => line,
            Err(std::sync::mpsc::TryRecvError::Empty) => continue,
            Err(std::sync::mpsc::TryRecvError::Disconnected) => return Ok(()),
        };
        if line == "quit" {
            return Ok(());
        }
        let answer = obey(&mut host, &line).map_or_else(|error| format!("error {error}"), |text| format!("ok {text}"));
        writeln!(std::io::stdout(), "{answer}")?;
    }
}

#[cfg(target_os = "linux")]
fn obey(host: &mut host::Host, line: &str) -> host::Result<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["open"] => Ok(format!("{:?}", host.open()?)),
        ["close"] => Ok(format!("{:?}", host.close())),
        ["scale", scale] => Ok(format!("{:?}", host.set_scale(scale.parse()?))),
        ["size", width, height] => Ok(format!("{:?}", host.resize(width.parse()?, height.parse()?)?)),
        ["play", tempo] => Ok(format!("{:?}", host.play(Some(tempo.parse()?)))),
        ["stop"] => Ok(format!("{:?}", host.play(None))),
        ["wait", time] => Ok(format!("{:?}", host.rest(std::time::Duration::from_millis(time.parse()?))?)),
        ["project", file] => Ok(format!("{:?}", host.set_project(&std::fs::read_to_string(file)?)?)),
        ["write", file] => Ok(format!("{:?}", std::fs::write(file, host.project()?)?)),
        ["load", file] => Ok(format!("{:?}", host.load(&std::fs::read(file)?)?)),
        ["save", file] => Ok(format!("{:?}", std::fs::write(file, host.save()?)?)),
        ["ids"] => Ok(format!("{} {:?} {:?}", host.window(), host.editor(), host.origin()?)),
        ["keys"] => Ok(format!("{:?} {}", host.keys, host.drag_messages)),
        _ => Err(format!("what is {line:?}?").into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {}

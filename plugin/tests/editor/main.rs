//! The editor: drawn without a window, and in windows of an X server.
#![allow(clippy::unwrap_used, reason = "tests")]

#[cfg(target_os = "linux")]
#[expect(dead_code, reason = "an example plays")]
mod host;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
mod source;
mod stage;
#[cfg(target_os = "linux")]
mod target;

mod board;
mod desktop;
mod gui;
mod takes;

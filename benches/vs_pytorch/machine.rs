//! What the system says of the machine and of processes; only Linux does.

use std::{env, fs, thread};

/// Clock ticks per second in `/proc`, the same on every Linux.
const TICKS: f64 = 100.0;

/// Processor, cores and system.
pub fn describe() -> String {
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| env::consts::ARCH.to_string());
    let cores = fs::read_to_string("/proc/cpuinfo").map_or(0, |text| text.matches("processor\t:").count());
    format!("{model}, {cores} cores, {}", env::consts::OS)
}

/// Most memory that a process ever held, in MB.
pub fn peak_mb(process: &str) -> Option<f64> {
    let kib: f64 = field(&format!("/proc/{process}/status"), "VmHWM")?.trim_end_matches(" kB").parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

/// Processor time that a process has used, in seconds.
pub fn used_seconds(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name, in brackets, may have spaces; what follows it has not.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / TICKS
}

/// Processor time that this thread has used, in seconds.
pub fn thread_seconds() -> f64 {
    // The kernel counts what a running thread used when it gives way.
    thread::yield_now();
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split_whitespace().next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

/// Processor time that the whole machine has used, or that was taken from it, in seconds.
pub fn busy_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks: Vec<f64> = stat.split_whitespace().skip(1).map_while(|text| text.parse().ok()).take(8).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal
    ticks.iter().enumerate().filter(|(i, _)| ![3, 4].contains(i)).map(|(_, ticks)| ticks / TICKS).sum()
}

/// The mean number of running tasks over the last minute.
pub fn load() -> String {
    fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| Some(text.split(' ').next()?.to_string()))
        .unwrap_or_default()
}

/// The first value of `name` in a file of lines `name: value`.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let value = |line: &str| Some(line.strip_prefix(name)?.trim_start().strip_prefix(':')?.trim().to_string());
    text.lines().find_map(value)
}

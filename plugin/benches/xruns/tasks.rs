//! Which threads of this process took how much time. Only Linux says.

use std::collections::BTreeMap;
use std::{fmt, fs};

/// The unit of the kernel's times, a hundredth of a second on every platform that we know of.
const TICK: f64 = 0.01;

/// Threads, and what they took so far, by number.
pub struct Tasks(BTreeMap<u64, (Task, f64)>);

/// What threads took, in seconds. Threads of the same name and priority count as one.
#[derive(Default)]
pub struct Shares(BTreeMap<Task, f64>);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Task {
    /// The first 15 bytes of it.
    name: String,
    niceness: i64,
    /// 0 if the thread has none.
    realtime: i64,
}

impl Tasks {
    pub fn now() -> Self {
        let folder = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let task = |entry: fs::DirEntry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            // A thread may have ended since.
            Some((number, Task::read(&fs::read_to_string(entry.path().join("stat")).ok()?)?))
        };
        Self(folder.filter_map(task).collect())
    }
}

impl Shares {
    /// Adds what the threads of `after` took since `before`.
    pub fn add(&mut self, before: &Tasks, after: &Tasks) {
        for (number, (task, seconds)) in &after.0 {
            let earlier = before.0.get(number).map_or(0.0, |(_, seconds)| *seconds);
            *self.0.entry(task.clone()).or_default() += seconds - earlier;
        }
    }

    /// Seconds that all threads took whose name begins so.
    fn seconds(&self, name: &str) -> f64 {
        let shares = self.0.iter().filter(|(task, _)| task.name.starts_with(name));
        shares.fold(0.0, |sum, (_, seconds)| sum + seconds)
    }
}

impl Task {
    /// Also the seconds it took, in the process's own code and in the kernel's. As `man 5 proc_pid_stat` numbers the fields; those after the name, which ends with the last bracket, begin with 3.
    fn read(stat: &str) -> Option<(Self, f64)> {
        let (name, fields) = stat.split_once('(')?.1.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<i64>().ok();
        let seconds = (field(14)? + field(15)?) as f64 * TICK;
        Some((Self { name: name.into(), niceness: field(19)?, realtime: field(40)? }, seconds))
    }
}

impl fmt::Display for Shares {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "| threads | priority | CPU time |\n| --- | --- | ---: |")?;
        for (Task { name, niceness, realtime }, seconds) in self.0.iter().filter(|(_, seconds)| **seconds >= TICK) {
            let priority = if *realtime > 0 { format!("real-time {realtime}") } else { format!("niceness {niceness}") };
            writeln!(f, "| {name} | {priority} | {seconds:.2} s |")?;
        }
        let [all, candle] = ["", "candle-bp-"].map(|name| self.seconds(name));
        write!(f, "\nOf {all:.2} s in all, threads of candle's own (candle-bp-*) took {candle:.2} s.")
    }
}

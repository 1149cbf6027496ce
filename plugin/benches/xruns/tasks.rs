//! Which threads of this process took how much time. Only Linux says.

use std::collections::BTreeMap;
use std::{fmt, fs};

/// The unit of the kernel's times, a hundredth of a second on every platform that we know of.
const TICK: f64 = 0.01;

/// Threads by number.
pub struct Tasks(BTreeMap<u64, Task>);

#[derive(Clone)]
struct Task {
    /// The first 15 bytes of it.
    name: String,
    niceness: i64,
    /// 0 if the thread has none.
    realtime: i64,
    /// In the process's own code and in the kernel's.
    seconds: f64,
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

    /// What they took since `before`.
    pub fn since(&self, before: &Self) -> Self {
        let share = |(number, task): (&u64, &Task)| {
            let earlier = before.0.get(number).map_or(0.0, |before| before.seconds);
            (*number, Task { seconds: task.seconds - earlier, ..task.clone() })
        };
        Self(self.0.iter().map(share).collect())
    }

    /// Seconds that all threads took whose name begins so.
    fn seconds(&self, name: &str) -> f64 {
        let tasks = self.0.values().filter(|task| task.name.starts_with(name));
        tasks.fold(0.0, |sum, task| sum + task.seconds)
    }
}

impl Task {
    /// As `man 5 proc_pid_stat` numbers the fields; those after the name, which ends with the last bracket, begin with 3.
    fn read(stat: &str) -> Option<Self> {
        let (name, fields) = stat.split_once('(')?.1.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<i64>().ok();
        let seconds = (field(14)? + field(15)?) as f64 * TICK;
        Some(Self { name: name.into(), niceness: field(19)?, realtime: field(40)?, seconds })
    }
}

impl fmt::Display for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "| thread | priority | CPU time |\n| --- | --- | ---: |")?;
        for task in self.0.values().filter(|task| task.seconds > 0.0 || task.name.starts_with("candle-")) {
            let Task { name, niceness, realtime, seconds } = task;
            let priority = if *realtime > 0 { format!("real-time {realtime}") } else { format!("niceness {niceness}") };
            writeln!(f, "| {name} | {priority} | {seconds:.2} s |")?;
        }
        let [all, candle] = ["", "candle-bp-"].map(|name| self.seconds(name));
        write!(f, "\nOf {all:.2} s in all, threads of candle's own (candle-bp-*) took {candle:.2} s.")
    }
}

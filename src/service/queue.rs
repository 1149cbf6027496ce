//! Whose turn it is: every seat in turn, be it a plugin's instance or a program, and for one seat first come, first served.

use std::collections::{BTreeMap, VecDeque};

/// Jobs of several seats.
#[derive(Debug)]
pub struct Queue<T> {
    /// Seats that wait, in the order in which they are served; none is empty.
    waiting: VecDeque<(u64, VecDeque<T>)>,
    /// At which turn a seat was served last.
    served: BTreeMap<u64, u64>,
    turn: u64,
    /// Who is being served.
    serving: Option<u64>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), served: BTreeMap::new(), turn: 0, serving: None }
    }
}

impl<T> Queue<T> {
    /// Adds a job for `seat`: behind its others, else before all seats that were served later than it.
    pub fn push(&mut self, seat: u64, job: T) {
        if let Some((_, jobs)) = self.waiting.iter_mut().find(|(waiting, _)| *waiting == seat) {
            return jobs.push_back(job);
        }
        let turn = |seat: &u64| self.served.get(seat).copied().unwrap_or(0);
        let mine = turn(&seat);
        let place = self.waiting.iter().position(|(other, _)| turn(other) > mine).unwrap_or(self.waiting.len());
        self.waiting.insert(place, (seat, VecDeque::from([job])));
    }

    /// The job whose turn it is. Its seat queues up again behind the others.
    pub fn pop(&mut self) -> Option<T> {
        self.serving = None;
        let (seat, mut jobs) = self.waiting.pop_front()?;
        let job = jobs.pop_front()?;
        self.turn += 1;
        self.served.insert(seat, self.turn);
        self.serving = Some(seat);
        if !jobs.is_empty() {
            self.waiting.push_back((seat, jobs));
        }
        Some(job)
    }

    /// The job that was popped last is done.
    pub fn done(&mut self) {
        self.serving = None;
    }

    /// Takes back what `seat` has waiting.
    pub fn remove(&mut self, seat: u64) {
        self.waiting.retain(|(waiting, _)| *waiting != seat);
    }

    /// As [`remove`](Self::remove), for ever.
    pub fn forget(&mut self, seat: u64) {
        self.remove(seat);
        self.served.remove(&seat);
    }

    /// Takes back the first job of `seat`'s that `is_it`.
    pub fn take(&mut self, seat: u64, is_it: impl Fn(&T) -> bool) -> Option<T> {
        let place = self.waiting.iter().position(|(waiting, _)| *waiting == seat)?;
        let jobs = &mut self.waiting[place].1;
        let job = jobs.remove(jobs.iter().position(is_it)?);
        if jobs.is_empty() {
            self.waiting.remove(place);
        }
        job
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many jobs `seat` has, with the one that is being served.
    pub fn count(&self, seat: u64) -> usize {
        let waiting = self.waiting.iter().find(|(waiting, _)| *waiting == seat).map_or(0, |(_, jobs)| jobs.len());
        waiting + usize::from(self.serving == Some(seat))
    }

    /// What `seat` has waiting, in order.
    pub fn waiting(&self, seat: u64) -> impl Iterator<Item = &T> {
        self.waiting.iter().filter(move |(waiting, _)| *waiting == seat).flat_map(|(_, jobs)| jobs)
    }

    /// The next job of every seat that waits and is not being served, with the number of jobs before it.
    pub fn heads(&self) -> impl Iterator<Item = (&T, usize)> {
        let before = usize::from(self.serving.is_some());
        self.waiting.iter().enumerate().filter_map(move |(place, (seat, jobs))| {
            let head = jobs.front().filter(|_| self.serving != Some(*seat))?;
            Some((head, before + place))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(queue: &mut Queue<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn seats_take_turns_however_much_one_asks_for() {
        let mut queue = Queue::default();
        for job in ["a1", "a2", "a3"] {
            queue.push(1, job);
        }
        queue.push(2, "b1");
        queue.push(3, "c1");
        queue.push(2, "b2");
        assert_eq!(served(&mut queue), ["a1", "b1", "c1", "a2", "b2", "a3"]);
    }

    #[test]
    fn who_was_just_served_waits_behind_those_who_were_not() {
        let mut queue = Queue::default();
        queue.push(1, "a1");
        assert_eq!(queue.pop(), Some("a1"));
        // Seat 1 asks again, before the others come.
        for (seat, job) in [(1, "a2"), (1, "a3"), (2, "b1"), (3, "c1")] {
            queue.push(seat, job);
        }
        assert_eq!(served(&mut queue), ["b1", "c1", "a2", "a3"]);
        // Each was served since; seat 2 longest ago.
        for (seat, job) in [(1, "a4"), (3, "c2"), (2, "b2")] {
            queue.push(seat, job);
        }
        assert_eq!(served(&mut queue), ["b2", "c2", "a4"]);
    }

    #[test]
    fn heads_know_how_many_are_before_them() {
        let mut queue = Queue::default();
        for (seat, job) in [(1, "a1"), (1, "a2"), (2, "b1"), (3, "c1")] {
            queue.push(seat, job);
        }
        let heads = |queue: &Queue<&'static str>| queue.heads().map(|(job, ahead)| (*job, ahead)).collect::<Vec<_>>();
        assert_eq!(heads(&queue), [("a1", 0), ("b1", 1), ("c1", 2)]);
        queue.pop();
        // Seat 1 is being served: what it has waiting is not its head.
        assert_eq!(heads(&queue), [("b1", 1), ("c1", 2)]);
        assert_eq!((queue.count(1), queue.count(2), queue.count(4)), (2, 1, 0));
        queue.done();
        assert_eq!(heads(&queue), [("b1", 0), ("c1", 1), ("a2", 2)]);
    }

    #[test]
    fn one_job_can_be_taken_back() {
        let mut queue = Queue::default();
        for (seat, job) in [(1, "a1"), (2, "b1"), (1, "a2"), (1, "a3")] {
            queue.push(seat, job);
        }
        assert_eq!(queue.take(1, |job| *job == "a2"), Some("a2"));
        assert_eq!((queue.take(1, |job| *job == "b1"), queue.take(3, |_| true)), (None, None));
        assert_eq!(queue.take(2, |_| true), Some("b1"));
        assert_eq!(served(&mut queue), ["a1", "a3"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn what_is_taken_back_is_not_served() {
        let mut queue = Queue::default();
        for (seat, job) in [(1, "a1"), (2, "b1"), (1, "a2")] {
            queue.push(seat, job);
        }
        queue.remove(1);
        assert_eq!(served(&mut queue), ["b1"]);
        assert_eq!(queue.count(1), 0);
    }
}

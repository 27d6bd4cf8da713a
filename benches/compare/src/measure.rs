//! Interleaved timing of every engine on one case, and the comparison of their results.

use std::time::Duration;

use crate::clock;
use crate::engine::{Engine, Failure, Returned, Work};
use crate::what::{Case, Group};

/// One engine on one case.
#[derive(Debug)]
pub struct Samples {
    pub engine: &'static str,
    /// Of one call, one per round, in order.
    pub times: Vec<Duration>,
    pub gas_used: Option<u64>,
    pub failure: Option<Failed>,
}

/// Why there is no figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// The engine does not do this, or gave up; its own words.
    Unable(String),
    /// It did, and came to something else than expected. Never to be passed over.
    Wrong(String),
}

impl Samples {
    /// The middle one; with an even count the upper of the two. Zero when there is none.
    pub fn median(&self) -> Duration {
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }
}

/// An engine set up for one case, or why it is not.
pub struct Subject {
    pub engine: &'static str,
    pub work: Result<Work, Failed>,
}

impl Subject {
    /// Sets an engine up for a case of a group.
    pub fn new(engine: &'static Engine, group: &'static Group, case: &Case) -> Subject {
        let unable = |why: Failure| Failed::Unable(why.to_string());
        let work = (engine.make)().and_then(|questions| (group.ask)(questions, case)).map_err(unable);
        Subject { engine: engine.name, work }
    }
}

/// How often and how long.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    /// A sample repeats the call until it takes about this long; zero for one call a sample.
    pub sample: Duration,
}

/// A B C A B C …; a first call of each warms up, translates lazily translated code and is dropped. Every
/// call's result is compared, the dropped one's too.
pub fn interleave(subjects: Vec<Subject>, expected: i64, effort: Effort) -> Vec<Samples> {
    let mut running: Vec<_> =
        subjects.into_iter().map(|subject| Running::begin(subject, expected, effort)).collect();
    for _ in 0..effort.rounds {
        for subject in &mut running {
            subject.sample(expected);
        }
    }
    running.into_iter().map(|subject| subject.samples).collect()
}

struct Running {
    work: Option<Work>,
    /// Calls in a sample.
    calls: u32,
    samples: Samples,
}

impl Running {
    fn begin(subject: Subject, expected: i64, effort: Effort) -> Running {
        let samples = Samples { engine: subject.engine, times: Vec::new(), gas_used: None, failure: None };
        let mut running = Running { work: None, calls: 1, samples };
        match subject.work {
            Ok(work) => running.work = Some(work),
            Err(why) => running.fail(why),
        }
        running.once(expected);
        if effort.sample > Duration::ZERO {
            let (start, mut calls) = (clock::now(), 0u32);
            // The first call was dropped; this many more tell how long one takes.
            while running.work.is_some() && calls < 1000 && (clock::now() - start) * 4 < effort.sample {
                running.once(expected);
                calls += 1;
            }
            let one = (clock::now() - start).checked_div(calls).unwrap_or(effort.sample);
            let fit = effort.sample.as_nanos() / one.as_nanos().max(1);
            running.calls = u32::try_from(fit).unwrap_or(u32::MAX).clamp(1, 1_000_000);
        }
        running
    }

    fn fail(&mut self, why: Failed) {
        self.work = None;
        self.samples.times.clear();
        self.samples.gas_used = None;
        self.samples.failure.get_or_insert(why);
    }

    fn once(&mut self, expected: i64) -> Option<Returned> {
        match self.work.as_mut()?() {
            Ok(returned) if returned.value == expected => Some(returned),
            Ok(Returned { value, .. }) => {
                self.fail(Failed::Wrong(format!("returned {value}, expected {expected}")));
                None
            }
            Err(why) => {
                self.fail(Failed::Unable(why.to_string()));
                None
            }
        }
    }

    fn sample(&mut self, expected: i64) {
        let start = clock::now();
        let mut last = None;
        for _ in 0..self.calls {
            last = self.once(expected);
        }
        let time = (clock::now() - start) / self.calls;
        let Some(Returned { gas_used, .. }) = last else { return };
        // From the first timed call on, always the same; the warm-up may have paid for translation.
        if !self.samples.times.is_empty() && gas_used != self.samples.gas_used {
            let before = self.samples.gas_used;
            return self.fail(Failed::Wrong(format!("used {gas_used:?} gas, before {before:?}")));
        }
        self.samples.gas_used = gas_used;
        self.samples.times.push(time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONCE: Effort = Effort { rounds: 5, sample: Duration::ZERO };

    fn subject(work: impl FnMut() -> Result<Returned, Failure> + 'static) -> Vec<Subject> {
        vec![Subject { engine: "it", work: Ok(Box::new(work)) }]
    }

    #[test]
    fn a_wrong_result_is_not_timed() {
        let three = || Ok(Returned { value: 3, gas_used: None });
        let right = interleave(subject(three), 3, ONCE);
        assert_eq!(right[0].times.len(), 5);
        assert_eq!(right[0].failure, None);
        let wrong = interleave(subject(three), 4, ONCE);
        assert!(wrong[0].times.is_empty());
        assert_eq!(wrong[0].failure, Some(Failed::Wrong("returned 3, expected 4".into())));
    }

    #[test]
    fn an_engine_that_gives_up_late_has_no_figure() {
        let mut calls = 0;
        let tired = move || {
            calls += 1;
            if calls < 4 { Ok(Returned { value: 3, gas_used: None }) } else { Err("tired".into()) }
        };
        let samples = interleave(subject(tired), 3, ONCE);
        assert!(samples[0].times.is_empty());
        assert_eq!(samples[0].failure, Some(Failed::Unable("tired".into())));
    }

    #[test]
    fn gas_that_changes_is_wrong() {
        let mut gas = 0;
        let growing = move || {
            gas += 1;
            Ok(Returned { value: 3, gas_used: Some(gas) })
        };
        let samples = interleave(subject(growing), 3, ONCE);
        assert!(matches!(samples[0].failure, Some(Failed::Wrong(_))));
    }

    #[test]
    fn the_median_is_the_middle() {
        let times = [5, 1, 9, 3, 100].map(Duration::from_millis).to_vec();
        let samples = Samples { engine: "", times, gas_used: None, failure: None };
        assert_eq!(samples.median(), Duration::from_millis(5));
    }
}

//! Interleaved timing of every engine on one kernel, and the comparison of their results.

use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use crate::engine::{Engine, Instance};
use crate::kernels::Kernel;

/// One engine on one kernel.
#[derive(Debug)]
pub struct Samples {
    pub engine: &'static str,
    /// One per round, in order.
    pub times: Vec<Duration>,
    pub gas_used: Option<u64>,
}

impl Samples {
    /// The middle one; with an even count the upper of the two. Zero when there is none.
    pub fn median(&self) -> Duration {
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }

    pub fn fastest(&self) -> Duration {
        self.times.iter().min().copied().unwrap_or_default()
    }
}

/// An engine that failed or computed something else than the expected result.
#[derive(Debug)]
pub struct Wrong {
    engine: &'static str,
    kernel: &'static str,
    what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}: {}", self.engine, self.kernel, self.what)
    }
}

impl Error for Wrong {}

/// `rounds` times A B C …; a first round warms up, translates lazily translated code and is dropped.
/// Every call's result is compared, the dropped one's too.
pub fn kernel(kernel: &Kernel, engines: &[&'static Engine], rounds: usize) -> Result<Vec<Samples>, Wrong> {
    let mut running = Vec::new();
    for &engine in engines {
        let wrong = |what| Wrong { engine: engine.name, kernel: kernel.name, what };
        let mut instance = (engine.load)(kernel.wasm).map_err(|why| wrong(why.to_string()))?;
        call(kernel, instance.as_mut()).map_err(wrong)?;
        let samples = Samples { engine: engine.name, times: Vec::new(), gas_used: None };
        running.push((instance, samples));
    }
    for _ in 0..rounds {
        for (instance, samples) in &mut running {
            let time = call(kernel, instance.as_mut()).map_err(|what| Wrong {
                engine: samples.engine,
                kernel: kernel.name,
                what,
            })?;
            let gas_used = instance.gas_used();
            // From the first timed call on, always the same; the warm-up may have paid for translation.
            if !samples.times.is_empty() && gas_used != samples.gas_used {
                let what = format!("used {gas_used:?} gas, before {:?}", samples.gas_used);
                return Err(Wrong { engine: samples.engine, kernel: kernel.name, what });
            }
            samples.gas_used = gas_used;
            samples.times.push(time);
        }
    }
    Ok(running.into_iter().map(|(_, samples)| samples).collect())
}

fn call(kernel: &Kernel, instance: &mut dyn Instance) -> Result<Duration, String> {
    let start = Instant::now();
    let result = instance.run(kernel.argument);
    let time = start.elapsed();
    match result {
        Ok(result) if result == kernel.expected => Ok(time),
        Ok(result) => Err(format!("run({}) = {result}, expected {}", kernel.argument, kernel.expected)),
        Err(why) => Err(why.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ENGINES;
    use crate::kernels::KERNELS;

    struct Constant;

    impl Instance for Constant {
        fn run(&mut self, _: i32) -> Result<i64, Box<dyn Error>> {
            Ok(3)
        }

        fn gas_used(&self) -> Option<u64> {
            None
        }
    }

    #[test]
    fn a_wrong_result_is_not_timed() {
        static ENGINE: Engine = Engine { name: "three", about: "", load: |_| Ok(Box::new(Constant)) };
        let right = Kernel { name: "right", wasm: &[], argument: 1, expected: 3, smoke: (1, 3) };
        let wrong = Kernel { name: "wrong", wasm: &[], argument: 1, expected: 4, smoke: (1, 4) };
        assert_eq!(kernel(&right, &[&ENGINE], 5).map(|all| all[0].times.len()).ok(), Some(5));
        let why = kernel(&wrong, &[&ENGINE], 5).err().map(|why| why.to_string());
        assert_eq!(why.as_deref(), Some("three on wrong: run(1) = 3, expected 4"));
    }

    #[test]
    fn the_median_is_the_middle() {
        let times = [5, 1, 9, 3, 100].map(Duration::from_millis).to_vec();
        let samples = Samples { engine: "", times, gas_used: None };
        assert_eq!(samples.median(), Duration::from_millis(5));
        assert_eq!(samples.fastest(), Duration::from_millis(1));
    }

    #[test]
    fn every_engine_computes_every_kernel() {
        let engines: Vec<_> = ENGINES.iter().collect();
        assert!(!engines.is_empty());
        for each in KERNELS {
            let (argument, expected) = each.smoke;
            let small = Kernel { argument, expected, ..*each };
            let all = kernel(&small, &engines, 1).unwrap_or_else(|why| panic!("{why}"));
            assert_eq!(all.len(), engines.len());
        }
    }
}

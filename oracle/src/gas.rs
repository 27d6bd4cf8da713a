//! The naive meter: a sum and a limit. Knows nothing of operators.

use crate::error::Error;

/// What has been used, and how far it may go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    pub used: u64,
    pub limit: u64,
}

impl Meter {
    /// Adds `cost`; stops with out-of-gas, everything used, if the sum exceeds the limit.
    pub fn charge(&mut self, cost: u64) -> Result<(), Error> {
        match self.used.checked_add(cost) {
            Some(sum) if sum <= self.limit => {
                self.used = sum;
                Ok(())
            }
            _ => {
                self.used = self.limit;
                Err(Error::OutOfGas)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_only_above_the_limit_and_uses_all_of_it() {
        let mut meter = Meter { used: 0, limit: 10 };
        assert!(meter.charge(7).is_ok());
        assert!(meter.charge(3).is_ok(), "the limit itself may be used");
        assert_eq!(meter.used, 10);
        assert!(meter.charge(0).is_ok(), "nothing costs nothing at the limit");

        let mut meter = Meter { used: 0, limit: 10 };
        assert!(meter.charge(7).is_ok());
        assert!(matches!(meter.charge(4), Err(Error::OutOfGas)));
        assert_eq!(meter.used, 10);

        let mut meter = Meter { used: 5, limit: u64::MAX };
        assert!(matches!(meter.charge(u64::MAX), Err(Error::OutOfGas)), "the sum may not wrap");
    }
}

//! What the host charges for. Unit as in the engine: 10 gas are about 1 ns on the reference machine.

/// A price: a base, and one amount of gas for each started or full unit of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Paid on entry, before anything is checked.
    pub base: u64,
    /// Paid for each unit of the length, before the effect.
    pub per_unit: u64,
    /// Bytes of a unit.
    pub unit_len: u64,
}

impl Price {
    const fn flat(base: u64) -> Price {
        Price { base, per_unit: 0, unit_len: 1 }
    }

    const fn with(base: u64, per_unit: u64, unit_len: u64) -> Price {
        Price { base, per_unit, unit_len }
    }

    /// The part that depends on the length; a started unit counts in full.
    pub const fn by_len(&self, len: u64) -> u64 {
        // Lengths are u32 or less, prices small: no product reaches 2^64.
        len.div_ceil(self.unit_len).saturating_mul(self.per_unit)
    }
}

macro_rules! prices {
    ($($(#[$doc:meta])* $name:ident = $price:expr;)*) => {
        $($(#[$doc])* pub const $name: Price = $price;)*
        /// All rows, for the hash of the rules and the generated page.
        pub const PRICES: &[(&str, Price)] = &[$((stringify!($name), $name)),*];
    };
}

prices! {
    /// Entering the host and coming back.
    FLOOR = Price::flat(125);
    /// Copying bytes in or out.
    COPY = Price::with(125, 1, 16);
    /// Keccak-256, by its blocks.
    KECCAK256 = Price::with(320, 2_310, 136);
    /// SHA-256.
    SHA256 = Price::with(300, 10, 16);
    /// BLAKE3.
    BLAKE3 = Price::with(500, 14, 16);
    /// Checking an Ed25519 signature.
    ED25519_VERIFY = Price::with(350_000, 10, 16);
    /// The processor's part of a storage access: key and value.
    STORAGE = Price::with(450, 1, 16);
    /// A log entry: topics and data.
    LOG = Price::with(570, 1, 3);
}

macro_rules! constants {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {
        $($(#[$doc])* pub const $name: u64 = $value;)*
        /// All constants, for the hash of the rules and the generated page.
        pub const CONSTANTS: &[(&str, u64)] = &[$((stringify!($name), $name)),*];
    };
}

constants! {
    /// A signed call, before anything else.
    INTRINSIC = 310_000;
    /// Each byte of its envelope.
    ENVELOPE_BYTE = 16;
    /// An instance of a module.
    INSTANCE = 20_000;
    /// Pages of memory that the price of an instance covers.
    INSTANCE_PAGES = 16;
    /// Each further page that a module's memory begins with: as much as growing by it.
    MEMORY_PAGE = 6_140;
    /// Each byte by which keys and values of the state grow.
    GROWTH_BYTE = 200;
    /// Each unit of the work of validating a deployed module.
    DEPLOY_WORK = 100;
}

/// What a signed call costs before it does anything.
pub fn intrinsic(envelope_len: usize) -> u64 {
    let len = u64::try_from(envelope_len).unwrap_or(u64::MAX);
    INTRINSIC.saturating_add(ENVELOPE_BYTE.saturating_mul(len))
}

/// What an instance costs whose memory begins with this many pages.
pub fn instance(memory_pages: u32) -> u64 {
    let beyond = u64::from(memory_pages).saturating_sub(INSTANCE_PAGES);
    INSTANCE.saturating_add(MEMORY_PAGE.saturating_mul(beyond))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_prices() {
        assert_eq!(intrinsic(183), 310_000 + 16 * 183);
        for (len, gas) in [(0, 0), (1, 2_310), (136, 2_310), (137, 4_620)] {
            assert_eq!(KECCAK256.by_len(len), gas);
        }
        assert_eq!(LOG.by_len(10), 4);
        assert_eq!(FLOOR.by_len(u64::MAX), 0);
    }
}

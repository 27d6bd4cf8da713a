//! An embedder's own limits on memories and tables.

/// Says yes or no to memories and tables that are made or grow, after declared maxima and the profile's limits
/// have allowed it. A refusal to a guest's `memory.grow` or `table.grow` is -1.
///
/// What a limiter answers may differ between hosts; where results must be equal everywhere there is none.
pub trait ResourceLimiter: Send {
    /// A memory of `before` pages (0: a new one) is to have `after`.
    fn memory(&mut self, before: u32, after: u32) -> bool;
    /// A table of `before` entries (0: a new one) is to have `after`.
    fn table(&mut self, before: u32, after: u32) -> bool;
}

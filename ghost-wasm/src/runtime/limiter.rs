//! An embedder's own limits on memories and tables.

/// Says yes or no to memories and tables that are made or grow, after declared maxima and the profile's limits
/// have allowed it. A refusal to a guest's `memory.grow` or `table.grow` is -1.
///
/// What a limiter answers may differ between hosts; where results must be equal everywhere there is none.
///
/// # Example
/// ```
/// use ghost_wasm::{Engine, Memory, MemoryType, ResourceLimiter, Store};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// struct AtMost(u32);
/// impl ResourceLimiter for AtMost {
///     fn memory(&mut self, _before: u32, after: u32) -> bool {
///         after <= self.0
///     }
///     fn table(&mut self, _before: u32, _after: u32) -> bool {
///         true
///     }
/// }
/// let mut store = Store::new(&Engine::default(), ());
/// store.limiter(AtMost(2));
/// assert!(Memory::new(&mut store, MemoryType { min: 3, max: None }).is_err());
/// # Ok(())
/// # }
/// ```
pub trait ResourceLimiter: Send {
    /// A memory of `before` pages (0: a new one) is to have `after`.
    fn memory(&mut self, before: u32, after: u32) -> bool;
    /// A table of `before` entries (0: a new one) is to have `after`.
    fn table(&mut self, before: u32, after: u32) -> bool;
}

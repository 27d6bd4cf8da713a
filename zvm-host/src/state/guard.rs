//! Runs the database library where a damaged page can make it panic: the panic becomes an error that names
//! the place, and its message and backtrace stay off standard error. Panics of everything else are as ever.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use super::backend::StoreError;
use super::entry::{FILE, Place};

#[cfg(not(panic = "unwind"))]
compile_error!(
    "zvm-host answers for damaged stores by catching panics of the database library: \
     build it with `panic = \"unwind\"`"
);

static HOOK: Once = Once::new();

thread_local! {
    /// How many guarded accesses are running on this thread.
    static GUARDED: Cell<u32> = const { Cell::new(0) };
}

/// Counts a guarded access for as long as it lives.
struct Quiet;

impl Quiet {
    fn new() -> Quiet {
        // A hook cannot be changed while a panic is on its way; then the old one stays until next time.
        if !std::thread::panicking() {
            HOOK.call_once(|| {
                let before = panic::take_hook();
                panic::set_hook(Box::new(move |info| {
                    // A thread that is ending has no variables of its own any more, and nothing guarded.
                    if GUARDED.try_with(Cell::get).unwrap_or(0) == 0 {
                        before(info);
                    }
                }));
            });
        }
        GUARDED.set(GUARDED.get().saturating_add(1));
        Quiet
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        GUARDED.set(GUARDED.get().saturating_sub(1));
    }
}

/// Runs an access to the file. A panic of the library is damage at this place, not the end of the node.
/// `access` must call nothing but the library.
pub fn guarded<T>(place: Place<'_>, access: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let quiet = Quiet::new();
    let outcome = panic::catch_unwind(AssertUnwindSafe(access));
    drop(quiet);
    outcome.unwrap_or_else(|_| Err(place.corrupt("a page of the file does not hold what it must")))
}

/// Something of the library's. Letting go of it takes locks, which an earlier panic may have poisoned, and
/// may write.
pub struct Held<T>(Option<T>);

impl<T> Held<T> {
    /// Holds it.
    pub fn new(it: T) -> Held<T> {
        Held(Some(it))
    }

    /// What is held.
    ///
    /// # Errors
    /// `Medium`, never: it is there until it is dropped.
    pub fn get(&self) -> Result<&T, StoreError> {
        self.0.as_ref().ok_or_else(|| StoreError::Medium("it is closed".into()))
    }

    /// What is held, to change it.
    ///
    /// # Errors
    /// As `get`.
    pub fn get_mut(&mut self) -> Result<&mut T, StoreError> {
        self.0.as_mut().ok_or_else(|| StoreError::Medium("it is closed".into()))
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        let it = self.0.take();
        let let_go = guarded(FILE, || {
            drop(it);
            Ok(())
        });
        if let Err(error) = let_go {
            tracing::debug!(%error, "letting go of the store");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_place() {
        let place = Place { table: "values", key: Some(&[1, 2]) };
        let outcome: Result<(), _> = guarded(place, || panic!("a damaged page"));
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("table `values`, key 0x0102: a page of the file"), "{error}");
        assert_eq!(GUARDED.get(), 0);
        assert_eq!(guarded(place, || Ok(7)).unwrap(), 7);
    }
}

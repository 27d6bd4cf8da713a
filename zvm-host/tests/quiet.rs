//! A damaged store and standard error: the library's panics stay inside, everybody else's do not. A process
//! of its own, since hooks and subscribers are the process's.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use common::medium::Image;
use common::*;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};
use zvm_host::state::{StateBackend, StoreError};
use zvm_host::{Address, Body, RedbBackend};

/// Collects the messages of errors.
#[derive(Clone, Default)]
struct Errors(Arc<Mutex<Vec<String>>>);

impl Visit for Errors {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }
}

impl Subscriber for Errors {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::ERROR
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn damage_is_told_once_and_without_a_panic_on_standard_error() {
    static REACHED: AtomicUsize = AtomicUsize::new(0);
    std::panic::set_hook(Box::new(|info| {
        eprintln!("{info}");
        REACHED.fetch_add(1, Ordering::Relaxed);
    }));

    let image = Arc::new(Image::new(Vec::new()));
    let mut net = Net::over(Arc::new(RedbBackend::over(image.clone()).unwrap()));
    for nonce in 0..3 {
        net.included(&alice(), Body { value: 5, ..Body::call(nonce, Address([0x77; 20]), &[]) });
    }
    drop(net);
    let good = image.file();

    // Each seventh byte that is used, all bits of it: many of these make the library panic.
    let used = (0..good.len()).filter(|at| good[*at] != 0).step_by(7);
    let texts = used.filter_map(|at| {
        let mut bad = good.clone();
        bad[at] ^= 0xff;
        let read = || {
            let store = RedbBackend::over(Arc::new(Image::new(bad)))?;
            store.snapshot()?.values(&mut |_, _| Ok(()))
        };
        read().err().map(|error: StoreError| error.to_string())
    });
    let panics = texts.filter(|text| text.contains("a page of the file does not hold what it must")).count();
    assert!(panics >= 5, "only {panics}: the test does not test what it says");
    assert_eq!(REACHED.load(Ordering::Relaxed), 0, "a panic of the library was shown");
    std::thread::spawn(|| panic!("somebody else's")).join().unwrap_err();
    assert_eq!(REACHED.load(Ordering::Relaxed), 1, "a panic of somebody else was hidden");

    // Values are read by the chain, not when the store is opened.
    let errors = Errors::default();
    tracing::subscriber::with_default(errors.clone(), || {
        let balance = zvm_host::state::account_key(&address(&alice()));
        let image = Arc::new(Image::new(good));
        let store = RedbBackend::over(image.clone()).unwrap();
        let account = store.snapshot().unwrap().value(&balance).unwrap().unwrap();
        drop(store);
        image.damage(|file| {
            let copies: Vec<_> = (0..file.len()).filter(|at| file[*at..].starts_with(&account)).collect();
            copies.into_iter().for_each(|at| file[at + 3] ^= 1);
        });
        let store = RedbBackend::over(image).unwrap();
        assert!(store.snapshot().unwrap().value(&balance).is_err());
        assert!(errors.0.lock().unwrap().is_empty(), "logged before it was asked for");
        store.log_damage();
        for _ in 0..3 {
            let error = store.snapshot().unwrap().value(&balance).unwrap_err();
            assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
        }
    });
    let errors = errors.0.lock().unwrap().clone();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("the store is corrupt: table `values`, key 0x01"), "{errors:?}");
}

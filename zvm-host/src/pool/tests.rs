use proptest::prelude::*;

use super::*;
use crate::crypto::SigningKey;
use crate::envelope::Body;

const GENESIS: Hash = [7; 32];

/// A call of one of the signers; none is authentic but that is not asked here.
fn call(signer: u8, nonce: u64, gas_price: u64, value: u128) -> Ready {
    let body =
        Body { gas_limit: 10, gas_price, value, valid_until: 50, ..Body::call(nonce, Address([9; 20]), &[]) };
    let envelope = body.sign(&SigningKey::from_seed(&[signer; 32]), &GENESIS);
    let signer = envelope.claimed_signer();
    Ready::new(envelope, signer, &GENESIS)
}

fn account(nonce: u64) -> Account {
    Account { nonce, balance: 1_000_000, ..Account::default() }
}

fn taken(pool: &mut Pool, count: usize) -> Vec<(u64, u64)> {
    let calls = pool.take(count, usize::MAX);
    calls.iter().for_each(|call| pool.decided(call));
    calls.iter().map(|call| (call.envelope.body.gas_price, call.envelope.body.nonce)).collect()
}

#[test]
fn the_highest_price_goes_first_and_nonces_stay_in_order() {
    let mut pool = Pool::default();
    for (signer, nonce, price) in [(1, 1, 9), (1, 0, 2), (2, 0, 5), (3, 0, 5), (2, 1, 7), (4, 3, 100)] {
        assert_eq!(pool.add(call(signer, nonce, price, 0), &account(0)), Queued::Now);
    }
    assert_eq!(taken(&mut pool, 2), [(5, 0), (7, 1)]);
    assert_eq!(taken(&mut pool, 9), [(5, 0), (2, 0), (9, 1)]);
    assert!(!pool.has_ready(), "the last one waits for three others");
    assert!(pool.has_gap(&call(4, 3, 100, 0).signer, 3));
    assert!(!pool.has_gap(&call(2, 0, 1, 0).signer, 0));
    assert_eq!(pool.count(), 1);
}

#[test]
fn a_call_is_replaced_at_a_tenth_more() {
    for (old, least) in [(0, 1), (1, 2), (10, 11), (11, 13), (100, 110), (u64::MAX, u64::MAX)] {
        assert_eq!(least_price(old), least);
    }
    let mut pool = Pool::default();
    let first = call(1, 0, 10, 0);
    assert_eq!(pool.add(first.clone(), &account(0)), Queued::Now);
    assert_eq!(pool.add(first.clone(), &account(0)), Queued::Before);
    let Queued::Refused(refused) = pool.add(call(1, 0, 10, 1), &account(0)) else { panic!("the same price") };
    assert_eq!(refused.code, RefusalCode::NonceTaken);
    assert_eq!(pool.add(call(1, 0, 11, 0), &account(0)), Queued::Now);
    let dropped = pool.dropped();
    assert_eq!((dropped.len(), dropped[0].0), (1, first.call_id));
    assert_eq!(taken(&mut pool, 9), [(11, 0)]);
}

#[test]
fn all_waiting_calls_are_covered() {
    let mut pool = Pool::default();
    let rich = Account { balance: 1_000, ..account(0) };
    assert_eq!(pool.add(call(1, 0, 10, 400), &rich), Queued::Now);
    assert_eq!(pool.add(call(1, 1, 10, 300), &rich), Queued::Now);
    let Queued::Refused(refused) = pool.add(call(1, 2, 10, 1), &rich) else { panic!("1,001 units") };
    assert_eq!(refused.code, RefusalCode::Balance);
    // Those that a block has taken count until it is decided.
    let calls = pool.take(1, usize::MAX);
    let Queued::Refused(_) = pool.add(call(1, 2, 10, 1), &rich) else { panic!("1,001 units") };
    pool.decided(&calls[0]);
    assert_eq!(pool.add(call(1, 2, 10, 1), &Account { nonce: 1, ..rich }), Queued::Now);
    // What is left covers one of them.
    pool.refresh(&calls[0].signer, &Account { nonce: 1, balance: 405, ..rich });
    let dropped: Vec<_> = pool.dropped().into_iter().map(|(_, refused)| refused.code).collect();
    assert_eq!(dropped, [RefusalCode::Balance]);
    assert_eq!(taken(&mut pool, 9), [(10, 1)]);
}

#[test]
fn used_nonces_and_past_heights_are_dropped() {
    let mut pool = Pool::default();
    (0..4).for_each(|nonce| assert_eq!(pool.add(call(1, nonce, 1, 0), &account(0)), Queued::Now));
    let signer = call(1, 0, 1, 0).signer;
    pool.refresh(&signer, &account(2));
    assert_eq!(pool.dropped().len(), 2);
    pool.expire(50);
    assert_eq!(pool.count(), 2);
    pool.expire(51);
    assert_eq!((pool.count(), pool.dropped().len(), pool.has_ready()), (0, 2, false));
}

#[test]
fn what_is_put_back_goes_first_again() {
    let mut pool = Pool::default();
    (0..3).for_each(|nonce| assert_eq!(pool.add(call(1, nonce, 1, 0), &account(0)), Queued::Now));
    let calls = pool.take(2, usize::MAX);
    assert!(pool.has(&calls[0].call_id));
    calls.into_iter().rev().for_each(|call| pool.put_back(call));
    assert_eq!(taken(&mut pool, 9), [(1, 0), (1, 1), (1, 2)]);
}

#[test]
fn a_full_pool_takes_who_pays_more() {
    let mut pool = Pool::default();
    let small = call(1, 0, 5, 0);
    pool.add(small.clone(), &account(0));
    pool.add(call(1, 1, 9, 0), &account(0));
    pool.len = WAITING_LEN_MAX;
    let Queued::Refused(refused) = pool.add(call(2, 0, 5, 0), &account(0)) else { panic!("the same price") };
    assert_eq!(refused.code, RefusalCode::QueueFull);
    // Both of the first signer go: the second is of no use without the first.
    assert_eq!(pool.add(call(2, 0, 6, 0), &account(0)), Queued::Now);
    assert_eq!((pool.count(), pool.dropped().len()), (1, 2));
}

#[derive(Clone, Debug)]
enum Step {
    Add { signer: u8, nonce: u64, price: u64 },
    Take(usize),
    Include(usize),
    PutBack,
    Expire,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u8..3, 0u64..6, 1u64..40).prop_map(|(signer, nonce, price)| Step::Add { signer, nonce, price }),
        2 => (1usize..4).prop_map(Step::Take),
        2 => (0usize..4).prop_map(Step::Include),
        1 => Just(Step::PutBack),
        1 => Just(Step::Expire),
    ]
}

proptest! {
    /// Whatever happens: sums and indices fit, and a signer's calls come in order.
    #[test]
    fn prop_the_pool_is_consistent(steps in prop::collection::vec(step(), 0..80)) {
        let mut pool = Pool::default();
        let mut nonces = [0u64; 3];
        let mut under_way: Vec<Ready> = Vec::new();
        let signers: Vec<Address> = (0..3).map(|signer| call(signer, 0, 1, 0).signer).collect();
        let of = |call: &Ready| signers.iter().position(|signer| *signer == call.signer).unwrap();
        for step in steps {
            match step {
                Step::Add { signer, nonce, price } => {
                    let at = usize::from(signer);
                    if nonce >= nonces[at] {
                        pool.add(call(signer, nonce, price, 0), &account(nonces[at]));
                    }
                }
                Step::Take(count) => {
                    if under_way.is_empty() {
                        under_way = pool.take(count, usize::MAX);
                    }
                }
                Step::Include(count) => {
                    // The first ones are in the block, the others were left out of it.
                    for (at, call) in std::mem::take(&mut under_way).into_iter().enumerate() {
                        let is_next = call.envelope.body.nonce == nonces[of(&call)];
                        if at < count && is_next {
                            nonces[of(&call)] += 1;
                            pool.decided(&call);
                        } else {
                            pool.put_back(call);
                        }
                    }
                    for (signer, nonce) in signers.iter().zip(nonces) {
                        pool.refresh(signer, &account(nonce));
                    }
                }
                Step::PutBack => {
                    std::mem::take(&mut under_way).into_iter().rev().for_each(|call| pool.put_back(call));
                }
                Step::Expire => pool.expire(50),
            }
            let all: Vec<&Waiting> = pool.queues.values().flat_map(|queue| queue.calls.values()).collect();
            prop_assert_eq!(all.len(), pool.ids.len());
            prop_assert_eq!(all.len(), pool.cheapest.len());
            prop_assert_eq!(all.len(), pool.expiring.len());
            prop_assert_eq!(all.iter().map(|waiting| waiting.call.wire.len()).sum::<usize>(), pool.len);
            for queue in pool.queues.values() {
                prop_assert!(!queue.calls.is_empty());
                prop_assert_eq!(queue.calls.values().map(Waiting::cost).sum::<u128>(), queue.cost);
            }
            let ready = pool.queues.values().filter(|queue| queue.calls.contains_key(&queue.next)).count();
            prop_assert_eq!(ready, pool.ready.len());
            prop_assert_eq!(pool.taken.len(), under_way.len());
            prop_assert_eq!(pool.taken_costs.len(), under_way.len());
            let mut seen = nonces;
            for call in &under_way {
                prop_assert_eq!(call.envelope.body.nonce, seen[of(call)], "in order");
                seen[of(call)] += 1;
            }
        }
    }
}

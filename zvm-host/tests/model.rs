//! Random programs of calls, creations, reverts, traps and payments against a model that keeps a whole copy of the
//! world for each frame: storage, transient storage, logs, balances and what every frame answers are the model's. And
//! the same calls lead to the same block: alone or together, checked, from a warm or a cold cache.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
mod puppet;

use std::collections::BTreeMap;

use common::*;
use proptest::prelude::*;
use puppet::{Script, puppet, script};
use zvm_host::chain::ChainError;
use zvm_host::envelope::contract_address;
use zvm_host::{Address, Body, Chain, ChainConfig, MemoryBackend, Record, Status};

/// A step of a program.
#[derive(Clone, Debug)]
enum Step {
    Store(u8, u8),
    Transient(u8, u8),
    ReadTransient(u8),
    Log(u8),
    Call { to: u8, value: u8, is_static: bool, program: Program },
    Create { value: u8, program: Program },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Good,
    Revert,
    Trap,
}

#[derive(Clone, Debug)]
struct Program {
    steps: Vec<Step>,
    ending: Ending,
}

fn program() -> impl Strategy<Value = Program> {
    let ending = || prop_oneof![5 => Just(Ending::Good), 1 => Just(Ending::Revert), 1 => Just(Ending::Trap)];
    let leaf = prop_oneof![
        3 => (0u8..4, any::<u8>()).prop_map(|(key, value)| Step::Store(key, value)),
        1 => (0u8..3, any::<u8>()).prop_map(|(key, value)| Step::Transient(key, value)),
        1 => (0u8..3).prop_map(Step::ReadTransient),
        1 => any::<u8>().prop_map(Step::Log),
    ];
    let first = (prop::collection::vec(leaf.clone(), 0..3), ending())
        .prop_map(|(steps, ending)| Program { steps, ending });
    first.prop_recursive(4, 24, 4, move |inner| {
        let call = (0u8..4, prop_oneof![3 => Just(0u8), 1 => 1u8..60], any::<bool>(), inner.clone())
            .prop_map(|(to, value, often, program)| Step::Call {
                to,
                value,
                is_static: often && value % 3 == 1,
                program,
            });
        let create = (prop_oneof![Just(0u8), 1u8..60], inner)
            .prop_map(|(value, program)| Step::Create { value, program });
        let step = prop_oneof![3 => leaf.clone(), 3 => call, 1 => create];
        (prop::collection::vec(step, 0..5), ending()).prop_map(|(steps, ending)| Program { steps, ending })
    })
}

/// All that a call may change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct World {
    storage: BTreeMap<(Address, u8), u8>,
    transient: BTreeMap<(Address, u8), u8>,
    logs: Vec<(Address, u8)>,
    balances: BTreeMap<Address, u128>,
    created: BTreeMap<Address, u64>,
}

struct Model {
    world: World,
    puppets: Vec<Address>,
    code_hash: [u8; 32],
}

const NOBODY: Address = Address([0x77; 20]);

impl Model {
    /// Whom a step means: three puppets, or nobody.
    fn whom(&self, to: u8) -> Address {
        self.puppets.get(usize::from(to)).copied().unwrap_or(NOBODY)
    }

    /// Moves units, if they are there.
    fn pay(&mut self, from: Address, to: Address, value: u128) -> bool {
        let balance = |world: &World, of| world.balances.get(&of).copied().unwrap_or(0);
        if balance(&self.world, from) < value {
            return false;
        }
        *self.world.balances.entry(from).or_default() -= value;
        *self.world.balances.entry(to).or_default() += value;
        true
    }

    /// Runs a program in a frame: its status, and what it puts out.
    fn run(&mut self, stack: &mut Vec<Address>, is_static: bool, program: &Program) -> (Status, Vec<u8>) {
        let at = *stack.last().unwrap();
        let mut out = Vec::new();
        for step in &program.steps {
            match step {
                Step::Store(..) | Step::Transient(..) | Step::Log(_) | Step::Create { .. } if is_static => {
                    return (Status::PolicyDenied, Vec::new());
                }
                Step::Store(key, value) => drop(self.world.storage.insert((at, *key), *value)),
                Step::Transient(key, value) => drop(self.world.transient.insert((at, *key), *value)),
                Step::ReadTransient(key) => {
                    out.push(self.world.transient.get(&(at, *key)).copied().unwrap_or(255));
                }
                Step::Log(byte) => self.world.logs.push((at, *byte)),
                Step::Call { to, value, is_static: flag, program } => {
                    let answer =
                        self.call(stack, is_static || *flag, self.whom(*to), (*value).into(), program);
                    out.push(answer as u8);
                }
                Step::Create { value, program } => {
                    let (status, child) = self.create(stack, (*value).into(), program);
                    out.push(status as u8);
                    out.extend(if status == Status::Success { child.0 } else { [0; 20] });
                }
            }
        }
        match program.ending {
            Ending::Good => (Status::Success, out),
            Ending::Revert => (Status::Reverted, out),
            Ending::Trap => (Status::RuntimeError, Vec::new()),
        }
    }

    fn call(
        &mut self,
        stack: &mut Vec<Address>,
        is_static: bool,
        to: Address,
        value: u128,
        program: &Program,
    ) -> Status {
        let from = *stack.last().unwrap();
        if stack.len() >= 16 || (value != 0 && is_static) {
            return Status::PolicyDenied;
        }
        if to == NOBODY {
            // Its input is never empty.
            return Status::InvalidFunction;
        }
        if stack.contains(&to) {
            return Status::PolicyDenied;
        }
        let before = self.world.clone();
        if !self.pay(from, to, value) {
            return Status::Reverted;
        }
        stack.push(to);
        let (status, _) = self.run(stack, is_static, program);
        stack.pop();
        if status != Status::Success {
            self.world = before;
        }
        status
    }

    fn create(&mut self, stack: &mut Vec<Address>, value: u128, program: &Program) -> (Status, Address) {
        let from = *stack.last().unwrap();
        if stack.len() >= 16 {
            return (Status::PolicyDenied, NOBODY);
        }
        if self.world.balances.get(&from).copied().unwrap_or(0) < value {
            return (Status::Reverted, NOBODY);
        }
        let count = self.world.created.entry(from).or_default();
        let child = contract_address(&from, *count, &self.code_hash);
        *count += 1;
        let before = self.world.clone();
        self.pay(from, child, value);
        stack.push(child);
        let (status, _) = self.run(stack, false, program);
        stack.pop();
        if status != Status::Success {
            self.world = before;
        }
        (status, child)
    }
}

/// The input that has a puppet do this.
fn compile(model: &Model, program: &Program) -> Vec<u8> {
    let mut steps: Script = script();
    for step in &program.steps {
        steps = match step {
            Step::Store(key, value) => steps.store(*key, *value),
            Step::Transient(key, value) => steps.op(9, &[&[*key, *value]]),
            Step::ReadTransient(key) => steps.op(10, &[&[*key]]),
            Step::Log(byte) => steps.op(8, &[&[*byte]]),
            Step::Call { to, value, is_static, program } => steps.call_with(
                model.whom(*to),
                (*value).into(),
                u64::MAX,
                (*is_static).into(),
                &compile(model, program),
            ),
            Step::Create { value, program } => {
                steps.create(&model.code_hash, (*value).into(), &compile(model, program))
            }
        };
    }
    match program.ending {
        Ending::Good => steps.end(),
        Ending::Revert => steps.revert(),
        Ending::Trap => steps.trap(),
    }
}

fn check_world(net: &Net, model: &Model) -> Result<(), TestCaseError> {
    let view = net.store.snapshot().unwrap();
    let mut storage = BTreeMap::new();
    view.values(&mut |key, value| {
        if key[0] == 2 {
            storage.insert((Address(key[1..21].try_into().unwrap()), key[21]), value[0]);
        }
        Ok(())
    })
    .unwrap();
    prop_assert_eq!(&storage, &model.world.storage);
    for (address, balance) in &model.world.balances {
        prop_assert_eq!(net.balance(address), *balance);
    }
    for (address, created) in &model.world.created {
        prop_assert_eq!(net.chain.account(address).unwrap().created, *created);
    }
    Ok(())
}

/// What a signed call led to, as the model has it.
fn check_record(
    record: &Record,
    (status, out): (Status, Vec<u8>),
    logs: &[(Address, u8)],
) -> Result<(), TestCaseError> {
    prop_assert_eq!(record.receipt.status, status, "{:?}", record.diagnostics);
    prop_assert_eq!(&record.return_data, &out);
    let found: Vec<_> = record.logs.iter().map(|entry| (entry.address, entry.data[0])).collect();
    prop_assert_eq!(&found[..], logs);
    Ok(())
}

fn start() -> (Net, Model) {
    let mut net = Net::new();
    let code = puppet(false);
    let puppets: Vec<Address> = (0..3).map(|_| net.deployed(&code, &script().end())).collect();
    let mut world = World::default();
    for at in &puppets {
        let body = Body { value: 100, ..Body::call(net.nonce(&alice()), *at, &script().end()) };
        net.included(&alice(), body);
        world.balances.insert(*at, 100);
    }
    let code_hash = net.chain.account(&puppets[0]).unwrap().code_hash;
    (net, Model { world, puppets, code_hash })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn prop_contracts_do_what_the_model_does(programs in prop::collection::vec((0u8..3, program()), 1..6)) {
        let (mut net, mut model) = start();
        let supply = net.all_balances();
        for (to, program) in &programs {
            let at = model.whom(*to);
            let record = net.call(&bob(), at, &compile(&model, program));
            let before = model.world.clone();
            model.world.transient.clear();
            model.world.logs.clear();
            let (status, out) = model.run(&mut vec![at], false, program);
            let (logs, out) = match status {
                Status::Success => (model.world.logs.clone(), out),
                Status::Reverted => (Vec::new(), out),
                _ => (Vec::new(), Vec::new()),
            };
            if status != Status::Success {
                model.world = before;
            }
            check_record(&record, (status, out), &logs)?;
            check_world(&net, &model)?;
            prop_assert_eq!(net.all_balances(), supply, "nothing here is cold, so nothing burns");
        }
    }

    /// The same calls in one block and in blocks of one: the same receipts but for gas sums. And a second node that
    /// checks the block comes to the same root, with a cold cache.
    #[test]
    fn prop_blocks_of_many_calls_check_out(programs in prop::collection::vec((0u8..3, any::<bool>(), program()), 1..8)) {
        let (mut net, model) = start();
        let store = std::sync::Arc::new(MemoryBackend::new());
        let mut follower = Chain::open(store, &genesis(), ChainConfig::default()).unwrap();
        // The follower has the module, and takes the blocks so far.
        let code = puppet(false);
        let module = zvm_host::ContractModule::new(follower.engine(), &code).unwrap();
        let first = net.chain.block(1).unwrap().unwrap();
        let missing = follower.take_block(&first.header, &first.calls);
        prop_assert!(matches!(missing, Err(ChainError::MissingCode(_))));
        follower.stage_module(zvm_host::Owner::default(), module, &code, 0).unwrap();
        let follow = |net: &Net, follower: &mut Chain| {
            for height in follower.info().height + 1..=net.chain.info().height {
                let block = net.chain.block(height).unwrap().unwrap();
                follower.take_block(&block.header, &block.calls).unwrap();
            }
        };
        follow(&net, &mut follower);
        let mut nonces = [net.nonce(&alice()), net.nonce(&bob())];
        let mut ids = Vec::new();
        for (to, by_alice, program) in &programs {
            let (key, at) = if *by_alice { (alice(), 0) } else { (bob(), 1) };
            let wire = net.sign(&key, Body::call(nonces[at], model.whom(*to), &compile(&model, program)));
            nonces[at] += 1;
            let envelope = zvm_host::Envelope::decode(&wire).unwrap();
            let call = net.chain.authenticator().check(vec![envelope]).remove(0).unwrap();
            ids.push(call.call_id);
            net.chain.admit(call).unwrap();
        }
        let job = net.chain.begin_block(5_000, usize::MAX).unwrap();
        let decided = net.chain.seal_now(job);
        prop_assert_eq!(decided.len(), programs.len());
        let head = net.chain.head().clone();
        let records: Vec<Record> = ids.iter().map(|id| net.chain.receipt(id).unwrap().unwrap()).collect();
        prop_assert!(records.iter().all(|record| record.height == head.height));
        prop_assert_eq!(records.iter().map(|record| record.receipt.gas_used).sum::<u64>(), head.gas_used);
        follow(&net, &mut follower);
        prop_assert_eq!(follower.head(), &head);
        // A header that says anything else is refused, and nothing changes.
        let block = net.chain.block(head.height).unwrap().unwrap();
        let mut wrong = block.header.clone();
        wrong.height += 1;
        (wrong.parent, wrong.timestamp) = (follower.info().head_hash, wrong.timestamp + 1);
        let refused = follower.take_block(&wrong, &block.calls).unwrap_err().to_string();
        prop_assert!(refused.contains("call 0: the call"), "{}", refused);
        prop_assert_eq!(follower.head(), &head);
    }
}

//! Native modules: code of the node at reserved addresses, called like contracts, with storage, logs and value of
//! their own. A chain names those that it has; a plain chain has none. Which they are is part of its rules.

use std::fmt;
use std::sync::Arc;

use crate::exec::host::{HostEnd, HostState, HostTrap};
use crate::receipt::{LogEntry, RETURN_DATA_LEN_MAX};
use crate::state::{USER_KEY_LEN_MAX, VALUE_LEN_MAX, storage_key};
use crate::table::host_gas::{self, GROWTH_BYTE, Price, REMOVE};
use crate::types::{Address, Hash};

/// The code of a native module.
pub type Entry = fn(&mut NativeCall<'_>) -> Result<(), NativeEnd>;

/// A row of the table of native modules.
#[derive(Clone, Copy)]
pub struct Native {
    /// Where it is: `0x00…0001` to `0x00…ffff`.
    pub address: Address,
    /// Its name.
    pub name: &'static str,
    /// Its code. It must give the same on every machine.
    pub entry: Entry,
    /// What a call costs before the code runs; by length: the input.
    pub cost: Price,
    /// The version of the chain's rules that it came with.
    pub since: u32,
}

impl fmt::Debug for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Native")
            .field("address", &self.address)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Native {
    /// What a call with so much input costs before the code runs.
    pub fn price(&self, input_len: usize) -> u64 {
        self.cost.base.saturating_add(self.cost.by_len(input_len as u64))
    }
}

/// The native modules of a chain, in order of their addresses.
#[derive(Clone, Copy, Debug, Default)]
pub struct Natives(&'static [Native]);

impl Natives {
    /// None.
    pub const NONE: Natives = Natives(&[]);

    /// The rows of a table. Addresses rise and are reserved ones, or there is a text that says which is not.
    pub fn new(rows: &'static [Native]) -> Result<Natives, String> {
        let mut before = Address::ZERO;
        for row in rows {
            if !is_reserved(&row.address) || row.address <= before {
                return Err(format!("the native module {} has a wrong address or place", row.name));
            }
            before = row.address;
        }
        Ok(Natives(rows))
    }

    /// All rows.
    pub fn rows(&self) -> &'static [Native] {
        self.0
    }

    /// The module at an address.
    pub fn find(&self, address: &Address) -> Option<&'static Native> {
        let at = self.0.binary_search_by(|row| row.address.cmp(address)).ok()?;
        self.0.get(at)
    }
}

/// Whether an address can be a native module's. No key and no deploy gets one.
pub fn is_reserved(address: &Address) -> bool {
    let (zeros, number) = address.0.split_at(18);
    zeros.iter().all(|byte| *byte == 0) && number.iter().any(|byte| *byte != 0)
}

/// How a native module ends other than by success.
#[derive(Debug)]
pub enum NativeEnd {
    /// With a code of its own; return data is kept.
    Reverted(i32),
    /// As a host function ends a call.
    Host(HostEnd),
}

impl From<HostEnd> for NativeEnd {
    fn from(end: HostEnd) -> NativeEnd {
        NativeEnd::Host(end)
    }
}

/// A call of a native module. It pays like a contract; all that it does is undone when it fails.
#[derive(Debug)]
pub struct NativeCall<'a> {
    state: &'a mut HostState,
    gas: u64,
    gas_used: u64,
}

impl<'a> NativeCall<'a> {
    pub(crate) fn new(state: &'a mut HostState, gas: u64) -> NativeCall<'a> {
        NativeCall { state, gas, gas_used: 0 }
    }

    /// Who called.
    pub fn caller(&self) -> Address {
        self.state.frame.caller
    }

    /// Who signed.
    pub fn origin(&self) -> Address {
        self.state.tx.origin.address
    }

    /// Base units that came along.
    pub fn value(&self) -> u128 {
        self.state.frame.value
    }

    /// The input.
    pub fn input(&self) -> Arc<[u8]> {
        Arc::clone(&self.state.frame.input)
    }

    /// The height of the block, and its time.
    pub fn block(&self) -> (u64, u64) {
        (self.state.tx.block.height, self.state.tx.block.timestamp)
    }

    /// Gas used so far.
    pub fn gas_used(&self) -> u64 {
        self.gas_used
    }

    /// Pays for work before it is done.
    ///
    /// # Errors
    /// The gas is gone.
    pub fn charge(&mut self, gas: u64) -> Result<(), HostEnd> {
        let used = self.gas_used.saturating_add(gas);
        self.gas_used = used.min(self.gas);
        if used <= self.gas { Ok(()) } else { Err(HostEnd::OutOfGas) }
    }

    /// Reads a value of its storage, at the price of `storage_read`.
    ///
    /// # Errors
    /// Gas, limits, the store.
    pub fn read(&mut self, key: &[u8]) -> Result<Option<Arc<[u8]>>, HostEnd> {
        self.charge(host_gas::READ.base)?;
        let value = self.state.tx.journal.read(&self.full_key(key)?)?;
        let len = key.len().saturating_add(value.as_ref().map_or(0, |value| value.len()));
        self.charge(host_gas::READ.by_len(len as u64))?;
        Ok(value)
    }

    /// Sets a value of its storage, or removes it, at the prices of `storage_write` and `storage_remove`.
    ///
    /// # Errors
    /// Gas, limits, the store; `Denied` in a static call.
    pub fn write(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), HostEnd> {
        self.changes()?;
        let full_key = self.full_key(key)?;
        let len = key.len().saturating_add(value.map_or(0, <[u8]>::len));
        if value.is_some_and(|value| value.len() > VALUE_LEN_MAX) {
            return Err(HostEnd::Trap(HostTrap::Limit, "a value is too long".into()));
        }
        let price = if value.is_some() { host_gas::WRITE } else { host_gas::READ };
        self.charge(price.base.saturating_add(price.by_len(len as u64)))?;
        let old = self.state.tx.journal.read(&full_key)?;
        let Some(value) = value else {
            if old.is_none() {
                return Ok(());
            }
            self.charge(REMOVE)?;
            return self.state.tx.write(&full_key, None);
        };
        let old_len = old.map_or(0, |old| full_key.len().saturating_add(old.len()));
        let growth = full_key.len().saturating_add(value.len()).saturating_sub(old_len);
        self.charge(GROWTH_BYTE.saturating_mul(growth as u64))?;
        self.state.tx.write(&full_key, Some(value.into()))
    }

    /// Logs data under topics, at the price of `emit`.
    ///
    /// # Errors
    /// Gas, limits; `Denied` in a static call.
    pub fn log(&mut self, topics: &[Hash], data: &[u8]) -> Result<(), HostEnd> {
        self.changes()?;
        let len = topics.len().saturating_mul(32).saturating_add(data.len());
        self.charge(host_gas::LOG.base.saturating_add(host_gas::LOG.by_len(len as u64)))?;
        let address = self.state.frame.address;
        self.state.tx.log(LogEntry { address, topics: topics.to_vec(), data: data.to_vec() })
    }

    /// Sets what the call returns, at the price of `return_data`.
    ///
    /// # Errors
    /// Gas, limits.
    pub fn return_data(&mut self, data: &[u8]) -> Result<(), HostEnd> {
        self.charge(host_gas::KEPT.base.saturating_add(host_gas::KEPT.by_len(data.len() as u64)))?;
        if data.len() > RETURN_DATA_LEN_MAX {
            return Err(HostEnd::Trap(HostTrap::Limit, "the return data is too long".into()));
        }
        self.state.return_data = data.to_vec();
        Ok(())
    }

    fn changes(&self) -> Result<(), HostEnd> {
        let frame = &self.state.frame;
        if frame.is_static || frame.is_query {
            return Err(HostEnd::Denied("a static call changes nothing".into()));
        }
        Ok(())
    }

    fn full_key(&self, key: &[u8]) -> Result<Vec<u8>, HostEnd> {
        if key.len() > USER_KEY_LEN_MAX {
            return Err(HostEnd::Trap(HostTrap::Limit, "a key is too long".into()));
        }
        Ok(storage_key(&self.state.frame.address, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u8, rest: u8) -> Native {
        let mut address = [0; 20];
        (address[19], address[0]) = (number, rest);
        Native {
            address: Address(address),
            name: "x",
            entry: |_| Ok(()),
            cost: Price { base: 100, per_unit: 2, unit_len: 16 },
            since: 1,
        }
    }

    #[test]
    fn addresses_rise_and_are_reserved() {
        let table = |rows: Vec<Native>| Natives::new(Box::leak(rows.into_boxed_slice()));
        let natives = table(vec![row(1, 0), row(3, 0)]).unwrap();
        assert!(natives.find(&row(3, 0).address).is_some());
        assert!(natives.find(&row(2, 0).address).is_none());
        for bad in [vec![row(0, 0)], vec![row(2, 0), row(1, 0)], vec![row(1, 0), row(1, 0)], vec![row(1, 1)]]
        {
            assert!(table(bad).is_err());
        }
        assert_eq!(row(1, 0).price(17), 104);
    }
}

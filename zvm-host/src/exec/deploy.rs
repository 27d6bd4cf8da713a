//! What the parts of a deploy cost that do not depend on what the contract does: for the executor, and for
//! those who want to know before they deploy.

use crate::contract::ContractModule;
use crate::state::{Account, account_key, code_key};
use crate::table::host_gas::{self, DEPLOY_WORK, GROWTH_BYTE};
use crate::types::Address;

/// Gas for the bytes of a module, as they lie in the state.
pub fn bytes_gas(module_len: u64) -> u64 {
    let key_len = code_key(&[0; 32]).len() as u64;
    GROWTH_BYTE.saturating_mul(key_len.saturating_add(module_len))
}

/// Gas for so much work of validating it.
pub fn work_gas(work: u64) -> u64 {
    DEPLOY_WORK.saturating_mul(work)
}

/// Gas for an account that comes into being.
pub fn account_gas() -> u64 {
    let growth = account_key(&Address::ZERO).len().saturating_add(Account::LEN);
    GROWTH_BYTE.saturating_mul(growth as u64)
}

/// Gas of a deploy without what its start function and `init` use.
pub fn least_gas(envelope_len: usize, module: &ContractModule) -> u64 {
    [
        host_gas::intrinsic(envelope_len),
        bytes_gas(module.len()),
        work_gas(module.module().work()),
        account_gas(),
        host_gas::instance(module.memory_pages()),
    ]
    .into_iter()
    .fold(0, u64::saturating_add)
}

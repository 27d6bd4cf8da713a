//! Why a call fails: one row per reason, with the code that stands in the receipt.
//!
//! The return data of a revert is `selector("Error(string)") ‖ len u32 ‖ text`.

use crate::{abi::Reply, env, keccak};

/// A reason: `code` is stable and goes into the receipt, `text` is for people.
pub struct Revert {
    code: i32,
    text: &'static str,
}

macro_rules! reverts {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        $(pub const $name: Revert = Revert { code: $code, text: $text };)*
        // Every text fits in the reply, with selector and length before it.
        $(const _: () = assert!($text.len() + 8 <= Reply::SIZE_MAX);)*
    };
}

reverts! {
    UNKNOWN_METHOD = 1, "token: unknown method";
    BAD_ARGUMENTS = 2, "token: malformed arguments";
    INPUT_TOO_LONG = 3, "token: input too long";
    NOT_ADMIN = 4, "token: caller is not the admin";
    INSUFFICIENT_BALANCE = 5, "token: insufficient balance";
    INSUFFICIENT_ALLOWANCE = 6, "token: insufficient allowance";
    SUPPLY_OVERFLOW = 7, "token: total supply would overflow";
    ZERO_ADDRESS = 8, "token: the zero address cannot hold tokens";
    VALUE_NOT_ACCEPTED = 9, "token: native coins are not accepted";
    CORRUPT_STATE = 10, "token: stored word has a wrong length";
}

impl Revert {
    /// Ends the call; the host undoes its effects.
    pub fn raise(&self) -> ! {
        const SELECTOR: [u8; 4] = keccak::selector("Error(string)");
        let mut data = Reply::new();
        data.raw(&SELECTOR);
        data.string(self.text.as_bytes());
        env::revert(self.code, data.bytes())
    }
}

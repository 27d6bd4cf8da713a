//! What a call gives back: return data, reverts, logs, texts.

use super::super::host::{Guest, HostEnd, HostTrap};
use super::charge_len;
use crate::receipt::{LOG_DATA_LEN_MAX, LogEntry, RETURN_DATA_LEN_MAX, TEXT_LEN_MAX, TOPICS_MAX};
use crate::table::host_fns::{HostFn, row};

/// Bytes of one `debug` text that are read and paid.
pub const DEBUG_TEXT_LEN_MAX: usize = 1024;
/// Bytes of `debug` texts of a signed call that are read and paid.
pub const DEBUG_LEN_MAX: usize = 16 * 1024;

pub fn return_data(guest: &mut impl Guest, data: u32, len: u32) -> Result<(), HostEnd> {
    let data = guest.range(data, len)?;
    charge_len(guest, &row::return_data, data.len())?;
    keep_return_data(guest, data)
}

pub fn revert(guest: &mut impl Guest, code: i32, data: u32, len: u32) -> Result<(), HostEnd> {
    let data = guest.range(data, len)?;
    charge_len(guest, &row::revert, data.len())?;
    keep_return_data(guest, data)?;
    Err(HostEnd::Revert(code))
}

fn keep_return_data(guest: &mut impl Guest, data: std::ops::Range<usize>) -> Result<(), HostEnd> {
    within(data.len(), RETURN_DATA_LEN_MAX, "bytes of return data")?;
    let data = guest.bytes(data).to_vec();
    guest.state_mut().return_data = data;
    Ok(())
}

pub fn log(guest: &mut impl Guest, data: u32, len: u32) -> Result<(), HostEnd> {
    keep_log(guest, &row::log, 0, 0, data, len)
}

pub fn emit(
    guest: &mut impl Guest,
    topics: u32,
    topic_count: u32,
    data: u32,
    len: u32,
) -> Result<(), HostEnd> {
    keep_log(guest, &row::emit, topics, topic_count, data, len)
}

fn keep_log(
    guest: &mut impl Guest,
    row: &HostFn,
    topics: u32,
    topic_count: u32,
    data: u32,
    len: u32,
) -> Result<(), HostEnd> {
    within(topic_count as usize, TOPICS_MAX, "topics")?;
    let topics = guest.range(topics, topic_count.saturating_mul(32))?;
    let data = guest.range(data, len)?;
    charge_len(guest, row, topics.len().saturating_add(data.len()))?;
    within(data.len(), LOG_DATA_LEN_MAX, "bytes of data in a log entry")?;
    let entry = LogEntry {
        address: guest.state().frame.address,
        topics: guest.bytes(topics).as_chunks::<32>().0.to_vec(),
        data: guest.bytes(data).to_vec(),
    };
    guest.state_mut().tx.log(entry)
}

pub fn debug(guest: &mut impl Guest, text: u32, len: u32) -> Result<(), HostEnd> {
    let text = guest.range(text, len)?;
    let left = DEBUG_LEN_MAX.saturating_sub(guest.state().tx.debug_len);
    let taken = text.len().min(DEBUG_TEXT_LEN_MAX).min(left);
    if taken == 0 {
        return Ok(());
    }
    charge_len(guest, &row::debug, taken)?;
    let bytes = guest.bytes(text);
    let text = String::from_utf8_lossy(bytes.get(..taken).unwrap_or_default()).into_owned();
    let tx = &mut guest.state_mut().tx;
    tx.debug_len = tx.debug_len.saturating_add(taken);
    tx.diagnostics.debug(text);
    Ok(())
}

/// AssemblyScript's strings are UTF-16 with their length in bytes before the first unit. They are shown
/// if they can be read; what they are changes nothing else.
pub fn abort(guest: &mut impl Guest, message: i32, file: i32, line: i32, column: i32) -> Result<(), HostEnd> {
    let text = |at: i32| {
        let at = at.cast_unsigned();
        let len = guest.range(at.checked_sub(4)?, 4).ok()?;
        let len = u32::from_le_bytes(guest.array(len)).min(2 * TEXT_LEN_MAX as u32);
        let units: Vec<u16> = guest
            .bytes(guest.range(at, len).ok()?)
            .as_chunks()
            .0
            .iter()
            .copied()
            .map(u16::from_le_bytes)
            .collect();
        Some(String::from_utf16_lossy(&units))
    };
    let message = text(message).unwrap_or_default();
    let file = text(file).unwrap_or_default();
    Err(HostEnd::Trap(HostTrap::Abort, format!("abort: {message} ({file}:{line}:{column})")))
}

pub(super) fn within(len: usize, max: usize, what: &str) -> Result<(), HostEnd> {
    if len <= max {
        return Ok(());
    }
    Err(HostEnd::Trap(HostTrap::Limit, format!("{len} {what}, at most {max} are allowed")))
}

//! Backtraces for people and for programs: of a module that ran here, and of a receipt. Owns how a frame is written
//! and how names of Rust functions are made readable.

use std::fmt::{self, Write};

use ghost_wasm::{Backtrace, FrameInfo};
use serde_json::{Value, json};
use zvm_host::{Diagnostics, TraceFrame};

use crate::foreign::foreign;

/// Bytes of a name that are shown: readable names of generic functions can be far longer than mangled ones.
const NAME_SHOWN_MAX: usize = 256;

/// A function that was running.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Frame {
    function: Option<u32>,
    name: Option<String>,
    offset: Option<u64>,
    host: bool,
}

/// The functions that were running, the innermost first.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    frames: Vec<Frame>,
    left_out: usize,
    /// How many of `frames` stand before those that are left out.
    left_out_at: usize,
    /// The gas ran out: the innermost offset is not exact.
    near: bool,
}

impl From<&FrameInfo> for Frame {
    fn from(frame: &FrameInfo) -> Frame {
        let FrameInfo { func_index, name, offset, host } = frame.clone();
        Frame { function: func_index, name, offset: offset.map(u64::from), host }
    }
}

impl From<&TraceFrame> for Frame {
    fn from(frame: &TraceFrame) -> Frame {
        let TraceFrame { function, name, offset, host } = frame.clone();
        Frame { function, name, offset, host }
    }
}

impl Trace {
    /// Of a call that ended here.
    pub fn of_error(error: &ghost_wasm::Error) -> Trace {
        let backtrace: &Backtrace = error.backtrace();
        Trace {
            frames: backtrace.frames().iter().map(Frame::from).collect(),
            left_out: backtrace.left_out(),
            left_out_at: backtrace.parts().0.len(),
            near: error.is_out_of_gas(),
        }
    }

    /// Of a call in a block; `near`: it ran out of gas.
    pub fn of_diagnostics(diagnostics: &Diagnostics, near: bool) -> Trace {
        Trace {
            frames: diagnostics.backtrace.iter().map(Frame::from).collect(),
            left_out: diagnostics.frames_left_out as usize,
            left_out_at: diagnostics.frames_left_out_at as usize,
            near,
        }
    }

    /// Whether nothing was running.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// A line each, with its depth; a frame that repeats is shown once, for recursion fills every backtrace.
    pub fn lines(&self) -> Vec<(Option<usize>, String)> {
        let (inner, outer) = self.frames.split_at(self.left_out_at.min(self.frames.len()));
        let mut lines = Vec::new();
        let mut depth = 0_usize;
        for (part, left_out) in [(inner, self.left_out), (outer, 0)] {
            for run in part.chunk_by(|a, b| a == b) {
                let Some(frame) = run.first() else { continue };
                let mut text = frame.text(self.near && depth == 0);
                if run.len() > 1 {
                    text += &format!(", {} times", run.len());
                }
                lines.push((Some(depth), text));
                depth = depth.saturating_add(run.len());
            }
            if left_out > 0 {
                lines.push((None, format!("… {left_out} frames left out")));
                depth = depth.saturating_add(left_out);
            }
        }
        lines
    }

    /// The frames in the shape of `docs/cli.md`.
    pub fn json(&self) -> Value {
        self.frames.iter().map(Frame::json).collect()
    }

    /// Where frames are left out and how many, in the shape of `docs/cli.md`; `null` if none are.
    pub fn left_out_json(&self) -> Value {
        if self.left_out == 0 {
            return Value::Null;
        }
        json!({ "frames": self.left_out, "at": self.left_out_at })
    }
}

impl Frame {
    fn text(&self, near: bool) -> String {
        let name = self.name.as_deref().map(shown);
        let mut text = match (self.host, self.function) {
            (true, _) => format!("host function {}", name.as_deref().unwrap_or("without a name")),
            (false, function) => {
                let function = function.map_or_else(|| "?".into(), |function| function.to_string());
                let name = name.map(|name| format!(" <{name}>")).unwrap_or_default();
                format!("function {function}{name}")
            }
        };
        if let Some(offset) = self.offset {
            let at = if near { "near" } else { "at" };
            text += &format!(" {at} offset {offset:#x}");
        }
        text
    }

    fn json(&self) -> Value {
        let name = self.name.as_deref();
        json!({
            "function": self.function,
            "name": name,
            "demangled": name.and_then(demangled),
            "offset": self.offset,
            "host": self.host,
        })
    }
}

/// A function's name as people read it.
pub fn shown(name: &str) -> String {
    let name = foreign(&demangled(name).unwrap_or_else(|| name.to_string()));
    match name.char_indices().nth(NAME_SHOWN_MAX) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name,
    }
}

/// What a Rust compiler has made a name of, without the hash in it; nothing if it is no such name. Cut: the readable form
/// of a short name can be very long.
fn demangled(name: &str) -> Option<String> {
    let parsed = rustc_demangle::try_demangle(name).ok()?;
    let mut text = Limited(String::new());
    // What does not fit is an error here, which ends the writing.
    let whole = write!(text, "{parsed:#}").is_ok();
    if !whole {
        text.0.push('…');
    }
    Some(text.0)
}

/// A text that takes only so much.
struct Limited(String);

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = NAME_SHOWN_MAX.saturating_sub(self.0.len());
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        let mut end = room;
        while !text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        self.0.push_str(text.get(..end).unwrap_or_default());
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: u32, name: Option<&str>) -> Frame {
        Frame { function: Some(function), name: name.map(Into::into), offset: Some(0x10), host: false }
    }

    #[test]
    fn rust_names_are_readable() {
        for (name, readable) in [
            ("_ZN5token6invoke17h0123456789abcdefE", "token::invoke"),
            ("_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE", "core::fmt::Formatter::write_str"),
            ("_RNvCs4fqI2P2rA04_5token6invoke", "token::invoke"),
            ("main", "main"),
            ("_ZN", "_ZN"),
            ("", ""),
        ] {
            assert_eq!(shown(name), readable, "{name}");
        }
    }

    /// Back references make a short name long: a thousand times as long, or without end.
    #[test]
    fn readable_names_are_cut() {
        let mut nested = String::from("_RIC1a");
        for _ in 0..20 {
            nested += "TB3_B3_B3_B3_E";
        }
        nested += "E";
        for name in [nested, format!("_ZN{}E", "1a".repeat(10_000)), "é".repeat(5_000)] {
            assert!(shown(&name).len() <= 2 * NAME_SHOWN_MAX + 8, "{}", shown(&name).len());
            assert!(shown(&name).ends_with('…'), "{}", shown(&name));
        }
    }

    #[test]
    fn frames_as_lines() {
        let mut trace = Trace {
            frames: vec![
                Frame { function: Some(2), name: Some("env.revert".into()), offset: None, host: true },
                frame(4, Some("_ZN5token6invoke17h0123456789abcdefE")),
                frame(5, None),
                frame(5, None),
                frame(6, Some("outer")),
            ],
            left_out: 7,
            left_out_at: 4,
            near: false,
        };
        let lines = |trace: &Trace| -> Vec<String> {
            let text = |(depth, text): (Option<usize>, String)| match depth {
                Some(depth) => format!("{depth}: {text}"),
                None => text,
            };
            trace.lines().into_iter().map(text).collect()
        };
        assert_eq!(
            lines(&trace),
            [
                "0: host function env.revert",
                "1: function 4 <token::invoke> at offset 0x10",
                "2: function 5 at offset 0x10, 2 times",
                "… 7 frames left out",
                "11: function 6 <outer> at offset 0x10",
            ]
        );
        trace.frames.drain(..4);
        (trace.left_out, trace.left_out_at, trace.near) = (0, 1, true);
        assert_eq!(lines(&trace), ["0: function 6 <outer> near offset 0x10"]);
        assert_eq!(trace.left_out_json(), Value::Null);
    }
}

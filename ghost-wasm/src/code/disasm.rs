//! Internal code as text, for golden files and for people who look at what the translator made.

use alloc::string::String;
use core::fmt::Write;

use super::inst::{Family, InstId};
use super::module::ModuleCode;

/// The code of a module that was translated with its instruction numbers left in: one line an op, with its
/// position, family, row, variant and operand words.
pub fn disassemble(code: &ModuleCode) -> String {
    let mut out = String::new();
    for (number, record) in code.records().iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "func {}: {} slots", record.func, record.frame_slots);
        let body = code.body(number).unwrap_or_default();
        let mut at = 0;
        while let Some([first, operands @ ..]) = body.get(at..).filter(|rest| !rest.is_empty()) {
            let inst = InstId(*first as u16);
            let words = inst.words(body.get(at..).unwrap_or_default());
            let _ = write!(out, "{at:5}  {}", name(inst));
            for word in operands.iter().take(words.saturating_sub(1)) {
                let _ = write!(out, " {word:x}");
            }
            out.push('\n');
            at += words;
        }
    }
    out
}

/// An instruction's family, operator and variant.
pub fn name(inst: InstId) -> String {
    let (family, row, variant) = inst.parts();
    let op = match family {
        Family::Control | Family::Service | Family::Moves | Family::Size => "",
        _ => family.rows().get(usize::from(row)).map_or("", |op| op.text()),
    };
    alloc::format!("{family:?} {op} /{variant}")
}

/// How many ops of the code are charges and nothing else: what the translator could not fold.
pub fn charge_ops(code: &ModuleCode) -> usize {
    let charge = Family::Control.inst(0, super::inst::control::CHARGE);
    let mut count = 0;
    for body in (0..code.records().len()).filter_map(|number| code.body(number)) {
        let mut at = 0;
        while let Some(first) = body.get(at) {
            let inst = InstId(*first as u16);
            count += usize::from(inst == charge);
            at += inst.words(body.get(at..).unwrap_or_default());
        }
    }
    count
}

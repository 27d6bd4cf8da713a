//! Jumps of the programs that loop: back while a counter lasts, and outward.

use std::fmt::Write as _;

use super::text::{COMPARES, Gen, I32, STEPS, signature};

impl Gen<'_> {
    /// Jumps back to some loop while its counter allows it.
    pub(super) fn back(&mut self) {
        let loops: Vec<(usize, usize)> = (self.labels.iter().rev().enumerate())
            .filter_map(|(depth, label)| Some((depth, label.counter?)))
            .collect();
        if !loops.is_empty() {
            let (depth, counter) = self.one(&loops);
            self.back_to(depth, counter);
        }
    }

    pub(super) fn back_to(&mut self, depth: usize, counter: usize) {
        let types = self.labels[self.labels.len() - 1 - depth].types.clone();
        let below = if types.is_empty() { 0 } else { self.one(&[0, 0, 1, 2]) };
        match self.rng.below(7) {
            // Values in place or above others, the counter last.
            0 | 1 => {
                self.befores();
                for _ in 0..below {
                    self.push("i32");
                }
                self.push_all(&types);
                self.line(format!("local.get $n{counter} i32.const -1 i32.add local.tee $n{counter}"));
                if self.rng.chance(50) {
                    self.line("i32.const 0 i32.gt_s");
                } else {
                    self.line(format!("local.get $n{counter} i32.const 31 i32.shr_s i32.gt_s"));
                }
                self.line(format!("br_if {depth}"));
                self.drop_all(below + types.len());
            }
            // The counter in place, moves and sums, then the comparison.
            2 | 3 => {
                self.line(format!("local.get $n{counter} i32.const 1 i32.sub local.set $n{counter}"));
                self.befores();
                for _ in 0..below {
                    self.push("i64");
                }
                self.push_all(&types);
                match self.rng.below(3) {
                    0 => self.line(format!("i32.const 0 local.get $n{counter} i32.lt_s")),
                    1 => {
                        let other = self.one(&I32);
                        self.line(format!(
                            "i32.const 0 local.set ${other} local.get $n{counter} i32.const -1 i32.add \
                             local.set $n{counter} local.get $n{counter} local.get ${other} i32.gt_s"
                        ));
                    }
                    _ => {
                        let (local, step) = (self.one(&I32), self.one(&STEPS));
                        self.line(format!(
                            "local.get ${local} i32.const {step} i32.add local.set ${local} \
                             i32.const 0 local.set $k{counter} \
                             local.get ${local} i32.const {step} i32.add local.set ${local} \
                             local.get $n{counter} i32.const -1 i32.add local.set $n{counter} \
                             local.get $n{counter} local.get $k{counter} i32.gt_s"
                        ));
                    }
                }
                self.line(format!("br_if {depth}"));
                self.drop_all(below + types.len());
            }
            // A guard, then a jump with what stands before it.
            4 => {
                self.line(format!("local.get $n{counter} i32.const 1 i32.sub local.tee $n{counter}"));
                self.line("i32.const 0 i32.gt_s if");
                self.befores();
                self.push_all(&types);
                if self.rng.chance(50) {
                    self.before();
                }
                self.line(format!("br {} end", depth + 1));
            }
            // In 64 bits.
            5 => {
                self.line(format!("local.get $n{counter} i32.const 1 i32.sub local.set $n{counter}"));
                self.befores();
                self.push_all(&types);
                self.line(format!("local.get $n{counter} i64.extend_i32_s local.tee $m{counter}"));
                self.line("i64.const 0 i64.gt_s");
                self.line(format!("br_if {depth}"));
                self.drop_all(types.len());
            }
            // By a table whose index is in a slot or was just made.
            _ => {
                let types = signature(&[], &types);
                self.line(format!("block{types}"));
                self.befores();
                for _ in 0..below {
                    self.push("i32");
                }
                let pushed = self.labels[self.labels.len() - 1 - depth].types.clone();
                self.push_all(&pushed);
                self.line(format!("local.get $n{counter} i32.const 1 i32.sub local.tee $n{counter}"));
                self.line("i32.const 1 i32.lt_s");
                if self.rng.chance(50) {
                    self.line(format!("local.tee $k{counter}"));
                }
                let back = depth + 1;
                let targets = self
                    .one(&["B 0", "B 0 0", "B B 0", "B 0 B 0", "B 0 0 0"])
                    .replace('B', &back.to_string());
                let targets = if targets.starts_with(&format!("{back} {back}")) {
                    // Index 1 would go back as well.
                    self.line("i32.const 1 i32.shl");
                    targets
                } else {
                    targets
                };
                self.line(format!("br_table {targets} end"));
                self.drop_all(pushed.len());
            }
        }
    }

    /// A local that was just made, written once more by a copy before a branch, and then used; or read once more as
    /// the address of a load whose value decides a branch.
    pub(super) fn used_again(&mut self) {
        let (local, from, other) = (self.one(&I32), self.one(&I32), self.one(&I32));
        let (compare, step) = (self.one(&COMPARES), self.one(&STEPS));
        if self.rng.chance(50) {
            self.line(format!("local.get ${other} i32.const {step} i32.xor local.set ${local}"));
            self.line(format!(
                "local.get ${from} local.set ${local} block local.get ${other} local.get ${from}"
            ));
        } else {
            self.line(format!("local.get ${from} i32.const 15 i32.and local.set ${local}"));
            let load = self.one(&["load", "load8_u", "load16_s"]);
            self.line(format!("block local.get ${local} i32.{load}"));
            let right =
                if self.rng.chance(50) { format!("local.get ${other}") } else { "i32.const 3".to_owned() };
            self.line(right);
        }
        self.line(format!(
            "i32.{compare} br_if 0 local.get ${local} local.get ${other} i32.mul local.set ${other} end"
        ));
    }

    /// Jumps out of blocks, or returns.
    pub(super) fn leave(&mut self) {
        let outward: Vec<usize> = (0..self.labels.len())
            .filter(|depth| self.labels[self.labels.len() - 1 - depth].counter.is_none())
            .collect();
        let depth = self.one(&outward);
        // Not too often all the way.
        if depth + 1 == self.labels.len() && self.rng.chance(70) {
            return;
        }
        let types = self.labels[self.labels.len() - 1 - depth].types.clone();
        let below = self.one(&[0, 0, 0, 1]);
        self.befores();
        if self.rng.chance(70) {
            for _ in 0..below {
                self.push("i32");
            }
            self.push_all(&types);
            self.condition();
            self.line(format!("br_if {depth}"));
            self.drop_all(types.len() + below);
            if self.rng.chance(20) {
                self.used_again();
            } else if self.rng.chance(40) {
                // What was just compared, again.
                self.condition();
                self.line(format!("if i32.const {} global.set $g end", self.budget));
            }
        } else {
            self.condition();
            self.line("if");
            self.befores();
            self.push_all(&types);
            if depth + 1 == self.labels.len() && self.rng.chance(50) {
                self.line("return end");
            } else {
                self.line(format!("br {} end", depth + 1));
            }
        }
    }

    pub(super) fn table(&mut self) {
        let outward: Vec<usize> = (0..self.labels.len())
            .filter(|depth| {
                let label = &self.labels[self.labels.len() - 1 - depth];
                label.counter.is_none() && label.types.is_empty()
            })
            .collect();
        self.line("block block");
        self.befores();
        self.push("i32");
        if self.rng.chance(60) {
            self.line("i32.const 3 i32.and");
        }
        if self.rng.chance(40) {
            let to = self.one(&I32);
            self.line(format!("local.tee ${to} br_if 0 local.get ${to}"));
        }
        let mut text = String::from("br_table 0 1");
        for _ in 0..self.rng.below(3) {
            if !outward.is_empty() {
                let depth = self.one(&outward) + 2;
                let _ = write!(text, " {depth}");
            }
        }
        text.push_str(" 0 end");
        self.line(text);
        self.befores();
        self.line("end");
    }
}

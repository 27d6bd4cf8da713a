;; What the translator got wrong once.

;; A comparison whose left operand is in the accumulator and whose right one is a constant too wide for an
;; immediate.
(module
  (func (export "wide") (param i64) (result i32)
    (i64.le_u (i64.popcnt (local.get 0)) (i64.const 0x101010101010101)))
  (func (export "wide_left") (param i64) (result i32)
    (i64.le_u (i64.const 0x101010101010101) (i64.popcnt (local.get 0))))
  (func (export "branch") (param i64) (result i32)
    (if (result i32) (i64.gt_s (i64.extend32_s (local.get 0)) (i64.const -0x7fffffffffffff))
      (then (i32.const 1)) (else (i32.const 2)))))
(assert_return (invoke "wide" (i64.const -1)) (i32.const 1))
(assert_return (invoke "wide_left" (i64.const -1)) (i32.const 0))
(assert_return (invoke "branch" (i64.const 5)) (i32.const 1))

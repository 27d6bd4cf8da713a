;; One page of memory, of which a call touches the first 4 KiB.
(module
  (memory (export "memory") 1)
  (global $calls (mut i64) (i64.const 0))
  (func (export "run") (param i32) (result i64)
    (global.set $calls (i64.add (global.get $calls) (i64.const 1)))
    (i32.store (i32.const 1024) (local.get 0))
    (i64.add
      (i64.mul (i64.load32_s (i32.const 1024)) (i64.const 10))
      (global.get $calls))))

;; The memory of a module that rustc makes when it is told nothing: a stack of 1 MiB that grows down, static
;; data above it, 17 pages in all. A call touches 4 KiB of the stack, of the data and of the heap.
(module
  (memory (export "memory") 17)
  (global $stack (mut i32) (i32.const 1048576))
  (data (i32.const 1048576) "\02\00\00\00\03\00\00\00")
  (func (export "run") (param i32) (result i64)
    (local $frame i32)
    (local.set $frame (i32.sub (global.get $stack) (i32.const 16)))
    (i32.store (local.get $frame) (local.get 0))
    (i32.store (i32.const 1056768) (i32.load (i32.const 1048576)))
    (i64.add
      (i64.mul (i64.load32_s (local.get $frame)) (i64.load32_u (i32.const 1048580)))
      (i64.load32_u (i32.const 1056768)))))

;; The least that an engine can be asked for: one function, no memory, nothing to link.
(module
  (func $twice (param i64) (result i64)
    local.get 0
    i64.const 1
    i64.shl)
  (func (export "run") (param i32) (result i64)
    local.get 0
    i64.extend_i32_s
    call $twice))

;; In 2.0 a constant expression reads imported globals only; a global that the module defines itself is
;; unknown there, whatever its mutability. One case for each place where such an expression stands.

(module
  (import "spectest" "global_i32" (global $imported i32))
  (global $copy i32 (global.get $imported))
  (func (export "copy") (result i32) (global.get $copy)))
(assert_return (invoke "copy") (i32.const 666))

(assert_invalid
  (module (global $a i32 (i32.const 0)) (global i32 (global.get $a)))
  "unknown global")
(assert_invalid
  (module (global $a i32 (i32.const 0)) (memory 1) (data (global.get $a) "x"))
  "unknown global")
(assert_invalid
  (module (global $a i32 (i32.const 0)) (table 1 funcref) (elem (global.get $a)))
  "unknown global")
(assert_invalid
  (module (global $a funcref (ref.null func)) (elem funcref (global.get $a)))
  "unknown global")
(assert_invalid
  (module (import "spectest" "global_i32" (global i32)) (global $a i32 (i32.const 0))
    (global i32 (global.get $a)))
  "unknown global")
(assert_invalid
  (module (global $a i64 (i64.const 0)) (global i64 (global.get $a)))
  "unknown global")

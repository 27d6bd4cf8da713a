;; Faults that other engines have had in the field and that a script can express.

;; A reference local is null before it is set, also after its slot held something else.
(module
  (func $secret (result i32) (i32.const 99))
  (elem declare func $secret)
  (func $fill (param funcref) (result i32) (local funcref)
    (local.set 1 (local.get 0)) (ref.is_null (local.get 1)))
  (func $fresh (result i32) (local funcref externref)
    (i32.add (ref.is_null (local.get 0)) (ref.is_null (local.get 1))))
  (func (export "fresh") (result i32)
    (drop (call $fill (ref.func $secret)))
    (call $fresh)))
(assert_return (invoke "fresh") (i32.const 2))

;; Address plus offset does not wrap around.
(module
  (memory 1)
  (func (export "load") (param i32) (result i32) (i32.load offset=4294967295 (local.get 0)))
  (func (export "store") (param i32) (i64.store offset=4294967288 (local.get 0) (i64.const 1)))
  (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 1) (local.get 1)))
  (func (export "byte") (param i32) (result i32) (i32.load8_u (local.get 0))))
(assert_trap (invoke "load" (i32.const 1)) "out of bounds memory access")
(assert_trap (invoke "load" (i32.const -1)) "out of bounds memory access")
(assert_trap (invoke "store" (i32.const 8)) "out of bounds memory access")
(assert_trap (invoke "fill" (i32.const 65535) (i32.const -1)) "out of bounds memory access")
;; The check comes before the first byte is written.
(assert_trap (invoke "fill" (i32.const 65530) (i32.const 7)) "out of bounds memory access")
(assert_return (invoke "byte" (i32.const 65530)) (i32.const 0))
(assert_return (invoke "fill" (i32.const 65530) (i32.const 6)))
(assert_return (invoke "byte" (i32.const 65535)) (i32.const 1))

;; A dropped segment is empty; so is an active one after instantiation, and a declared one from the start.
(module
  (table $t 4 funcref)
  (func $f)
  (elem $passive func $f $f)
  (elem $active (i32.const 0) func $f)
  (elem $declared declare func $f)
  (func (export "passive") (param i32) (table.init $passive (i32.const 0) (i32.const 0) (local.get 0)))
  (func (export "active") (param i32) (table.init $active (i32.const 0) (i32.const 0) (local.get 0)))
  (func (export "declared") (param i32) (table.init $declared (i32.const 0) (i32.const 0) (local.get 0)))
  (func (export "drop") (elem.drop $passive)))
(assert_return (invoke "passive" (i32.const 2)))
(assert_return (invoke "drop"))
(assert_return (invoke "passive" (i32.const 0)))
(assert_trap (invoke "passive" (i32.const 1)) "out of bounds table access")
(assert_return (invoke "active" (i32.const 0)))
(assert_trap (invoke "active" (i32.const 1)) "out of bounds table access")
(assert_trap (invoke "declared" (i32.const 1)) "out of bounds table access")

;; The validator's stack: underflow, the polymorphic stack, an else that leaves another type.
(assert_invalid (module (func (result i32) (i32.add (i32.const 1)))) "type mismatch")
(assert_invalid (module (func (block (drop)))) "type mismatch")
(assert_invalid (module (func (result i32) (unreachable) (i64.const 0) (i32.eqz))) "type mismatch")
(assert_invalid
  (module (func (result i32) (if (result i32) (i32.const 1) (then (i32.const 1)) (else (i64.const 1)))))
  "type mismatch")
(assert_invalid (module (func (result i32) (if (result i32) (i32.const 1) (then (i32.const 1))))) "type mismatch")

;; An else without an if is no operator; a byte after the final end; a body whose constant holds 0x0b.
(assert_malformed
  (module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\06\01\04\00\0b\01\0b")
  "section size mismatch")
(module binary
  "\00asm\01\00\00\00" "\01\05\01\60\00\01\7f" "\03\02\01\00" "\07\05\01\01f\00\00"
  "\0a\06\01\04\00\41\0b\0b")
(assert_return (invoke "f") (i32.const 11))

;; A block type whose index names no type.
(assert_invalid
  (module binary "\00asm\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00" "\0a\07\01\05\00\02\05\0b\0b")
  "unknown type")

;; A declared count far beyond the bytes that follow.
(assert_malformed (module binary "\00asm\01\00\00\00" "\01\05\ff\ff\ff\ff\0f") "unexpected end")

;; A result of a call through an index beyond the table, and through an empty entry.
(module
  (type $v (func))
  (table 2 funcref)
  (func (export "call") (param i32) (call_indirect (type $v) (local.get 0))))
(assert_trap (invoke "call" (i32.const 0)) "uninitialized element")
(assert_trap (invoke "call" (i32.const 2)) "undefined element")
(assert_trap (invoke "call" (i32.const -1)) "undefined element")

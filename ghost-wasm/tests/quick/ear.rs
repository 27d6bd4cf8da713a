//! All that can be heard and seen of a module on its way in, by both paths.

use std::cell::RefCell;
use std::rc::Rc;

use ghost_wasm::internals::{BodySink, Instr, ModuleEnv, Op, Slowly, Stream};
use ghost_wasm::table::limits::Limit;
use ghost_wasm::{Engine, Error, ErrorCode, Progress, ValType};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Code(u64, u64),
    Begin(u32, u32),
    Locals(u32, ValType),
    Instr(Instr, u32),
    Target(u32, bool, u32),
    Height(u32),
    Finish,
}

#[derive(Debug, Default)]
struct Heard {
    events: Vec<Event>,
    bytes: Vec<u8>,
    /// Types of the locals of the body at hand.
    locals: Vec<ValType>,
}

/// Writes down every call. What it has heard outlives a stream that fails.
#[derive(Default)]
struct Ear(Rc<RefCell<Heard>>);

impl Ear {
    fn hear(&self, event: Event) -> Result<(), Error> {
        self.0.borrow_mut().events.push(event);
        Ok(())
    }
}

impl BodySink for Ear {
    fn code(&mut self, start: u64, end: u64) {
        self.0.borrow_mut().events.push(Event::Code(start, end));
    }
    fn begin(&mut self, env: &ModuleEnv, func: u32, offset: u32) -> Result<(), Error> {
        self.0.borrow_mut().locals = env.func_type(func).expect("a type").params().to_vec();
        self.hear(Event::Begin(func, offset))
    }
    fn locals(&mut self, _: &ModuleEnv, count: u32, ty: ValType) -> Result<(), Error> {
        self.0.borrow_mut().locals.extend((0..count).map(|_| ty));
        self.hear(Event::Locals(count, ty))
    }
    fn instr(&mut self, _: &ModuleEnv, instr: &Instr, offset: u32) -> Result<(), Error> {
        self.hear(Event::Instr(*instr, offset))
    }
    // The same as `instr`, but for the type.
    fn local_get(
        &mut self,
        _: &ModuleEnv,
        local: u32,
        ty: Option<ValType>,
        offset: u32,
    ) -> Result<(), Error> {
        let declared = self.0.borrow().locals.get(local as usize).copied();
        assert_eq!(declared, ty, "local {local} at {offset}");
        self.hear(Event::Instr(Instr { x: local, ..Instr::plain(Op::LocalGet) }, offset))
    }
    fn br_table_target(
        &mut self,
        _: &ModuleEnv,
        label: u32,
        default: bool,
        offset: u32,
    ) -> Result<(), Error> {
        self.hear(Event::Target(label, default, offset))
    }
    fn height(&mut self, height: u32) -> Result<(), Error> {
        self.hear(Event::Height(height))
    }
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.borrow_mut().bytes.extend_from_slice(bytes);
    }
    fn finish(&mut self, _: &ModuleEnv) -> Result<(), Error> {
        self.hear(Event::Finish)
    }
}

/// All of an error.
type Failed = (ErrorCode, Option<u64>, Option<u32>, Option<String>, Option<(Limit, u64)>);

/// What became of a module.
#[derive(Debug, PartialEq)]
pub struct Seen {
    events: Vec<Event>,
    bytes: Vec<u8>,
    /// Where each call has stopped, the failed one included.
    stops: Vec<Progress>,
    /// The work, or the error.
    end: Result<u64, Failed>,
}

impl Seen {
    pub fn is_valid(&self) -> bool {
        self.end.is_ok()
    }

    /// The same, wherever the calls have stopped. How much of a module that fails
    /// was taken before depends on the cuts.
    fn agrees(&self, other: &Seen) -> bool {
        self.events == other.events
            && self.end == other.end
            && (self.end.is_err() || self.bytes == other.bytes)
    }
}

/// Feeds a module; `next` gives the length of a piece and the work of a call.
fn feed<S: BodySink>(
    engine: &Engine,
    mut bytes: &[u8],
    sink: impl FnOnce(Ear) -> S,
    mut next: impl FnMut() -> (usize, u64),
) -> Seen {
    let heard = Rc::new(RefCell::new(Heard::default()));
    let mut stream = Stream::new(engine, sink(Ear(Rc::clone(&heard))));
    let mut stops = Vec::new();
    let mut failed = None;
    while !bytes.is_empty() && failed.is_none() {
        let (len, work) = next();
        match stream.feed_bounded(&bytes[..len.min(bytes.len())], work) {
            Ok(taken) => {
                assert!(taken > 0, "each call makes progress");
                bytes = &bytes[taken..];
            }
            Err(error) => failed = Some(error),
        }
        stops.push(stream.progress());
    }
    let end = match failed {
        Some(error) => Err(error),
        None => stream.finish().map(|(data, _)| data.work),
    };
    let end = end.map_err(|error| {
        let detail = error.detail().map(ToOwned::to_owned);
        (error.code(), error.offset(), error.operand(), detail, error.exceeded_limit())
    });
    let heard = heard.take();
    Seen { events: heard.events, bytes: heard.bytes, stops, end }
}

#[track_caller]
fn same(bytes: &[u8], quick: &Seen, slow: &Seen, equal: bool) {
    if equal {
        return;
    }
    let first = quick.events.iter().zip(&slow.events).take_while(|(quick, slow)| quick == slow).count();
    panic!(
        "event {first}: quickly {:?}, slowly {:?}\nquickly {:?}, {:?}\nslowly {:?}, {:?}\n{bytes:02x?}",
        quick.events.get(first),
        slow.events.get(first),
        quick.end,
        quick.stops.last(),
        slow.end,
        slow.stops.last(),
    );
}

/// The whole module by both paths.
#[track_caller]
pub fn both(engine: &Engine, bytes: &[u8]) -> Seen {
    let whole = || (usize::MAX, u64::MAX);
    let quick = feed(engine, bytes, |ear| ear, whole);
    let slow = feed(engine, bytes, Slowly, whole);
    same(bytes, &quick, &slow, quick == slow);
    quick
}

/// The module in pieces by both paths, and as a whole by the general one.
#[track_caller]
pub fn cuts(engine: &Engine, bytes: &[u8], mut next: impl FnMut() -> (usize, u64)) {
    let mut taken = Vec::new();
    let quick = feed(
        engine,
        bytes,
        |ear| ear,
        || {
            let (len, work) = next();
            taken.push((len.max(1), work));
            (len.max(1), work)
        },
    );
    let mut again = taken.into_iter();
    let slow = feed(engine, bytes, Slowly, || again.next().expect("as many calls"));
    same(bytes, &quick, &slow, quick == slow);
    let whole = feed(engine, bytes, Slowly, || (usize::MAX, u64::MAX));
    same(bytes, &quick, &whole, quick.agrees(&whole));
}

//! The WebAssembly face: the page's worker writes a request into the module's memory, calls, and reads the answer.
//!
//! Every export is a plain function on numbers, so that no generated JavaScript is needed. Imports that crates for the
//! web leave in the module are never called in a training; the page gives it functions that do nothing but fail.

mod random;

use std::cell::RefCell;
use std::panic;

use serde_json::json;

use crate::desk::{Answer, Desk};

thread_local! {
    static DESK: RefCell<Desk> = RefCell::default();
    static REQUEST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static PANIC: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What an answer is.
const JSON: u32 = 0;
const BYTES: u32 = 1;
const ERROR: u32 = 2;

/// Room for a request of this length: the worker writes it there. The text of a panic, which ends the module, is kept from
/// now on.
#[expect(unsafe_code, reason = "an exported name is an unsafe attribute")]
#[unsafe(no_mangle)]
pub extern "C" fn reserve(length: usize) -> *mut u8 {
    panic::set_hook(Box::new(|info| PANIC.set(info.to_string().into_bytes())));
    REQUEST.with_borrow_mut(|request| {
        request.clear();
        request.resize(length, 0);
        request.as_mut_ptr()
    })
}

/// Answers the request: JSON, bytes, or an error as JSON with `kind`, `message` and, of one that has it, `step`.
#[expect(unsafe_code, reason = "an exported name is an unsafe attribute")]
#[unsafe(no_mangle)]
pub extern "C" fn call() -> u32 {
    let request = REQUEST.take();
    let (kind, bytes) = match DESK.with_borrow_mut(|desk| desk.answer(&request)) {
        Ok(Answer::Json(json)) => (JSON, json.into_bytes()),
        Ok(Answer::Bytes(bytes)) => (BYTES, bytes),
        Err(error) => {
            let json = json!({ "kind": error.kind(), "message": error.to_string() });
            (ERROR, json.to_string().into_bytes())
        }
    };
    ANSWER.set(bytes);
    kind
}

/// Where the answer lies, until the next call.
#[expect(unsafe_code, reason = "an exported name is an unsafe attribute")]
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> *const u8 {
    ANSWER.with_borrow(Vec::as_ptr)
}

/// How long it is.
#[expect(unsafe_code, reason = "an exported name is an unsafe attribute")]
#[unsafe(no_mangle)]
pub extern "C" fn answer_length() -> usize {
    ANSWER.with_borrow(Vec::len)
}

/// Makes the text of the panic that has ended a call the answer.
#[expect(unsafe_code, reason = "an exported name is an unsafe attribute")]
#[unsafe(no_mangle)]
pub extern "C" fn take_panic() {
    ANSWER.set(PANIC.take());
}

//! What the process's allocator does with memory that training frees and asks for again a moment later.

/// Tells mimalloc to keep freed memory instead of handing it back to the system after a second.
///
/// A step allocates and frees the same arrays as the step before it. Memory that went back has to be cleared by the
/// system when it comes again, which takes more than a tenth of a training step. Call it once, at the start.
pub fn keep_freed_memory() {
    // SAFETY: the function sets one number in a table of options, and may be called at any time.
    #[expect(unsafe_code)]
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, -1);
    }
}

/// Index of the option `purge_delay` in mimalloc 3, which the bindings do not name; -1 means never.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

//! Hints to the processor about what will soon be read.

/// Asks for the cache lines that hold the beginning and the end of `data`.
#[inline]
pub(crate) fn prefetch<T>(data: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let range = data.as_ptr_range();
        let (first, last) = (
            range.start.cast::<i8>(),
            range.end.cast::<i8>().wrapping_sub(1),
        );
        let mut at = first;
        while at <= last {
            #[expect(
                unsafe_code,
                reason = "the intrinsic is unsafe, though a hint reads nothing"
            )]
            // SAFETY: a prefetch reads nothing and faults on no address.
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(at);
            }
            at = at.wrapping_add(64);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = data;
}

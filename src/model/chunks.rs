//! Work in chunks, several at once on a CPU.
//!
//! An operator on a few small tensors does not keep several cores busy: they wait for each other after each. Here every
//! core has a chunk of its own instead.

use std::sync::OnceLock;

use rayon::ThreadPool;
use rayon::prelude::*;

/// `work` of each chunk, in their order; as many at once as libtorch has threads here, each in one thread. It does not
/// matter to the result how many. A single chunk gets all threads.
pub fn in_chunks<C: Send, R: Send>(chunks: Vec<C>, work: impl Fn(C) -> R + Sync) -> Vec<R> {
    let threads = tch::get_num_threads();
    if threads < 2 || chunks.len() < 2 {
        return chunks.into_iter().map(work).collect();
    }
    match pool(threads) {
        Some(pool) => pool.install(|| chunks.into_par_iter().map(&work).collect()),
        // The system allows no more threads.
        None => chunks.into_iter().map(work).collect(),
    }
}

/// Threads that stay, because libtorch keeps what it has prepared for a convolution by thread.
fn pool(threads: i32) -> Option<&'static ThreadPool> {
    static POOL: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let pool = POOL.get_or_init(|| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads as usize).build().ok()?;
        pool.broadcast(|_| {
            // libtorch's first use in a thread sets OpenMP's limit, which is per thread, to the last one set anywhere.
            let _ = tch::get_num_threads();
            tch::set_num_threads(1);
        });
        tch::set_num_threads(threads);
        Some(pool)
    });
    pool.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_come_back_in_order_and_each_has_one_thread() {
        let before = tch::get_num_threads();
        let found = in_chunks((0..50).collect(), |chunk: usize| (chunk, tch::get_num_threads()));
        assert_eq!(tch::get_num_threads(), before);
        let chunks: Vec<usize> = found.iter().map(|(chunk, _)| *chunk).collect();
        assert_eq!(chunks, (0..50).collect::<Vec<_>>());
        assert!(found.iter().all(|(_, threads)| *threads == 1), "{found:?}");
        assert_eq!(in_chunks(vec![()], |()| tch::get_num_threads()), [before]);
    }
}

//! How many images a training has, and how many steps an epoch takes.

use serde::Serialize;

/// How many images each split has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ImageCounts {
    pub train: usize,
    pub val: usize,
    pub test: usize,
}

/// Steps of one epoch over this many images in batches of `size`: the last batch holds the remainder. A remainder of one
/// image joins the batch before it, because batch normalisation cannot divide by the variance of one image.
pub fn steps_per_epoch(images: usize, size: usize) -> usize {
    let joins = size > 1 && images > size && images % size == 1;
    images.div_ceil(size) - usize::from(joins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_image_joins_the_batch_before() {
        let of_four = [1, 4, 5, 6, 8, 9, 10].map(|images| steps_per_epoch(images, 4));
        assert_eq!(of_four, [1, 1, 1, 2, 2, 2, 3]);
        assert_eq!(steps_per_epoch(5, 1), 5);
    }
}

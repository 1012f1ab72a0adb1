//! The former scheme: cascadic relaxation, a fixed number of times on each level.

use tch::{Kind, Tensor};

const RELAXATIONS: usize = 24;

pub fn inpainted(pictures: &Tensor, masks: &Tensor) -> Tensor {
    let seen = 1.0 - masks;
    diffused(&(pictures * &seen), &seen)
}

fn diffused(values: &Tensor, seen: &Tensor) -> Tensor {
    let size = values.size();
    let (height, width) = (size[2], size[3]);
    if height == 1 && width == 1 {
        return values.shallow_clone();
    }
    let halved =
        |values: &Tensor| values.avg_pool2d([2, 2], [2, 2], [0, 0], true, false, None::<i64>);
    let share = halved(seen);
    let coarse_seen = share.greater(0).to_kind(Kind::Float);
    let coarse = diffused(&(halved(values) / share.clamp_min(1e-6)), &coarse_seen);

    let free = 1.0 - seen;
    let start = coarse.upsample_bilinear2d([height, width], false, 2.0, 2.0);
    let mut filled = values + start * &free;
    let cross = Tensor::from_slice(&[0f32, 0.25, 0., 0.25, 0., 0.25, 0., 0.25, 0.]);
    let cross = cross.to_device(values.device()).view([1, 1, 3, 3]).repeat([size[1], 1, 1, 1]);
    for _ in 0..RELAXATIONS {
        let around = filled.replication_pad2d([1, 1, 1, 1]);
        let mean = around.conv2d(&cross, None::<&Tensor>, [1, 1], [0, 0], [1, 1], size[1]);
        filled = values + mean * &free;
    }
    filled
}

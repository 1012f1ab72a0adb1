//! What may be assumed of a network's pictures.

use serde::Serialize;

use crate::experiment::Color;

/// How values come to a network, from pictures whose white is 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scaling {
    /// What white is before mean and standard deviation.
    pub range: f64,
    /// One for all channels, or one for each.
    pub mean: Vec<f64>,
    pub std: Vec<f64>,
}

/// What is assumed of a network's pictures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assumption {
    pub color: Color,
    pub scaling: Scaling,
}

/// What the user says of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Declared {
    pub color: Option<Color>,
    pub range: Option<f64>,
    pub mean: Option<Vec<f64>>,
    pub std: Option<Vec<f64>>,
}

impl Declared {
    /// Whether an assumption is as declared.
    pub fn allows(&self, assumption: &Assumption) -> bool {
        let Assumption { color, scaling: Scaling { range, mean, std } } = assumption;
        self.color.is_none_or(|own| own == *color)
            && self.range.is_none_or(|own| own == *range)
            && self.mean.as_ref().is_none_or(|own| own == mean)
            && self.std.as_ref().is_none_or(|own| own == std)
    }

    /// The declared scaling, where any part of it is declared.
    fn scaling(&self) -> Option<Scaling> {
        let Declared { range, mean, std, .. } = self;
        (range.is_some() || mean.is_some() || std.is_some()).then(|| Scaling {
            range: range.unwrap_or(1.0),
            mean: mean.clone().unwrap_or_else(|| vec![0.0]),
            std: std.clone().unwrap_or_else(|| vec![1.0]),
        })
    }
}

/// The usual assumptions for a network of so many channels, and the declared one. `bytes`: it takes pictures as whole
/// numbers, which have one scale.
pub fn assumptions(channels: usize, bytes: bool, declared: &Declared) -> Vec<Assumption> {
    let colors: &[Color] = if channels == 1 { &[Color::Grey] } else { &[Color::Rgb, Color::Bgr] };
    let scaling = |range: f64, mean: &[f64], std: &[f64]| Scaling {
        range,
        mean: mean.to_vec(),
        std: std.to_vec(),
    };
    // torchvision's means and deviations of ImageNet, and the deviations of its grey.
    let imagenet = match channels {
        1 => scaling(1.0, &[0.449], &[0.226]),
        _ => scaling(1.0, &[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225]),
    };
    // Caffe's means of ImageNet, in the order of blue, green, red.
    let caffe = scaling(255.0, &[103.939, 116.779, 123.68], &[1.0]);
    let mut scalings = vec![
        scaling(1.0, &[0.0], &[1.0]),
        scaling(1.0, &[0.5], &[0.5]),
        imagenet,
        scaling(255.0, &[0.0], &[1.0]),
    ];
    if channels == 3 {
        scalings.push(caffe);
    }
    if bytes {
        scalings = vec![scaling(255.0, &[0.0], &[1.0])];
    } else if let Some(own) = declared.scaling()
        && !scalings.contains(&own)
    {
        scalings.insert(0, own);
    }
    let each = scalings.iter().flat_map(|scaling| {
        colors.iter().map(|color| Assumption { color: *color, scaling: scaling.clone() })
    });
    each.collect()
}

impl std::fmt::Display for Assumption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Assumption { color, scaling: Scaling { range, mean, std } } = self;
        let color = match color {
            Color::Grey => "grey",
            Color::Rgb => "RGB",
            Color::Bgr => "BGR",
        };
        write!(f, "{color}, values from 0 to {range}")?;
        let listed = |numbers: &[f64]| {
            let numbers: Vec<String> = numbers.iter().map(f64::to_string).collect();
            numbers.join(", ")
        };
        if mean.iter().any(|mean| *mean != 0.0) {
            write!(f, ", less {}", listed(mean))?;
        }
        if std.iter().any(|std| *std != 1.0) {
            write!(f, ", divided by {}", listed(std))?;
        }
        Ok(())
    }
}

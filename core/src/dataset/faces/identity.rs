//! A person's identity: the traits that do not change with the expression.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use super::draw::canvas::Rgb;

/// One person. Lengths are in hundredths of the canonical face frame, shares from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    pub skin: Rgb,
    pub hair: Rgb,
    pub iris: Rgb,
    pub clothes: Rgb,
    pub hair_style: HairStyle,
    pub beard: Beard,
    pub glasses: Option<Glasses>,
    /// 0 is young, 1 is old: lines, bags under the eyes, grey hair.
    pub age: f32,
    /// 0 is a face that most people call a man's, 1 a woman's: lashes, lips, brows.
    pub femininity: f32,
    /// Half the width of the face at the cheekbones, and at the corners of the jaw.
    pub cheek_width: f32,
    pub jaw_width: f32,
    /// How far the chin reaches to the sides before it turns up: pointed to square.
    pub chin_width: f32,
    pub chin_height: f32,
    /// Where the hair begins.
    pub hairline: f32,
    /// How far each eye lies outward of its canonical place.
    pub eye_distance: f32,
    /// Half the width of the open eye.
    pub eye_width: f32,
    /// How far the open lids stand apart, times the usual.
    pub eye_opening: f32,
    /// How far the outer corner of the eye lies above the inner one.
    pub eye_tilt: f32,
    /// Where the brow lies at rest: up is negative.
    pub brow_height: f32,
    pub brow_thickness: f32,
    pub brow_arch: f32,
    /// Half the width of the nose at its wings, and of its bridge.
    pub nose_width: f32,
    pub bridge_width: f32,
    /// Half the width of the mouth at rest.
    pub mouth_width: f32,
    /// Thickness of the lips, times the usual.
    pub lip_fullness: f32,
    /// Side on which the hair is parted.
    pub parted_left: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HairStyle {
    Short,
    Parted,
    Long,
    Curly,
    TiedBack,
    Receding,
    Bald,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beard {
    None,
    Stubble,
    Moustache,
    Full,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glasses {
    Round,
    Square,
}

const SKINS: [Rgb; 6] = [
    Rgb(0.97, 0.83, 0.74),
    Rgb(0.93, 0.76, 0.64),
    Rgb(0.86, 0.67, 0.52),
    Rgb(0.76, 0.56, 0.42),
    Rgb(0.62, 0.43, 0.32),
    Rgb(0.48, 0.33, 0.25),
];

const HAIRS: [Rgb; 6] = [
    Rgb(0.10, 0.08, 0.08),
    Rgb(0.20, 0.13, 0.09),
    Rgb(0.34, 0.22, 0.14),
    Rgb(0.53, 0.36, 0.20),
    Rgb(0.76, 0.60, 0.36),
    Rgb(0.56, 0.27, 0.13),
];
pub const GREY: Rgb = Rgb(0.72, 0.71, 0.70);

const IRISES: [Rgb; 4] =
    [Rgb(0.27, 0.16, 0.09), Rgb(0.40, 0.26, 0.13), Rgb(0.30, 0.42, 0.30), Rgb(0.30, 0.46, 0.60)];

const CLOTHES: [Rgb; 4] =
    [Rgb(0.22, 0.30, 0.42), Rgb(0.55, 0.28, 0.26), Rgb(0.32, 0.40, 0.33), Rgb(0.62, 0.60, 0.56)];

impl Person {
    /// The average person, drawn where `identity` is 0.
    pub fn average() -> Person {
        Person {
            skin: SKINS[1],
            hair: HAIRS[2],
            iris: IRISES[1],
            clothes: CLOTHES[0],
            hair_style: HairStyle::Short,
            beard: Beard::None,
            glasses: None,
            age: 0.25,
            femininity: 0.5,
            cheek_width: 33.5,
            jaw_width: 26.0,
            chin_width: 14.6,
            chin_height: 94.2,
            hairline: 5.5,
            eye_distance: 0.0,
            eye_width: 8.2,
            eye_opening: 1.0,
            eye_tilt: 0.8,
            brow_height: 0.0,
            brow_thickness: 1.0,
            brow_arch: 1.0,
            nose_width: 7.0,
            bridge_width: 3.0,
            mouth_width: 14.5,
            lip_fullness: 1.0,
            parted_left: true,
        }
    }

    /// Draws a person. `identity` scales how far people are from the average, and how often they wear
    /// or grow something: 0 is always the average, 1 a crowd.
    pub fn draw(rng: &mut impl Rng, identity: f64) -> Person {
        let amount = identity as f32;
        let normal = &mut |rng: &mut _| -> f32 {
            let draw: f32 = StandardNormal.sample(rng);
            draw.clamp(-2.0, 2.0) * amount
        };
        let average = Person::average();

        // Every person takes the same number of draws, so that no trait shifts another's.
        let [skin, hair, iris, clothes, style, beard, glasses, age, femininity]: [f32; 9] =
            std::array::from_fn(|_| rng.random());
        let femininity = average.femininity + (femininity - average.femininity) * amount.min(1.0);
        let age = average.age + (age * age - average.age) * amount.min(1.0);
        let vary = |from: Rgb, to: Rgb| from.mix(to, amount.min(1.0));

        let tone = passage(&SKINS, skin);
        // Dark skin seldom goes with fair hair or eyes.
        let fairness = 1.0 - 0.85 * skin;
        let colour = passage(&HAIRS, hair * fairness);
        let greyness = ((age - 0.55) * 2.0).clamp(0.0, 0.9);
        let (hair_style, beard) = if amount > 0.0 {
            (hair_style(style, femininity, age), grown_beard(beard, femininity, amount))
        } else {
            (average.hair_style, average.beard)
        };
        let wears = 0.16 * amount;
        let glasses = match glasses {
            share if share < 0.5 * wears => Some(Glasses::Round),
            share if share < wears => Some(Glasses::Square),
            _ => None,
        };
        let manly = 0.5 - femininity;
        let hairline = average.hairline + normal(rng) * 0.9
            - if hair_style == HairStyle::Receding { 6.5 } else { 0.0 };
        Person {
            skin: vary(average.skin, tone),
            hair: vary(average.hair, colour.mix(GREY, greyness)),
            iris: vary(average.iris, passage(&IRISES, (iris * fairness).min(1.0))),
            clothes: vary(average.clothes, passage(&CLOTHES, clothes)),
            hair_style,
            beard,
            glasses,
            age,
            femininity,
            cheek_width: (33.5 + normal(rng) * 1.2).clamp(30.5, 36.0),
            jaw_width: (26.0 + manly * 1.6 + normal(rng) * 0.7).clamp(25.2, 28.4),
            chin_width: (14.6 + manly * 3.0 + normal(rng) * 0.9).clamp(13.2, 18.0),
            chin_height: (94.2 + manly * 0.6 + normal(rng) * 0.4).clamp(93.2, 95.0),
            hairline,
            eye_distance: (normal(rng) * 0.5).clamp(-1.2, 1.2),
            eye_width: (8.2 - manly * 0.5 + normal(rng) * 0.3).clamp(7.4, 9.0),
            eye_opening: (1.0 - manly * 0.12 + normal(rng) * 0.06).clamp(0.8, 1.2),
            eye_tilt: (0.8 + normal(rng) * 0.6).clamp(-0.8, 2.4),
            brow_height: (manly * 0.5 + normal(rng) * 0.35).clamp(-0.9, 0.9),
            brow_thickness: (1.0 + manly * 0.5 + normal(rng) * 0.14).clamp(0.55, 1.5),
            brow_arch: (1.0 - manly * 0.8 + normal(rng) * 0.35).clamp(0.1, 2.0),
            nose_width: (7.0 + manly * 0.9 + normal(rng) * 0.6).clamp(5.6, 8.8),
            bridge_width: (3.0 + manly * 0.5 + normal(rng) * 0.25).clamp(2.3, 3.8),
            mouth_width: (14.5 + normal(rng) * 0.7).clamp(13.0, 16.0),
            lip_fullness: (1.0 - manly * 0.35 + normal(rng) * 0.14).clamp(0.65, 1.45),
            parted_left: amount == 0.0 || rng.random(),
        }
    }
}

fn hair_style(draw: f32, femininity: f32, age: f32) -> HairStyle {
    use HairStyle::*;
    let styles: &[HairStyle] = if femininity > 0.5 {
        &[Long, Long, Long, TiedBack, TiedBack, Curly, Parted]
    } else if age > 0.45 {
        &[Short, Parted, Receding, Receding, Bald]
    } else {
        &[Short, Short, Parted, Parted, Curly, Bald, Receding]
    };
    styles[(draw * styles.len() as f32) as usize]
}

fn grown_beard(draw: f32, femininity: f32, amount: f32) -> Beard {
    if femininity > 0.4 {
        return Beard::None;
    }
    match draw / amount.min(1.0) {
        share if share < 0.18 => Beard::Full,
        share if share < 0.42 => Beard::Stubble,
        share if share < 0.52 => Beard::Moustache,
        _ => Beard::None,
    }
}

/// The colour at `share` of the way along a scale.
fn passage(scale: &[Rgb], share: f32) -> Rgb {
    let place = share.clamp(0.0, 0.9999) * (scale.len() - 1) as f32;
    let index = place as usize;
    scale[index].mix(scale[index + 1], place - index as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn without_identity_everybody_is_the_same() {
        let person = |seed| Person::draw(&mut ChaCha8Rng::seed_from_u64(seed), 0.0);
        let average = Person::average();
        assert_eq!(person(1), person(2));
        assert_eq!(person(1).hair_style, average.hair_style);
        assert_eq!(person(1).cheek_width, average.cheek_width);
        assert_eq!(person(1).skin, average.skin);
    }

    #[test]
    fn people_differ_more_where_identity_is_larger() {
        let spread = |identity| {
            let widths: Vec<f32> = (0..400)
                .map(|seed| Person::draw(&mut ChaCha8Rng::seed_from_u64(seed), identity).nose_width)
                .collect();
            let mean = widths.iter().sum::<f32>() / 400.0;
            widths.iter().map(|width| (width - mean).powi(2)).sum::<f32>() / 400.0
        };
        assert!(spread(1.0) > 2.0 * spread(0.5));
        assert!(spread(0.5) > 0.0);
    }

    #[test]
    fn some_wear_glasses_and_some_a_beard() {
        let crowd: Vec<Person> =
            (0..500).map(|seed| Person::draw(&mut ChaCha8Rng::seed_from_u64(seed), 1.0)).collect();
        let share = |has: &dyn Fn(&Person) -> bool| {
            crowd.iter().filter(|person| has(person)).count() as f64 / 500.0
        };
        assert!((0.08..0.25).contains(&share(&|person| person.glasses.is_some())));
        assert!((0.05..0.35).contains(&share(&|person| person.beard != Beard::None)));
        assert!((0.15..0.5).contains(&share(&|person| person.hair_style == HairStyle::Long)));
    }
}

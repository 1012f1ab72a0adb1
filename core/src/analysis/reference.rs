//! Numbers that scipy and statsmodels computed (`tests/reference_statistics.py`, which says how), and R's limma
//! (`tests/moderated.R`).

use serde_json::Value;

use super::moderated::Fitted;
use super::{Differences, holm, shapley_values};

fn reference() -> Value {
    serde_json::from_str(include_str!("../../../tests/data/reference_statistics.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn close(found: f64, expected: &Value, name: &Value) {
    let expected = expected.as_f64().unwrap();
    let error = (found - expected).abs();
    assert!(error < 1e-8 * expected.abs().max(1e-2), "{name}: {found} is not {expected}");
}

#[test]
fn intervals_and_p_values() {
    let reference = reference();
    let cases = reference["crossed"].as_array().unwrap();
    assert!(cases.len() > 5);
    for case in cases {
        let rows: Vec<Vec<f64>> = case["table"].as_array().unwrap().iter().map(numbers).collect();
        let table =
            Differences::from_fn(rows.len(), rows[0].len(), |seed, image| rows[seed][image])
                .unwrap();
        let (name, estimate) = (&case["name"], table.estimate());
        let (low, high) = estimate.interval.unwrap();
        close(estimate.mean, &case["mean"], name);
        close(low, &case["low"], name);
        close(high, &case["high"], name);
        close(estimate.p.unwrap(), &case["p"], name);
        if let Some(components) = table.components() {
            close(components.seeds, &case["components"]["seeds"], name);
            close(components.images, &case["components"]["images"], name);
            close(components.rest, &case["components"]["rest"], name);
        }
    }
}

#[test]
fn moderated_variances() {
    let reference: Value =
        serde_json::from_str(include_str!("../../../tests/data/moderated.json")).unwrap();
    let cases = reference["cases"].as_array().unwrap();
    assert!(cases.len() > 5);
    for case in cases {
        let (variances, freedom) = (numbers(&case["variances"]), numbers(&case["freedom"]));
        let of_each: Vec<(f64, f64)> = variances.into_iter().zip(freedom).collect();
        let (name, fitted) = (&case["name"], Fitted::of(&of_each).unwrap());
        close(fitted.variance, &case["prior_variance"], name);
        match case["prior_freedom"].as_f64() {
            Some(_) => close(fitted.freedom, &case["prior_freedom"], name),
            None => assert_eq!(fitted.freedom, f64::INFINITY, "{name}"),
        }
        for ((variance, freedom), expected) in
            of_each.iter().zip(case["moderated"].as_array().unwrap())
        {
            close(fitted.draw(*variance, *freedom), expected, name);
        }
    }
}

#[test]
fn corrected_p_values() {
    for case in reference()["holm"].as_array().unwrap() {
        let p: Vec<Option<f64>> = numbers(&case["p"]).into_iter().map(Some).collect();
        for (found, expected) in holm(&p).iter().zip(case["adjusted"].as_array().unwrap()) {
            close(found.unwrap(), expected, &case["p"]);
        }
    }
}

#[test]
fn shapley_values_of_games() {
    for case in reference()["shapley"].as_array().unwrap() {
        let values = shapley_values(&numbers(&case["worths"]));
        assert_eq!(values.len(), case["values"].as_array().unwrap().len());
        for (found, expected) in values.iter().zip(case["values"].as_array().unwrap()) {
            close(*found, expected, &case["name"]);
        }
    }
}

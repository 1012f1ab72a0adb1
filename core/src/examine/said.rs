//! What a network's file says of it, as far as it takes part in a trial.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::assumption::Declared;
use crate::onnx::Said;

/// A value in a file's metadata that its key does not take.
#[derive(Debug, thiserror::Error)]
#[error("the network's file says {value} for `{key}`: {why}")]
pub struct SaidWrong {
    key: &'static str,
    value: Value,
    why: serde_json::Error,
}

/// The classes that a file names, a column each.
///
/// # Errors
/// Where it names something else than texts.
pub fn classes_of_file(said: &Said) -> Result<Option<Vec<String>>, SaidWrong> {
    told(said, "model.classes")
}

impl Declared {
    /// What a file says of its pictures.
    ///
    /// # Errors
    /// Where a value is none that its key takes.
    pub fn of_file(said: &Said) -> Result<Declared, SaidWrong> {
        Ok(Declared {
            color: told(said, "model.input.color")?,
            range: told(said, "model.input.range")?,
            mean: by_channel(said, "model.input.mean")?,
            std: by_channel(said, "model.input.std")?,
        })
    }

    /// This, as far as nothing else is declared over it. Who declares one number of a scale means no other of this one.
    pub fn under(self, over: Declared) -> Declared {
        let color = over.color.or(self.color);
        let has_scale = over.range.is_some() || over.mean.is_some() || over.std.is_some();
        if has_scale { Declared { color, ..over } } else { Declared { color, ..self } }
    }
}

fn told<T: DeserializeOwned>(said: &Said, key: &'static str) -> Result<Option<T>, SaidWrong> {
    let Some(value) = said.get(key) else { return Ok(None) };
    let read = serde_json::from_value(value.clone());
    read.map(Some).map_err(|why| SaidWrong { key, value: value.clone(), why })
}

/// One number for all channels, where they are the same, or one for each.
fn by_channel(said: &Said, key: &'static str) -> Result<Option<Vec<f64>>, SaidWrong> {
    if said.get(key).is_some_and(Value::is_number) {
        return Ok(told(said, key)?.map(|number| vec![number]));
    }
    let numbers: Option<Vec<f64>> = told(said, key)?;
    Ok(numbers.map(|mut numbers| {
        if numbers.iter().all(|number| *number == numbers[0]) {
            numbers.truncate(1);
        }
        numbers
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::experiment::Color;

    #[test]
    fn what_the_user_declares_stands_over_what_the_file_says() {
        let said = Said::from([
            ("model.classes", json!(["a", "b"])),
            ("model.input.color", json!("bgr")),
            ("model.input.range", json!(255)),
            ("model.input.mean", json!([2.0, 2.0, 2.0])),
            ("model.input.std", json!(3)),
        ]);
        let file = Declared::of_file(&said).unwrap();
        assert_eq!((file.color, file.range), (Some(Color::Bgr), Some(255.0)));
        assert_eq!((&file.mean, &file.std), (&Some(vec![2.0]), &Some(vec![3.0])));
        assert_eq!(classes_of_file(&said).unwrap().unwrap(), ["a", "b"]);
        assert_eq!(file.clone().under(Declared::default()), file);
        let over = Declared { range: Some(1.0), ..Declared::default() };
        let wanted = Declared { color: Some(Color::Bgr), ..over.clone() };
        assert_eq!(file.under(over), wanted);
    }

    #[test]
    fn a_value_of_another_kind_is_named() {
        let said = Said::from([("model.input.color", json!("hsv"))]);
        let message = Declared::of_file(&said).unwrap_err().to_string();
        assert!(message.starts_with(
            "the network's file says \"hsv\" for `model.input.color`: unknown variant"
        ));
        let said = Said::from([("model.classes", json!([1, 2]))]);
        assert!(classes_of_file(&said).is_err());
    }
}

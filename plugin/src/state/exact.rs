//! JSON in which numbers keep their last bit.
//!
//! The JSON parser may miss a number with a fraction by the last bit, so that a tempo would creep with every saving.
//! Such numbers are written as `{"f64": "95.3"}` and read by the standard library, which is exact.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

const TAG: &str = "f64";

/// JSON; `null` for what cannot be said in JSON, such as a number that is none.
pub fn to_string(value: &impl Serialize) -> String {
    serde_json::to_value(value).map_or(Value::Null, tagged).to_string()
}

/// The value that [`to_string`] wrote, or that an ordinary JSON text says.
pub fn from_str<T: DeserializeOwned>(json: &str) -> Option<T> {
    let value = untagged(serde_json::from_str(json).ok()?)?;
    serde_json::from_value(value).ok()
}

fn tagged(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            let digits = number.as_f64().map(|x| format!("{x:?}")).unwrap_or_default();
            Value::Object(Map::from_iter([(TAG.to_owned(), Value::String(digits))]))
        }
        Value::Array(values) => values.into_iter().map(tagged).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, tagged(value))).collect(),
        other => other,
    }
}

/// `None` if a tag holds no finite number.
fn untagged(value: Value) -> Option<Value> {
    Some(match value {
        Value::Object(fields) if fields.len() == 1 && fields.contains_key(TAG) => {
            let digits = fields[TAG].as_str()?;
            Value::Number(Number::from_f64(digits.parse().ok()?)?)
        }
        Value::Array(values) => Value::Array(values.into_iter().map(untagged).collect::<Option<_>>()?),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| Some((key, untagged(value)?)));
            Value::Object(fields.collect::<Option<_>>()?)
        }
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_comes_back() {
        let mut bits = 0x3ff0_0000_0000_0001_u64;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let x = f64::from_bits(bits);
            if x.is_finite() {
                assert_eq!(from_str::<f64>(&to_string(&x)).map(f64::to_bits), Some(bits), "{x:e}");
            }
        }
    }

    #[test]
    fn ordinary_json_is_read_too() {
        assert_eq!(from_str::<(f64, u32, String)>(r#"[95.5, 3, "x"]"#), Some((95.5, 3, "x".to_owned())));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for json in [r#"{"f64":"NaN"}"#, r#"{"f64":"inf"}"#, r#"{"f64":"x"}"#, r#"{"f64":1}"#, &to_string(&f64::NAN)] {
            assert_eq!(from_str::<f64>(json), None, "{json}");
        }
    }
}

//! Configurations in JSON, of which only a part concerns us.

use super::bad;
use crate::error::Error;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// An object, and the file that it is in.
#[derive(Debug, Clone)]
pub(super) struct Json {
    pub path: PathBuf,
    pub fields: Map<String, Value>,
}

impl Json {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(|error| bad(path, format!("cannot be read ({error})")))?;
        match serde_json::from_str(&text) {
            Ok(Value::Object(fields)) => Ok(Self { path: path.to_path_buf(), fields }),
            Ok(_) => Err(bad(path, "no JSON object; download it again")),
            Err(error) => Err(bad(path, format!("no JSON ({error}); download it again"))),
        }
    }

    /// The object under `key`.
    pub fn object(&self, key: &str) -> Result<Self, Error> {
        match self.fields.get(key) {
            Some(Value::Object(fields)) => Ok(Self { path: self.path.clone(), fields: fields.clone() }),
            _ => Err(bad(&self.path, format!("has no object {key:?}; download it again"))),
        }
    }

    /// Refuses values that our models cannot have. Keys that are absent or null are as they should be.
    pub fn only(&self, supported: &[(&str, Value)]) -> Result<(), Error> {
        for (key, wanted) in supported {
            match self.fields.get(*key) {
                None | Some(Value::Null) => {}
                Some(value) if same(value, wanted) => {}
                Some(value) => {
                    return Err(bad(
                        &self.path,
                        format!("has {key} = {value}, but only {wanted} is supported; choose another model"),
                    ));
                }
            }
        }
        Ok(())
    }

    /// The fields of `keys` that are there and not null, as `T`; a pair is a name here and the name in `T`.
    pub fn pick<T: DeserializeOwned>(&self, keys: &[(&str, &str)]) -> Result<T, Error> {
        let fields = keys.iter().filter_map(|(theirs, ours)| {
            let value = self.fields.get(*theirs).filter(|value| !value.is_null())?;
            Some((ours.to_string(), value.clone()))
        });
        serde_json::from_value(Value::Object(fields.collect()))
            .map_err(|error| bad(&self.path, format!("not the configuration that it should be ({error})")))
    }
}

/// Equal, whether written as 1 or 1.0.
fn same(a: &Value, b: &Value) -> bool {
    a == b || a.as_f64().is_some_and(|a| Some(a) == b.as_f64())
}

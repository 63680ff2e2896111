//! The form of each method's result, from an OpenRPC document whose schemas refer to nothing outside themselves, as execution-apis assembles it.
//!
//! The part of JSON Schema (draft 2020-12) that such documents use, read whole or refused: a keyword that is not known here would be a
//! promise that nobody checks.

use regex_lite::Regex;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most faults of one result that are told.
const FAULTS_MAX: usize = 4;

/// Deepest nesting of a schema.
const DEPTH_MAX: usize = 64;

/// Keywords that say nothing of the form.
const SILENT: [&str; 6] = ["title", "description", "examples", "default", "deprecated", "$schema"];

/// The methods' schemas.
#[derive(Debug, Default)]
pub struct Schemas(BTreeMap<String, Schema>);

/// One schema: all that is there has to hold.
#[derive(Debug, Default)]
struct Schema {
    types: Vec<String>,
    pattern: Option<Regex>,
    one_of: Option<Vec<Schema>>,
    any_of: Option<Vec<Schema>>,
    all_of: Vec<Schema>,
    allowed: Option<Vec<Value>>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    items: Option<Box<Schema>>,
    properties: BTreeMap<String, Schema>,
    required: Vec<String>,
    others: Others,
}

/// What properties that are not named may be.
#[derive(Debug, Default)]
enum Others {
    #[default]
    Anything,
    Nothing,
    These(Box<Schema>),
}

impl Schemas {
    /// All methods of `document`.
    ///
    /// # Errors
    /// When it is no OpenRPC document, or a schema in it says something that can't be checked.
    pub fn of(document: &Value) -> Result<Self, String> {
        let methods = document["methods"].as_array().ok_or("it has no methods")?;
        let mut schemas = BTreeMap::new();
        for method in methods {
            let name = method["name"].as_str().ok_or("a method has no name")?;
            let schema = Schema::of(&method["result"]["schema"], 0).map_err(|why| format!("{name}: {why}"))?;
            schemas.insert(name.to_owned(), schema);
        }
        Ok(Self(schemas))
    }

    /// How many methods there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with a result of `method`; `None` when the document does not have the method.
    pub fn faults(&self, method: &str, result: &Value) -> Option<Vec<String>> {
        let schema = self.0.get(method)?;
        let mut faults = Vec::new();
        schema.check(result, "", &mut faults);
        faults.truncate(FAULTS_MAX);
        Some(faults)
    }
}

impl Schema {
    fn of(schema: &Value, depth: usize) -> Result<Self, String> {
        if depth > DEPTH_MAX {
            return Err(format!("a schema nests deeper than {DEPTH_MAX}"));
        }
        let keywords = schema.as_object().ok_or("a schema is no object")?;
        let mut read = Self::default();
        for (keyword, value) in keywords {
            let wrong = || format!("{keyword}: {value}");
            let each = |value: &Value| -> Result<Vec<Self>, String> {
                value.as_array().ok_or_else(wrong)?.iter().map(|schema| Self::of(schema, depth + 1)).collect()
            };
            match keyword.as_str() {
                "type" => read.types = texts(value).ok_or_else(wrong)?,
                "pattern" => {
                    let pattern = value.as_str().ok_or_else(wrong)?;
                    read.pattern = Some(Regex::new(pattern).map_err(|error| format!("{pattern}: {error}"))?);
                }
                "oneOf" => read.one_of = Some(each(value)?),
                "anyOf" => read.any_of = Some(each(value)?),
                "allOf" => read.all_of = each(value)?,
                "enum" => read.allowed = Some(value.as_array().ok_or_else(wrong)?.clone()),
                "const" => read.allowed = Some(vec![value.clone()]),
                "minimum" => read.minimum = Some(value.as_f64().ok_or_else(wrong)?),
                "maximum" => read.maximum = Some(value.as_f64().ok_or_else(wrong)?),
                "items" => read.items = Some(Box::new(Self::of(value, depth + 1)?)),
                "properties" => {
                    for (name, schema) in value.as_object().ok_or_else(wrong)? {
                        read.properties.insert(name.clone(), Self::of(schema, depth + 1)?);
                    }
                }
                "required" => read.required = texts(value).ok_or_else(wrong)?,
                "additionalProperties" => {
                    read.others = match value {
                        Value::Bool(true) => Others::Anything,
                        Value::Bool(false) => Others::Nothing,
                        schema => Others::These(Box::new(Self::of(schema, depth + 1)?)),
                    }
                }
                silent if SILENT.contains(&silent) => {}
                _ => return Err(format!("the keyword {keyword} is not known")),
            }
        }
        Ok(read)
    }

    fn fits(&self, value: &Value) -> bool {
        let mut faults = Vec::new();
        self.check(value, "", &mut faults);
        faults.is_empty()
    }

    fn check(&self, value: &Value, path: &str, faults: &mut Vec<String>) {
        if !self.types.is_empty() && !self.types.iter().any(|kind| is_of(value, kind)) {
            faults.push(format!("{path}: {value} is no {}", self.types.join(" or ")));
            return;
        }
        if let (Some(pattern), Some(text)) = (&self.pattern, value.as_str())
            && !pattern.is_match(text)
        {
            faults.push(format!("{path}: {text:?} does not match {pattern}"));
        }
        if self.allowed.as_ref().is_some_and(|allowed| !allowed.contains(value)) {
            faults.push(format!("{path}: {value} is not among the values that are allowed"));
        }
        if let Some(number) = value.as_f64()
            && (self.minimum.is_some_and(|minimum| number < minimum) || self.maximum.is_some_and(|max| number > max))
        {
            faults.push(format!("{path}: {number} is out of range"));
        }
        if let Some(schemas) = &self.one_of {
            let fitting = schemas.iter().filter(|schema| schema.fits(value)).count();
            if fitting != 1 {
                faults.push(format!("{path}: {fitting} of {} forms fit, not one", schemas.len()));
                // The one whose type it is says why.
                if let Some(near) = schemas.iter().find(|schema| schema.types.iter().any(|kind| is_of(value, kind))) {
                    near.check(value, path, faults);
                }
            }
        }
        if self.any_of.as_ref().is_some_and(|schemas| !schemas.iter().any(|schema| schema.fits(value))) {
            faults.push(format!("{path}: none of the forms fits"));
        }
        self.all_of.iter().for_each(|schema| schema.check(value, path, faults));
        match value {
            Value::Object(object) => self.check_object(object, path, faults),
            Value::Array(array) => {
                for (at, item) in array.iter().enumerate() {
                    self.items.iter().for_each(|items| items.check(item, &format!("{path}[{at}]"), faults));
                }
            }
            _ => {}
        }
    }

    fn check_object(&self, object: &Map<String, Value>, path: &str, faults: &mut Vec<String>) {
        for name in self.required.iter().filter(|name| !object.contains_key(*name)) {
            faults.push(format!("{path}: {name} is missing"));
        }
        for (name, value) in object {
            let path = format!("{path}.{name}");
            match (self.properties.get(name), &self.others) {
                (Some(schema), _) => schema.check(value, &path, faults),
                (None, Others::These(schema)) => schema.check(value, &path, faults),
                (None, Others::Nothing) => faults.push(format!("{path} is not allowed")),
                (None, Others::Anything) => {}
            }
        }
    }
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

/// A text, or a list of them.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(texts) => texts.iter().map(|text| text.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(schema: Value, result: Value) -> Vec<String> {
        let document = json!({"methods": [{"name": "eth_x", "result": {"schema": schema}}]});
        Schemas::of(&document).unwrap().faults("eth_x", &result).unwrap()
    }

    #[test]
    fn a_result_keeps_to_its_schema_or_its_faults_are_told() {
        let uint = json!({"type": "string", "pattern": "^0x(0|[1-9a-f][0-9a-f]*)$", "title": "a number"});
        assert!(faults(uint.clone(), json!("0x1f")).is_empty());
        assert_eq!(faults(uint.clone(), json!("0x01")), [": \"0x01\" does not match ^0x(0|[1-9a-f][0-9a-f]*)$"]);
        assert_eq!(faults(uint.clone(), json!(1)), [": 1 is no string"]);
        let object = json!({
            "type": "object", "required": ["a"], "additionalProperties": false,
            "properties": {"a": uint, "b": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 9}}},
        });
        assert!(faults(object.clone(), json!({"a": "0x0", "b": [1, 2]})).is_empty());
        assert_eq!(
            faults(object.clone(), json!({"b": [10], "c": 1})),
            [": a is missing", ".b[0]: 10 is out of range", ".c is not allowed"]
        );
        let either = json!({"oneOf": [{"type": "null"}, object]});
        assert!(faults(either.clone(), Value::Null).is_empty());
        assert_eq!(faults(either, json!({})), [": 0 of 2 forms fit, not one", ": a is missing"]);
    }

    #[test]
    fn a_schema_that_would_not_be_checked_whole_is_refused() {
        let of = |schema| Schemas::of(&json!({"methods": [{"name": "eth_x", "result": {"schema": schema}}]}));
        assert_eq!(of(json!({"not": {}})).unwrap_err(), "eth_x: the keyword not is not known");
        assert!(of(json!({"type": 1})).is_err());
        assert!(of(json!({"pattern": "("})).is_err());
        assert!(Schemas::of(&json!({})).is_err());
    }
}

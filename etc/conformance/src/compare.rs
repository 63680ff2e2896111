//! Whether an answer is the recorded one, by the rules of hive's rpc-compat: all of it but the texts of errors, wherever both have one.

use serde_json::Value;

/// Most differences that are told.
const DIFFERENCES_MAX: usize = 12;

/// Most characters of a value that is told.
const SHOWN_MAX: usize = 160;

/// What differs, one line each; nothing when the answers are equal.
pub fn differences(given: &Value, recorded: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", given, recorded, &mut found);
    found
}

fn compare(path: &str, given: &Value, recorded: &Value, found: &mut Vec<String>) {
    if found.len() >= DIFFERENCES_MAX {
        return;
    }
    match (given, recorded) {
        (Value::Object(given), Value::Object(recorded)) => {
            // The text of an error is the client's own, its code and data are not.
            let is_error = path.ends_with(".error");
            for (key, value) in recorded {
                match given.get(key) {
                    Some(other) if !(is_error && key == "message") => {
                        compare(&format!("{path}.{key}"), other, value, found);
                    }
                    Some(_) => {}
                    None => found.push(format!("{path}.{key} is missing, recorded is {}", shown(value))),
                }
            }
            for (key, value) in given.iter().filter(|(key, _)| !recorded.contains_key(*key)) {
                found.push(format!("{path}.{key} is not recorded, given is {}", shown(value)));
            }
        }
        (Value::Array(given), Value::Array(recorded)) => {
            if given.len() != recorded.len() {
                found.push(format!("{path} has {} items, recorded are {}", given.len(), recorded.len()));
            }
            for (at, (given, recorded)) in given.iter().zip(recorded).enumerate() {
                compare(&format!("{path}[{at}]"), given, recorded, found);
            }
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => {}
        _ if given == recorded => {}
        _ => found.push(format!("{path} is {}, recorded is {}", shown(given), shown(recorded))),
    }
}

fn shown(value: &Value) -> String {
    let mut text = value.to_string();
    if let Some((end, _)) = text.char_indices().nth(SHOWN_MAX) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_of_errors_may_differ_and_nothing_else() {
        let one = json!({"id": 1, "error": {"code": 3, "message": "a", "data": "0x"}});
        assert!(differences(&one, &json!({"id": 1, "error": {"code": 3, "message": "b", "data": "0x"}})).is_empty());
        let other = json!({"id": 1, "error": {"code": 4, "message": "b"}});
        assert_eq!(
            differences(&one, &other),
            [".error.code is 3, recorded is 4", ".error.data is not recorded, given is \"0x\""]
        );
        let nested = |text: &str| json!({"result": [{"calls": [{"error": {"message": text}}]}]});
        assert!(differences(&nested("a"), &nested("b")).is_empty());
    }

    #[test]
    fn what_is_missing_longer_or_of_another_kind_is_told() {
        assert_eq!(differences(&json!({}), &json!({"a": 1})), [".a is missing, recorded is 1"]);
        assert_eq!(differences(&json!([1, 2]), &json!([1])), [" has 2 items, recorded are 1"]);
        assert_eq!(differences(&json!("0x1"), &json!(1)), [" is \"0x1\", recorded is 1"]);
        assert!(differences(&json!(1.0), &json!(1)).is_empty());
    }
}

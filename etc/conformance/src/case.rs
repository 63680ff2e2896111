//! The `.io` format: lines of `// comment`, `>> request` and `<< response`, in turn. Must not know what requests mean.

use serde_json::Value;

/// Most bytes of a file.
pub const FILE_BYTES_MAX: u64 = 64 << 20;

/// A comment that begins so says that only the form of the result counts.
const SPEC_ONLY: &str = "speconly";

/// One recorded conversation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Case {
    /// Only the form of results counts.
    pub is_spec_only: bool,
    /// Requests with their answers.
    pub turns: Vec<Turn>,
}

/// A request and the answer that was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// As it was sent, to the byte: some are no JSON on purpose.
    pub request: String,
    /// The answer.
    pub answer: Value,
}

/// Reads a file's text.
///
/// # Errors
/// The first line that does not fit, with its number from 1.
pub fn parse(text: &str) -> Result<Case, String> {
    let mut case = Case::default();
    let mut asked: Option<&str> = None;
    for (at, line) in text.lines().enumerate() {
        let (at, line) = (at + 1, line.trim());
        if let Some(comment) = line.strip_prefix("//") {
            case.is_spec_only |= comment.trim_start().starts_with(SPEC_ONLY);
        } else if let Some(request) = line.strip_prefix(">>") {
            if asked.replace(request.trim()).is_some() {
                return Err(format!("line {at}: the request before has no answer"));
            }
        } else if let Some(answer) = line.strip_prefix("<<") {
            let Some(request) = asked.take() else { return Err(format!("line {at}: an answer to no request")) };
            let answer = serde_json::from_str(answer).map_err(|error| format!("line {at}: {error}"))?;
            case.turns.push(Turn { request: request.to_owned(), answer });
        } else if !line.is_empty() {
            return Err(format!("line {at} is neither comment, request nor answer"));
        }
    }
    if asked.is_some() {
        return Err("the last request has no answer".to_owned());
    }
    if case.turns.is_empty() {
        return Err("nothing is asked".to_owned());
    }
    Ok(case)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn requests_and_answers_come_in_turn() {
        let case = parse("// speconly: why\n>> {\"id\":1}\n<< {\"id\":1,\"result\":2}\n\n>> x\n<< null\n").unwrap();
        assert!(case.is_spec_only);
        assert_eq!(case.turns[0], Turn { request: "{\"id\":1}".into(), answer: json!({"id": 1, "result": 2}) });
        assert_eq!(case.turns[1], Turn { request: "x".into(), answer: Value::Null });
        assert!(!parse("// not speconly\n>> x\n<< 1").unwrap().is_spec_only);
    }

    #[test]
    fn what_is_no_conversation_is_refused_with_its_line() {
        for (text, why) in [
            ("", "nothing is asked"),
            (">> a", "the last request has no answer"),
            (">> a\n>> b\n<< 1", "line 2: the request before has no answer"),
            ("<< 1", "line 1: an answer to no request"),
            (">> a\n<< {", "line 2: "),
            ("hello", "line 1 is neither"),
        ] {
            assert!(parse(text).unwrap_err().starts_with(why), "{text}: {:?}", parse(text));
        }
    }
}

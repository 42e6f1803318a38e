//! Data inside a page.

use serde::Serialize;

/// JSON that cannot end the element in which it stands, nor begin another: no `<`, `>` or `&` is left.
pub(crate) fn embedded_json(data: &impl Serialize) -> String {
    let json = serde_json::to_string(data).expect("numbers and strings");
    let escaped = |json: String, c: char| json.replace(c, &format!("\\u{:04x}", c as u32));
    ['<', '>', '&', '\u{2028}', '\u{2029}'].into_iter().fold(json, escaped)
}

//! The strings of a script.

/// A string of a script, without its quotes.
pub struct Literal {
    pub text: String,
    pub line: usize,
    /// The code before it, in which other strings are empty.
    pub before: String,
}

/// What stands before strings that a browser reads.
const NOT_SHOWN: &[&str] = &[
    "class: ",
    "className = ",
    "class=",
    "querySelector(",
    "querySelectorAll(",
    "closest(",
    "matchMedia(",
    "font = ",
    "font: ",
    "MONO = ",
    "style: ",
    "new Error(",
    "font() { return ",
    "matches(",
];

impl Literal {
    /// Whether a reader would see words: two of them, or one as the content of an element.
    pub fn is_sentence(&self) -> bool {
        let code = self.before.trim_end_matches(['`', '"', '\'']);
        if NOT_SHOWN.iter().any(|before| code.ends_with(before)) || self.text == "use strict" {
            return false;
        }
        // The class of an element may depend on something.
        let call = code.rfind(';').map_or(code, |end| &code[end + 1..]);
        if self.is_of("class: ", call) || self.text.contains("sans-serif") || self.text.contains("monospace")
        {
            return false;
        }
        let constant = constant(&self.text).join("…");
        // Markup, and what a style sheet calls a function.
        let head = constant.trim_start_matches(|c: char| c.is_ascii_lowercase() || c == '-');
        if constant.starts_with('<') || head.starts_with('(') && head != constant && constant.ends_with(')') {
            return false;
        }
        let words =
            constant.split([' ', '…']).map(|word| word.trim_matches(|c: char| c.is_ascii_punctuation()));
        let n =
            words.filter(|word| word.chars().count() > 2 && word.chars().all(char::is_alphabetic)).count();
        let is_content = [" }, ", "{}, ", "textContent = ", "append(", "replaceChildren("]
            .iter()
            .any(|before| code.ends_with(before));
        let has_value = constant.contains('…');
        n > 1 && constant.contains(' ') || n == 1 && (is_content || has_value && constant.contains(' '))
    }

    /// Whether the string is part of the value of a key of an object that is still open.
    fn is_of(&self, key: &str, call: &str) -> bool {
        call.rfind(key).is_some_and(|start| !call[start..].contains([',', '}']))
    }

    /// Whether it is a key, or one of several, that is asked for.
    pub fn is_said(&self) -> bool {
        let Some(start) = self.before.rfind("say(") else { return false };
        // A method of that name says something else.
        if self.before[..start].ends_with(|c: char| c == '.' || c.is_alphanumeric()) {
            return false;
        }
        let call = &self.before[start + "say(".len()..];
        // Within what a key is computed from.
        if call.contains('`') {
            return false;
        }
        let depth = call.chars().try_fold(0_i32, |depth, c| match c {
            '(' | '[' | '{' => Some(depth + 1),
            ')' | ']' | '}' if depth == 0 => None,
            ')' | ']' | '}' => Some(depth - 1),
            ',' if depth == 0 => None,
            _ => Some(depth),
        });
        depth == Some(0) && !call.trim_end().ends_with("==")
            || depth == Some(1) && call.trim_start().starts_with('[') && !call.contains(']')
    }

    /// Whether it may be this key, wherever it stands.
    pub fn stands_for(&self, key: &str) -> bool {
        self.text == key || self.text.contains("${") && fits(&self.text, key)
    }
}

/// Whether a text with parts that are computed may become a key; one without a dot at an end may become anything.
pub fn fits(pattern: &str, key: &str) -> bool {
    let parts = constant(pattern);
    let [first, .., last] = &parts[..] else { return false };
    let is_key = first.contains('.') || last.contains('.');
    if !is_key || !key.starts_with(first.as_str()) || !key.ends_with(last.as_str()) {
        return false;
    }
    key.len() > first.len() + last.len()
}

/// The parts of a template literal between what is computed.
fn constant(pattern: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '$' if depth == 0 && chars.peek() == Some(&'{') => {}
            '{' => depth += 1,
            '}' if depth == 1 => {
                depth = 0;
                parts.push(String::new());
            }
            '}' => depth -= 1,
            c if depth == 0 => parts.last_mut().expect("one at least").push(c),
            _ => {}
        }
    }
    parts
}

/// All strings of a script, those within template literals too.
pub fn literals(script: &str) -> Vec<Literal> {
    let mut found = Vec::new();
    scan(script, 1, String::new(), &mut found);
    found
}

/// `before` is the code before `script`.
fn scan(script: &str, first_line: usize, mut before: String, found: &mut Vec<Literal>) {
    let bytes = script.as_bytes();
    let mut at = 0;
    let line = |at: usize| first_line + script[..at].matches('\n').count();
    while at < bytes.len() {
        let rest = &script[at..];
        let c = rest.chars().next().expect("not at the end");
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += rest.find("*/").map_or(rest.len(), |end| end + 2);
        } else if c == '/'
            && before.trim_end().ends_with(['(', ',', '=', ':', '[', '!', '&', '|', '?', '{', ';', '>'])
        {
            at += quoted(rest, '/');
            before.push('/');
        } else if c == '"' || c == '\'' || c == '`' {
            let length = quoted(rest, c);
            let text = &rest[1..length - 1];
            found.push(Literal { text: text.to_owned(), line: line(at), before: before.clone() });
            if c == '`' {
                for (start, end) in computed(text) {
                    scan(&text[start..end], line(at + 1 + start), format!("{before}`"), found);
                }
            }
            before.push_str("\"\"");
            at += length;
        } else {
            before.push(c);
            at += c.len_utf8();
        }
    }
}

/// How long a string is, with its quotes.
fn quoted(text: &str, quote: char) -> usize {
    let (mut is_escaped, mut is_class, mut depth) = (false, false, 0);
    let mut last = quote;
    for (i, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '[' if quote == '/' => is_class = true,
            ']' if quote == '/' => is_class = false,
            '{' if quote == '`' && (last == '$' || depth > 0) => depth += 1,
            '}' if quote == '`' && depth > 0 => depth -= 1,
            c if c == quote && !is_class && depth == 0 => return i + 1,
            _ => {}
        }
        last = c;
    }
    panic!("a string does not end: {}", text.lines().next().unwrap_or(""))
}

/// Where what is computed stands in a template literal.
fn computed(text: &str) -> Vec<(usize, usize)> {
    let (mut found, mut depth, mut start) = (Vec::new(), 0, 0);
    let mut last = ' ';
    for (i, c) in text.char_indices() {
        match c {
            '{' if depth == 0 && last == '$' => (depth, start) = (1, i + 1),
            '{' if depth > 0 => depth += 1,
            '}' if depth == 1 => {
                depth = 0;
                found.push((start, i));
            }
            '}' if depth > 0 => depth -= 1,
            _ => {}
        }
        last = c;
    }
    found
}

/// The keys of a table, each before a colon and a string.
pub fn keys(table: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut last: Option<String> = None;
    for literal in literals(table) {
        match literal.before.trim_end().strip_suffix(':') {
            // The text of a key that has quotes, or that of a name.
            Some(before) => {
                let name = before.trim_end();
                let start = name.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
                found.push(match name[start..].is_empty() {
                    true => last.take().expect("a string before the colon"),
                    false => name[start..].to_owned(),
                });
            }
            None => last = Some(literal.text),
        }
    }
    found
}

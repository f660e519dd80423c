//! The words of an SQL condition.

/// One word or sign.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name without quotes: a function, a keyword or a column.
    Word(String),
    /// A name in quotes: a column.
    Quoted(String),
    Number(f64),
    Text(String),
    Sign(&'static str),
}

/// The signs, longer ones before their beginnings.
const SIGNS: [&str; 21] = [
    "::", "<>", "<=", ">=", "!=", "==", "->", "||", "=", "<", ">", "+", "-", "*", "/", "(", ")",
    ",", ".", "[", "]",
];

/// Splits a condition; `Err` names what is no word.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '\'' => {
                let (text, length) = enclosed(rest, '\'')?;
                (Token::Text(text), length)
            }
            '"' | '`' => {
                let (name, length) = enclosed(rest, first)?;
                (Token::Quoted(name), length)
            }
            c if c.is_alphabetic() || c == '_' => {
                let length = run(rest, |c| c.is_alphanumeric() || c == '_');
                (Token::Word(rest[..length].to_owned()), length)
            }
            c if c.is_ascii_digit() || starts_fraction(rest) => number(rest)?,
            other => {
                let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
                let sign = sign.ok_or_else(|| format!("'{other}' is not understood"))?;
                (Token::Sign(sign), sign.len())
            }
        };
        found.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(found)
}

fn run(text: &str, fits: impl Fn(char) -> bool) -> usize {
    text.find(|c| !fits(c)).unwrap_or(text.len())
}

fn starts_fraction(text: &str) -> bool {
    text.strip_prefix('.')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn number(text: &str) -> Result<(Token, usize), String> {
    let mut length = run(text, |c| c.is_ascii_digit() || c == '.');
    let exponent = text[length..].strip_prefix(['e', 'E']);
    if let Some(exponent) = exponent {
        let sign = usize::from(exponent.starts_with(['+', '-']));
        let digits = run(&exponent[sign..], |c| c.is_ascii_digit());
        if digits > 0 {
            length += 1 + sign + digits;
        }
    }
    let number = text[..length].parse();
    let number = number.map_err(|_| format!("'{}' is not a number", &text[..length]))?;
    Ok((Token::Number(number), length))
}

/// Reads what stands between two quotes, a doubled one meaning itself.
fn enclosed(text: &str, quote: char) -> Result<(String, usize), String> {
    let mut inside = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            inside.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            inside.push(quote);
        } else {
            return Ok((inside, at + 1));
        }
    }
    Err(format!("a closing {quote} is missing"))
}

#[cfg(test)]
mod tests {
    use super::{Token, tokens};

    #[test]
    fn words_are_told_apart() {
        assert_eq!(
            tokens("\"a\"\"b_l\" <= 1.5e-3 AND x='it''s'").unwrap(),
            [
                Token::Quoted("a\"b_l".to_owned()),
                Token::Sign("<="),
                Token::Number(0.0015),
                Token::Word("AND".to_owned()),
                Token::Word("x".to_owned()),
                Token::Sign("="),
                Token::Text("it's".to_owned()),
            ]
        );
        for wrong in ["'open", "a ; b", "1.2.3", "\"x"] {
            assert!(tokens(wrong).is_err(), "{wrong}");
        }
    }
}

//! The words of a description.

/// A part of a description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// `(`
    Open,
    /// `)`
    Close,
    /// A word, or an identifier without the length behind it.
    Word(String),
    /// A text in quotes.
    Quoted(String),
}

impl Token {
    /// Returns the text of a word.
    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Word(text) | Self::Quoted(text) => Some(text),
            Self::Open | Self::Close => None,
        }
    }
}

/// Returns the parts of a description; nothing when a quote is not closed. The `$` between names says
/// nothing.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '(' => {
                tokens.push(Token::Open);
                &rest[1..]
            }
            ')' => {
                tokens.push(Token::Close);
                &rest[1..]
            }
            '$' => &rest[1..],
            '\'' => {
                let (quoted, behind) = rest[1..].split_once('\'')?;
                tokens.push(Token::Quoted(quoted.to_owned()));
                behind
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || "()$'".contains(c);
                let end = rest.find(ends).unwrap_or(rest.len());
                let (word, behind) = rest.split_at(end);
                let word = word.split('{').next().unwrap_or_default();
                tokens.push(Token::Word(word.to_owned()));
                behind
            }
        };
        rest = rest.trim_start();
    }
    Some(tokens)
}

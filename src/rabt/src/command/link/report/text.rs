//! Words in two languages, and numbers that keep their direction in both.

use std::borrow::Cow;
use std::fmt;

use askama::filters::HtmlSafe;

/// Words of the page in both languages. On the page both stand; the switch hides one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) english: Cow<'static, str>,
    pub(super) arabic: Cow<'static, str>,
}

impl Text {
    /// Returns words that differ by language.
    pub(super) const fn new(english: &'static str, arabic: &'static str) -> Self {
        Self {
            english: Cow::Borrowed(english),
            arabic: Cow::Borrowed(arabic),
        }
    }

    /// Returns a name or a value, which no language translates.
    pub(super) fn same(value: &str) -> Self {
        Self {
            english: Cow::Owned(value.to_owned()),
            arabic: Cow::Owned(value.to_owned()),
        }
    }

    /// Tells whether no language translates it.
    pub(super) fn is_same(&self) -> bool {
        self.english == self.arabic
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (english, arabic) = (escape(&self.english), escape(&self.arabic));
        if self.is_same() {
            write!(f, "<bdi>{english}</bdi>")
        } else {
            write!(
                f,
                "<span class=\"en\" lang=\"en\">{english}</span><span class=\"ar\" lang=\"ar\" dir=\"rtl\">{arabic}</span>"
            )
        }
    }
}

impl HtmlSafe for Text {}

/// A number on the page: isolated, left to right, so that its sign and unit stay where they belong.
#[derive(Debug, Clone)]
pub(super) struct Number(pub(super) String);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<bdi dir=\"ltr\" class=\"n\">{}</bdi>", escape(&self.0))
    }
}

impl HtmlSafe for Number {}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self(count(number))
    }
}

/// A picture that was drawn by this program.
#[derive(Debug, Clone, Default)]
pub(super) struct Picture(pub(super) String);

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Picture {}

/// Returns text as it must stand in HTML and SVG, within elements and attributes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Control characters are not allowed in HTML, not even as references.
            c if c.is_control() && !c.is_whitespace() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Returns a whole number with its thousands apart: `1,234,567`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Returns a weight with its sign: `+3.2`, `−1.5`.
pub(super) fn signed(bits: f64) -> String {
    let text = format!("{:.1}", bits.abs());
    if text == "0.0" {
        text
    } else if bits < 0.0 {
        format!("−{text}")
    } else {
        format!("+{text}")
    }
}

/// Returns a number with as few decimals as its step needs, and a true minus.
pub(super) fn plain(value: f64, step: f64) -> String {
    let decimals = if step >= 1.0 {
        0
    } else if step >= 0.1 {
        1
    } else if step >= 0.01 {
        2
    } else {
        3
    };
    let text = format!("{value:.decimals$}");
    let negative = text.starts_with('-') && text.chars().any(|c| ('1'..='9').contains(&c));
    let digits = text.trim_start_matches('-');
    if negative {
        format!("−{digits}")
    } else {
        digits.to_owned()
    }
}

/// Returns a share in per cent, with more decimals the nearer it is to all or nothing.
pub(super) fn percent(share: f64) -> String {
    let edge = share.min(1.0 - share);
    let decimals = if edge <= 0.0 || edge >= 0.1 {
        1
    } else if edge >= 0.01 {
        2
    } else if edge >= 0.001 {
        3
    } else {
        4
    };
    format!("{:.decimals$}\u{a0}%", share * 100.0)
}

/// Returns a share of a level: small ones with the digits that count.
pub(super) fn share(value: f64) -> String {
    if value >= 0.001 || value <= 0.0 {
        format!("{value:.3}")
    } else {
        format!("{value:.0e}").replace("e-", "e−")
    }
}

/// Returns a length of time.
pub(super) fn seconds(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2} s")
    } else {
        format!("{value:.0} s")
    }
}

#[cfg(test)]
mod tests {
    use super::{Number, Text, count, escape, percent, plain, share, signed};

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [count(0), count(999), count(1_234_567)],
            ["0", "999", "1,234,567"]
        );
        assert_eq!(
            [signed(3.25), signed(-1.5), signed(-0.04)],
            ["+3.2", "−1.5", "0.0"]
        );
        assert_eq!(
            [plain(-10.0, 5.0), plain(-0.0, 0.1), plain(0.25, 0.05)],
            ["−10", "0.0", "0.25"]
        );
        assert_eq!(
            [
                percent(0.5),
                percent(0.98765),
                percent(0.000_12),
                percent(1.0)
            ]
            .map(|p| p.replace('\u{a0}', " ")),
            ["50.0 %", "98.77 %", "0.0120 %", "100.0 %"]
        );
        assert_eq!([share(0.25), share(0.000_04)], ["0.250", "4e−5"]);
    }

    #[test]
    fn values_are_escaped_and_isolated() {
        assert_eq!(
            escape("<b a='\"'>&\u{0}\n"),
            "&lt;b a=&#39;&quot;&#39;&gt;&amp;\u{fffd}\n"
        );
        assert_eq!(Text::same("<i>").to_string(), "<bdi>&lt;i&gt;</bdi>");
        assert!(Text::new("a", "ب").to_string().contains("dir=\"rtl\">ب<"));
        assert!(Number("−3".into()).to_string().contains("dir=\"ltr\""));
    }
}

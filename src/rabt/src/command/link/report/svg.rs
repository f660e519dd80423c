//! Drawing: shapes, labels in two languages, scales and their ticks.
//!
//! A picture runs left to right in both languages, as charts of numbers do; only its words change.

mod scale;

use std::fmt::Write as _;

pub(super) use scale::Scale;

use super::text::{Picture, Text, escape};

/// Which end of a label its place names.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// A picture that is being drawn. Classes are those of the page's style sheet.
pub(super) struct Svg {
    width: f64,
    height: f64,
    title: Text,
    body: String,
}

impl Svg {
    /// Starts a picture; the title is what a screen reader says.
    pub(super) fn new(width: f64, height: f64, title: Text) -> Self {
        Self {
            width,
            height,
            title,
            body: String::new(),
        }
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.add(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    /// Draws a line of its own width.
    pub(super) fn stroke(&mut self, class: &str, from: (f64, f64), to: (f64, f64), width: f64) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.add(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke-width=\"{width:.1}\"/>"
        ));
    }

    /// Draws a bar between two corners in any order; `tip` is shown to a reader who points at it.
    pub(super) fn bar(&mut self, class: &str, from: (f64, f64), to: (f64, f64), tip: &str) {
        let (x, y) = (from.0.min(to.0), from.1.min(to.1));
        let (width, height) = ((from.0 - to.0).abs(), (from.1 - to.1).abs());
        let shape = format!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\""
        );
        if tip.is_empty() {
            self.add(format_args!("{shape}/>"));
        } else {
            self.add(format_args!(
                "{shape}><title>{}</title></rect>",
                escape(tip)
            ));
        }
    }

    pub(super) fn circle(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        self.add(format_args!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>"
        ));
    }

    /// Draws lines through points, closed when the class fills them.
    pub(super) fn path(&mut self, class: &str, points: &[(f64, f64)], closed: bool) {
        let mut d = String::new();
        for (at, (x, y)) in points.iter().enumerate() {
            let verb = if at == 0 { 'M' } else { 'L' };
            let _ = write!(d, "{verb}{x:.1} {y:.1}");
        }
        if closed {
            d.push('Z');
        }
        self.add(format_args!("<path class=\"{class}\" d=\"{d}\"/>"));
    }

    /// Writes a number.
    pub(super) fn number(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        self.add(format_args!(
            "<text class=\"n {class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{}\">{}</text>",
            anchor.name(),
            escape(text)
        ));
    }

    /// Writes words in both languages. The characters around them isolate their direction, and so
    /// leave the anchor that of a picture that runs left to right.
    pub(super) fn words(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &Text) {
        let anchor = anchor.name();
        if text.is_same() {
            let value = escape(&text.english);
            self.add(format_args!(
                "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">\u{2068}{value}\u{2069}</text>"
            ));
            return;
        }
        for (language, open, words) in [("en", "", &text.english), ("ar", "\u{2067}", &text.arabic)]
        {
            let close = if open.is_empty() { "" } else { "\u{2069}" };
            let words = escape(words);
            self.add(format_args!(
                "<text class=\"{language} {class}\" lang=\"{language}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{open}{words}{close}</text>"
            ));
        }
    }

    /// Draws the frame of an axis along the bottom: grid lines, ticks and what it counts.
    pub(super) fn axis_below(&mut self, scale: &Scale, (top, bottom): (f64, f64), title: &Text) {
        for (value, label) in scale.ticks() {
            let x = scale.at(value);
            self.line("grid", (x, top), (x, bottom));
            self.number("tick", (x, bottom + 15.0), Anchor::Middle, &label);
        }
        self.line("axis", (scale.start, bottom), (scale.end, bottom));
        let middle = f64::midpoint(scale.start, scale.end);
        self.words("title", (middle, bottom + 32.0), Anchor::Middle, title);
    }

    /// Draws the frame of an axis along the left side.
    pub(super) fn axis_left(&mut self, scale: &Scale, (left, right): (f64, f64), title: &Text) {
        for (value, label) in scale.ticks() {
            let y = scale.at(value);
            self.line("grid", (left, y), (right, y));
            self.number("tick", (left - 6.0, y + 4.0), Anchor::End, &label);
        }
        self.line("axis", (left, scale.start), (left, scale.end));
        // Above the axis, where both languages read without turning the head.
        let top = scale.start.min(scale.end);
        self.words("title", (left - 36.0, top - 10.0), Anchor::Start, title);
    }

    /// Ends the picture.
    pub(super) fn finish(self) -> Picture {
        let (width, height) = (self.width, self.height);
        let title = if self.title.is_same() {
            escape(&self.title.english)
        } else {
            let (english, arabic) = (escape(&self.title.english), escape(&self.title.arabic));
            format!("{english} · {arabic}")
        };
        Picture(format!(
            "<svg role=\"img\" direction=\"ltr\" viewBox=\"0 0 {width:.0} {height:.0}\" style=\"max-width:{width:.0}px\"><title>{title}</title>{}</svg>",
            self.body
        ))
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        let _ = self.body.write_fmt(element);
    }
}

/// Returns the length of a list as a measure.
pub(super) fn length<T>(list: &[T]) -> f64 {
    float(list.len() as u64)
}

/// Returns a count as a measure.
#[expect(clippy::cast_precision_loss, reason = "a picture shows three digits")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::{Anchor, Svg};
    use crate::command::link::report::text::Text;

    #[test]
    fn values_in_pictures_are_escaped() {
        let mut svg = Svg::new(10.0, 10.0, Text::same("<x>"));
        svg.words("", (0.0, 0.0), Anchor::Start, &Text::same("<script>"));
        svg.bar("pos", (4.0, 4.0), (1.0, 1.0), "a&b");
        let text = svg.finish().0;
        assert!(!text.contains("<script>") && !text.contains("<x>"));
        assert!(text.contains("<title>a&amp;b</title>"));
        assert!(text.contains("width=\"3.0\""));
    }
}

//! Personal data that cannot be printed by accident.

use std::fmt;

use zeroize::Zeroize;

/// A value about a person. `Debug` is redacted, there is no `Display`, and serde does not see it;
/// [`Pii::expose`] is the one way in, so every use can be found by its name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Pii<T>(T);

impl<T> Pii<T> {
    /// Wraps a personal value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value itself. Callers answer for where it goes next.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Returns the value and gives up the wrapper.
    pub fn into_exposed(self) -> T {
        self.0
    }

    /// Returns the wrapped result of `f`.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Pii<U> {
        Pii(f(self.0))
    }
}

impl<T: Zeroize> Zeroize for Pii<T> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl<T> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[personal]")
    }
}

impl<T> From<T> for Pii<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::Pii;

    #[test]
    fn debug_never_shows_the_value() {
        let secret = Pii::new("29001011234567".to_owned());
        assert_eq!(format!("{secret:?}"), "[personal]");
        assert_eq!(format!("{:?}", vec![Some(secret)]), "[Some([personal])]");
    }
}

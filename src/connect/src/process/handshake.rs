//! The two lines before the first call: what the host gives, and what the process answers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest line, in bytes.
pub(crate) const MAX_LINE: usize = 4 * 1024;

/// The host's line, on the process's standard input. `Debug` does not show the cookie.
#[derive(Serialize, Deserialize)]
pub(crate) struct Greeting {
    /// The oldest and the newest protocol that the host speaks.
    pub(crate) protocol: [u32; 2],
    /// Version of the host.
    pub(crate) host: String,
    /// Where to listen.
    pub(crate) socket: String,
    /// What every call brings.
    pub(crate) cookie: String,
}

/// The process's line, on its standard output.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The protocol it chose.
    pub(crate) protocol: u32,
    /// Its own version.
    pub(crate) version: String,
}

impl Greeting {
    /// Returns the newest protocol that both sides speak.
    pub(crate) fn common(&self, own: [u32; 2]) -> Option<u32> {
        let newest = own[1].min(self.protocol[1]);
        (newest >= own[0].max(self.protocol[0])).then_some(newest)
    }
}

impl fmt::Debug for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Greeting")
            .field("protocol", &self.protocol)
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Greeting;

    #[test]
    fn the_newest_protocol_of_both_is_taken() {
        let greeting = |protocol| Greeting {
            protocol,
            host: String::new(),
            socket: String::new(),
            cookie: "hunter2".to_owned(),
        };
        assert_eq!(greeting([1, 3]).common([1, 1]), Some(1));
        assert_eq!(greeting([1, 3]).common([2, 5]), Some(3));
        assert_eq!(greeting([2, 3]).common([1, 1]), None);
        assert!(!format!("{:?}", greeting([1, 1])).contains("hunter2"));
    }
}

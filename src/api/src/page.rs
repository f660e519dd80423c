//! Page sizes and page tokens.
//!
//! Invariant: a token works only for the caller and the question that it was made for. Its seal is
//! keyed with random numbers of this process, so it ends with the process and tells nothing about
//! the question.

use std::hash::{BuildHasher, Hash, RandomState};

use rabt_policy::Caller;
use tonic::Status;

use crate::status::invalid;

/// Seals and opens page tokens.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    seal: RandomState,
}

/// How many items a page has when the caller does not say, and at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) usual: usize,
    pub(crate) most: usize,
}

/// The part of a list that a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) offset: usize,
    pub(crate) size: usize,
}

impl Page {
    /// Cuts the page out of the whole list; says also where the next page starts, if there is one.
    pub(crate) fn cut<T>(self, mut items: Vec<T>) -> (Vec<T>, Option<usize>) {
        let end = self.offset.saturating_add(self.size);
        let next = (items.len() > end).then_some(end);
        items.truncate(end);
        items.drain(..self.offset.min(items.len()));
        (items, next)
    }
}

impl Pages {
    /// Returns the page that a request asks for. `question` holds every field that must be the
    /// same from page to page.
    pub(crate) fn open<Q: Hash>(
        &self,
        caller: &Caller,
        question: &Q,
        (page_size, page_token): (i32, &str),
        sizes: Sizes,
    ) -> Result<Page, Status> {
        let asked =
            usize::try_from(page_size).map_err(|_| invalid("page_size", "must not be negative"))?;
        let size = if asked == 0 {
            sizes.usual
        } else {
            asked.min(sizes.most)
        };
        if page_token.is_empty() {
            return Ok(Page { offset: 0, size });
        }
        let offset = parse(page_token)
            .filter(|(offset, seal)| *seal == self.seal(caller, question, *offset));
        let (offset, _) = offset.ok_or_else(|| {
            invalid(
                "page_token",
                "is not one that this node gave to this caller for this question; start again \
                 without it",
            )
        })?;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(Page { offset, size })
    }

    /// Returns the token of the page that starts at `next`; empty when there is none.
    pub(crate) fn token<Q: Hash>(
        &self,
        caller: &Caller,
        question: &Q,
        next: Option<usize>,
    ) -> String {
        let Some(next) = next.and_then(|next| u64::try_from(next).ok()) else {
            return String::new();
        };
        format!("{next:016x}{:016x}", self.seal(caller, question, next))
    }

    fn seal<Q: Hash>(&self, caller: &Caller, question: &Q, offset: u64) -> u64 {
        let role = caller.role.as_str();
        self.seal
            .hash_one((&caller.agency, &caller.system, role, question, offset))
    }
}

fn parse(token: &str) -> Option<(u64, u64)> {
    if token.len() != 32 || !token.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let (offset, seal) = token.split_at(16);
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some((number(offset)?, number(seal)?))
}

#[cfg(test)]
mod tests {
    use rabt_policy::{Caller, Role};
    use tonic::Code;

    use super::{Page, Pages, Sizes};

    const SIZES: Sizes = Sizes {
        usual: 10,
        most: 50,
    };

    fn caller(system: &str) -> Caller {
        Caller {
            agency: "tax".parse().unwrap(),
            system: system.to_owned(),
            role: Role::System,
        }
    }

    #[test]
    fn pages_follow_one_another() {
        let pages = Pages::default();
        let caller = caller("portal");
        let mut seen = Vec::new();
        let mut token = String::new();
        loop {
            let page = pages.open(&caller, &"q", (4, &token), SIZES).unwrap();
            let (items, next) = page.cut((0..10).collect());
            seen.push(items);
            token = pages.token(&caller, &"q", next);
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
    }

    #[test]
    fn sizes_are_clamped() {
        let pages = Pages::default();
        let size = |asked| {
            pages
                .open(&caller("portal"), &"q", (asked, ""), SIZES)
                .map(|p| p.size)
        };
        assert_eq!(size(0).unwrap(), 10);
        assert_eq!(size(i32::MAX).unwrap(), 50);
        assert_eq!(size(-1).unwrap_err().code(), Code::InvalidArgument);
    }

    #[test]
    fn tokens_are_bound_to_caller_and_question() {
        let pages = Pages::default();
        let token = pages.token(&caller("portal"), &"q", Some(4));
        assert!(
            pages
                .open(&caller("portal"), &"q", (4, &token), SIZES)
                .is_ok()
        );
        let forged = format!("{:016x}{}", 8, &token[16..]);
        let cases = [
            pages.open(&caller("batch"), &"q", (4, &token), SIZES),
            pages.open(&caller("portal"), &"other", (4, &token), SIZES),
            pages.open(&caller("portal"), &"q", (4, &forged), SIZES),
            pages.open(&caller("portal"), &"q", (4, "٣"), SIZES),
            pages.open(&caller("portal"), &"q", (4, &"م".repeat(16)), SIZES),
            Pages::default().open(&caller("portal"), &"q", (4, &token), SIZES),
        ];
        for case in cases {
            assert_eq!(case.unwrap_err().code(), Code::InvalidArgument);
        }
    }

    #[test]
    fn a_page_behind_the_end_is_empty() {
        let page = Page {
            offset: usize::MAX,
            size: 5,
        };
        assert_eq!(page.cut(vec![1, 2, 3]), (vec![], None));
    }
}

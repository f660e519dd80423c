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

/// The page of a list that is read from a place on, and not counted from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageAt {
    /// The last item of the page before; `None` for the first page.
    pub(crate) after: Option<u128>,
    pub(crate) size: usize,
}

/// The part of a list that a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) offset: usize,
    pub(crate) size: usize,
}

impl PageAt {
    /// Returns how many items to read: one more than the page has, to know whether it is the last.
    pub(crate) fn wanted(self) -> u32 {
        u32::try_from(self.size).map_or(u32::MAX, |size| size.saturating_add(1))
    }

    /// Takes the page from what was read; says also which item is its last, if another one follows.
    pub(crate) fn cut<T>(
        self,
        mut items: Vec<T>,
        place: impl Fn(&T) -> u128,
    ) -> (Vec<T>, Option<u128>) {
        let more = items.len() > self.size;
        items.truncate(self.size);
        let last = items.last().filter(|_| more).map(place);
        (items, last)
    }
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
        let page = self.open_at(caller, question, (page_size, page_token), sizes)?;
        let offset = page.after.map(usize::try_from);
        Ok(Page {
            offset: offset.map_or(0, |offset| offset.unwrap_or(usize::MAX)),
            size: page.size,
        })
    }

    /// As [`Pages::open`], for lists that are read from a place on.
    pub(crate) fn open_at<Q: Hash>(
        &self,
        caller: &Caller,
        question: &Q,
        (page_size, page_token): (i32, &str),
        sizes: Sizes,
    ) -> Result<PageAt, Status> {
        let asked =
            usize::try_from(page_size).map_err(|_| invalid("page_size", "must not be negative"))?;
        let size = if asked == 0 {
            sizes.usual
        } else {
            asked.min(sizes.most)
        };
        if page_token.is_empty() {
            return Ok(PageAt { after: None, size });
        }
        let place =
            parse(page_token).filter(|(place, seal)| *seal == self.seal(caller, question, *place));
        let (place, _) = place.ok_or_else(|| {
            invalid(
                "page_token",
                "is not one that this node gave to this caller for this question; start again \
                 without it",
            )
        })?;
        Ok(PageAt {
            after: Some(place),
            size,
        })
    }

    /// Returns the token of the page that starts at `next`; empty when there is none.
    pub(crate) fn token<Q: Hash>(
        &self,
        caller: &Caller,
        question: &Q,
        next: Option<usize>,
    ) -> String {
        let next = next.and_then(|next| u128::try_from(next).ok());
        self.token_at(caller, question, next)
    }

    /// Returns the token of the page behind a place; empty when there is none.
    pub(crate) fn token_at<Q: Hash>(
        &self,
        caller: &Caller,
        question: &Q,
        last: Option<u128>,
    ) -> String {
        let Some(last) = last else {
            return String::new();
        };
        format!("{last:032x}{:016x}", self.seal(caller, question, last))
    }

    fn seal<Q: Hash>(&self, caller: &Caller, question: &Q, place: u128) -> u64 {
        let role = caller.role.as_str();
        self.seal
            .hash_one((&caller.agency, &caller.system, role, question, place))
    }
}

fn parse(token: &str) -> Option<(u128, u64)> {
    if token.len() != 48 || !token.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let (place, seal) = token.split_at(32);
    let place = u128::from_str_radix(place, 16).ok()?;
    Some((place, u64::from_str_radix(seal, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use rabt_policy::{Caller, Role};
    use tonic::Code;

    use super::{Page, PageAt, Pages, Sizes};

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
        let forged = format!("{:032x}{}", 8, &token[32..]);
        let cases = [
            pages.open(&caller("batch"), &"q", (4, &token), SIZES),
            pages.open(&caller("portal"), &"other", (4, &token), SIZES),
            pages.open(&caller("portal"), &"q", (4, &forged), SIZES),
            pages.open(&caller("portal"), &"q", (4, "٣"), SIZES),
            pages.open(&caller("portal"), &"q", (4, &"م".repeat(24)), SIZES),
            Pages::default().open(&caller("portal"), &"q", (4, &token), SIZES),
        ];
        for case in cases {
            assert_eq!(case.unwrap_err().code(), Code::InvalidArgument);
        }
    }

    #[test]
    fn places_go_on_behind_the_last_item() {
        let pages = Pages::default();
        let caller = caller("portal");
        let page = pages.open_at(&caller, &"q", (2, ""), SIZES).unwrap();
        assert_eq!((page.after, page.wanted()), (None, 3));
        let place = |item: &u128| *item;
        let (items, last) = page.cut(vec![9, u128::MAX, 7], place);
        assert_eq!((items, last), (vec![9, u128::MAX], Some(u128::MAX)));
        let token = pages.token_at(&caller, &"q", last);
        let page = pages.open_at(&caller, &"q", (2, &token), SIZES).unwrap();
        let after = Some(u128::MAX);
        assert_eq!(page, PageAt { after, size: 2 });
        assert_eq!(page.cut(vec![7], place), (vec![7], None));
        assert_eq!(pages.token_at(&caller, &"q", None), "");
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

//! Texts that tokens have in common — the names of their claims; an issuer, a client, a role — kept once for all of them
//! rather than once for each. It saves memory, and a check that looks into the claims of one token among thousands finds
//! the texts it compares in the processor's caches. What is kept changes no answer: a text is that text, wherever it lies.

use std::cell::RefCell;
use std::hash::BuildHasher;
use std::sync::Arc;

use quick_cache::DefaultHashBuilder;

/// Longer texts are seldom those of another token, too.
const MAX_BYTES: usize = 64;
/// How many texts a thread keeps, one in each place: some 30 KiB at most.
const PLACES: usize = 256;

thread_local! {
    static KEPT: RefCell<CommonTexts> = RefCell::default();
}

/// `text`, shared with those that were asked for before on this thread, if it still is among them.
pub(crate) fn shared(text: &str) -> Arc<str> {
    if text.len() > MAX_BYTES {
        return Arc::from(text);
    }
    KEPT.with(|kept| match kept.try_borrow_mut() {
        Ok(mut kept) => kept.share(text),
        Err(_) => Arc::from(text),
    })
}

#[derive(Default)]
struct CommonTexts {
    hashing: DefaultHashBuilder,
    /// None, or all of them.
    places: Vec<Place>,
}

#[derive(Clone, Default)]
struct Place {
    text: Option<Arc<str>>,
    /// Whether it was asked for since it last kept its place against another: what comes once for each token, such as its
    /// id, doesn't push out what comes with all of them.
    asked_for: bool,
}

impl CommonTexts {
    fn share(&mut self, text: &str) -> Arc<str> {
        self.places.resize_with(PLACES, Place::default);
        // Most significant bits first: which of them a hash mixes best is its own affair.
        let hash = self.hashing.hash_one(text);
        let at = usize::try_from(hash >> 32).unwrap_or(0) % PLACES;
        let Some(place) = self.places.get_mut(at) else {
            return Arc::from(text);
        };
        match &place.text {
            Some(kept) if **kept == *text => {
                place.asked_for = true;
                Arc::clone(kept)
            }
            Some(_) if place.asked_for => {
                place.asked_for = false;
                Arc::from(text)
            }
            _ => {
                let text = Arc::from(text);
                place.text = Some(Arc::clone(&text));
                text
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_shared_while_texts_that_come_once_pass_by() {
        let mut texts = CommonTexts::default();
        let mut shared = 0;
        let mut last = texts.share("client_id");
        for number in 0..10_000 {
            assert_eq!(&*texts.share(&format!("id-{number}")), format!("id-{number}"));
            let again = texts.share("client_id");
            shared += u32::from(Arc::ptr_eq(&again, &last));
            last = again;
        }
        assert!(shared > 9_900, "{shared}");
        assert_eq!(texts.places.len(), PLACES);
    }

    #[test]
    fn what_is_no_longer_used_makes_room() {
        let mut texts = CommonTexts::default();
        for number in 0..10 * PLACES {
            texts.share(&format!("old-{number}"));
            texts.share(&format!("old-{number}"));
        }
        let new: Vec<String> = (0..PLACES / 8).map(|number| format!("new-{number}")).collect();
        for _ in 0..4 {
            for text in &new {
                texts.share(text);
            }
        }
        let kept = new.iter().filter(|text| {
            let (first, second) = (texts.share(text), texts.share(text));
            Arc::ptr_eq(&first, &second)
        });
        assert!(kept.count() > PLACES / 8 - 8);
    }

    #[test]
    fn long_texts_are_each_their_own() {
        let long = "x".repeat(MAX_BYTES + 1);
        assert!(!Arc::ptr_eq(&shared(&long), &shared(&long)));
        assert!(Arc::ptr_eq(&shared("iss"), &shared("iss")));
    }
}

//! How alike two texts are, told from a sketch of each that is small enough to keep.

use crate::id::derive;

/// A sketch of a text: the smallest hashes of its words.
///
/// What two sketches have in common estimates how many words the texts share (the bottom-k sketch
/// of Broder's resemblance). Case, punctuation, order and repetition do not matter.
///
/// ```
/// use mpg_core::likeness::Likeness;
///
/// let first = Likeness::of("The tests fail: please fix the parser.");
/// assert!(first.is_near(&Likeness::of("the tests fail, please fix the parser!")));
/// assert!(!first.is_near(&Likeness::of("The parser is fixed; please run the tests.")));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Likeness(Vec<u32>);

/// How many hashes are kept of a text.
const KEPT: usize = 64;

/// How many percent of the words two texts must share to be near.
const NEAR: usize = 80;

impl Likeness {
    /// The sketch of a text.
    pub fn of(text: &str) -> Self {
        let words = text.split(|c: char| !c.is_alphanumeric());
        let mut hashes: Vec<u32> = words
            .filter(|word| !word.is_empty())
            .map(|word| hash(&word.to_lowercase()))
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes.truncate(KEPT);
        Self(hashes)
    }

    /// Takes a sketch as a store gives it back.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let (words, _) = bytes.as_chunks::<4>();
        let mut hashes: Vec<u32> = words.iter().copied().map(u32::from_be_bytes).collect();
        hashes.truncate(KEPT);
        Self(hashes)
    }

    /// The sketch for a store.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|hash| hash.to_be_bytes()).collect()
    }

    /// Whether the texts say nearly the same: they share at least four of five words.
    pub fn is_near(&self, other: &Self) -> bool {
        let mut union: Vec<u32> = self.0.iter().chain(&other.0).copied().collect();
        union.sort_unstable();
        union.dedup();
        union.truncate(KEPT);
        let shared = union
            .iter()
            .filter(|hash| {
                self.0.binary_search(hash).is_ok() && other.0.binary_search(hash).is_ok()
            })
            .count();
        shared * 100 >= union.len() * NEAR
    }
}

fn hash(word: &str) -> u32 {
    let uuid = derive(uuid::Uuid::nil(), word);
    let [a, b, c, d, ..] = *uuid.as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_texts_are_compared_by_what_they_share() {
        let long = |skip: usize| {
            let words: Vec<String> = (skip..skip + 1000).map(|n| format!("word{n}")).collect();
            Likeness::of(&words.join(" "))
        };
        assert!(long(0).is_near(&long(20)));
        assert!(!long(0).is_near(&long(500)));
    }

    proptest! {
        #[test]
        fn a_text_is_near_itself_and_reads_back(text in "([a-z]{1,4} ){0,80}") {
            let likeness = Likeness::of(&text);
            prop_assert!(likeness.is_near(&likeness));
            prop_assert_eq!(Likeness::from_bytes(&likeness.to_bytes()), likeness);
        }
    }
}

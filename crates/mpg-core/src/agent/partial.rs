//! What is left of a turn that has no answer.

/// What a turn did that has no answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partial {
    /// What it wrote, at most [`Partial::LONGEST`] bytes: the end of it.
    pub text: String,
    /// Whether there was more before it.
    pub cut: bool,
    /// How many tools it ran.
    pub steps: u32,
}

impl Partial {
    /// How much text is kept, in bytes.
    pub const LONGEST: usize = 16 * 1024;

    /// Adds text, and forgets what is too far back.
    pub fn write(&mut self, delta: &str) {
        self.text.push_str(delta);
        // Not each time that one more letter comes.
        if self.text.len() > 2 * Self::LONGEST {
            self.trim();
        }
    }

    /// Ends a paragraph.
    pub fn end_block(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.write("\n\n");
        }
    }

    /// What is kept of it; `None` if nothing was done.
    #[must_use]
    pub fn finish(mut self) -> Option<Self> {
        self.trim();
        self.text.truncate(self.text.trim_end().len());
        (!self.text.is_empty() || self.steps > 0).then_some(self)
    }

    fn trim(&mut self) {
        if let Some(beyond) = self.text.len().checked_sub(Self::LONGEST)
            && beyond > 0
        {
            let start = self.text.ceil_char_boundary(beyond);
            self.text.drain(..start);
            self.cut = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(deltas: &[&str]) -> Partial {
        let mut partial = Partial::default();
        for delta in deltas {
            partial.write(delta);
        }
        partial
    }

    #[test]
    fn nothing_done_is_nothing_kept() {
        assert_eq!(Partial::default().finish(), None);
        assert_eq!(written(&["\n", " \n"]).finish(), None);
    }

    #[test]
    fn a_step_without_a_word_is_kept() {
        let partial = Partial {
            steps: 1,
            ..Partial::default()
        };
        assert_eq!(partial.clone().finish(), Some(partial));
    }

    #[test]
    fn a_word_without_a_step_is_kept_without_the_room_behind_it() {
        let kept = written(&["one", " word \n"]).finish().unwrap();
        assert_eq!((kept.text.as_str(), kept.cut), ("one word", false));
    }

    #[test]
    fn a_block_ends_in_one_empty_line() {
        let mut partial = Partial::default();
        partial.end_block();
        assert_eq!(partial.text, "");
        partial.write("one");
        partial.end_block();
        partial.end_block();
        partial.write("two");
        assert_eq!(partial.text, "one\n\ntwo");
    }

    #[test]
    fn as_much_as_is_kept_is_not_cut() {
        let text = "x".repeat(Partial::LONGEST);
        let kept = written(&[&text]).finish().unwrap();
        assert_eq!(kept.text.len(), Partial::LONGEST);
        assert!(!kept.cut);
    }

    #[test]
    fn the_end_of_a_long_text_is_kept() {
        let text = "x".repeat(Partial::LONGEST);
        let kept = written(&["é", &text]).finish().unwrap();
        assert_eq!(kept.text, text);
        assert!(kept.cut);
        // A letter in the middle of which the rest would begin goes as a whole.
        let kept = written(&["é", &text[1..]]).finish().unwrap();
        assert_eq!(kept.text, text[1..]);
        assert!(kept.cut);
    }

    #[test]
    fn what_is_written_grows_to_twice_of_what_is_kept_and_no_further() {
        let mut partial = written(&[&"x".repeat(2 * Partial::LONGEST)]);
        assert_eq!(partial.text.len(), 2 * Partial::LONGEST);
        partial.write("y");
        assert_eq!(partial.text.len(), Partial::LONGEST);
        assert!(partial.text.ends_with("xy"));
        partial.write("z");
        assert_eq!(partial.text.len(), Partial::LONGEST + 1);
    }
}

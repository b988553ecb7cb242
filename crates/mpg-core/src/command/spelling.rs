//! What a misspelled word was probably meant as.

use super::COMMANDS;

/// The command, or the one of `others`, that a word was probably meant as.
pub(crate) fn suggest<'a>(word: &str, others: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // A long word is no slip of the finger, and its distance would be dear to compute.
    if word.chars().count() > 20 {
        return None;
    }
    COMMANDS
        .iter()
        .map(|command| command.name)
        .chain(others)
        .map(|name| (distance(word, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min()
        .map(|(_, name)| name.to_owned())
}

/// The number of single-character changes that lead from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

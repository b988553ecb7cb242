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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_the_fewest_changes() {
        let table = [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kill", "kill", 0),
            ("kil", "kill", 1),
            ("killl", "kill", 1),
            ("kilo", "kill", 1),
            ("restrat", "restart", 2),
            ("kitten", "sitting", 3),
            ("ärger", "arger", 1),
        ];
        for (a, b, changes) in table {
            assert_eq!(distance(a, b), changes, "{a:?} {b:?}");
            assert_eq!(distance(b, a), changes, "{b:?} {a:?}");
        }
    }

    #[test]
    fn a_longer_name_forgives_more_and_the_nearest_one_is_meant() {
        let near = |word: &str, names: &[&str]| suggest(word, names.iter().copied());
        assert_eq!(near("zzzdefgh", &["abcdefgh"]).as_deref(), Some("abcdefgh"));
        assert_eq!(near("zzzzefgh", &["abcdefgh"]), None);
        assert_eq!(near("zyx", &["zab"]), None);
        assert_eq!(near("zyx", &["zyb"]).as_deref(), Some("zyb"));
        let both = ["zabcdefg", "zzzdefgh"];
        assert_eq!(near("zzzdefgi", &both).as_deref(), Some("zzzdefgh"));
    }

    #[test]
    fn a_long_word_is_no_slip() {
        let name = "z".repeat(20);
        assert_eq!(suggest(&name, [name.as_str()]), Some(name.clone()));
        assert_eq!(suggest(&format!("{name}z"), [name.as_str()]), None);
    }
}

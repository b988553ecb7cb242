//! Texts in which one character more or less would move the cut.

use super::show;
use crate::capability::TextLimit;

/// What decides, and a text in which it does.
const TABLES: [(&str, &str); 8] = [
    (
        "a row without a delimiter row is a line",
        "xxx|\nxxxxxxxxxxxxxxx xxxxxxxx xxxxx \nx xxxxxxxxxxxxxxxxx xxxxxxxx",
    ),
    (
        "a line without a bar ends a table",
        "x\nx\nxxx\nxx|xx\n -|- \n\nxxxxxxx\nxxxxx\nx   x xx xxxx xx xx xxxxxxxx|x",
    ),
    (
        "a row that a blank line follows heads no table",
        "xxxxxx\nxxxxx\nxxxx|\n\n                 xxxxxx\nxxxxx\n        xxxxxxx",
    ),
    (
        "a header and its delimiter row stay together",
        "xx\n                            xx|xx\n -|- \n                xxxxxx",
    ),
    (
        "a delimiter row and its first row stay together",
        " xxxxx\nxxxxx\nxx|xx\n -|- \n~~~xxxxx\nxxxxx\nxxxxxx xxxxxx\nxxxxx\nxxxxx",
    ),
    (
        "a fence begins a block",
        "xxx\nxxxxx\nxxxxx\nxxxxx\nxxxxx\nxxxxx\n```xx\nxxxxxx\nxxxxx\nxxxxxx\nxxxxx",
    ),
    (
        "a table does not go on behind a blank line",
        "xxxxxxxxxxxxxxxxxxxxxxx\nxxxxx\nxx|xx\n -|- \nxxxxx|\nxxxx|\n\nxxxxxxx|x",
    ),
    (
        "nor does it behind an indentation that is left out",
        "x xxxxx\nxxx   x         xxx xxxxx\nxxxx\nxxx xxxx   xxxxxxxxxxxxx\nxxxxx\nxx|xx\n -|- \n\
         xxxx|\n          xxxx|",
    ),
];

const HEADINGS: [(&str, &str); 3] = [
    (
        "a heading stays with what follows",
        "x        x\nx                x\n\n\n\n          #        xxxxx\n\nxx xxx",
    ),
    (
        "a sign without a space behind it heads nothing",
        "xx xx xxxx\n #xxxxxx x xxxx\n\n\nxxxxxxxxxxxxxxxxxxxx\nxxxxxxxxx xxxxx",
    ),
    (
        "a sign and a space are a heading",
        " xxx xxxxxxxx xxxxx \n\n# xx\n\n      xxx xxxxxxxx xxxxx  xx xxxx x x",
    ),
];

const SENTENCES: [(&str, &str); 5] = [
    (
        "a sentence in the first quarter is no place for a cut",
        ". xxxxxxxx xxxxxxxxxxxxxxxxxxxxxx xxxxxxxxxxxxxxx xxxxxxx xxxxxxx",
    ),
    (
        "a wide stop needs no space behind it",
        "xxxxxxxxxxxxxxxxxxxxxxx。xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ),
    (
        "a quotation mark behind a stop belongs to the sentence",
        "xxxxxxxxxxxxxx。\"xxxxxxxxxxxxxxxxxxxxxx xx x xxxxxxxxxxxxxx xxxxxx",
    ),
    (
        "of several spaces, the first ends the word",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx xxxxxxxxxxxxx    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ),
    (
        "a stop and a space end a sentence, whatever follows",
        "x    xx     xx  xx x. ~~~xx    xxxxxx     xx xxxxxxxxxxx     x",
    ),
];

const FENCES: [(&str, usize, &str); 29] = [
    (
        "a line without the quote's sign leaves its fence",
        64,
        "   x xxxxx\nxxxxx\n> ```\nxx|xx\n -|- \nx   x xxxxx\nxxxxx\nxxxxxx\nxxxxx",
    ),
    (
        "the last line that begins within the limit is cut inside",
        68,
        "# xxxxxxxxxxxx        xxxx\n ```xxxx    \nxxxx    xxxxx xxx    x xxxxx\nxxxx",
    ),
    (
        "a blank line at the limit is not",
        85,
        "          ~~~~~~~                xxxxx         xxx                \n                xxx",
    ),
    (
        "an opening line does not stand alone",
        64,
        "     ~~~\nx xxxxx xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx x xxxxxxxxxx   x x",
    ),
    (
        "a line that a backtick far behind keeps from opening is not cut before it",
        64,
        "xx\n```xxxxxx xxxxx xxxxx xxxxxxxx xxxxx  xxxxx xxxxxxxx xxxxx xx`",
    ),
    (
        "not even directly before it",
        64,
        "a\n```xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`xxxx",
    ),
    (
        "code is cut between words",
        82,
        "        ```xx\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx xxxx\n          ```",
    ),
    (
        "the marks of an opening line are not cut",
        64,
        "       ```xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx```xxxxxxxxx",
    ),
    (
        "nor is what would open a fence without what stands behind it",
        64,
        "   ```xxxxxxxxx xxx xxxxxxxx xxxxx xx x xxx xxxxx xxxxxxxxx`xx xx",
    ),
    (
        "however many words are in it",
        64,
        "```xxxxxxxx xxxxx 。 `xxxxxx xxxxxxxx xxxxx xxxxxxxx xxxxx xxxxx",
    ),
    (
        "behind the backtick it may be cut",
        64,
        "```xxxxxxxxxxxxxxxxx xx` xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ),
    (
        "wherever it stands",
        64,
        "    ```        xx xxx xxxxxxx`        xxxxxxxxxxxxxxxxxxxxxxxx",
    ),
    (
        "marks behind a list marker are not cut",
        64,
        "```xxx xxxxx xxxxxxxxxxxxxxxxxxxxxxxxxx xxx\nx xxx\n```\n# xxxxx xxx xxxxx x xxx\n  3.     ```",
    ),
    (
        "nor are marks in the last line",
        68,
        "x     xxxxx\nxxxxx\n      xx|xx\n -|- \n                \n\n\nxx|xx\n -|- \n\n\nxx|xx\n -|- \n```",
    ),
    (
        "tildes open whatever stands behind them",
        64,
        "xx xxx xxxxx xxx xxxxxxxx xxxx. -           ~~~xxx xxxxxxxx xxxx. xxxx xxxxxx xxx",
    ),
    (
        "code that begins like a closing line is not cut into one",
        64,
        "~~~xx    xxxx    x xxx\n ~~~    xxxxxxxx         ~~~xxxxxxxxxxxxxx",
    ),
    (
        "nor cut in its marks",
        77,
        "~~~xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx xxxx\n   ~~~xxxxx",
    ),
    (
        "nor behind more marks than opened it",
        64,
        "```\n   ```````````````````````` xx                            ```",
    ),
    (
        "nor directly behind them",
        82,
        "```xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  x xxxxx\n```xxxxx",
    ),
    (
        "such a line goes on where there is room",
        64,
        "~~~xxx\n~~~xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ),
    (
        "fewer marks than opened it are code",
        87,
        "   ~~~xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx x\n  ~xxxxxxxx",
    ),
    (
        "as many, a little to the right, close it",
        64,
        "x\n\nx xxxx\n\n\n```xxxxxxxxx\nxxxxx\nx xxxx\n\n\nxxx xxxxx x xxxx\n  ```\n\nx",
    ),
    (
        "marks far to the right do not",
        64,
        "xxxxxxxxx\n```\nxxxxx\nxxxxx\n    ```\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ),
    (
        "three spaces are not far",
        64,
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n```xx\n   ```  \nxxxxxxxxxxxxxxx",
    ),
    (
        "it is counted from where the fence was opened",
        64,
        "  ```\nxxx xxxxx xxx\n    ```\n\nxxx xxxxx xxxxx\nxxx xxxxx \nxxx xxxxx",
    ),
    (
        "marks at the end of a line are not made the beginning of one",
        65,
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx```",
    ),
    (
        "neither are tildes",
        64,
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ~~~xx",
    ),
    (
        "marks behind spaces in a line of text open nothing",
        64,
        "b    ````aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ),
    (
        "marks behind a marker's space open a fence",
        64,
        "1.    ````aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ),
];

#[test]
fn tables_headings_and_sentences_hold_together() {
    let cases = TABLES.into_iter().chain(HEADINGS).chain(SENTENCES);
    let shown: Vec<String> = cases
        .map(|(what, text)| format!("{what}\n{}", show(text, TextLimit::SMALLEST)))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn fences_open_and_close_where_they_should() {
    let shown: Vec<String> = FENCES
        .into_iter()
        .map(|(what, max, text)| format!("{what}\n{}", show(text, max)))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

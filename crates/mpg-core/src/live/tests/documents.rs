//! What the steps of a turn gave, as a document.

use super::*;

#[test]
fn what_steps_gave_is_a_document() {
    let mut view = view();
    assert_eq!(view.results(), None);
    view.apply(&started("0", None, ToolKind::Running, "true"), seconds(0));
    view.apply(&ended("0", false, " \n"), seconds(1));
    assert_eq!(view.results(), None, "nothing was given");
    for (at, event) in story() {
        view.apply(&event, seconds(at));
    }
    view.apply(&started("9", None, ToolKind::Reading, "a.md"), seconds(300));
    view.apply(&ended("9", false, "```sh\nls\n```\n"), seconds(301));
    insta::assert_snapshot!(view.results().unwrap().document);
}

#[test]
fn a_document_of_much_has_the_newest_steps_and_counts_the_others() {
    let mut view = view();
    for number in 0..500 {
        let id = number.to_string();
        view.apply(&started(&id, None, ToolKind::Reading, &id), seconds(number));
        view.apply(
            &ended(&id, false, &"\u{1f600}".repeat(2_000)),
            seconds(number),
        );
    }
    let document = view.results().unwrap().document;
    assert!(document.len() <= 64 * 1024, "{}", document.len());
    assert!(document.len() > 32 * 1024, "{}", document.len());
    let steps = document.matches("\n## ").count();
    let earlier = format!("… {} earlier steps ({} read)", 500 - steps, 500 - steps);
    assert!(document.contains(&earlier), "{earlier}");
    assert!(document.contains("read `499`") && !document.contains("read `0`"));
}

/// Ends a step that gave this.
fn gave(view: &mut LiveView, id: &str, excerpt: &str) {
    view.apply(&started(id, None, ToolKind::Reading, id), seconds(0));
    view.apply(&ended(id, false, excerpt), seconds(0));
}

#[test]
fn a_document_takes_steps_up_to_its_last_byte() {
    let most = (0..1_000)
        .filter_map(|length| {
            let mut view = view();
            gave(&mut view, "oldest", &"x".repeat(length));
            for number in 0..15 {
                gave(&mut view, &number.to_string(), &"\u{1f600}".repeat(1_000));
            }
            for number in 15..18 {
                gave(&mut view, &number.to_string(), &"x".repeat(1_000));
            }
            let document = view.results()?.document;
            document.contains("read `oldest`").then_some(document.len())
        })
        .max();
    let title = "# What the steps gave\n".len();
    assert_eq!(most, Some(64 * 1024 - 1024 + title));
}

#[test]
fn a_document_has_no_step_before_one_that_it_leaves_out() {
    let mut view = view();
    gave(&mut view, "small", "x");
    for number in 0..20 {
        gave(&mut view, &number.to_string(), &"\u{1f600}".repeat(1_000));
    }
    let document = view.results().unwrap().document;
    assert!(!document.contains("read `small`"));
}

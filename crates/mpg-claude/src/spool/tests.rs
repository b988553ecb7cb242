use mpg_core::agent::{Exit, FailureKind, TurnFailure, TurnReport, Usage};
use mpg_core::id::SubmitId;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn id(number: u128) -> SubmitId {
    SubmitId::from_uuid(Uuid::from_u128(number))
}

fn text(text: &str) -> AgentEvent {
    AgentEvent::Text {
        delta: text.to_owned(),
    }
}

fn ended(number: u128, result: Result<String, TurnFailure>) -> AgentEvent {
    AgentEvent::Ended(TurnReport {
        submits: vec![id(number)],
        result,
        usage: Usage::default(),
        partial: None,
    })
}

fn answered(number: u128) -> AgentEvent {
    ended(number, Ok("fine".to_owned()))
}

fn spool(folder: &Path) -> Spool {
    Spool::create(&folder.join("spool"), 100, LIMIT).unwrap()
}

fn read(spool: &Spool, cursor: &mut Cursor) -> Vec<(Kind, u64)> {
    std::iter::from_fn(|| spool.next(cursor).unwrap())
        .map(|frame| (frame.kind, frame.seq))
        .collect()
}

#[test]
fn events_are_numbered_on_and_read_as_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = spool(folder.path());
    let mut cursor = Cursor::default();
    assert_eq!(read(&spool, &mut cursor), [(Kind::Acknowledged, 100)]);
    spool.note(Kind::In, b"a").unwrap();
    spool.keep(&text("one")).unwrap();
    assert_eq!(
        read(&spool, &mut cursor),
        [(Kind::In, 100), (Kind::Event, 101)]
    );
    spool.keep(&answered(1)).unwrap();
    assert!(spool.has_unread());
    assert_eq!(read(&spool, &mut cursor), [(Kind::Event, 102)]);
    spool.acknowledge(102).unwrap();
    assert!(!spool.has_unread());
    assert_eq!((spool.last(), spool.acknowledged()), (102, 102));
}

#[test]
fn what_is_acknowledged_goes_in_whole_segments() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = spool(folder.path());
    let long = "x".repeat(300 << 10);
    let mut cursor = Cursor::default();
    for _ in 0..16 {
        spool.keep(&text(&long)).unwrap();
    }
    let files = || segments(&folder.path().join("spool")).unwrap().len();
    assert_eq!(files(), 4);
    spool.acknowledge(110).unwrap();
    assert_eq!(files(), 3, "the note of it begins another one");
    let left = read(&spool, &mut cursor);
    assert_eq!(
        left.first(),
        Some(&(Kind::Event, 109)),
        "a whole segment is left"
    );
    spool.acknowledge(116).unwrap();
    assert_eq!(files(), 1);
    let remains = Remains::read(&folder.path().join("spool")).unwrap();
    assert_eq!((remains.last, remains.acknowledged), (116, 116));
}

#[test]
fn a_full_spool_leaves_out_what_is_only_shown() {
    let folder = tempfile::tempdir().unwrap();
    let limit = 40 << 20;
    let mut spool = Spool::create(&folder.path().join("spool"), 0, limit).unwrap();
    let long = "x".repeat(5 << 20);
    while spool.left_out() == 0 {
        spool.keep(&text(&long)).unwrap();
    }
    let last = spool.last();
    assert!(spool.has_room());
    while spool.has_room() {
        spool.keep(&ended(1, Ok(long.clone()))).unwrap();
    }
    assert!(spool.last() > last);
    spool.keep(&ended(2, Ok("x".repeat(PAYLOAD)))).unwrap();
    assert!(spool.size() <= limit, "{}", spool.size());
    spool.acknowledge(spool.last()).unwrap();
    assert!(spool.has_room());
    spool.keep(&text("again")).unwrap();
    assert_eq!(spool.left_out(), 1);
}

#[test]
fn what_a_dead_keeper_owes_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = spool(folder.path());
    spool.keep(&answered(1)).unwrap();
    spool.acknowledge(101).unwrap();
    spool.keep(&text("two")).unwrap();
    spool.keep(&answered(2)).unwrap();
    let failure = TurnFailure {
        kind: FailureKind::Exited,
        message: String::new(),
        resets_at: None,
    };
    spool.keep(&ended(3, Err(failure))).unwrap();
    let code = Some(137);
    let stderr = String::new();
    spool
        .keep(&AgentEvent::Exited(Exit { code, stderr }))
        .unwrap();
    let mut remains = Remains::read(&folder.path().join("spool")).unwrap();
    assert_eq!((remains.last, remains.acknowledged), (105, 101));
    assert_eq!(remains.unread, BTreeMap::from([(id(2), 103)]));
    let events = remains.events(remains.acknowledged).unwrap();
    let numbers: Vec<u64> = events.map(|(seq, _)| seq.0).collect();
    assert_eq!(numbers, [102, 103, 104, 105]);
    remains.acknowledge(103);
    assert_eq!(remains.last_unread, None);
    let nothing = Remains::read(&folder.path().join("other")).unwrap();
    assert_eq!((nothing.last, nothing.damaged), (0, false));
}

#[test]
fn an_event_that_is_too_long_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = spool(folder.path());
    spool.keep(&text(&"\u{1}".repeat(PAYLOAD / 2))).unwrap();
    let remains = Remains::read(&folder.path().join("spool")).unwrap();
    let Some((_, AgentEvent::Text { delta })) = remains.events(0).unwrap().next() else {
        panic!("the text is there");
    };
    assert_eq!(delta.len(), CUT);
}

proptest! {
    #[test]
    fn a_damaged_spool_gives_its_beginning(
        texts in prop::collection::vec(".{0,40}", 1..12),
        place in 0.0..1.0_f64,
        damage in prop::option::of(1..=255_u8),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = spool(folder.path());
        let written: Vec<AgentEvent> = texts.iter().map(|line| text(line)).collect();
        for event in &written {
            spool.keep(event).unwrap();
        }
        let path = path(&folder.path().join("spool"), 1);
        let mut bytes = fs::read(&path).unwrap();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "any place does"
        )]
        let at = (bytes.len() as f64 * place) as usize;
        match damage {
            Some(bits) => bytes[at] ^= bits,
            None => bytes.truncate(at),
        }
        fs::write(&path, &bytes).unwrap();
        let remains = Remains::read(&folder.path().join("spool")).unwrap();
        let read: Vec<AgentEvent> = remains.events(0).unwrap().map(|(_, event)| event).collect();
        prop_assert!(written.starts_with(&read));
        prop_assert!(read.len() < written.len());
        prop_assert!(remains.damaged || damage.is_none());
    }
}

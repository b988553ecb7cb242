//! What the turns of threads were can be read back.

use std::time::Duration;

use mpg_core::agent::{ContextUse, FailureKind, TurnFailure, Usage};
use mpg_core::id::{InstallationId, RootId};
use mpg_core::job::{Ledger, PastTurn};
use mpg_core::port::Store as _;
use mpg_core::record::{Record, TurnOutcome};
use mpg_core::snapshot::{Origin, Snapshot};

use super::said::Conversation;
use super::{StoreFactory, Subject};

/// Checks that a store gives back who asked what, what came of it, and what it took together, of
/// turns that ended and of no other.
pub(super) async fn what_was_done_reads_back<F: StoreFactory>(factory: &F) {
    let mut subject = Subject::open(factory).await;
    let installation = InstallationId::from_uuid(uuid::Uuid::from_u128(1));
    let (mut state, mut ledger) = (Snapshot::new(installation), Ledger::default());
    let mut threads = [Conversation::new("7"), Conversation::new("8")];
    let outcomes = [
        TurnOutcome::Answered,
        TurnOutcome::Failed(TurnFailure::new(FailureKind::TimedOut, "late")),
        TurnOutcome::Stopped,
        TurnOutcome::Abandoned,
    ];
    for (number, outcome) in (1..).zip(outcomes.iter().cycle().take(9)) {
        let thread = &mut threads[usize::from(number % 3 == 0)];
        let agent = (number % 2 == 0).then_some("pm");
        let origin = match number {
            5 => Origin::Joined {
                parent: thread.turn(None),
            },
            _ => Origin::Person,
        };
        let mut batch = thread.ask(&[agent], &origin);
        let (conversation, turn) = (thread.of(agent), thread.turn(agent));
        batch.push(Record::TurnStarted {
            conversation: conversation.clone(),
            turn,
            attempt: 1,
            continues: false,
            at: thread.later(),
        });
        batch.push(Record::TurnEnded {
            conversation,
            turn,
            outcome: outcome.clone(),
            usage: Usage {
                input_tokens: number,
                output_tokens: 10 * number,
                cache_read_tokens: 100 * number,
                cache_creation_tokens: 1_000 * number,
                cost_microdollars: 10_000 * number,
                duration: Duration::from_millis(number),
                steps: 3 * number,
                context: (number > 1).then_some(ContextUse {
                    used: number,
                    window: 200_000,
                }),
            },
            at: thread.later(),
        });
        // One waits behind it, and counts for nothing.
        if number == 9 {
            batch.extend(thread.ask(&[agent], &Origin::Person));
        }
        subject.commit(&batch).await;
        for record in &batch {
            ledger.apply(&state, record);
            state.apply(record);
        }
    }
    subject.reopen().await;
    let roots: Vec<RootId> = threads.iter().map(|thread| thread.root.clone()).collect();
    for asked in [&roots[..], &roots[..1], &roots[1..], &[]] {
        for last in [0, 2, 100] {
            let turns = subject.store().turns(asked, last).await;
            assert_eq!(turns.expect("it reads"), ledger.turns(asked, last));
        }
    }
    let all = ledger.turns(&roots, 100);
    let spent = (all.ended, all.usage.input_tokens, all.last.len());
    assert_eq!(spent, (9, 45, 9));
    let handed = all.last.iter().filter(|turn: &&PastTurn| !turn.by_person);
    assert_eq!(handed.count(), 1);
    subject.close().await;
}

//! What a commit takes: on disk when it returns.

use std::time::Instant;

use jiff::Timestamp;
use mpg_core::id::{
    ChannelId, ChannelKey, ConversationId, InstallationId, Place, PlatformId, Position, RootId,
    TurnId,
};
use mpg_core::port::Store as _;
use mpg_core::record::{Disposition, Record};
use mpg_core::snapshot::{Origin, QueuedTurn};
use mpg_store::SqliteStore;
use uuid::Uuid;

use crate::past;
use crate::sample::Sample;
use crate::table::{Budget, Table, Unit};

const RUNS: usize = 5;
const COMMITS: u64 = 100;

pub(crate) async fn measure(table: &mut Table) {
    let mut sample = Sample::default();
    for _ in 0..RUNS {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(directory.path()).await.unwrap();
        for number in 0..COMMITS {
            let records = accepted(number);
            let begin = Instant::now();
            store.commit(&records).await.unwrap();
            sample.add_time(begin.elapsed());
        }
        store.close().await.unwrap();
    }
    let what = "a commit of 3 records, on disk";
    table.row(what, Unit::Seconds, &sample, Budget::None);
}

/// What is recorded of a message that has to wait.
fn accepted(number: u64) -> [Record; 3] {
    let platform = PlatformId::new("chat");
    let channel = ChannelKey::new(platform.clone(), ChannelId::new("1400000000000000000"));
    let message = past::message(Place::channel(channel.clone()), number);
    let installation = InstallationId::from_uuid(Uuid::from_u128(1));
    let at = Timestamp::now();
    let conversation = ConversationId {
        root: RootId::of_message(channel, message.id.clone()),
        agent: None,
    };
    [
        Record::MessageSeen {
            message: message.reference(),
            author: message.author.id.clone(),
            disposition: Disposition::Accepted,
            at,
        },
        Record::TurnQueued {
            conversation,
            turn: QueuedTurn {
                id: TurnId::of_message(installation, &message.reference(), None),
                cause: message.reference(),
                author: message.author.id.clone(),
                prompt: message.text,
                attachments: Vec::new(),
                at,
                origin: Origin::Person,
            },
        },
        Record::PositionMoved {
            platform,
            position: Position::new(number.to_string()),
        },
    ]
}

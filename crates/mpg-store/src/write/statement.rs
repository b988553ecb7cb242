//! The statements of each record.
//!
//! What is not known is left alone by looking it up in the statement itself: a sub-select that
//! finds nothing is NULL, which equals nothing.

/// The thread that the first three parameters name.
macro_rules! thread {
    () => {
        "(SELECT id FROM thread WHERE platform = $1 AND channel = $2 AND root = $3)"
    };
}

/// The conversation that the first four parameters name.
macro_rules! conversation {
    () => {
        "(SELECT c.id FROM conversation c JOIN thread t ON t.id = c.thread
          WHERE t.platform = $1 AND t.channel = $2 AND t.root = $3 AND c.agent = $4)"
    };
}

/// The fifth parameter's turn, if it is the one that runs in the conversation.
macro_rules! running {
    () => {
        concat!(
            "(SELECT r.seq FROM turn r
              WHERE r.state = 'running' AND r.conversation = ",
            conversation!(),
            " AND r.id = $5)"
        )
    };
}

/// The turns of the fifth parameter that wait in the conversation.
macro_rules! waiting {
    () => {
        concat!(
            "state = 'queued' AND conversation = ",
            conversation!(),
            " AND id = $5"
        )
    };
}

/// The first of the fifth parameter's turns that waits, unless any turn runs in the conversation.
macro_rules! startable {
    () => {
        concat!(
            "(SELECT q.seq FROM turn q
              WHERE q.state = 'queued' AND q.conversation = ",
            conversation!(),
            " AND q.id = $5 AND NOT EXISTS
                (SELECT 1 FROM turn r WHERE r.state = 'running' AND r.conversation = q.conversation)
              ORDER BY q.seq LIMIT 1)"
        )
    };
}

pub(super) const POSITION_MOVED: &str = "
    INSERT INTO position (platform, value) VALUES ($1, $2)
    ON CONFLICT (platform) DO UPDATE SET value = excluded.value";

/// The messages of a place that are too old to be told apart are dropped: the newest of them says
/// all that is known of them.
pub(super) const MESSAGE_SEEN: &str = "
    INSERT INTO message (platform, channel, thread, id_length, id, author, disposition, seen_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8
    WHERE NOT EXISTS
        (SELECT 1 FROM place_read
         WHERE platform = $1 AND channel = $2 AND thread = $3 AND (id_length, id) >= ($4, $5))
    ON CONFLICT (platform, channel, thread, id_length, id) DO NOTHING;

    DELETE FROM message
    WHERE platform = $1 AND channel = $2 AND thread = $3 AND (id_length, id) <
        (SELECT id_length, id FROM message
         WHERE platform = $1 AND channel = $2 AND thread = $3
         ORDER BY id_length DESC, id DESC LIMIT 1 OFFSET $9)";

/// What is not newer than what was read back is told by that alone.
pub(super) const PLACE_READ: &str = "
    INSERT INTO place_read (platform, channel, thread, id_length, id)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (platform, channel, thread) DO UPDATE SET
        id_length = excluded.id_length, id = excluded.id
    WHERE (excluded.id_length, excluded.id) > (place_read.id_length, place_read.id);

    DELETE FROM message
    WHERE platform = $1 AND channel = $2 AND thread = $3 AND (id_length, id) <= ($4, $5)";

pub(super) const CHANNEL_KNOWN: &str = "
    INSERT INTO channel (platform, channel, known_since) VALUES ($1, $2, $3)
    ON CONFLICT (platform, channel) DO NOTHING";

pub(super) const GAP_OPENED: &str = "
    UPDATE channel SET gap_since = $3
    WHERE platform = $1 AND channel = $2 AND gap_since IS NULL";

pub(super) const GAP_CLOSED: &str = "
    UPDATE channel SET gap_since = NULL, known_since = coalesce($3, known_since)
    WHERE platform = $1 AND channel = $2";

pub(super) const THREAD_BOUND: &str = "
    DELETE FROM kept WHERE thread IN
        (SELECT id FROM thread WHERE platform = $1 AND channel = $2 AND root = $3
             AND NOT (place_platform IS $4 AND place_channel IS $5 AND place_thread IS $6));

    INSERT INTO thread
        (platform, channel, root, place_platform, place_channel, place_thread, active_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (platform, channel, root) DO UPDATE SET
        place_platform = excluded.place_platform,
        place_channel = excluded.place_channel,
        place_thread = excluded.place_thread,
        confirmed = CASE
            WHEN place_platform IS excluded.place_platform
                AND place_channel IS excluded.place_channel
                AND place_thread IS excluded.place_thread
            THEN confirmed
        END";

/// Handoffs are counted from the last message of a person on.
pub(super) const TURN_QUEUED: &str = concat!(
    "INSERT INTO thread (platform, channel, root, active_at) VALUES ($1, $2, $3, $12)
     ON CONFLICT (platform, channel, root) DO UPDATE SET active_at = excluded.active_at;

     UPDATE thread SET turns_since_human = 0, spent_tokens = 0, spent_microdollars = 0, spent_ms = 0
     WHERE $13 = 'person' AND id = ",
    thread!(),
    "; DELETE FROM handoff WHERE $13 = 'person' AND thread = ",
    thread!(),
    "; INSERT INTO handoff (thread, from_agent, to_agent, likeness)
       SELECT known.id, $15, $4, $16 FROM thread known
       WHERE $13 = 'handoff' AND $4 <> '' AND known.id = ",
    thread!(),
    "; INSERT INTO conversation (thread, agent) VALUES (",
    thread!(),
    ", $4)
     ON CONFLICT (thread, agent) DO NOTHING;

     INSERT INTO turn (conversation, id, state, cause_platform, cause_channel, cause_thread,
         cause_message, author, prompt, queued_at, origin, parent, handed_by,
         attachments)
     VALUES (",
    conversation!(),
    ", $5, 'queued', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $17)"
);

pub(super) const QUEUED_EDITED: &str = concat!(
    "UPDATE turn SET prompt = $6 WHERE seq =
         (SELECT q.seq FROM turn q WHERE q.state = 'queued' AND q.conversation = ",
    conversation!(),
    " AND q.id = $5 ORDER BY q.seq LIMIT 1)"
);

pub(super) const QUEUED_DROPPED: &str = concat!(
    "DELETE FROM turn WHERE state = 'queued' AND conversation = ",
    conversation!(),
    " AND id = $5"
);

pub(super) const CHOICES_MADE: &str = concat!(
    "UPDATE conversation SET model = $5, mode = $6, effort = $7 WHERE id = ",
    conversation!()
);

/// Only a session's agent can have it.
pub(super) const TURN_STEERED: &str = concat!(
    "UPDATE turn SET steered = TRUE WHERE ",
    waiting!(),
    " AND EXISTS (SELECT 1 FROM session s WHERE s.conversation = turn.conversation)"
);

/// The turn itself comes last: the other asks whether it waits.
pub(super) const TURN_ABSORBED: &str = concat!(
    "UPDATE thread SET active_at = $6 WHERE id = ",
    thread!(),
    " AND EXISTS (SELECT 1 FROM turn WHERE ",
    waiting!(),
    "); UPDATE turn SET state = 'ended', steered = FALSE, ended_at = $6, outcome = $7,
           input_tokens = 0, output_tokens = 0, cache_read_tokens = 0, cache_creation_tokens = 0,
           cost_microdollars = 0, duration_ms = 0
     WHERE ",
    waiting!()
);

/// What another session's agent may have means nothing to this one.
macro_rules! hand_nothing {
    () => {
        concat!(
            "; UPDATE turn SET steered = FALSE
               WHERE steered AND state = 'queued' AND conversation = ",
            conversation!()
        )
    };
}

/// The thread and the conversation begin with it.
pub(super) const CONVERSATION_FORKED: &str = concat!(
    "INSERT INTO thread (platform, channel, root, active_at) VALUES ($1, $2, $3, $6)
     ON CONFLICT (platform, channel, root) DO NOTHING;
     INSERT INTO conversation (thread, agent)
     SELECT known.id, $4 FROM thread known WHERE known.id = ",
    thread!(),
    " ON CONFLICT (thread, agent) DO NOTHING;
     UPDATE conversation SET fork = $5 WHERE id = ",
    conversation!()
);

pub(super) const SESSION_BOUND: &str = concat!(
    "INSERT INTO session (conversation, id, directory, answered, allowed, forked_from)
     SELECT known.id, $5, $6, $7, $8, $9 FROM conversation known WHERE known.id = ",
    conversation!(),
    " ON CONFLICT (conversation) DO UPDATE SET
         id = excluded.id, directory = excluded.directory, answered = excluded.answered,
         allowed = excluded.allowed, forked_from = excluded.forked_from;

     UPDATE conversation SET unbound = NULL, fork = NULL WHERE id = ",
    conversation!(),
    hand_nothing!()
);

pub(super) const SESSION_UNBOUND: &str = concat!(
    "DELETE FROM session WHERE conversation = ",
    conversation!(),
    "; UPDATE conversation SET unbound = $5, fork = NULL WHERE id = ",
    conversation!(),
    hand_nothing!()
);

/// In this order: while the turn still waits, it counts for the thread; then it runs; then whatever
/// runs under this id takes the attempt.
pub(super) const TURN_STARTED: &str = concat!(
    "UPDATE thread SET turns_since_human = turns_since_human + 1
     WHERE id = ",
    thread!(),
    " AND turns_since_human < 4294967295 AND EXISTS ",
    startable!(),
    "; UPDATE turn SET steered = FALSE WHERE ",
    waiting!(),
    " AND EXISTS ",
    startable!(),
    "; UPDATE turn SET state = 'running', started_at = $8 WHERE seq = ",
    startable!(),
    "; UPDATE turn SET started_at = $8
       WHERE EXISTS (SELECT 1 FROM parked p
                     WHERE p.conversation = turn.conversation AND p.turn = turn.id
                       AND p.reason = 'budget')
         AND seq = ",
    running!(),
    "; UPDATE turn SET attempt = $6, continues = $7 WHERE seq = ",
    running!(),
    "; DELETE FROM parked WHERE conversation = ",
    conversation!(),
    " AND turn = $5; UPDATE thread SET active_at = $8 WHERE id = ",
    thread!(),
    " AND EXISTS ",
    running!()
);

pub(super) const TURN_SET_BACK: &str = concat!(
    "UPDATE turn SET setbacks = setbacks + 1 WHERE setbacks < 4294967295 AND seq = ",
    running!()
);

/// The wait is counted before it is there: another word on what waits already is no other wait.
pub(super) const TURN_PARKED: &str = concat!(
    "UPDATE turn SET waits = waits + 1
     WHERE $6 = 'usage-limit' AND waits < 4294967295 AND seq = ",
    running!(),
    " AND NOT EXISTS (SELECT 1 FROM parked p WHERE p.conversation = turn.conversation);

     INSERT INTO parked (conversation, turn, reason, parked_at, resumes_at)
     SELECT r.conversation, r.id, $6, $7, $8 FROM turn r WHERE r.seq = ",
    running!(),
    " ON CONFLICT (conversation) DO UPDATE SET
         turn = excluded.turn, reason = excluded.reason, parked_at = excluded.parked_at,
         resumes_at = excluded.resumes_at;

     UPDATE thread SET active_at = $7 WHERE id = ",
    thread!(),
    " AND EXISTS ",
    running!()
);

/// The sixth parameter's request of the running turn.
macro_rules! asked {
    () => {
        concat!(
            "id = $6 AND turn = $5 AND conversation =
                 (SELECT r.conversation FROM turn r WHERE r.seq = ",
            running!(),
            ")"
        )
    };
}

/// It counts as a sign of life where it was not asked before.
pub(super) const REQUEST_OPENED: &str = concat!(
    "UPDATE thread SET active_at = $9 WHERE id = ",
    thread!(),
    " AND EXISTS ",
    running!(),
    " AND NOT EXISTS (SELECT 1 FROM request WHERE ",
    asked!(),
    "); INSERT INTO request (conversation, turn, id, request, about, opened_at, until, replies,
            verdict, told)
        SELECT r.conversation, r.id, $6, $7, $8, $9, $10, $11, $12, $13 FROM turn r WHERE r.seq = ",
    running!(),
    " ON CONFLICT (conversation, turn, id) DO NOTHING"
);

pub(super) const REQUEST_RENEWED: &str =
    concat!("UPDATE request SET request = $7 WHERE ", asked!());

pub(super) const QUESTION_ANSWERED: &str = concat!(
    "UPDATE request SET replies = json_insert(replies, '$[#]', json($7)) WHERE ",
    asked!()
);

pub(super) const REQUEST_ANSWERED: &str = concat!(
    "UPDATE request SET verdict = $7, told = $8 WHERE verdict IS NULL AND ",
    asked!()
);

pub(super) const ANSWER_TOLD: &str = concat!(
    "UPDATE request SET told = TRUE WHERE verdict IS NOT NULL AND ",
    asked!()
);

pub(super) const REQUEST_DROPPED: &str = concat!("DELETE FROM request WHERE ", asked!());

pub(super) const SESSION_ALLOWED: &str = concat!(
    "UPDATE session SET allowed = json_insert(allowed, '$[#]', $6)
     WHERE id = $5 AND NOT EXISTS (SELECT 1 FROM json_each(allowed) WHERE value = $6)
         AND conversation = ",
    conversation!()
);

pub(super) const RULE_ADDED: &str = "
    INSERT INTO rule (project, rule, by_id, by_name, added_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (project, rule) DO NOTHING";

pub(super) const RULE_REMOVED: &str = "DELETE FROM rule WHERE project = $1 AND rule = $2";

/// A later day than the first parameter's begins with nothing.
macro_rules! begin_day {
    () => {
        "DELETE FROM spending WHERE day < $1; DELETE FROM budget_lift WHERE day < $1; "
    };
}

/// The day, or the one that began already, if the clock was set back.
macro_rules! day {
    () => {
        "(SELECT max($1, coalesce(max(day), $1)) FROM
             (SELECT day FROM spending UNION ALL SELECT day FROM budget_lift))"
    };
}

pub(super) const SPENT: &str = concat!(
    begin_day!(),
    "INSERT INTO spending (day, project, agent, platform, user, microdollars)
     SELECT ",
    day!(),
    ", $2, $3, $4, $5, $6 WHERE TRUE
     ON CONFLICT (project, agent, platform, user) DO UPDATE SET
         microdollars = CASE
             WHEN microdollars > $7 - excluded.microdollars THEN $7
             ELSE microdollars + excluded.microdollars
         END"
);

pub(super) const BUDGET_LIFTED: &str = concat!(
    begin_day!(),
    "INSERT INTO budget_lift (day, project) SELECT ",
    day!(),
    ", $2 WHERE TRUE ON CONFLICT (project) DO NOTHING"
);

pub(super) const WAIT_TOLD: &str = concat!(
    "UPDATE conversation SET told = $5 WHERE id = ",
    conversation!()
);

/// The turn itself comes last: the others ask whether it runs.
pub(super) const TURN_ENDED: &str = concat!(
    "UPDATE session SET answered = TRUE
     WHERE $7 = 'answered' AND conversation = ",
    conversation!(),
    " AND EXISTS ",
    running!(),
    "; UPDATE thread SET active_at = $6,
           last_agent = CASE WHEN $7 = 'answered' THEN $4 ELSE last_agent END
       WHERE id = ",
    thread!(),
    " AND EXISTS ",
    running!(),
    "; UPDATE thread SET
           spent_tokens = min(spent_tokens + $16, $19),
           spent_microdollars = min(spent_microdollars + $17, $19),
           spent_ms = min(spent_ms + $18, $19)
       WHERE id = ",
    thread!(),
    " AND (SELECT origin FROM turn WHERE seq = ",
    running!(),
    ") <> 'person'; DELETE FROM parked WHERE conversation = ",
    conversation!(),
    " AND turn = $5; DELETE FROM request WHERE turn = $5 AND conversation =
           (SELECT r.conversation FROM turn r WHERE r.seq = ",
    running!(),
    "); UPDATE turn SET state = 'ended', ended_at = $6, outcome = $7, failure_kind = $8,
           failure_message = $9, input_tokens = $10, output_tokens = $11,
           cache_read_tokens = $12, cache_creation_tokens = $13, cost_microdollars = $14,
           duration_ms = $15, steps = $20, context_used = $21, context_window = $22
     WHERE seq = ",
    running!()
);

/// A fan-out that is opened again begins anew.
pub(super) const FAN_OUT_OPENED: &str = concat!(
    "DELETE FROM fan_out WHERE parent = $4 AND thread = ",
    thread!(),
    "; INSERT INTO fan_out (thread, parent, agent, cause_platform, cause_channel, cause_thread,
           cause_message, author)
       SELECT known.id, $4, $5, $6, $7, $8, $9, $10 FROM thread known WHERE known.id = ",
    thread!(),
    "; INSERT INTO branch (thread, parent, position, turn, agent, answer)
       SELECT known.id, $4, b.key, b.value ->> 0, b.value ->> 1, b.value ->> 2
       FROM thread known, json_each($11) b WHERE known.id = ",
    thread!()
);

pub(super) const FAN_OUT_JOINED: &str = concat!(
    "UPDATE branch SET answer = $6 WHERE parent = $4 AND turn = $5 AND thread = ",
    thread!()
);

pub(super) const FAN_OUT_CLOSED: &str = concat!(
    "DELETE FROM fan_out WHERE parent = $4 AND thread = ",
    thread!()
);

pub(super) const DELIVERY_PLANNED: &str = concat!(
    "INSERT INTO delivery
         (thread, state, id, kind, turn, agent, body, reply_to, persona, color, footer,
          controls, mentions, replaces, files, fork, planned_at)
     SELECT known.id, 'planned', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
     FROM thread known WHERE known.id = ",
    thread!(),
    "; UPDATE thread SET active_at = $18 WHERE $5 NOT IN ('reply', 'private') AND id = ",
    thread!(),
    "; DELETE FROM dead_letter
       WHERE platform = $1 AND channel = $2 AND root = $3 AND id = $4 AND EXISTS ",
    thread!()
);

/// The fourth parameter's posts, as far as they are owed to the thread.
macro_rules! owed {
    () => {
        concat!("state = 'planned' AND thread = ", thread!(), " AND id = $4")
    };
}

/// Forgets the messages that these posts took over, or were to.
macro_rules! let_go {
    () => {
        concat!(
            "DELETE FROM kept WHERE thread = ",
            thread!(),
            " AND delivery IN (SELECT replaces FROM delivery
                 WHERE kind NOT IN ('live', 'request', 'board') AND ",
            owed!(),
            ")"
        )
    };
}

/// The post itself comes last: the others ask whether it is owed.
pub(super) const DELIVERY_CONFIRMED: &str = concat!(
    "UPDATE thread SET confirmed = $5 WHERE id = ",
    thread!(),
    " AND EXISTS (SELECT 1 FROM delivery WHERE replaces IS NULL AND ",
    owed!(),
    "); INSERT INTO kept (thread, delivery, message)
       SELECT thread, id, $5 FROM delivery
       WHERE kind IN ('live', 'request', 'board') AND replaces IS NULL AND ",
    owed!(),
    " ON CONFLICT (thread, delivery) DO UPDATE SET message = excluded.message; ",
    let_go!(),
    "; UPDATE delivery SET state = 'confirmed', message = $5 WHERE ",
    owed!()
);

pub(super) const THREAD_RENAMED: &str =
    concat!("UPDATE thread SET renamed = TRUE WHERE id = ", thread!());

pub(super) const VERBOSITY_SET: &str =
    concat!("UPDATE thread SET verbosity = $4 WHERE id = ", thread!());

pub(super) const KEPT_LOST: &str = concat!(
    "DELETE FROM kept WHERE thread = ",
    thread!(),
    " AND delivery = $4"
);

pub(super) const FLOOR_RAISED: &str =
    concat!("UPDATE thread SET confirmed = $4 WHERE id = ", thread!());

pub(super) const DELIVERY_DEAD: &str = concat!(
    "INSERT INTO dead_letter
         (platform, channel, root, id, kind, turn, agent, body, reply_to, persona, color, footer,
          controls, mentions, replaces, files, fork, reason, died_at)
     SELECT $1, $2, $3, id, kind, turn, agent, body, reply_to, persona, color, footer,
            controls, mentions, replaces, files, fork, $5, $6
     FROM delivery WHERE ",
    owed!(),
    " ORDER BY seq; ",
    let_go!(),
    "; UPDATE delivery SET state = 'dead', reason = $5 WHERE ",
    owed!(),
    "; DELETE FROM dead_letter WHERE seq <=
         (SELECT seq FROM dead_letter ORDER BY seq DESC LIMIT 1 OFFSET $7)"
);

pub(super) const DELIVERY_DROPPED: &str =
    concat!(let_go!(), "; DELETE FROM delivery WHERE ", owed!());

/// The messages of a thread's own place go with it; those of a channel are other threads' too, and so
/// is the place of a side question.
pub(super) const THREAD_FORGOTTEN: &str = concat!(
    "DELETE FROM message WHERE (platform, channel, thread) =
         (SELECT place_platform, place_channel, place_thread FROM thread
          WHERE place_thread <> '' AND root NOT GLOB '>*' AND id = ",
    thread!(),
    "); DELETE FROM place_read WHERE (platform, channel, thread) =
         (SELECT place_platform, place_channel, place_thread FROM thread
          WHERE place_thread <> '' AND root NOT GLOB '>*' AND id = ",
    thread!(),
    "); DELETE FROM thread WHERE id = ",
    thread!()
);

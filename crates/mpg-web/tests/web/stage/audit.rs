//! Who did what there, as many times as it is told to say.

use async_trait::async_trait;
use jiff::Timestamp;
use mpg_core::audit::{AuditLog, Audited};
use mpg_core::port::StoreError;

use super::Past;

#[async_trait]
impl AuditLog for Past {
    async fn audited(&self, before: Option<u64>, limit: u32) -> Result<Vec<Audited>, StoreError> {
        let numbers = (1..=self.audited).rev();
        let numbers = numbers.filter(|number| before.is_none_or(|before| *number < before));
        Ok(numbers.take(limit as usize).map(audited).collect())
    }
}

fn audited(number: u64) -> Audited {
    Audited {
        number,
        at: Timestamp::UNIX_EPOCH,
        body: format!(
            r#"{{"about":"turn {number}","act":"asked","actor":{{"id":"7","kind":"person","name":"<i>Ann</i>","platform":"chat"}},"project":"demo","text_sha256":"ab","thread":"chat:general~1"}}"#
        ),
        hash: "cd".to_owned(),
    }
}

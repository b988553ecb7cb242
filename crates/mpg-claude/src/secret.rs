//! What a gateway shows its keepers to be let in.

use std::fmt;

use subtle::ConstantTimeEq as _;

/// A secret between a gateway's state and the keepers that it starts.
///
/// It is shown by no [`Debug`](fmt::Debug) and compared in constant time.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A secret of 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes themselves.
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The secret as it goes over the wire.
    pub(crate) fn to_hex(&self) -> String {
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits
            .map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0'))
            .collect()
    }
}

/// Whether two secrets as they go over the wire are the same.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_compared_whole_and_not_shown() {
        let secret = Secret::new([0xa5; 32]);
        assert_eq!(secret.to_hex(), "a5".repeat(32));
        assert!(same(&secret.to_hex(), &"a5".repeat(32)));
        assert!(!same(&secret.to_hex(), "a5"));
        assert!(secret != Secret::new([0xa4; 32]));
        assert_eq!(format!("{secret:?}"), "[redacted]");
    }
}

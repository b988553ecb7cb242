//! What a file is, by what is in it.

/// The images that a model can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageType {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
}

impl ImageType {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Png, Self::Jpeg, Self::Gif, Self::Webp];

    /// How many bytes of a file tell its type.
    pub const HEAD: usize = 12;

    /// The type of a file that begins like this; `None` for anything else.
    pub fn of(head: &[u8]) -> Option<Self> {
        if head.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if head.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") {
            Some(Self::Gif)
        } else if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
            Some(Self::Webp)
        } else {
            None
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }
}

/// A file as text, if that is what it is: UTF-8 without control characters but those of lines and
/// columns.
pub fn text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}');
    text.chars().all(plain).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_by_how_they_begin() {
        for (head, expected) in [
            (b"\x89PNG\r\n\x1a\n....".as_slice(), Some(ImageType::Png)),
            (b"\xff\xd8\xff\xe0", Some(ImageType::Jpeg)),
            (b"GIF89a", Some(ImageType::Gif)),
            (b"GIF87a", Some(ImageType::Gif)),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some(ImageType::Webp)),
            (b"RIFF\0\0\0\0WAVE", None),
            (b"RIFF", None),
            (b"<svg", None),
            (b"", None),
        ] {
            assert_eq!(ImageType::of(head), expected, "{head:?}");
        }
    }

    #[test]
    fn text_is_what_can_be_read() {
        assert_eq!(text("a\tb\r\n\u{c}ä".as_bytes()), Some("a\tb\r\n\u{c}ä"));
        assert_eq!(text(b"\xef\xbb\xbfx"), Some("x"));
        assert_eq!(text(b""), Some(""));
        assert_eq!(text(b"a\0b"), None);
        assert_eq!(text(b"\x1b[1m"), None);
        assert_eq!(text(b"\xff\xfea\0"), None);
    }
}

//! Origins: the scheme, host and port of a server.

use http::Uri;

/// Checks that `text` is an origin with one of `schemes`, and gives it without a trailing slash.
///
/// The error completes a sentence that begins with the name of the value.
pub(crate) fn origin(text: &str, schemes: &[&str]) -> Result<String, String> {
    let wanted = || format!("has to begin with {}://", schemes.join(":// or "));
    let uri: Uri = text
        .trim()
        .parse()
        .map_err(|error| format!("is not a URL: {error}"))?;
    let scheme = uri.scheme_str().ok_or_else(wanted)?;
    if !schemes.contains(&scheme) {
        return Err(wanted());
    }
    let authority = uri.authority().ok_or("names no host")?;
    if authority.as_str().contains('@') {
        return Err("must not hold a user name or password".to_owned());
    }
    if authority.host().is_empty() {
        return Err("names no host".to_owned());
    }
    if uri.query().is_some() || !matches!(uri.path(), "" | "/") {
        return Err("must not have a path or query".to_owned());
    }
    Ok(format!("{scheme}://{authority}"))
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn origins() {
        let http = ["http", "https"];
        assert_eq!(
            origin("http://localhost:3000/", &http).unwrap(),
            "http://localhost:3000"
        );
        assert_eq!(
            origin(" https://discord.com", &http).unwrap(),
            "https://discord.com"
        );
        for wrong in [
            "",
            "discord.com",
            "ftp://discord.com",
            "https://",
            "https://discord.com/api",
            "https://discord.com/?v=10",
            "https://me:secret@discord.com",
            "not a url",
        ] {
            assert!(origin(wrong, &http).is_err(), "{wrong}");
        }
    }
}

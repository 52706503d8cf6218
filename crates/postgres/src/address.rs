//! Where the database is: `POSTGRES_URL`, read and checked before anything connects. The password in it is never shown.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use url::Url;

/// How a connection is encrypted: the `sslmode` of the URL, as PostgreSQL's own clients mean it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// `disable`, or a socket of this machine.
    None,
    /// `prefer` (where nothing is given) and `require`: against eavesdropping; whom one speaks to is not checked.
    Unverified,
    /// `verify-full` and `verify-ca`: the server's certificate and name are checked, against `sslrootcert` where it is
    /// given, else against the certificates that this machine trusts.
    Verified(Option<PathBuf>),
}

/// The address of a database, with the user and the password.
#[derive(Clone)]
pub struct Address {
    pub(crate) config: Config,
    pub(crate) encryption: Encryption,
}

/// A text that is no address of a database. It does not repeat the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; write it like postgres://user:password@host:5432/database?sslmode=verify-full")]
pub struct BadAddress(String);

impl Address {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong with it, without what stands in it.
    pub fn parse(text: &str) -> Result<Address, BadAddress> {
        let bad = |what: &str| BadAddress(what.to_owned());
        let mut url = Url::parse(text.trim()).map_err(|error| bad(&format!("it is no URL ({error})")))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(bad("it does not start with postgres://"));
        }
        let (mut mode, mut certificate, mut rest) = ("prefer".to_owned(), None, Vec::new());
        for (key, value) in url.query_pairs() {
            match key.as_ref() {
                "sslmode" => mode = value.into_owned(),
                "sslrootcert" => certificate = Some(PathBuf::from(value.as_ref())),
                // Checked by the library: what it does not know it refuses.
                _ => rest.push((key.into_owned(), value.into_owned())),
            }
        }
        url.query_pairs_mut().clear().extend_pairs(rest);
        let (encryption, ssl) = match mode.as_str() {
            "disable" => (Encryption::None, SslMode::Disable),
            "prefer" | "allow" => (Encryption::Unverified, SslMode::Prefer),
            "require" if certificate.is_none() => (Encryption::Unverified, SslMode::Require),
            "require" | "verify-ca" | "verify-full" => (Encryption::Verified(certificate), SslMode::Require),
            _ => return Err(bad("its sslmode is none of disable, prefer, require, verify-ca, verify-full")),
        };
        let mut config: Config = url.as_str().parse().map_err(|error| bad(&reason(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(bad("it names no host"));
        }
        config.ssl_mode(ssl).application_name("whittle");
        config.keepalives_idle(Duration::from_secs(30)).tcp_user_timeout(Duration::from_secs(30));
        Ok(Address { config, encryption })
    }

    /// Host, port and database, for people.
    pub fn shown(&self) -> String {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            #[cfg(unix)]
            Some(Host::Unix(path)) => path.display().to_string(),
            None => String::new(),
        };
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        format!("{host}:{port}/{}", self.config.get_dbname().unwrap_or_default())
    }
}

/// What a library's error says, without values.
fn reason(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    error.source().map_or_else(|| "it cannot be read".to_owned(), ToString::to_string)
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_mean_what_they_mean_to_other_clients() {
        let of =
            |query: &str| Address::parse(&format!("postgres://u:canary@db:5433/logs{query}")).map(|a| a.encryption);
        assert_eq!(of(""), Ok(Encryption::Unverified));
        assert_eq!(of("?sslmode=disable"), Ok(Encryption::None));
        assert_eq!(of("?sslmode=verify-full"), Ok(Encryption::Verified(None)));
        assert_eq!(of("?sslmode=require&sslrootcert=/ca.pem"), Ok(Encryption::Verified(Some("/ca.pem".into()))));
        assert!(of("?sslmode=maybe").is_err());
    }

    #[test]
    fn a_password_is_never_shown() {
        let address = Address::parse("postgresql://u:canary@db:5433/logs?connect_timeout=3").expect("an address");
        assert_eq!(format!("{address:?}"), "db:5433/logs");
        for text in
            ["postgres://u:canary@db:x/logs", "u:canary@db", "mysql://u:canary@db", "postgres://u:canary@db?canary=1"]
        {
            let error = Address::parse(text).expect_err(text).to_string();
            assert!(!error.contains("canary@") && error.contains("postgres://user"), "{error}");
        }
    }
}

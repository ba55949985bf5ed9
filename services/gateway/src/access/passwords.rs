//! Passwords: argon2id, on threads of their own, few at a time (each hash takes 19 MB and a core for some tens of milliseconds).

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use duban_contracts::{Problem, both};
use rand::TryRngCore;
use std::sync::LazyLock;
use tokio::sync::Semaphore;

static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// Verified in place of a name that nobody has, so that the time tells nothing.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody").unwrap_or_default());

/// The shortest password, in characters.
pub const SHORTEST: usize = 10;

/// Hashes a password (argon2id, PHC string).
///
/// # Errors
/// 422 for one that is too short or too long.
pub async fn hash(password: &str) -> Result<String, Problem> {
    let length = password.chars().count();
    if !(SHORTEST..=200).contains(&length) {
        return Err(Problem::invalid_field(
            "/password",
            both(format!("共{length}个字符"), format!("it has {length} character{}", if length == 1 { "" } else { "s" })),
            both(format!("{SHORTEST}至200个字符"), format!("{SHORTEST} to 200 characters")),
        ));
    }
    let password = password.to_owned();
    on_a_thread(move || hash_now(&password)).await?.ok_or_else(Problem::internal)
}

/// Whether the password is the one of the hash; without a hash the same time passes, and it is not.
///
/// # Errors
/// 500 when no thread could be had.
pub async fn is_right(password: &str, hash: Option<String>) -> Result<bool, Problem> {
    let password = password.to_owned();
    on_a_thread(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.clone());
        let right = PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
        right && known
    })
    .await
}

fn hash_now(password: &str) -> Option<String> {
    let mut salt = [0u8; 16];
    rand::rngs::OsRng.try_fill_bytes(&mut salt).ok()?;
    let salt = SaltString::encode_b64(&salt).ok()?;
    Argon2::default().hash_password(password.as_bytes(), &salt).ok().map(|hash| hash.to_string())
}

async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let _turn = AT_ONCE.acquire().await.map_err(|_| Problem::internal())?;
    tokio::task::spawn_blocking(work).await.map_err(|_| Problem::internal())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_opens() {
        let kept = hash("correct horse").await.unwrap();
        assert!(kept.starts_with("$argon2id$"));
        assert!(is_right("correct horse", Some(kept.clone())).await.unwrap());
        assert!(!is_right("correct horsf", Some(kept)).await.unwrap());
        assert!(!is_right("nobody", None).await.unwrap());
        assert_eq!(hash("short").await.unwrap_err().status, 422);
    }
}

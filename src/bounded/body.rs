//! Answers over HTTP.

use super::{Limit, Over};
use reqwest::Response;
use tokio::time::timeout;

/// Why an answer could not be had.
#[derive(Debug)]
pub enum BodyError {
    /// It goes over a limit.
    Over(Over),
    /// The connection failed.
    Lost(reqwest::Error),
}

impl From<reqwest::Error> for BodyError {
    fn from(error: reqwest::Error) -> Self {
        Self::Lost(error)
    }
}

/// The body of an answer.
///
/// # Errors
/// The connection fails, or it goes over the limit.
pub async fn body(mut response: Response, limit: Limit) -> Result<Vec<u8>, BodyError> {
    let over = BodyError::Over(Over::Bytes(limit));
    if response.content_length().is_some_and(|length| length > limit.bytes) {
        return Err(over);
    }
    let work = async {
        let mut body = Vec::new();
        while let Some(portion) = response.chunk().await? {
            if (body.len() + portion.len()) as u64 > limit.bytes {
                return Err(over);
            }
            body.extend_from_slice(&portion);
        }
        Ok(body)
    };
    timeout(limit.time, work).await.unwrap_or(Err(BodyError::Over(Over::Time(limit))))
}

/// The body of an answer that may be long in the making: its time begins with its first byte.
///
/// # Errors
/// As [`body`].
pub async fn whole_after(mut response: Response, limit: Limit) -> Result<Vec<u8>, BodyError> {
    let first = response.chunk().await?.unwrap_or_default().to_vec();
    let rest = Limit { bytes: limit.bytes.saturating_sub(first.len() as u64), ..limit };
    let told = |error| match error {
        BodyError::Over(Over::Bytes(_)) => BodyError::Over(Over::Bytes(limit)),
        BodyError::Over(Over::Time(_) | Over::Count(..)) | BodyError::Lost(_) => error,
    };
    let rest = body(response, rest).await.map_err(told)?;
    Ok([first, rest].concat())
}

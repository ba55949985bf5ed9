//! As much of SMTP (RFC 5321) as a sending client needs: EHLO, HELO, MAIL, RCPT, DATA, RSET, NOOP, QUIT.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::Mailbox;

/// RFC 5321 §4.5.3.1 asks for 512 octets a command and 1,000 a text line; more does no harm.
const LONGEST_LINE: u64 = 64 * 1024;
const LARGEST_MESSAGE: usize = 10 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(300);

pub(super) async fn serve(listener: TcpListener, mailbox: Arc<Mailbox>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let mailbox = mailbox.clone();
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, &mailbox).await {
                        tracing::debug!(%error, "a mail client went away");
                    }
                });
            }
            // Out of file handles, most likely: those that are open end soon.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

#[derive(Default)]
struct Envelope {
    from: Option<String>,
    to: Vec<String>,
}

async fn converse(stream: TcpStream, mailbox: &Mailbox) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut envelope = Envelope::default();
    write.write_all(b"220 duban mail catcher\r\n").await?;
    while let Some(line) = next_line(&mut read).await? {
        let line = String::from_utf8_lossy(&line).trim_end().to_string();
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let answer: &str = match verb.to_ascii_uppercase().as_str() {
            "EHLO" => "250-duban\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 10485760",
            "HELO" | "NOOP" => "250 OK",
            "RSET" => {
                envelope = Envelope::default();
                "250 OK"
            }
            "MAIL" if mailbox.refuses() => "451 not now",
            "MAIL" => match address(rest, "FROM:") {
                Some(from) => {
                    envelope = Envelope { from: Some(from), to: vec![] };
                    "250 OK"
                }
                None => "501 expected MAIL FROM:<address>",
            },
            "RCPT" if envelope.from.is_none() => "503 MAIL first",
            "RCPT" => match address(rest, "TO:").filter(|to| !to.is_empty()) {
                Some(to) => {
                    envelope.to.push(to);
                    "250 OK"
                }
                None => "501 expected RCPT TO:<address>",
            },
            "DATA" if envelope.to.is_empty() => "503 RCPT first",
            "DATA" => {
                write.write_all(b"354 end with a line of one dot\r\n").await?;
                let Some(body) = message(&mut read).await? else { return Ok(()) };
                let taken = std::mem::take(&mut envelope);
                kept(mailbox, taken, body)
            }
            "QUIT" => {
                write.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "502 not known here",
        };
        write.write_all(answer.as_bytes()).await?;
        write.write_all(b"\r\n").await?;
    }
    Ok(())
}

fn kept(mailbox: &Mailbox, envelope: Envelope, body: Option<Vec<u8>>) -> &'static str {
    if mailbox.refuses() {
        return "451 not now";
    }
    let Some(body) = body else { return "552 larger than 10 MB" };
    let now = Timestamp::now().to_string();
    match mailbox.keep(&envelope.from.unwrap_or_default(), &envelope.to, &now, &body) {
        Ok(()) => "250 kept",
        Err(_) => "451 the folder takes no more",
    }
}

/// The text between the angle brackets.
fn address(rest: &str, prefix: &str) -> Option<String> {
    let head = rest.get(..prefix.len())?;
    if !head.eq_ignore_ascii_case(prefix) {
        return None;
    }
    let (inside, _) = rest[prefix.len()..].trim_start().strip_prefix('<')?.split_once('>')?;
    Some(inside.to_string())
}

/// A line with its end; None when the client is gone or said nothing for long.
async fn next_line(read: &mut BufReader<impl AsyncRead + Unpin>) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut limited = read.take(LONGEST_LINE);
    match timeout(PATIENCE, limited.read_until(b'\n', &mut line)).await {
        Ok(Ok(0)) | Err(_) => Ok(None),
        Ok(Ok(_)) => Ok(Some(line)),
        Ok(Err(error)) => Err(error),
    }
}

/// The message up to the line of one dot, dots undoubled (RFC 5321 §4.5.2); inside None if it was too large, outside None if the
/// client went away before its end.
async fn message(read: &mut BufReader<impl AsyncRead + Unpin>) -> std::io::Result<Option<Option<Vec<u8>>>> {
    let mut body = Vec::new();
    let mut at_line_start = true;
    while let Some(line) = next_line(read).await? {
        if at_line_start && (line == b".\r\n" || line == b".\n") {
            return Ok(Some((body.len() <= LARGEST_MESSAGE).then_some(body)));
        }
        let undoubled = if at_line_start && line.starts_with(b".") { &line[1..] } else { &line[..] };
        if body.len() <= LARGEST_MESSAGE {
            body.extend_from_slice(undoubled);
        }
        at_line_start = line.ends_with(b"\n");
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stands_between_angle_brackets() {
        assert_eq!(address("FROM:<a@b.cn> SIZE=10", "FROM:").as_deref(), Some("a@b.cn"));
        assert_eq!(address("from: <>", "FROM:").as_deref(), Some(""));
        assert_eq!(address("TO:a@b.cn", "TO:"), None);
        assert_eq!(address("T", "TO:"), None);
    }

    #[tokio::test]
    async fn doubled_dots_are_undone_and_a_long_line_is_not_mistaken_for_the_end() {
        let mut said = b"Subject: x\r\n\r\n..one\r\n".to_vec();
        said.extend(std::iter::repeat_n(b'a', 64 * 1024));
        said.extend_from_slice(b".\r\n.\r\n");
        let body = message(&mut BufReader::new(&said[..])).await.unwrap().unwrap().unwrap();
        assert!(body.starts_with(b"Subject: x\r\n\r\n.one\r\n"));
        assert!(body.ends_with(b"a.\r\n"));
    }
}

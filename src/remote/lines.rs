//! Lines out of a stream of bytes.
//!
//! In: what a process prints, in whatever pieces it comes. Out: lines, each as soon as it ends, in `\n`, `\r\n`
//! or the lone `\r` of progress bars; cleaned of what could play tricks on a terminal.

use tokio::io::{AsyncRead, AsyncReadExt};

/// A line longer than this is cut in pieces.
const LONGEST: usize = 64 * 1024;

/// Reads lines; dropping a pending `next` loses nothing.
pub(super) struct Lines<R> {
    reader: R,
    bytes: Vec<u8>,
    /// Where the unread part of `bytes` begins.
    start: usize,
    /// Up to where no line end is, counted from `start`.
    searched: usize,
    /// The last line ended in `\r`: a `\n` right behind it belongs to it.
    after_return: bool,
    ended: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, bytes: Vec::new(), start: 0, searched: 0, after_return: false, ended: false }
    }

    /// The next line without its end; none when the stream has ended, or broke.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(line) = self.take() {
                return Some(line);
            }
            if self.ended {
                let rest = self.bytes.split_off(self.start);
                self.bytes.clear();
                self.start = 0;
                return (!rest.is_empty()).then_some(rest);
            }
            self.bytes.drain(..self.start);
            self.start = 0;
            self.bytes.reserve(8 * 1024);
            self.ended = !matches!(self.reader.read_buf(&mut self.bytes).await, Ok(1..));
        }
    }

    /// A line that is complete, or too long to wait for its end.
    fn take(&mut self) -> Option<Vec<u8>> {
        if self.after_return && self.bytes.get(self.start) == Some(&b'\n') {
            self.start += 1;
        }
        let rest = self.bytes.get(self.start..).unwrap_or_default();
        if rest.is_empty() {
            return None;
        }
        self.after_return = false;
        let end = rest.iter().skip(self.searched).position(|byte| matches!(byte, b'\n' | b'\r'));
        let (length, skip) = match end {
            Some(at) => (self.searched + at, 1),
            // never through the middle of a mark, which begins with a record separator
            None if rest.len() > LONGEST => match rest.iter().rposition(|byte| *byte == 0x1e) {
                Some(mark) if mark > 0 => (mark, 0),
                _ => (rest.len(), 0),
            },
            None => {
                self.searched = rest.len();
                return None;
            }
        };
        let line = rest.get(..length)?.to_vec();
        self.after_return = rest.get(length) == Some(&b'\r');
        self.searched = 0;
        self.start += length + skip;
        if line.is_empty() && self.after_return {
            return self.take(); // progress bars begin with `\r`, too
        }
        Some(line)
    }
}

/// The line as text: escape sequences and control characters taken out, but for tabs.
pub(super) fn clean(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut chars = text.chars().peekable();
    let mut clean = String::with_capacity(text.len());
    while let Some(char) = chars.next() {
        match char {
            '\u{1b}' => match chars.next() {
                Some('[') => control_sequence(&mut chars),
                Some(']' | 'P' | 'X' | '^' | '_') => control_string(&mut chars),
                // `ESC ( B` and the like: intermediates, then one final character
                Some(' '..='/') => {
                    while chars.next_if(|c| matches!(c, ' '..='/')).is_some() {}
                    chars.next();
                }
                _ => {}
            },
            '\u{9b}' => control_sequence(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => control_string(&mut chars),
            '\t' => clean.push('\t'),
            _ if char.is_control() => {}
            _ => clean.push(char),
        }
    }
    clean
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// `CSI`: parameters, then one final character.
fn control_sequence(chars: &mut Chars<'_>) {
    while chars.next_if(|c| matches!(c, ' '..='?')).is_some() {}
    chars.next_if(|c| matches!(c, '@'..='~'));
}

/// A string that ends with `BEL` or `ST`: a window's title, a link's address.
fn control_string(chars: &mut Chars<'_>) {
    while let Some(char) = chars.next() {
        match char {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                chars.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let (mut writer, reader) = tokio::io::duplex(1 << 20);
        let pieces: Vec<Vec<u8>> = pieces.iter().map(|p| p.to_vec()).collect();
        let write = async move {
            for piece in pieces {
                tokio::io::AsyncWriteExt::write_all(&mut writer, &piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let read = async {
            let (mut lines, mut all) = (Lines::new(reader), Vec::new());
            while let Some(line) = lines.next().await {
                all.push(clean(&line));
            }
            all
        };
        tokio::join!(write, read).1
    }

    #[tokio::test]
    async fn lines_end_as_they_like() {
        let table: [(&[&[u8]], &[&str]); 8] = [
            (&[b"a\nb\n"], &["a", "b"]),
            (&[b"a\n\nb"], &["a", "", "b"]),
            (&[b"a\r\nb\r", b"\nc"], &["a", "b", "c"]),
            (&[b"\r 1%\r 2%\r\n"], &[" 1%", " 2%"]),
            (&[b"a\r\r\n\nb"], &["a", "", "b"]),
            (&[b"a", b"b", b"\n"], &["ab"]),
            (&[b"\xff\xc3\xa9\xc3\n"], &["\u{fffd}é\u{fffd}"]),
            (&[], &[]),
        ];
        for (pieces, expected) in table {
            assert_eq!(lines(pieces).await, expected, "{pieces:?}");
        }
    }

    #[tokio::test]
    async fn a_line_without_end_comes_in_pieces_but_a_mark_stays_whole() {
        let long = [vec![b'x'; LONGEST], b"\x1eMARK en".to_vec()].concat();
        let got = lines(&[&long, b"d 0\n"]).await;
        assert_eq!(got.len(), 2);
        assert_eq!(got[1], "MARK end 0");
    }

    #[test]
    fn nothing_reaches_a_terminal_but_text() {
        let table = [
            ("\u{1b}[1;31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}x\u{1b}]8;;http://h\u{1b}\\link", "xlink"),
            ("\u{1b}(Bx\u{1b}=y\u{9b}2Jz", "xyz"),
            ("a\tb\u{8}\u{7f}\u{85}\u{0}c", "a\tbc"),
            ("\u{1b}", ""),
            ("\u{1b}[", ""),
        ];
        for (text, expected) in table {
            assert_eq!(clean(text.as_bytes()), expected, "{text:?}");
        }
    }
}

//! Server-sent events, as the HTML standard parses them: bytes in any portions come in, the data of whole events goes out.

use crate::bounded::{EVENT, Over};

/// A stream that is being read.
#[derive(Debug, Default)]
pub(super) struct Sse {
    line: Vec<u8>,
    data: Option<String>,
    after_return: bool,
    begun: bool,
}

impl Sse {
    /// The data of every event that these bytes complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, Over> {
        let mut events = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' if self.after_return => self.after_return = false,
                b'\n' | b'\r' => {
                    self.after_return = *byte == b'\r';
                    events.extend(self.line_ends());
                }
                _ => {
                    self.after_return = false;
                    self.line.push(*byte);
                }
            }
            let length = self.line.len() + self.data.as_ref().map_or(0, String::len);
            if length as u64 > EVENT.bytes {
                return Err(Over::Bytes(EVENT));
            }
        }
        Ok(events)
    }

    /// Whether an event, or a line, has begun and is not whole.
    pub(super) fn is_within(&self) -> bool {
        self.data.is_some() || !self.line.is_empty()
    }

    /// The data of an event that lacks only its empty line: some servers end so.
    pub(super) fn end(mut self) -> Option<String> {
        if !self.line.is_empty() {
            drop(self.line_ends());
        }
        self.data
    }

    fn line_ends(&mut self) -> Option<String> {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
        let line = if self.begun { line.as_str() } else { line.trim_start_matches('\u{feff}') };
        self.begun = true;
        if line.is_empty() {
            return self.data.take();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if field == "data" {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The events of a stream that arrives cut at these places.
    fn read(stream: &[u8], cuts: &[usize]) -> Vec<String> {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let mut sse = Sse::default();
        let mut events: Vec<String> =
            cuts.windows(2).flat_map(|pair| sse.push(&stream[pair[0]..pair[1]]).unwrap()).collect();
        events.extend(sse.end());
        events
    }

    #[test]
    fn events_are_read_as_the_standard_says() {
        let table: &[(&str, &[&str])] = &[
            ("data: a\n\ndata: b\n\n", &["a", "b"]),
            ("data:a\r\rdata:  b\r\n\r\n", &["a", " b"]),
            ("\u{feff}data: a\n\n", &["a"]),
            (": keep-alive\n\nevent: x\ndata: a\nid: 7\n\n", &["a"]),
            ("data: a\ndata: b\n\n", &["a\nb"]),
            ("data\n\n", &[""]),
            ("event: x\n\n", &[]),
            ("data: a\n\ndata: [DONE]", &["a", "[DONE]"]),
            ("data: ü", &["ü"]),
        ];
        for (stream, events) in table {
            assert_eq!(read(stream.as_bytes(), &[]), *events, "{stream:?}");
        }
    }

    #[test]
    fn what_never_ends_is_given_up() {
        let mut sse = Sse::default();
        let megabyte = vec![b'x'; 1 << 20];
        assert!((0..5).any(|_| sse.push(&megabyte) == Err(Over::Bytes(EVENT))));
    }

    proptest! {
        #[test]
        fn however_a_stream_is_cut_the_events_are_the_same(
            events in proptest::collection::vec("[^\r\n]{0,30}", 0..8),
            end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
            noise in prop_oneof![Just(""), Just(": ping"), Just("event: message"), Just("id: 1")],
            cuts in proptest::collection::vec(any::<usize>(), 0..12),
        ) {
            let one = |data: &String| format!("{noise}{}data: {data}{end}{end}", if noise.is_empty() { "" } else { end });
            let stream: String = events.iter().map(one).collect();
            prop_assert_eq!(read(stream.as_bytes(), &cuts), events);
        }

        #[test]
        fn cuts_change_nothing_of_any_bytes(
            stream in proptest::collection::vec(prop_oneof![
                Just(b"data: ".to_vec()), Just(b"\n".to_vec()), Just(b"\r".to_vec()), Just(b"\r\n".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..5)
            ], 0..30),
            cuts in proptest::collection::vec(any::<usize>(), 0..12),
        ) {
            let stream = stream.concat();
            prop_assert_eq!(read(&stream, &cuts), read(&stream, &[]));
        }
    }
}

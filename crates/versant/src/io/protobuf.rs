//! [Protocol buffers](https://protobuf.dev/programming-guides/encoding/), as far as event files and ONNX models need
//! them: messages to be written. A field is a key, `number * 8 + type`, and its value; a value of type 0 is a varint
//! (seven bits a byte, the smallest first), of type 1 eight bytes, of type 5 four, of type 2 a length and that many
//! bytes.

#[cfg(test)]
pub(crate) mod read;

/// A message, field by field.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    pub fn new() -> Message {
        Message::default()
    }

    /// A whole number or an enum. Negative ones take ten bytes, as `int64` does.
    pub fn int(mut self, field: u32, value: i64) -> Message {
        self.key(field, 0);
        self.varint(value as u64);
        self
    }

    /// A whole number for each value: a repeated field that is not packed.
    pub fn ints(self, field: u32, values: &[i64]) -> Message {
        values.iter().fold(self, |message, &value| message.int(field, value))
    }

    pub fn float(mut self, field: u32, value: f32) -> Message {
        self.key(field, 5);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    pub fn double(mut self, field: u32, value: f64) -> Message {
        self.key(field, 1);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// Doubles, packed into one field.
    pub fn doubles(self, field: u32, values: &[f64]) -> Message {
        let packed: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.bytes(field, &packed)
    }

    pub fn text(self, field: u32, text: &str) -> Message {
        self.bytes(field, text.as_bytes())
    }

    pub fn message(self, field: u32, inner: &Message) -> Message {
        self.bytes(field, &inner.bytes)
    }

    pub fn bytes(mut self, field: u32, bytes: &[u8]) -> Message {
        self.key(field, 2);
        self.varint(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// The message as files hold it.
    pub fn encoded(&self) -> &[u8] {
        &self.bytes
    }

    fn key(&mut self, field: u32, kind: u32) {
        self.varint(u64::from(field << 3 | kind));
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_encoding_s_documentation() {
        let bytes = |message: Message| message.encoded().to_vec();
        assert_eq!(bytes(Message::new().int(1, 150)), [0x08, 0x96, 0x01]);
        assert_eq!(bytes(Message::new().text(2, "testing")), *b"\x12\x07testing");
        let inner = Message::new().int(1, 150);
        assert_eq!(bytes(Message::new().message(3, &inner)), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        let minus_two = bytes(Message::new().int(1, -2));
        assert_eq!(minus_two, [8, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
        assert_eq!(bytes(Message::new().ints(5, &[1, 2])), [0x28, 1, 0x28, 2]);
        assert_eq!(bytes(Message::new().float(2, 1.0)), [0x15, 0, 0, 0x80, 0x3f]);
        assert_eq!(bytes(Message::new().double(1, 1.0)), [9, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
        assert_eq!(bytes(Message::new().doubles(1, &[1.0])), [10, 8, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
        assert_eq!(bytes(Message::new().int(16, 0)), [0x80, 1, 0]);
    }
}

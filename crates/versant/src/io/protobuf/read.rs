//! For tests: the fields of a message that was written.

/// A field's value, still encoded if it is a message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Int(i64),
    Float(f32),
    Double(f64),
    Bytes(Vec<u8>),
}

impl Value {
    pub fn int(&self) -> i64 {
        match self {
            Value::Int(value) => *value,
            other => panic!("{other:?} is no varint"),
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            Value::Bytes(bytes) => bytes,
            other => panic!("{other:?} has no length"),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.bytes().to_vec()).unwrap()
    }

    pub fn message(&self) -> Fields {
        Fields::of(self.bytes())
    }

    /// Packed doubles.
    pub fn doubles(&self) -> Vec<f64> {
        let (values, rest) = self.bytes().as_chunks();
        assert!(rest.is_empty());
        values.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect()
    }
}

/// The fields of a message in their order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fields(pub Vec<(u32, Value)>);

impl Fields {
    pub fn of(mut bytes: &[u8]) -> Fields {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes);
            let value = match key & 7 {
                0 => Value::Int(varint(&mut bytes) as i64),
                1 => Value::Double(f64::from_le_bytes(take(&mut bytes, 8).try_into().unwrap())),
                2 => {
                    let len = varint(&mut bytes) as usize;
                    Value::Bytes(take(&mut bytes, len).to_vec())
                }
                5 => Value::Float(f32::from_le_bytes(take(&mut bytes, 4).try_into().unwrap())),
                other => panic!("there is no wire type {other}"),
            };
            fields.push(((key >> 3) as u32, value));
        }
        Fields(fields)
    }

    /// All values of a field.
    pub fn all(&self, field: u32) -> Vec<&Value> {
        self.0.iter().filter(|(number, _)| *number == field).map(|(_, value)| value).collect()
    }

    /// The one value of a field.
    #[track_caller]
    pub fn one(&self, field: u32) -> &Value {
        let all = self.all(field);
        assert!(all.len() == 1, "field {field} stands {} times in {self:?}", all.len());
        all[0]
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let byte = take(bytes, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
    }
    panic!("a varint has at most ten bytes")
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(len);
    *bytes = rest;
    taken
}

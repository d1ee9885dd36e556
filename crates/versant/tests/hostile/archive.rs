//! Zip archives with any field wrong.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// One of the two headers of a member.
#[derive(Clone)]
pub struct Head {
    pub signature: u32,
    pub flags: u16,
    pub method: u16,
    pub crc32: u32,
    pub packed: u32,
    pub size: u32,
    pub name: Vec<u8>,
    pub extra: Vec<u8>,
}

#[derive(Clone)]
pub struct Member {
    pub own: Head,
    pub entry: Head,
    /// What the archive holds of it.
    pub bytes: Vec<u8>,
    /// Only in the directory.
    pub made_by: u16,
    pub mode: u32,
    pub disk: u16,
    pub comment_len: u16,
    /// Where the directory places it, if not where it is.
    pub offset: Option<u32>,
    /// Bytes between this member and what is before it.
    pub gap: usize,
}

impl Member {
    pub fn stored(name: &str, content: &[u8]) -> Member {
        let head = Head {
            signature: 0x0403_4b50,
            flags: 0,
            method: 0,
            crc32: crc32fast::hash(content),
            packed: content.len() as u32,
            size: content.len() as u32,
            name: name.into(),
            extra: Vec::new(),
        };
        let entry = Head { signature: 0x0201_4b50, ..head.clone() };
        let bytes = content.to_vec();
        Member { own: head, entry, bytes, made_by: 0, mode: 0, disk: 0, comment_len: 0, offset: None, gap: 0 }
    }

    pub fn deflated(name: &str, content: &[u8]) -> Member {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        Member::stored(name, content).packed(encoder.finish().unwrap())
    }

    /// With these bytes as what deflate made of the content.
    pub fn packed(self, bytes: Vec<u8>) -> Member {
        let packed = bytes.len() as u32;
        Member { bytes, ..self.both(|head| (head.method, head.packed) = (8, packed)) }
    }

    pub fn both(mut self, change: impl Fn(&mut Head)) -> Member {
        change(&mut self.own);
        change(&mut self.entry);
        self
    }

    pub fn with(mut self, change: impl Fn(&mut Member)) -> Member {
        change(&mut self);
        self
    }
}

/// The end of an archive.
#[derive(Clone, Default)]
pub struct End {
    pub disk: u16,
    pub count_here: u16,
    pub count: u16,
    pub size: u32,
    pub start: u32,
    pub comment_len: u16,
    /// Written if `Some`.
    pub zip64: Option<Zip64>,
}

/// What zip64 puts before the end.
#[derive(Clone, Default)]
pub struct Zip64 {
    pub record_size: u64,
    pub count: u64,
    pub size: u64,
    pub start: u64,
    pub place: u64,
    pub disks: u32,
}

fn shorts(out: &mut Vec<u8>, numbers: &[u16]) {
    numbers.iter().for_each(|n| out.extend(n.to_le_bytes()));
}

fn longs(out: &mut Vec<u8>, numbers: &[u32]) {
    numbers.iter().for_each(|n| out.extend(n.to_le_bytes()));
}

fn wides(out: &mut Vec<u8>, numbers: &[u64]) {
    numbers.iter().for_each(|n| out.extend(n.to_le_bytes()));
}

fn common(out: &mut Vec<u8>, head: &Head) {
    shorts(out, &[45, head.flags, head.method, 0, 33]);
    longs(out, &[head.crc32, head.packed, head.size]);
    shorts(out, &[head.name.len() as u16, head.extra.len() as u16]);
}

/// The archive of these members, its end changed so.
pub fn archive(members: &[Member], change: impl FnOnce(&mut End)) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        bytes.resize(bytes.len() + member.gap, 0);
        let (own, entry) = (&member.own, &member.entry);
        let offset = member.offset.unwrap_or(bytes.len() as u32);
        longs(&mut bytes, &[own.signature]);
        common(&mut bytes, own);
        bytes.extend([&own.name[..], &own.extra, &member.bytes].concat());

        longs(&mut directory, &[entry.signature]);
        shorts(&mut directory, &[member.made_by]);
        common(&mut directory, entry);
        shorts(&mut directory, &[member.comment_len, member.disk, 0]);
        longs(&mut directory, &[member.mode << 16, offset]);
        directory.extend([&entry.name[..], &entry.extra].concat());
    }
    let mut end = End {
        count_here: members.len() as u16,
        count: members.len() as u16,
        size: directory.len() as u32,
        start: bytes.len() as u32,
        ..End::default()
    };
    bytes.extend(directory);
    change(&mut end);
    if let Some(zip64) = &end.zip64 {
        longs(&mut bytes, &[0x0606_4b50]);
        wides(&mut bytes, &[zip64.record_size]);
        shorts(&mut bytes, &[45, 45]);
        longs(&mut bytes, &[0, 0]);
        wides(&mut bytes, &[zip64.count, zip64.count, zip64.size, zip64.start]);
        longs(&mut bytes, &[0x0706_4b50, 0]);
        wides(&mut bytes, &[zip64.place]);
        longs(&mut bytes, &[zip64.disks]);
    }
    longs(&mut bytes, &[0x0605_4b50]);
    shorts(&mut bytes, &[end.disk, 0, end.count_here, end.count]);
    longs(&mut bytes, &[end.size, end.start]);
    shorts(&mut bytes, &[end.comment_len]);
    bytes
}

/// Gives the end its zip64 part, right, then changed so.
pub fn zip64(change: impl FnOnce(&mut Zip64)) -> impl FnOnce(&mut End) {
    |end| {
        let mut wide = Zip64 {
            record_size: 44,
            count: end.count.into(),
            size: end.size.into(),
            start: end.start.into(),
            place: (end.start + end.size).into(),
            disks: 1,
        };
        change(&mut wide);
        (end.count_here, end.count, end.size, end.start) = (u16::MAX, u16::MAX, u32::MAX, u32::MAX);
        end.zip64 = Some(wide);
    }
}

/// An extra field.
pub fn extra(id: u16, numbers: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    shorts(&mut bytes, &[id, 8 * numbers.len() as u16]);
    wides(&mut bytes, numbers);
    bytes
}

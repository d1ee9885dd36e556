//! Writing an archive: its bytes are a function of names and contents alone.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::Entry;
use super::header::{
    DEFLATED, END, ENTRY, End, MEMBER, STORED, UTF8, ZIP64, ZIP64_END, ZIP64_END_LEN, ZIP64_LOCATOR,
};
use crate::io::stored::UNPACKED_RATIO;

/// Version 4.5 of the format, the first with zip64.
const VERSION: u16 = 45;
/// 1 January 1980, where zip's time begins: a file must not depend on when it was written.
const DATE: u16 = 1 << 5 | 1;

/// Writes members one after another, then the directory.
pub(crate) struct Writer<'w> {
    out: &'w mut dyn Write,
    at: u64,
    directory: Vec<u8>,
    count: u64,
}

impl<'w> Writer<'w> {
    pub(crate) fn new(out: &'w mut dyn Write) -> Writer<'w> {
        Writer { out, at: 0, directory: Vec::new(), count: 0 }
    }

    /// Adds a member. `content` is called twice and writes the same bytes each time: its length and checksum come
    /// before it.
    pub(crate) fn add(
        &mut self,
        name: String,
        deflated: bool,
        content: impl Fn(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut sum = Sum::default();
        content(&mut sum)?;
        let mut packed = Vec::new();
        if deflated {
            let mut encoder = DeflateEncoder::new(&mut packed, Compression::default());
            content(&mut encoder)?;
            encoder.finish()?;
        }
        // What packs better than this would be taken for a bomb when it is read.
        let deflated = deflated && sum.len <= packed.len() as u64 * UNPACKED_RATIO;
        let entry = Entry {
            name,
            size: sum.len,
            packed: if deflated { packed.len() as u64 } else { sum.len },
            crc32: sum.crc32.finalize(),
            deflated,
            offset: self.at,
            data: 0,
        };
        let header = member(&entry);
        self.out.write_all(&header)?;
        if deflated {
            self.out.write_all(&packed)?
        } else {
            content(self.out)?
        }
        self.at += header.len() as u64 + entry.packed;
        self.directory.extend(directory_entry(&entry));
        self.count += 1;
        Ok(())
    }

    /// Writes the directory and the end.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.out.write_all(&self.directory)?;
        let end = End { count: self.count, start: self.at, size: self.directory.len() as u64 };
        self.out.write_all(&end_of(&end))
    }
}

/// What a member's headers have to know before it is written.
#[derive(Default)]
struct Sum {
    len: u64,
    crc32: crc32fast::Hasher,
}

impl Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.len += bytes.len() as u64;
        self.crc32.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The number in 32 bits; all ones say that an extra field has it.
fn narrow(n: u64) -> u32 {
    n.min(u32::MAX.into()) as u32
}

fn is_wide(n: u64) -> bool {
    n >= u32::MAX.into()
}

/// What both headers have from the version on. If either size is wide, both are said to be.
fn common(entry: &Entry, extra_len: usize) -> Vec<u8> {
    let wide = is_wide(entry.size) || is_wide(entry.packed);
    let size = |n: u64| if wide { u32::MAX } else { narrow(n) };
    let flags = if entry.name.is_ascii() { 0 } else { UTF8 };
    let mut bytes = Vec::new();
    for short in [VERSION, flags, if entry.deflated { DEFLATED } else { STORED }, 0, DATE] {
        bytes.extend(short.to_le_bytes());
    }
    for long in [entry.crc32, size(entry.packed), size(entry.size)] {
        bytes.extend(long.to_le_bytes());
    }
    // Names are checked to be short, and the extra field has 28 bytes at most.
    for len in [entry.name.len(), extra_len] {
        bytes.extend((len as u16).to_le_bytes());
    }
    bytes
}

fn extra(entry: &Entry, with_offset: bool) -> Vec<u8> {
    let mut numbers = Vec::new();
    if is_wide(entry.size) || is_wide(entry.packed) {
        numbers.extend([entry.size, entry.packed]);
    }
    if with_offset && is_wide(entry.offset) {
        numbers.push(entry.offset);
    }
    if numbers.is_empty() {
        return Vec::new();
    }
    let mut bytes = [ZIP64.to_le_bytes(), (8 * numbers.len() as u16).to_le_bytes()].concat();
    numbers.iter().for_each(|n| bytes.extend(n.to_le_bytes()));
    bytes
}

pub(super) fn member(entry: &Entry) -> Vec<u8> {
    let extra = extra(entry, false);
    [&MEMBER.to_le_bytes(), &common(entry, extra.len())[..], entry.name.as_bytes(), &extra].concat()
}

pub(super) fn directory_entry(entry: &Entry) -> Vec<u8> {
    let extra = extra(entry, true);
    let mut bytes = [&ENTRY.to_le_bytes(), &VERSION.to_le_bytes()[..], &common(entry, extra.len())].concat();
    bytes.extend([0; 10]); // No comment, one file, no attributes.
    bytes.extend(narrow(entry.offset).to_le_bytes());
    [&bytes, entry.name.as_bytes(), &extra].concat()
}

pub(super) fn end_of(end: &End) -> Vec<u8> {
    let mut bytes = Vec::new();
    let many = end.count >= u16::MAX.into();
    if many || is_wide(end.start) || is_wide(end.size) {
        bytes.extend(ZIP64_END.to_le_bytes());
        bytes.extend((ZIP64_END_LEN as u64 - 12).to_le_bytes());
        bytes.extend([VERSION.to_le_bytes(), VERSION.to_le_bytes()].concat());
        bytes.extend([0; 8]); // One file.
        for number in [end.count, end.count, end.size, end.start] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(ZIP64_LOCATOR.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend((end.start + end.size).to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
    }
    bytes.extend(END.to_le_bytes());
    bytes.extend([0; 4]);
    let count = end.count.min(u16::MAX.into()) as u16;
    bytes.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    bytes.extend([narrow(end.size).to_le_bytes(), narrow(end.start).to_le_bytes()].concat());
    bytes.extend([0; 2]); // No comment.
    bytes
}

//! The part of [zip](https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT) that npz files are made of.
//!
//! ```text
//! member: its own header | name | extra | packed bytes     one after another
//! directory: entry | name | extra | comment                one for each member
//! end: zip64 end | zip64 locator | end                     the first two where 32 bits are not enough
//! ```
//!
//! The format says most things twice, and the tricks live where the two differ. So every byte of an archive must
//! belong to exactly one part: members without gap or overlap, then the directory, then the end; and both headers
//! of a member must agree. Members are stored or deflated. Encryption, sizes behind the data, links, a comment at
//! the end, and archives in several files are refused.

mod header;
mod write;

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::DeflateDecoder;

use crate::error::{Error, Result};
use crate::io::stored::{length, read_bytes};
use header::{End, Fields, Parsed};

pub(crate) use header::check_name;
pub(crate) use write::Writer;

/// A member, as both of its headers tell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Bytes once unpacked.
    pub(crate) size: u64,
    /// Bytes in the archive.
    pub(crate) packed: u64,
    crc32: u32,
    deflated: bool,
    /// Where its own header begins.
    offset: u64,
    /// Where its packed bytes begin.
    data: u64,
}

/// Reads the directory of an archive and checks it against the members' own headers.
pub(crate) fn open(reader: &mut (impl Read + Seek), path: &Path) -> Result<Vec<Entry>> {
    let fault = |reason: String| Error::format(path, reason);
    let len = length(reader, path)?;
    let tail_len = len.min(header::TAIL as u64);
    let tail = read_at(reader, len - tail_len, tail_len as usize, path)?;
    let End { count, start, size } = header::end(&tail, len).map_err(fault)?;
    let directory = read_at(reader, start, size as usize, path)?;
    let mut entries = entries(&directory, count).map_err(fault)?;
    entries.sort_by_key(|entry| entry.offset);
    let mut end = 0;
    for entry in &mut entries {
        let fault = |reason: String| fault(format!("member {:?}: {reason}", entry.name));
        if entry.offset != end {
            return Err(fault(format!("it begins at {}; what is before it ends at {end}", entry.offset)));
        }
        let fixed = read_at(reader, end, header::MEMBER_LEN.min((start - end) as usize), path)?;
        let common = header::member(&fixed).map_err(fault)?;
        let named = read_bytes(reader, common.name_len + common.extra_len, path)?;
        let own = Fields(&named).described(common, None).map_err(fault)?;
        if own != (Entry { offset: 0, ..entry.clone() }) {
            return Err(fault("its own header and the directory disagree".into()));
        }
        entry.data = end + (fixed.len() + named.len()) as u64;
        end =
            entry.data.checked_add(entry.packed).filter(|&end| end <= start).ok_or_else(|| {
                fault(format!("its {} bytes run into the directory at {start}", entry.packed))
            })?;
    }
    if end != start {
        return Err(fault(format!("the members end at {end}, the directory begins at {start}")));
    }
    Ok(entries)
}

fn entries(directory: &[u8], count: u64) -> Parsed<Vec<Entry>> {
    let mut fields = Fields(directory);
    let (mut entries, mut names) = (Vec::new(), BTreeSet::new());
    while !fields.0.is_empty() {
        let entry = fields.entry()?;
        if !names.insert(entry.name.clone()) {
            return Err(format!("member {:?} appears twice", entry.name));
        }
        entries.push(entry);
    }
    if entries.len() as u64 != count {
        return Err(format!("{count} members are promised, the directory has {}", entries.len()));
    }
    Ok(entries)
}

fn read_at(reader: &mut (impl Read + Seek), at: u64, len: usize, path: &Path) -> Result<Vec<u8>> {
    reader.seek(SeekFrom::Start(at)).map_err(Error::io("read", path))?;
    read_bytes(reader, len, path)
}

impl Entry {
    /// The member's bytes, unpacked as they are read.
    pub(crate) fn unpack<'r, R: Read + Seek>(&'r self, reader: &'r mut R) -> io::Result<Member<'r, R>> {
        reader.seek(SeekFrom::Start(self.data))?;
        let bytes = reader.take(self.packed);
        let content = match self.deflated {
            true => Content::Deflated(DeflateDecoder::new(bytes)),
            false => Content::Stored(bytes),
        };
        Ok(Member { content, left: self.size, crc32: crc32fast::Hasher::new(), entry: self })
    }
}

/// Reads a member: not a byte more than its headers promise.
pub(crate) struct Member<'r, R> {
    content: Content<'r, R>,
    left: u64,
    crc32: crc32fast::Hasher,
    entry: &'r Entry,
}

enum Content<'r, R> {
    Stored(io::Take<&'r mut R>),
    Deflated(DeflateDecoder<io::Take<&'r mut R>>),
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Content::Stored(bytes) => bytes.read(buffer),
            Content::Deflated(bytes) => bytes.read(buffer),
        }
    }
}

impl<R: Read> Read for Member<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let got = self.content.read(&mut buffer[..wanted])?;
        self.crc32.update(&buffer[..got]);
        self.left -= got as u64;
        Ok(got)
    }
}

impl<R: Read> Member<'_, R> {
    /// Checks what only the end of the member tells: that it is one, and the checksum.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let more = self.content.read(&mut [0])?;
        let unread = match &self.content {
            Content::Stored(bytes) => bytes.limit(),
            Content::Deflated(bytes) => self.entry.packed - bytes.total_in(),
        };
        let (found, promised) = (self.crc32.finalize(), self.entry.crc32);
        let reason = if self.left > 0 || more > 0 || unread > 0 {
            format!("it does not unpack to the {} bytes that are promised", self.entry.size)
        } else if found != promised {
            format!("checksum {found:08x}, expected {promised:08x}")
        } else {
            return Ok(());
        };
        Err(io::Error::new(io::ErrorKind::InvalidData, reason))
    }
}

#[cfg(test)]
mod tests;

//! The headers of a zip archive, field by field. Section numbers are those of APPNOTE.TXT 6.3.

use super::Entry;

pub(super) const MEMBER: u32 = 0x0403_4b50;
pub(super) const ENTRY: u32 = 0x0201_4b50;
pub(super) const END: u32 = 0x0605_4b50;
pub(super) const ZIP64_END: u32 = 0x0606_4b50;
pub(super) const ZIP64_LOCATOR: u32 = 0x0706_4b50;

pub(super) const MEMBER_LEN: usize = 30;
const END_LEN: usize = 22;
pub(super) const ZIP64_END_LEN: usize = 56;
const LOCATOR_LEN: usize = 20;
/// The longest end that an archive can have.
pub(super) const TAIL: usize = ZIP64_END_LEN + LOCATOR_LEN + END_LEN;

/// The name is UTF-8 (4.4.4, bit 11).
pub(super) const UTF8: u16 = 1 << 11;
/// How hard the packer tried (bits 1 and 2).
const EFFORT: u16 = 0b110;
const ENCRYPTED: u16 = 1;
const SIZE_BEHIND: u16 = 1 << 3;

pub(super) const STORED: u16 = 0;
pub(super) const DEFLATED: u16 = 8;

/// Extra fields: the numbers that 32 bits cannot hold (4.5.3), and another name for the member (4.6.9).
pub(super) const ZIP64: u16 = 1;
const OTHER_NAME: u16 = 0x7075;

/// The upper byte of "made by" where attributes are those of Unix, whose upper half begins with the kind of file.
const UNIX: u16 = 3;
const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;

const MAX_NAME: usize = 4096;

pub(super) type Parsed<T> = std::result::Result<T, String>;

/// Whether a member may be called so. People unpack archives by these names: none may lead out of the folder, nor
/// hold what a terminal obeys.
pub(crate) fn check_name(name: &str) -> Parsed<()> {
    let shown: String = name.chars().take(60).collect();
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(format!("a name of {} bytes, 1 to {MAX_NAME} are allowed: {shown:?}", name.len()));
    }
    let leaves = name.starts_with('/') || name.split('/').any(|part| part == "..");
    if leaves || name.contains(|c: char| c.is_control() || c == '\\') {
        return Err(format!("the name {shown:?} leads out of its folder or has control characters"));
    }
    Ok(())
}

/// Takes fields from the front of these bytes. Numbers begin with their smallest byte.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

/// The part that both headers of a member have (4.3.7, 4.3.12).
pub(super) struct Common {
    flags: u16,
    method: u16,
    crc32: u32,
    packed: u64,
    size: u64,
    pub(super) name_len: usize,
    pub(super) extra_len: usize,
}

impl<'a> Fields<'a> {
    fn bytes(&mut self, len: usize) -> Parsed<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(len).ok_or("a header of the archive ends too early")?;
        self.0 = rest;
        Ok(front)
    }

    fn u64(&mut self, len: usize) -> Parsed<u64> {
        Ok(self.bytes(len)?.iter().rev().fold(0, |n, &byte| n << 8 | byte as u64))
    }

    fn u32(&mut self) -> Parsed<u32> {
        Ok(self.u64(4)? as u32)
    }

    fn u16(&mut self) -> Parsed<u16> {
        Ok(self.u64(2)? as u16)
    }

    fn expect(&mut self, signature: u32, what: &str) -> Parsed<()> {
        if self.u32()? == signature { Ok(()) } else { Err(format!("there is no {what} where one should be")) }
    }

    fn common(&mut self) -> Parsed<Common> {
        self.u16()?; // The version needed; what matters of it shows elsewhere.
        let (flags, method) = (self.u16()?, self.u16()?);
        self.u32()?; // Time and date.
        Ok(Common {
            flags,
            method,
            crc32: self.u32()?,
            packed: self.u64(4)?,
            size: self.u64(4)?,
            name_len: self.u16()?.into(),
            extra_len: self.u16()?.into(),
        })
    }

    /// An entry of the directory.
    pub(super) fn entry(&mut self) -> Parsed<Entry> {
        self.expect(ENTRY, "entry of the directory")?;
        let system = self.u16()? >> 8;
        let common = self.common()?;
        let (comment_len, disk, _) = (self.u16()?, self.u16()?, self.u16()?);
        let (mode, offset) = (self.u32()? >> 16, self.u64(4)?);
        let entry = self.described(common, Some(offset))?;
        self.bytes(comment_len.into())?;
        if disk != 0 {
            return Err(format!("member {:?}: it lies in another file", entry.name));
        }
        if system == UNIX && !matches!(mode & KIND, 0 | REGULAR) {
            return Err(format!("member {:?}: it is a link, a folder or a device", entry.name));
        }
        Ok(entry)
    }

    /// The name and the extra fields behind a header. The directory's also tells the offset.
    pub(super) fn described(&mut self, mut common: Common, mut offset: Option<u64>) -> Parsed<Entry> {
        let name = self.bytes(common.name_len)?;
        let extra = self.bytes(common.extra_len)?;
        let known = common.flags & UTF8 != 0 || name.is_ascii();
        let Some(name) = std::str::from_utf8(name).ok().filter(|_| known) else {
            let start = &name[..name.len().min(60)];
            return Err(format!("the name {:?} is not UTF-8", String::from_utf8_lossy(start)));
        };
        check_name(name)?;
        let mut numbers = vec![&mut common.size, &mut common.packed];
        numbers.extend(offset.as_mut());
        widen(extra, numbers)
            .and_then(|()| common.check())
            .map_err(|reason| format!("member {name:?}: {reason}"))?;
        Ok(Entry {
            name: name.to_string(),
            size: common.size,
            packed: common.packed,
            crc32: common.crc32,
            deflated: common.method == DEFLATED,
            offset: offset.unwrap_or(0),
            data: 0,
        })
    }
}

impl Common {
    fn check(&self) -> Parsed<()> {
        let odd = self.flags & !(UTF8 | EFFORT);
        if odd & ENCRYPTED != 0 {
            return Err("it is encrypted".into());
        }
        if odd & SIZE_BEHIND != 0 {
            return Err("its size follows its data; write the archive to a file instead of a stream".into());
        }
        if odd != 0 {
            return Err(format!("it has the unknown flags {odd:#06x}"));
        }
        match self.method {
            STORED if self.size != self.packed => {
                Err(format!("{} bytes are stored as {}", self.size, self.packed))
            }
            STORED | DEFLATED => Ok(()),
            other => {
                Err(format!("packed by method {other}; stored (0) and deflated (8) members can be read"))
            }
        }
    }
}

/// Replaces the numbers whose bits are all ones by those of the extra field for them.
fn widen(extra: &[u8], numbers: Vec<&mut u64>) -> Parsed<()> {
    let mut extra = Fields(extra);
    let mut wide = None;
    while !extra.0.is_empty() {
        let (id, len) = (extra.u16()?, extra.u16()?);
        let field = extra.bytes(len.into())?;
        match id {
            ZIP64 if wide.replace(field).is_some() => return Err("it has two zip64 fields".into()),
            OTHER_NAME => return Err("it has a second name".into()),
            _ => {}
        }
    }
    let mut wide = Fields(wide.unwrap_or_default());
    for number in numbers.into_iter().filter(|n| **n == u32::MAX as u64) {
        *number = wide.u64(8).map_err(|_| "its zip64 field is missing or too short")?;
    }
    Ok(())
}

/// A member's own header, without the name.
pub(super) fn member(bytes: &[u8]) -> Parsed<Common> {
    let mut fields = Fields(bytes);
    fields.expect(MEMBER, "header of its own")?;
    fields.common()
}

/// Where the directory lies.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct End {
    pub(super) count: u64,
    pub(super) start: u64,
    pub(super) size: u64,
}

/// Reads the end of an archive of `len` bytes from its last bytes (4.3.14 to 4.3.16).
pub(super) fn end(tail: &[u8], len: u64) -> Parsed<End> {
    let missing = "not a whole zip archive: it does not end with a directory, or something follows it";
    let Some((before, end)) = tail.len().checked_sub(END_LEN).map(|at| tail.split_at(at)) else {
        return Err(missing.into());
    };
    let mut fields = Fields(end);
    fields.expect(END, "end").map_err(|_| missing)?;
    let disks = (fields.u16()?, fields.u16()?);
    let (count_here, count) = (fields.u16()?, fields.u16()?);
    let (size, start, comment) = (fields.u64(4)?, fields.u64(4)?, fields.u16()?);
    if disks != (0, 0) || count_here != count || comment != 0 {
        return Err("the archive is one of several files, or its end has a comment".into());
    }
    let mut end = End { count: count.into(), start, size };
    let mut before_end = len - END_LEN as u64;
    if before.len() == ZIP64_END_LEN + LOCATOR_LEN {
        let (record, locator) = before.split_at(ZIP64_END_LEN);
        if locator.starts_with(&ZIP64_LOCATOR.to_le_bytes()) {
            before_end -= before.len() as u64;
            end = wide_end(record, locator, before_end, &end)?;
        }
    }
    if end.start.checked_add(end.size) != Some(before_end) {
        let End { start, size, .. } = end;
        return Err(format!("a directory of {size} bytes at {start} does not reach the end at {before_end}"));
    }
    Ok(end)
}

/// The end's numbers in 64 bits. Those that fit 32 must be the same in both.
fn wide_end(record: &[u8], locator: &[u8], at: u64, narrow: &End) -> Parsed<End> {
    let mut fields = Fields(locator);
    fields.expect(ZIP64_LOCATOR, "zip64 locator")?;
    let placed = (fields.u32()?, fields.u64(8)?, fields.u32()?) == (0, at, 1);
    let mut fields = Fields(record);
    fields.expect(ZIP64_END, "zip64 end")?;
    let whole = fields.u64(8)? == ZIP64_END_LEN as u64 - 12;
    fields.u32()?; // Made by and needed.
    let disks = (fields.u32()?, fields.u32()?);
    let (count_here, count) = (fields.u64(8)?, fields.u64(8)?);
    let (size, start) = (fields.u64(8)?, fields.u64(8)?);
    let same = |wide: u64, narrow: u64, full: u64| wide == narrow || narrow == full;
    let agrees = same(count, narrow.count, u16::MAX.into())
        && same(size, narrow.size, u32::MAX.into())
        && same(start, narrow.start, u32::MAX.into());
    if !placed || !whole || disks != (0, 0) || count_here != count || !agrees {
        return Err("the zip64 end contradicts itself or the end".into());
    }
    Ok(End { count, start, size })
}

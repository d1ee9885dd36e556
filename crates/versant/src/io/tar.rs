//! Tar archives, plain or gzipped: the form in which data sets of many files come.
//!
//! An archive is read once from front to back, and nothing of it is written to the disk. Names come from the archive,
//! so a name that leaves its folder (`/etc/passwd`, `../x`) is refused, and links and devices are passed over. Formats:
//! POSIX.1-1988 (ustar) with prefixes, POSIX.1-2001 (pax) paths and sizes, and GNU long names.

use std::io::{self, BufReader, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, Result};
use crate::io::stored::{UNPACKED_RATIO, length, open, unpacked_limit};

/// The unit of an archive: headers take one, contents are filled up to a whole number of them.
const BLOCK: u64 = 512;

/// The longest name or pax header, in bytes.
const MOST_EXTRA: u64 = 64 << 10;

/// A file in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its path within the archive, parts separated by `/`; it names no place outside.
    pub name: String,
    /// Bytes of its content.
    pub size: u64,
}

/// An archive under way.
///
/// ```no_run
/// use versant::io::tar::Tar;
/// let mut archive = Tar::open("cifar-10-binary.tar.gz")?;
/// while let Some(member) = archive.next_file()? {
///     println!("{} bytes: {}", member.size, member.name);
/// }
/// # Ok::<(), versant::Error>(())
/// ```
pub struct Tar {
    reader: Box<dyn Read>,
    path: PathBuf,
    /// Bytes of the current content not read yet, and those that fill its last block.
    content: u64,
    filling: u64,
}

impl Tar {
    /// Opens an archive; whether it is gzipped is seen from its content.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Tar> {
        let path = path.as_ref();
        let mut file = open(path)?;
        let packed = length(&mut file, path)?;
        let mut mark = [0; 2];
        let got = file.read(&mut mark).map_err(Error::io("read", path))?;
        file.rewind().map_err(Error::io("read", path))?;
        let buffered = BufReader::new(file);
        let reader: Box<dyn Read> = if got == 2 && mark == [0x1f, 0x8b] {
            Box::new(Limited { left: unpacked_limit(packed), reader: MultiGzDecoder::new(buffered) })
        } else {
            Box::new(buffered)
        };
        Ok(Tar { reader, path: path.to_path_buf(), content: 0, filling: 0 })
    }

    /// The next regular file, or none at the archive's end. Folders, links and devices are passed over.
    ///
    /// # Errors
    /// What is no tar archive, is damaged, ends early, unpacks to far more than its length, or has names that lead
    /// outside.
    pub fn next_file(&mut self) -> Result<Option<Member>> {
        let (mut long_name, mut long_size) = (None, None);
        loop {
            self.pass(self.content + self.filling)?;
            let Some(header) = self.header()? else { return Ok(None) };
            let size = long_size.unwrap_or(header.size);
            match header.kind {
                b'L' => long_name = Some(until_nul(&self.extra(header.size)?)),
                b'x' => {
                    let records = self.extra(header.size)?;
                    let found = pax(&records).ok_or_else(|| self.broken("a damaged pax header"))?;
                    long_name = found.0.or(long_name);
                    long_size = found.1.or(long_size);
                }
                b'0' | b'7' | 0 if !header.name.ends_with(b"/") => {
                    self.begin(size)?;
                    let name = self.inner(&long_name.unwrap_or(header.name))?;
                    return Ok(Some(Member { name, size }));
                }
                // A sparse file's content is not what its blocks say.
                b'S' => return Err(self.broken("a sparse file, which is not read")),
                kind => {
                    self.begin(if matches!(kind, b'1'..=b'6') { 0 } else { size })?;
                    // What was told of this member does not hold for the next; a global pax header (g) and a long
                    // target of a link (K) are no members.
                    if !matches!(kind, b'g' | b'K') {
                        (long_name, long_size) = (None, None);
                    }
                }
            }
        }
    }

    /// The content of the file that [`next_file`](Tar::next_file) gave last.
    ///
    /// # Errors
    /// When it has more than `limit` bytes or the archive ends within it.
    pub fn content(&mut self, limit: u64) -> Result<Vec<u8>> {
        if self.content > limit {
            return Err(self.broken(&format!("a file of {} bytes; at most {limit} are read", self.content)));
        }
        let mut bytes = Vec::new();
        // The buffer grows with what is really there, whatever the header says.
        (&mut self.reader).take(self.content).read_to_end(&mut bytes).map_err(|e| self.failed(e))?;
        if (bytes.len() as u64) < self.content {
            return Err(self.broken("the archive ends within a file"));
        }
        self.content = 0;
        Ok(bytes)
    }

    fn begin(&mut self, size: u64) -> Result<()> {
        if size > u64::MAX / 2 {
            return Err(self.broken(&format!("a file of {size} bytes")));
        }
        self.content = size;
        self.filling = size.next_multiple_of(BLOCK) - size;
        Ok(())
    }

    /// A name or records that stand in place of a content.
    fn extra(&mut self, size: u64) -> Result<Vec<u8>> {
        self.begin(size)?;
        self.content(MOST_EXTRA)
    }

    fn pass(&mut self, bytes: u64) -> Result<()> {
        let passed = io::copy(&mut (&mut self.reader).take(bytes), &mut io::sink());
        if passed.map_err(|e| self.failed(e))? < bytes {
            return Err(self.broken("the archive ends within a file"));
        }
        (self.content, self.filling) = (0, 0);
        Ok(())
    }

    fn header(&mut self) -> Result<Option<Header>> {
        let mut block = Vec::with_capacity(BLOCK as usize);
        (&mut self.reader).take(BLOCK).read_to_end(&mut block).map_err(|e| self.failed(e))?;
        let Ok(block) = <[u8; BLOCK as usize]>::try_from(block) else {
            return Err(self.broken("the archive ends without its end mark, or is none"));
        };
        if block == [0; BLOCK as usize] {
            return Ok(None);
        }
        // The sum of all bytes, with blanks in its own place.
        let sum: u64 =
            block.iter().enumerate().map(|(i, &b)| if (148..156).contains(&i) { 32 } else { b as u64 }).sum();
        if octal(&block[148..156]) != Some(sum) {
            return Err(self.broken("not a tar archive, or damaged: a header's checksum is wrong"));
        }
        let size = octal(&block[124..136]).ok_or_else(|| self.broken("a size that is no octal number"))?;
        let mut name = until_nul(&block[..100]);
        // GNU's own format has other things where POSIX has the prefix.
        let prefix = until_nul(&block[345..500]);
        if &block[257..263] == b"ustar\0" && !prefix.is_empty() {
            name = [&prefix, &b"/"[..], &name].concat();
        }
        Ok(Some(Header { name, size, kind: block[156] }))
    }

    /// The name, if it stays inside.
    fn inner(&self, name: &[u8]) -> Result<String> {
        let Ok(name) = std::str::from_utf8(name) else {
            return Err(self.broken(&format!("the name {} is not UTF-8", name.escape_ascii())));
        };
        let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if name.starts_with('/') || name.contains(['\\', '\0']) || parts.contains(&"..") || parts.is_empty() {
            return Err(self.broken(&format!("the name {name:?} leads outside of the archive")));
        }
        Ok(parts.join("/"))
    }

    fn broken(&self, reason: &str) -> Error {
        Error::format(&self.path, reason)
    }

    fn failed(&self, error: io::Error) -> Error {
        match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                self.broken(&format!("damaged gzip data: {error}"))
            }
            _ => Error::io("read", &self.path)(error),
        }
    }
}

struct Header {
    name: Vec<u8>,
    size: u64,
    kind: u8,
}

fn until_nul(field: &[u8]) -> Vec<u8> {
    field.split(|&b| b == 0).next().unwrap_or_default().to_vec()
}

/// Octal digits between blanks, up to a NUL.
fn octal(field: &[u8]) -> Option<u64> {
    let digits = until_nul(field);
    let digits = digits.trim_ascii();
    let digit = |value: u64, &b: &u8| match b {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add((b - b'0') as u64),
        _ => None,
    };
    digits.iter().try_fold(0, digit)
}

/// The path and the size among pax records: `28 path=photographs/a.jpg\n`, the number counting the whole record.
fn pax(mut records: &[u8]) -> Option<(Option<Vec<u8>>, Option<u64>)> {
    let (mut name, mut size) = (None, None);
    while !records.is_empty() {
        let blank = records.iter().position(|&b| b == b' ')?;
        let len: usize = std::str::from_utf8(&records[..blank]).ok()?.parse().ok()?;
        let record = records.get(blank + 1..len)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|&b| b == b'=')?;
        let value = &record[equals + 1..];
        match &record[..equals] {
            b"path" => name = Some(value.to_vec()),
            b"size" => size = Some(std::str::from_utf8(value).ok()?.parse().ok()?),
            _ => {}
        }
        records = &records[len..];
    }
    Some((name, size))
}

/// Unpacks as much as the length of the packed file makes credible.
struct Limited<R> {
    left: u64,
    reader: R,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.reader.read(buffer)?;
        self.left = self.left.checked_sub(got as u64).ok_or_else(|| {
            let reason = format!("they unpack to more than {UNPACKED_RATIO} times their length, as bombs do");
            io::Error::new(ErrorKind::InvalidData, reason)
        })?;
        Ok(got)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    /// A member with its header, in GNU's or POSIX's form.
    pub(crate) fn member(kind: u8, name: &str, content: &[u8]) -> Vec<u8> {
        let mut block = [0; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        block[156] = kind;
        block[257..263].copy_from_slice(b"ustar\0");
        sealed(block, content)
    }

    fn sealed(mut block: [u8; 512], content: &[u8]) -> Vec<u8> {
        block[148..156].fill(b' ');
        let sum: u64 = block.iter().map(|&b| b as u64).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        let filling = content.len().next_multiple_of(512) - content.len();
        [&block[..], content, &vec![0; filling]].concat()
    }

    /// A gzipped archive of files.
    pub(crate) fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        for (name, content) in files {
            encoder.write_all(&member(b'0', name, content)).unwrap();
        }
        encoder.write_all(&[0; 1024]).unwrap();
        encoder.finish().unwrap()
    }

    fn listed(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tar");
        std::fs::write(&path, bytes).unwrap();
        let mut tar = Tar::open(&path)?;
        let mut all = Vec::new();
        while let Some(member) = tar.next_file()? {
            let content = tar.content(10_000)?;
            assert_eq!(content.len() as u64, member.size);
            all.push((member.name, content));
        }
        Ok(all)
    }

    #[test]
    fn files_of_all_formats() {
        let long = "d/".repeat(80) + "f";
        let mut prefixed = <[u8; 512]>::try_from(&member(b'0', "name", b"")[..]).unwrap();
        prefixed[345..351].copy_from_slice(b"prefix");
        let pax = format!("{} path={long}\n", long.len() + 10);
        let archive = [
            member(b'g', "pax_global_header", b"20 comment=a word..\n"),
            member(b'5', "folder/", b""),
            member(b'0', "./folder/a", &[1; 513]),
            member(0, "b", b""),
            member(b'2', "link", b""),
            sealed(prefixed, b""),
            member(b'L', "././@LongLink", format!("{long}\0").as_bytes()),
            member(b'0', "cut", b"x"),
            member(b'x', "PaxHeader", pax.as_bytes()),
            member(b'0', "cut", b"y"),
            vec![0; 512],
            b"what is behind the end".to_vec(),
        ]
        .concat();
        let found = listed(&archive).unwrap();
        let names: Vec<&str> = found.iter().map(|(name, _)| &name[..]).collect();
        assert_eq!(names, ["folder/a", "b", "prefix/name", &long, &long]);
        assert_eq!((&found[0].1, &found[3].1, &found[4].1), (&vec![1; 513], &vec![b'x'], &vec![b'y']));
        assert_eq!(listed(&packed(&[("a/b", b"c")])).unwrap(), [("a/b".to_string(), b"c".to_vec())]);
    }

    #[test]
    fn contents_may_be_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tar.gz");
        std::fs::write(&path, packed(&[("a", &[1; 700]), ("b", b"two")])).unwrap();
        let mut tar = Tar::open(&path).unwrap();
        tar.next_file().unwrap();
        assert_eq!(tar.next_file().unwrap(), Some(Member { name: "b".into(), size: 3 }));
        assert!(tar.content(2).unwrap_err().to_string().contains("a file of 3 bytes; at most 2"));
        assert_eq!(tar.content(3).unwrap(), b"two");
        assert_eq!(tar.next_file().unwrap(), None);
    }

    #[test]
    fn the_limit_of_what_gzip_may_unpack_to() {
        let mut limited = Limited { left: 5, reader: &b"123456"[..] };
        let mut buffer = [0; 4];
        assert_eq!(limited.read(&mut buffer).unwrap(), 4);
        assert!(limited.read(&mut buffer).is_err());
    }
}

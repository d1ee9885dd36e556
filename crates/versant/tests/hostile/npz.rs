use versant::io::npz;

use super::archive::{Member, archive, extra, zip64};
use super::{Bad, Family, bad, npy};

const NARROW: u32 = u32::MAX;

fn one(member: Member) -> Vec<u8> {
    archive(&[member], |_| {})
}

fn stored() -> Member {
    Member::stored("x.npy", &npy::good())
}

fn deflated() -> Member {
    Member::deflated("x.npy", &npy::good())
}

fn pair() -> [Member; 2] {
    [stored(), Member::deflated("y.npy", &npy::good())]
}

fn zeros(bytes: usize) -> Vec<u8> {
    npy::file(1, npy::header("'|u1'", "False", &format!("({bytes},)")), &vec![0; bytes])
}

/// A member whose sizes are in the extra fields: size, packed.
fn wide(member: Member, own: &[u64], entry: &[u64]) -> Member {
    let mut member = member.both(|head| (head.size, head.packed) = (NARROW, NARROW));
    (member.own.extra, member.entry.extra) = (extra(1, own), extra(1, entry));
    member
}

pub fn family() -> Family {
    let sizes = [npy::good().len() as u64; 2];
    Family {
        file: "hostile.npz",
        load: |path| npz::load(path).map(|_| ()),
        inspect: |path| npz::inspect(path).map(|_| ()),
        good: vec![
            ("no members", archive(&[], |_| {})),
            ("two members", archive(&pair(), |_| {})),
            ("zip64 everywhere", archive(&[wide(stored(), &sizes, &sizes)], zip64(|_| {}))),
            ("an extra field", one(stored().both(|head| head.extra = extra(0x5455, &[0])))),
            ("a regular file", one(stored().with(|m| (m.made_by, m.mode) = (0x31e, 0o100_644)))),
            ("a folder in the name", one(Member::stored("a/b.c/..d.npy", &npy::good()))),
            ("beyond ASCII", one(Member::stored("ä.npy", &npy::good()).both(|head| head.flags = 1 << 11))),
            ("much that is small", one(Member::deflated("x.npy", &zeros(15 << 20)))),
        ],
        bad: [frames(), ends(), places(), names(), disagreements(), kinds(), wides(), contents()].concat(),
    }
}

fn frames() -> Vec<Bad> {
    let whole = archive(&pair(), |_| {});
    let cut = |len: usize| whole[..len].to_vec();
    vec![
        bad("empty", vec![], "not a whole zip archive"),
        bad("a text", b"This is a text and no archive.".to_vec(), "not a whole zip archive"),
        bad("only a mark", b"PK\x03\x04".to_vec(), "not a whole zip archive"),
        bad("cut in a member", cut(100), "not a whole zip archive"),
        bad("cut before the end", cut(whole.len() - 22), "not a whole zip archive"),
        bad("cut in the end", cut(whole.len() - 1), "not a whole zip archive"),
        bad("trailing byte", [&whole[..], &[0]].concat(), "not a whole zip archive"),
        bad("an archive behind an archive", [&whole[..], &one(stored())].concat(), "does not reach the end"),
        bad("a program in front", [b"\x7fELF", &whole[..]].concat(), "does not reach the end"),
        bad(
            "a comment",
            [&archive(&pair(), |end| end.comment_len = 1)[..], b"c"].concat(),
            "not a whole zip",
        ),
        bad("only an end", whole[whole.len() - 22..].to_vec(), "does not reach the end"),
    ]
}

fn ends() -> Vec<Bad> {
    let two = |change: fn(&mut super::archive::End)| archive(&pair(), change);
    vec![
        bad("a comment that is not there", two(|end| end.comment_len = 9), "its end has a comment"),
        bad("one of several files", two(|end| end.disk = 1), "one of several files"),
        bad("another count in this file", two(|end| end.count_here = 1), "one of several files"),
        bad("too many members", two(|end| (end.count, end.count_here) = (3, 3)), "3 members are promised"),
        bad("too few members", two(|end| (end.count, end.count_here) = (1, 1)), "1 members are promised"),
        bad("no members", two(|end| (end.count, end.count_here) = (0, 0)), "0 members are promised"),
        bad("65,535 members", two(|end| (end.count, end.count_here) = (65535, 65535)), "65535 members are"),
        bad("a longer directory", two(|end| end.size += 1), "does not reach the end"),
        bad("a shorter directory", two(|end| end.size -= 1), "does not reach the end"),
        bad("a directory of 4 GiB", two(|end| end.size = u32::MAX), "does not reach the end"),
        bad("a directory elsewhere", two(|end| end.start = u32::MAX), "does not reach the end"),
        bad(
            "a directory that begins in a member",
            two(|end| (end.start, end.size) = (end.start - 5, end.size + 5)),
            "no entry of the directory",
        ),
        bad(
            "a directory that begins in an entry",
            two(|end| (end.start, end.size) = (end.start + 46, end.size - 46)),
            "no entry of the directory",
        ),
        bad("all of it zip64", archive(&pair(), zip64(|w| w.count = u64::MAX)), "members are promised"),
        bad(
            "a zip64 directory of 2^64 bytes",
            archive(&pair(), zip64(|w| w.size = u64::MAX)),
            "does not reach",
        ),
        bad("a zip64 directory elsewhere", archive(&pair(), zip64(|w| w.start = u64::MAX)), "does not reach"),
        bad("a zip64 end elsewhere", archive(&pair(), zip64(|w| w.place = 0)), "contradicts itself"),
        bad(
            "a zip64 end of 2^64 bytes",
            archive(&pair(), zip64(|w| w.record_size = u64::MAX)),
            "contradicts itself",
        ),
        bad("zip64 in several files", archive(&pair(), zip64(|w| w.disks = 2)), "contradicts itself"),
        bad(
            "a zip64 end that the end denies",
            archive(&pair(), |end| {
                zip64(|wide| wide.count = 1)(end);
                (end.count, end.count_here) = (2, 2);
            }),
            "contradicts itself",
        ),
    ]
}

fn places() -> Vec<Bad> {
    let first = |change: fn(&mut Member)| archive(&[stored().with(change), pair()[1].clone()], |_| {});
    let second = |change: fn(&mut Member)| archive(&[stored(), pair()[1].clone().with(change)], |_| {});
    // A member within the bytes of another, as in archives that unpack to more than they hold.
    let inner = one(Member::stored("y.npy", &npy::good()));
    let inner_len = 30 + 5 + npy::good().len();
    let outer = Member::stored("x.npy", &inner[..inner_len]);
    let mut nested = Member::stored("y.npy", &npy::good());
    nested.offset = Some(35);
    let directory_only = |count: usize| {
        let mut members: Vec<Member> = (0..count)
            .map(|i| stored().with(|m| m.offset = Some(0)).both(|h| h.name = format!("{i}.npy").into()))
            .collect();
        members[1..].iter_mut().for_each(|m| m.bytes.clear());
        archive(&members, |_| {})
    };
    vec![
        bad(
            "two entries for one member",
            second(|m| m.offset = Some(0)),
            "it begins at 0; what is before it ends",
        ),
        bad(
            "20,000 entries for one member",
            directory_only(20_000),
            "it begins at 0; what is before it ends",
        ),
        bad(
            "a member in a member",
            archive(&[outer, nested], |_| {}),
            "it begins at 35; what is before it ends",
        ),
        bad(
            "overlap by a byte",
            first(|m| (m.own.packed, m.entry.packed, m.own.size, m.entry.size) = (129, 129, 129, 129)),
            "begins at",
        ),
        bad("a gap between members", second(|m| m.gap = 1), "what is before it ends at"),
        bad("a gap in front", first(|m| m.gap = 7), "it begins at 7; what is before it ends at 0"),
        bad("bytes before the directory", second(|m| m.bytes.push(0)), "the members end at"),
        bad("beyond the file", second(|m| m.offset = Some(1 << 31)), "it begins at 2147483648"),
        bad("in the directory", first(|m| m.offset = Some(400)), "it begins at"),
        bad("in another file", first(|m| m.disk = 1), "it lies in another file"),
        bad(
            "4 GiB in a few bytes",
            one(stored().both(|head| (head.packed, head.size) = (NARROW - 1, NARROW - 1))),
            "run into the directory",
        ),
        bad("a comment beyond the directory", second(|m| m.comment_len = 50), "ends too early"),
        bad("another signature of an entry", first(|m| m.entry.signature ^= 1), "no entry of the directory"),
        bad("another signature of a member", first(|m| m.own.signature ^= 1), "no header of its own"),
    ]
}

fn names() -> Vec<Bad> {
    let called = |name: &str| one(Member::stored(name, &npy::good()));
    let bytes =
        |name: &[u8], flags: u16| one(stored().both(|head| (head.name, head.flags) = (name.to_vec(), flags)));
    let second_name = [&0x7075u16.to_le_bytes()[..], &5u16.to_le_bytes(), b"y.npy"].concat();
    vec![
        bad("a name twice", archive(&[stored(), stored()], |_| {}), "\"x.npy\" appears twice"),
        bad("out of the folder", called("../x.npy"), "leads out of its folder"),
        bad("out of the folder, later", called("a/../../etc/x.npy"), "leads out of its folder"),
        bad("from the root", called("/etc/x.npy"), "leads out of its folder"),
        bad("with backslashes", called("..\\x.npy"), "leads out of its folder"),
        bad("with NUL", called("x\0.npy"), "control characters"),
        bad("two lines", called("x\ny.npy"), "control characters"),
        bad("terminal codes", called("\u{1b}[2Jx.npy"), "control characters"),
        bad("no name", called(""), "a name of 0 bytes"),
        bad("only the ending", called(".npy"), "is not the name of an npy file"),
        bad("a folder", called("x/"), "is not the name of an npy file"),
        bad("a pickle", called("x.pkl"), "is not the name of an npy file"),
        bad("60,000 bytes", called(&("x".repeat(60_000) + ".npy")), "a name of 60004 bytes"),
        bad("not UTF-8", bytes(b"\xff\xfe.npy", 1 << 11), "is not UTF-8"),
        bad("of an old code page", bytes(b"gr\x94\xe1e.npy", 0), "is not UTF-8"),
        bad("UTF-8 that is not said to be", bytes("ä.npy".as_bytes(), 0), "is not UTF-8"),
        bad("a surrogate", bytes(b"\xed\xa0\x80.npy", 1 << 11), "is not UTF-8"),
        bad("a second name", one(stored().both(|head| head.extra = second_name.clone())), "a second name"),
    ]
}

/// What one header says and the other does not.
fn disagreements() -> Vec<Bad> {
    let own = |change: fn(&mut Member)| one(deflated().with(change));
    vec![
        bad("names", own(|m| m.own.name = b"y.npy".to_vec()), "disagree"),
        bad("sizes", own(|m| m.own.size -= 1), "disagree"),
        bad("packed sizes", own(|m| m.own.packed -= 1), "disagree"),
        bad("checksums", own(|m| m.own.crc32 ^= 1), "disagree"),
        bad("methods", own(|m| (m.own.method, m.own.size) = (0, m.own.packed)), "disagree"),
        bad("encrypted in one", own(|m| m.own.flags = 1), "encrypted"),
        bad("the name's length", own(|m| m.own.name.push(b'y')), "disagree"),
        bad("an extra field in one, beyond the file", own(|m| m.own.extra = vec![0xff; 4]), "ends too early"),
    ]
}

/// What zip knows and npz does not.
fn kinds() -> Vec<Bad> {
    let flagged = |flags: u16| one(stored().both(|head| head.flags = flags));
    let by = |method: u16| one(deflated().both(|head| head.method = method));
    let unix = |mode: u32| one(stored().with(|m| (m.made_by, m.mode) = (0x31e, mode)));
    let mut described = stored().both(|head| head.flags = 8);
    (described.own.crc32, described.own.packed, described.own.size) = (0, 0, 0);
    described.bytes.extend(b"PK\x07\x08\0\0\0\0\0\0\0\0\0\0\0\0");
    vec![
        bad("encrypted", flagged(1), "it is encrypted"),
        bad("strongly encrypted", flagged(1 << 6), "unknown flags 0x0040"),
        bad("patches", flagged(1 << 5), "unknown flags 0x0020"),
        bad("masked headers", flagged(1 << 13), "unknown flags 0x2000"),
        bad("all flags", flagged(0xffff), "it is encrypted"),
        bad("sizes behind the data", one(described), "its size follows its data"),
        bad("shrunk", by(1), "method 1;"),
        bad("deflate64", by(9), "method 9;"),
        bad("bzip2", by(12), "method 12;"),
        bad("lzma", by(14), "method 14;"),
        bad("zstd", by(93), "method 93;"),
        bad("AES", by(99), "method 99;"),
        bad("a link", unix(0o120_777), "a link, a folder or a device"),
        bad("a folder", unix(0o040_755), "a link, a folder or a device"),
        bad("a device", unix(0o020_666), "a link, a folder or a device"),
        bad("a pipe", unix(0o010_666), "a link, a folder or a device"),
    ]
}

/// Lies in 64 bits.
fn wides() -> Vec<Bad> {
    let len = npy::good().len() as u64;
    let same = |sizes: &[u64]| one(wide(deflated(), sizes, sizes));
    let with_extra = |extra: Vec<u8>| {
        one(stored().both(|head| (head.size, head.packed, head.extra) = (NARROW, NARROW, extra.clone())))
    };
    let far = stored().with(|m| (m.offset, m.entry.extra) = (Some(NARROW), extra(1, &[u64::MAX])));
    vec![
        bad("no numbers", with_extra(vec![]), "zip64 field is missing"),
        bad("one number of two", same(&[len]), "zip64 field is missing or too short"),
        bad("half a number", with_extra([&extra(1, &[])[..2], &[4, 0], &[0; 4]].concat()), "too short"),
        bad(
            "two fields",
            with_extra([extra(1, &[len, len]), extra(1, &[len, len])].concat()),
            "two zip64 fields",
        ),
        bad("a field beyond the header", with_extra(vec![1, 0, 16, 0, 0]), "ends too early"),
        bad("packed into 2^64 bytes", same(&[len, u64::MAX]), "run into the directory"),
        bad("packed into 2^63 bytes", same(&[len, 1 << 63]), "run into the directory"),
        bad("unpacked to 2^64 bytes", same(&[u64::MAX, deflated().bytes.len() as u64]), "follow"),
        bad("stored as 2^63 bytes", one(wide(stored(), &[1 << 63, len], &[1 << 63, len])), "are stored as"),
        bad(
            "other numbers in the directory",
            one(wide(stored(), &[len, len], &[len + 1, len + 1])),
            "disagree",
        ),
        bad("2^64 bytes behind the start", one(far), "it begins at 18446744073709551615"),
    ]
}

fn contents() -> Vec<Bad> {
    let of = |content: &[u8]| one(Member::deflated("x.npy", content));
    let good = npy::good();
    let packed = |bytes: Vec<u8>| one(Member::stored("x.npy", &good).packed(bytes));
    let flow = deflated().bytes;
    let sized =
        |content: &[u8], size: u32| one(Member::deflated("x.npy", content).both(|head| head.size = size));
    let terabyte = npy::file(1, npy::header("'<f4'", "False", "(1000000000000,)"), &[0; 4]);
    let many: Vec<Member> = (0..40).map(|i| Member::deflated(&format!("{i}.npy"), &zeros(1 << 20))).collect();
    let bomb = Member::deflated("x.npy", &zeros(64 << 20));
    let hidden = Member::stored("x.npy", &good).packed(bomb.bytes.clone());
    vec![
        bad("a bomb that keeps its promise", one(bomb), "too many for so small an archive"),
        bad("a bomb in forty members", archive(&many, |_| {}), "too many for so small an archive"),
        bad("a bomb behind a small promise", one(hidden), "not a whole npy file"),
        bad("a bomb of a header", of(&npy::file(2, vec![b' '; 32 << 20], &[])), "65536 are allowed"),
        bad("a terabyte", of(&terabyte), "4 follow"),
        bad(
            "unpacks to more",
            sized(&[&good[..], &[0; 99]].concat(), good.len() as u32),
            "does not unpack to the",
        ),
        bad("unpacks to less", sized(&good[..good.len() - 1], good.len() as u32), "end too early"),
        bad("another checksum", one(stored().both(|head| head.crc32 ^= 1)), "checksum"),
        bad("another checksum, deflated", one(deflated().both(|head| head.crc32 ^= 1)), "checksum"),
        bad("no deflate", packed(vec![0xff; 40]), "damaged"),
        bad("no bytes", packed(vec![]), "end too early"),
        bad("cut deflate", packed(flow[..flow.len() - 9].to_vec()), "end too early"),
        bad("bytes behind deflate", packed([&flow[..], b"more"].concat()), "does not unpack to the"),
        bad("stored as another size", one(stored().both(|head| head.size += 1)), "are stored as"),
        bad("no npy", of(b"This is a text and no array."), "does not begin with"),
        bad("an archive in an archive", of(&one(stored())), "does not begin with"),
        bad("an empty member", one(Member::stored("x.npy", b"")), "it ends after 0 bytes"),
        bad(
            "objects",
            of(&npy::file(1, npy::header("'|O'", "False", "(1,)"), &[0; 4])),
            "pickled Python objects",
        ),
        bad(
            "nine axes",
            of(&npy::file(1, npy::header("'|u1'", "False", &format!("({})", "1, ".repeat(9))), &[0])),
            "9 axes",
        ),
        bad(
            "a negative axis",
            of(&npy::file(1, npy::header("'|u1'", "False", "(-1,)"), &[0])),
            "expected a length",
        ),
        bad(
            "a good member, then a bad one",
            archive(&[stored(), Member::stored("y.npy", b"none")], |_| {}),
            "y.npy",
        ),
    ]
}

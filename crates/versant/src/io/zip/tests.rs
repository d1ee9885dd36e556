use std::io::Cursor;

use super::*;

fn entry(size: u64, packed: u64, offset: u64) -> Entry {
    Entry { name: "ä.npy".into(), size, packed, crc32: 7, deflated: true, offset, data: 0 }
}

fn archive(members: impl IntoIterator<Item = (String, bool)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    for (name, deflated) in members {
        writer.add(name, deflated, |w| w.write_all(b"aaaaaaaaaaaaaaaaaaaa")).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

#[test]
fn numbers_beyond_32_bits_come_back() {
    let max = u32::MAX as u64;
    for entry in [
        entry(20, 10, 30),
        entry(max - 1, 10, max - 1),
        entry(max, 10, 0),
        entry(5 << 32, max, 0),
        entry(1, 2, max),
        entry(u64::MAX, 1 << 40, 1 << 50),
    ] {
        let bytes = write::directory_entry(&entry);
        assert_eq!(Fields(&bytes).entry().unwrap(), entry);
        let bytes = write::member(&entry);
        let common = header::member(&bytes).unwrap();
        let own = Fields(&bytes[header::MEMBER_LEN..]).described(common, None).unwrap();
        assert_eq!(own, Entry { offset: 0, ..entry });
    }
    for end in [
        End { count: 3, start: 1000, size: 200 },
        End { count: 65535, start: 1000, size: 200 },
        End { count: 1, start: 1 << 40, size: 1 << 33 },
    ] {
        let bytes = write::end_of(&end);
        let len = end.start + end.size + bytes.len() as u64;
        // An archive has something before its end.
        let tail = [&[0; header::TAIL], &bytes[..]].concat();
        assert_eq!(header::end(&tail[tail.len() - header::TAIL..], len).unwrap(), end);
    }
}

#[test]
fn more_members_than_16_bits_count() {
    let bytes = archive((0..66_000).map(|i| (i.to_string(), false)));
    let entries = open(&mut Cursor::new(&bytes), Path::new("a")).unwrap();
    assert_eq!(entries.len(), 66_000);
}

#[test]
fn members_are_unpacked_and_their_sums_checked() {
    for deflated in [false, true] {
        let bytes = archive([("x".to_string(), deflated), ("y".to_string(), deflated)]);
        let mut reader = Cursor::new(&bytes);
        let entries = open(&mut reader, Path::new("a")).unwrap();
        for entry in &entries {
            let mut text = String::new();
            let mut member = entry.unpack(&mut reader).unwrap();
            member.read_to_string(&mut text).unwrap();
            assert_eq!(text, "a".repeat(20));
            member.finish().unwrap();
        }
        let wrong = Entry { crc32: 0, ..entries[1].clone() };
        let mut member = wrong.unpack(&mut reader).unwrap();
        io::copy(&mut member, &mut io::sink()).unwrap();
        assert!(member.finish().unwrap_err().to_string().contains("expected 00000000"));
        let longer = Entry { size: 19, ..entries[1].clone() };
        let mut member = longer.unpack(&mut reader).unwrap();
        io::copy(&mut member, &mut io::sink()).unwrap();
        assert!(member.finish().unwrap_err().to_string().contains("the 19 bytes that are promised"));
    }
}

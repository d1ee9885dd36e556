//! TFRecord, the frame of event files: each record is its length (8 bytes, little-endian), a checksum of the length,
//! the data, and a checksum of the data. (TensorFlow, `lib/io/record_writer.h`)

/// A record as files hold it.
pub(crate) fn framed(data: &[u8]) -> Vec<u8> {
    let len = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + 16);
    record.extend(len);
    record.extend(masked_crc(&len).to_le_bytes());
    record.extend_from_slice(data);
    record.extend(masked_crc(data).to_le_bytes());
    record
}

/// The checksum, rotated and shifted, so that a checksum of data that hold checksums stays a good one.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), bits reflected. (RFC 3720, B.4)
fn crc32c(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, &byte| TABLE[(crc as u8 ^ byte) as usize] ^ (crc >> 8))
}

/// The remainders of all bytes.
static TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// The data of each whole record, after which nothing or half a record may stand.
///
/// # Panics
/// When a checksum differs.
#[cfg(test)]
pub(crate) fn records(mut file: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while let Some((len, rest)) = file.split_first_chunk::<8>() {
        let Some((crc, rest)) = rest.split_first_chunk() else { break };
        assert_eq!(
            masked_crc(len),
            u32::from_le_bytes(*crc),
            "checksum of the length of record {}",
            records.len()
        );
        let Some((data, rest)) = rest.split_at_checked(u64::from_le_bytes(*len) as usize) else { break };
        let Some((crc, rest)) = rest.split_first_chunk() else { break };
        assert_eq!(masked_crc(data), u32::from_le_bytes(*crc), "checksum of record {}", records.len());
        records.push(data.to_vec());
        file = rest;
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_3720() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn what_is_framed_is_read_back_whole_and_cut() {
        let data: [&[u8]; 3] = [b"first", b"", &[7; 1000]];
        let file: Vec<u8> = data.iter().flat_map(|data| framed(data)).collect();
        assert_eq!(records(&file), data);
        for len in 0..file.len() {
            let read = records(&file[..len]);
            assert_eq!(read, data[..read.len()], "cut at {len}");
        }
    }
}

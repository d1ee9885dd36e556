use versant::io::npy;

use super::{Bad, Family, bad};

pub fn file(version: u8, header: impl AsRef<[u8]>, data: &[u8]) -> Vec<u8> {
    let header = header.as_ref();
    let length = (header.len() as u32).to_le_bytes();
    [&b"\x93NUMPY"[..], &[version, 0], &length[..if version == 1 { 2 } else { 4 }], header, data].concat()
}

pub fn header(descr: &str, fortran: &str, shape: &str) -> String {
    format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n")
}

/// Of this type, with four bytes.
fn typed(descr: &str) -> Vec<u8> {
    file(1, header(descr, "False", "(1,)"), &[0; 4])
}

/// Of this shape, with four bytes.
fn shaped(shape: &str) -> Vec<u8> {
    file(1, header("'<f4'", "False", shape), &[0; 4])
}

pub fn good() -> Vec<u8> {
    shaped("(1,)")
}

pub fn family() -> Family {
    Family {
        file: "hostile.npy",
        load: |path| npy::load(path).map(|_| ()),
        inspect: |path| npy::inspect(path).map(|_| ()),
        good: vec![
            ("version 1", good()),
            ("version 3", file(3, header("'>f4'", "True", "(1, 1)"), &[0; 4])),
            ("eight axes", shaped("(1, 1, 1, 1, 1, 1, 1, 1)")),
        ],
        bad: [frames(), types(), shapes(), dictionaries()].concat(),
    }
}

fn frames() -> Vec<Bad> {
    let whole = good();
    let cut = |len: usize| whole[..len].to_vec();
    let long = header("'<f4'", "False", "(1,)") + &" ".repeat(70_000);
    vec![
        bad("empty", vec![], "it ends after 0 bytes"),
        bad("cut in the mark", cut(5), "it ends after 5 bytes"),
        bad("cut behind the version", cut(8), "it ends after 8 bytes"),
        bad("cut in the header", cut(40), "a header of"),
        bad("cut in the data", cut(whole.len() - 1), "3 follow"),
        bad("trailing byte", [&whole[..], &[0]].concat(), "5 follow"),
        bad("another mark", [b"\x93NUMPX", &whole[6..]].concat(), "does not begin with"),
        bad("a text", b"This is a text.".to_vec(), "does not begin with"),
        bad("version 0", file(0, "", &[]), "npy version 0.0"),
        bad("version 255", file(255, "", &[]), "npy version 255.0"),
        bad(
            "header of 4 GiB",
            b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}".to_vec(),
            "4294967295 bytes is promised",
        ),
        bad("header of 64 KiB", b"\x93NUMPY\x01\x00\xff\xff{}".to_vec(), "65535 bytes is promised, 2 follow"),
        bad("header of spaces", file(2, long, &[0; 4]), "65536 are allowed"),
        bad("header of 0 bytes", file(1, "", &[]), "expected '{'"),
    ]
}

fn types() -> Vec<Bad> {
    vec![
        bad("objects", typed("'|O'"), "pickled Python objects"),
        bad(
            "pickle",
            [&typed("'O'")[..], b"\x80\x04c__builtin__\neval\n."].concat(),
            "pickled Python objects",
        ),
        bad("structures", typed("[('a', '<f4')]"), "structured elements"),
        bad("objects in structures", typed("[('a', '|O')]"), "structured elements"),
        bad("complex numbers", typed("'<c8'"), "elements of type '<c8'"),
        bad("texts", typed("'<U1'"), "elements of type '<U1'"),
        bad("dates", typed("'<M8[ns]'"), "elements of type '<M8[ns]'"),
        bad("bytes", typed("'|V4'"), "elements of type '|V4'"),
        bad("u8 of numpy", typed("'<u8'"), "elements of type '<u8'"),
        bad("f16 of numpy", typed("'<f16'"), "elements of type '<f16'"),
        bad("no type", typed("''"), "elements of type ''"),
        bad("only an order", typed("'<'"), "elements of type '<'"),
        bad("two orders", typed("'<<f4'"), "elements of type"),
        bad("a type beyond ASCII", typed("'é'"), "elements of type 'é'"),
        bad("a type of 60,000 letters", typed(&format!("'{}'", "f".repeat(60_000))), "elements of type"),
        bad("a type with NUL", typed("'<f4\0'"), "elements of type"),
        bad("a type that is a number", typed("4"), "expected"),
    ]
}

fn shapes() -> Vec<Bad> {
    vec![
        bad("a negative axis", shaped("(-1,)"), "expected a length"),
        bad("an axis of 2^64", shaped("(18446744073709551616,)"), "expected a length"),
        bad(
            "a product that wraps to 1",
            shaped("(4294967295, 4294967297, 18446744073709551615)"),
            "more elements",
        ),
        bad("a product that wraps to 0", shaped("(4294967296, 4294967296)"), "more elements"),
        bad("a 0 that hides a product", shaped("(4294967296, 4294967296, 0)"), "more elements"),
        bad("bytes that wrap", shaped("(4611686018427387905,)"), "more elements"),
        bad("a terabyte", shaped("(1000000000000,)"), "4 follow"),
        bad("no elements", shaped("(0,)"), "4 follow"),
        bad("nine axes", shaped("(1, 1, 1, 1, 1, 1, 1, 1, 1)"), "9 axes"),
        bad("20,000 axes", shaped(&format!("({})", "1, ".repeat(20_000))), "axes"),
        bad("a number", shaped("1"), "expected '('"),
        bad("a list", shaped("[1]"), "expected '('"),
        bad("parentheses", shaped(&"(".repeat(60_000)), "expected a length"),
        bad("a fraction", shaped("(1.0,)"), "expected ')'"),
        bad("underscores", shaped("(1_0,)"), "expected ')'"),
        bad("hexadecimal", shaped("(0x1,)"), "expected ')'"),
        bad("a truth value", shaped("(True,)"), "expected a length"),
        bad("an expression", shaped("(10**10,)"), "expected ')'"),
    ]
}

fn dictionaries() -> Vec<Bad> {
    let of = |text: &str| file(1, text, &[0; 4]);
    let good = header("'<f4'", "False", "(1,)");
    vec![
        bad("code", of("__import__('os').system('true')"), "expected '{'"),
        bad(
            "code for the order",
            file(1, header("'<f4'", "exit()", "(1,)"), &[0; 4]),
            "expected True or False",
        ),
        bad(
            "a number for the order",
            file(1, header("'<f4'", "0", "(1,)"), &[0; 4]),
            "expected True or False",
        ),
        bad("an empty dictionary", of("{}"), "are needed"),
        bad("no shape", of("{'descr': '<f4', 'fortran_order': False}"), "are needed"),
        bad("a key twice", of("{'descr': '<f4', 'descr': '<f8'}"), "appears twice"),
        bad("an unknown key", of("{'code': 1}"), "unknown key \"code\""),
        bad("a key without an end", of("{'descr"), "does not end"),
        bad("no colon", of("{'descr' '<f4'}"), "expected ':'"),
        bad("no comma", of("{'descr': '<f4' 'shape': (1,)}"), "expected '}'"),
        bad("text behind", of(&(good.clone() + "exit()")), "behind the dictionary"),
        bad("NUL behind", of(&(good.clone() + "\0")), "behind the dictionary"),
        bad("not UTF-8", file(1, b"{'descr\xff': '<f4'}", &[0; 4]), "utf-8"),
        bad("braces", of(&"{".repeat(60_000)), "expected '\\''"),
    ]
}

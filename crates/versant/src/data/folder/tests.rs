use super::*;
use crate::cpu::threads::tests::with_threads;
use crate::io::tar::tests::packed;

fn encoded(
    width: u32,
    height: u32,
    format: image::ImageFormat,
    dot: impl Fn(u32, u32) -> [u8; 3],
) -> Vec<u8> {
    let image = image::RgbImage::from_fn(width, height, |x, y| image::Rgb(dot(x, y)));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn png(width: u32, height: u32, value: u8) -> Vec<u8> {
    encoded(width, height, image::ImageFormat::Png, |x, y| [value, x as u8, y as u8])
}

fn place(root: &Path, files: &[(&str, &[u8])]) {
    for (name, bytes) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn load(root: &Path, part: Part) -> Result<ImageSet> {
    ImageFolder::new(root).load(part, &mut |_, _| {})
}

#[test]
fn classes_and_files_in_the_order_of_their_names() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let images: Vec<Vec<u8>> = (0..5).map(|value| png(4, 3, value)).collect();
    place(
        root,
        &[
            ("b/2.PNG", &images[3]),
            ("b/10.png", &images[2]),
            ("B/x.png", &images[0]),
            ("a/x.png", &images[1]),
            ("a/readme.txt", b"passed over"),
            ("a/.hidden.png", b"passed over"),
            (".cache/x.png", b"passed over"),
            ("list.csv", b"passed over"),
        ],
    );
    let mut calls = Vec::new();
    let set = ImageFolder::new(root).load(Part::Train, &mut |done, of| calls.push((done, of))).unwrap();
    assert_eq!(set.class_names, ["B", "a", "b"]);
    assert_eq!((&set.labels[..], set.channels, set.height, set.width), (&[0, 1, 2, 2][..], 3, 3, 4));
    assert_eq!([0, 1, 2, 3].map(|i| set.image(i)[0]), [0, 1, 2, 3]);
    // Green holds x, blue y.
    assert_eq!(set.image(0)[12..], [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    assert_eq!(calls, [(4, 4)]);
    let error = load(root, Part::Test).unwrap_err().to_string();
    assert!(error.contains("test/<class>/"), "{error}");
}

#[test]
fn parts_share_the_classes_of_the_training_part() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let [one, two] = [png(2, 2, 1), png(2, 2, 2)];
    place(root, &[("train/cat/1.png", &one), ("train/dog/1.png", &two), ("val/dog/1.png", &two)]);
    let test = load(root, Part::Test).unwrap();
    assert_eq!((&test.labels[..], test.class_names), (&[1][..], vec!["cat".to_string(), "dog".into()]));
    place(root, &[("test/cat/1.png", &one)]);
    assert_eq!(load(root, Part::Test).unwrap().labels, [0]);
    assert_eq!(load(root, Part::Train).unwrap().labels, [0, 1]);
    place(root, &[("test/cow/1.png", &one)]);
    let error = load(root, Part::Test).unwrap_err().to_string();
    assert!(error.contains("cow") && error.ends_with("the training part has no class \"cow\""), "{error}");
}

#[test]
fn an_archive_is_as_good_as_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    let [one, two, three] = [1, 2, 3].map(|value| png(2, 2, value));
    let files = [
        ("set/train/b/1.png", &one[..]),
        ("set/train/a/2.png", &two),
        ("set/test/b/3.png", &three),
        ("set/readme.txt", b"passed over"),
    ];
    place(dir.path(), &files);
    let archive = dir.path().join("set.tar.gz");
    fs::write(&archive, packed(&files)).unwrap();
    for part in [Part::Train, Part::Test] {
        let (packed, plain) = (load(&archive, part).unwrap(), load(&dir.path().join("set"), part).unwrap());
        assert_eq!((packed.images, packed.labels), (plain.images, plain.labels));
        assert_eq!((packed.class_names, packed.checksum), (plain.class_names, plain.checksum));
    }
}

#[test]
fn other_sizes_grey_and_jpeg() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let jpeg =
        encoded(48, 32, image::ImageFormat::Jpeg, |x, _| if x < 24 { [200, 0, 0] } else { [0, 0, 200] });
    place(root, &[("a/1.png", &png(4, 4, 9)), ("a/2.jpg", &jpeg)]);
    let error = load(root, Part::Train).unwrap_err().to_string();
    assert!(error.contains("2.jpg: 32 x 48 pixels, the first image has 4 x 4"), "{error}");
    let set = ImageFolder::new(root).size(2, 2).grey().load(Part::Train, &mut |_, _| {}).unwrap();
    assert_eq!((set.count(), set.channels, set.height, set.width), (2, 1, 2, 2));
    // The luminance is 60 of the red and 23 of the blue; an eighth of each weighs on the other side.
    let image = set.image(1);
    assert!(image[0].abs_diff(55) < 4 && image[1].abs_diff(28) < 4, "{image:?}");
    assert_eq!([luminance([255; 3]), luminance([0; 3]), luminance([200, 0, 0])], [255, 0, 60]);
}

#[test]
fn any_number_of_threads_gives_the_same() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    for i in 0..40 {
        place(root, &[(&format!("{}/{i}.png", i % 3), &png(5, 4, i))]);
    }
    let all = [1, 2, 4].map(|n| with_threads(n, || load(root, Part::Train).unwrap()));
    assert!(all[0] == all[1] && all[1] == all[2]);
    place(root, &[("1/1.png", b"bad"), ("2/2.png", b"bad")]);
    for n in [1, 4] {
        let error = with_threads(n, || load(root, Part::Train).unwrap_err().to_string());
        assert!(error.contains("1.png: no image that can be read"), "{error}");
    }
}

#[test]
fn empty_classes_and_too_many() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    assert!(load(root, Part::Train).unwrap_err().to_string().contains("0 folders of PNG or JPEG files"));
    fs::create_dir(root.join("empty")).unwrap();
    assert!(load(root, Part::Train).unwrap_err().to_string().contains("empty: no PNG or JPEG file"));
    fs::remove_dir(root.join("empty")).unwrap();
    for i in 0..257 {
        place(root, &[(&format!("{i}/x.png"), b"")]);
    }
    assert!(load(root, Part::Train).unwrap_err().to_string().contains("257 folders"));
    assert!(load(&root.join("missing"), Part::Train).is_err());
}

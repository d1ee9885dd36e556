//! The paths a pen takes for each class, in a unit box: x to the right, y down.

/// A point on the way of the pen.
#[derive(Clone, Copy)]
pub(super) struct Knot {
    pub(super) at: [f64; 2],
    /// Whether the pen stops here and leaves in a new direction, rather than rounding the point.
    pub(super) corner: bool,
}

/// One way to write a class: strokes, between which the pen is lifted.
pub(super) struct Skeleton {
    /// How often this way is chosen, relative to the other ways of its class.
    pub(super) weight: u64,
    pub(super) strokes: &'static [&'static [Knot]],
}

/// A point, in hundredths of the box, that the pen rounds.
const fn r(x: u8, y: u8) -> Knot {
    Knot { at: [x as f64 / 100.0, y as f64 / 100.0], corner: false }
}

/// A point, in hundredths of the box, where the pen makes a corner.
const fn c(x: u8, y: u8) -> Knot {
    Knot { corner: true, ..r(x, y) }
}

const fn way(weight: u64, strokes: &'static [&'static [Knot]]) -> Skeleton {
    Skeleton { weight, strokes }
}

/// The ways to write each class; the class is the index.
pub(super) const CLASSES: [&[Skeleton]; 10] = [ZERO, ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN, EIGHT, NINE];

const ZERO: &[Skeleton] = &[
    // Counter-clockwise from the top.
    way(
        3,
        &[&[r(55, 2), r(18, 12), r(0, 50), r(16, 88), r(50, 98), r(86, 86), r(100, 50), r(86, 15), r(50, 4)]],
    ),
    // Ends with a hook into the oval.
    way(
        2,
        &[&[r(72, 10), r(42, 3), r(12, 35), r(14, 78), r(48, 98), r(86, 72), r(86, 28), r(62, 6), r(40, 12)]],
    ),
    // Clockwise, from the left shoulder.
    way(1, &[&[r(22, 20), r(50, 2), r(88, 20), r(96, 60), r(62, 96), r(20, 88), r(3, 50), r(25, 14)]]),
];

const ONE: &[Skeleton] = &[
    // One line down.
    way(12, &[&[r(50, 0), r(50, 50), r(50, 100)]]),
    // With a flag.
    way(2, &[&[r(30, 22), c(50, 0), r(50, 50), r(50, 100)]]),
    // With a flag and a foot.
    way(1, &[&[r(28, 20), c(50, 0), r(50, 50), r(50, 98)], &[r(20, 100), r(80, 98)]]),
];

const TWO: &[Skeleton] = &[
    // A corner at the foot.
    way(2, &[&[r(10, 25), r(30, 4), r(70, 5), r(82, 32), r(55, 65), c(8, 97), r(50, 95), r(95, 97)]]),
    // A loop at the foot.
    way(
        2,
        &[&[
            r(12, 22),
            r(42, 2),
            r(80, 15),
            r(74, 45),
            r(42, 82),
            r(14, 96),
            r(8, 80),
            r(30, 76),
            r(62, 92),
            r(98, 86),
        ]],
    ),
    // A rounded foot.
    way(1, &[&[r(15, 15), r(48, 0), r(78, 20), r(62, 52), r(25, 82), r(16, 96), r(50, 97), r(95, 90)]]),
];

const THREE: &[Skeleton] = &[
    // Two bows that meet in a point.
    way(
        3,
        &[&[
            r(15, 12),
            r(48, 0),
            r(78, 18),
            r(65, 40),
            c(35, 48),
            r(70, 54),
            r(86, 76),
            r(55, 99),
            r(10, 90),
        ]],
    ),
    // A flat top.
    way(1, &[&[r(12, 5), c(80, 4), c(42, 42), r(76, 50), r(87, 74), r(55, 98), r(10, 88)]]),
    // A small loop between the bows.
    way(
        1,
        &[&[
            r(12, 14),
            r(50, 1),
            r(76, 20),
            r(55, 45),
            r(36, 46),
            r(42, 40),
            r(72, 54),
            r(84, 78),
            r(50, 100),
            r(8, 86),
        ]],
    ),
];

const FOUR: &[Skeleton] = &[
    // Open at the top, two strokes.
    way(3, &[&[r(18, 2), r(12, 30), c(10, 55), r(50, 55), r(92, 50)], &[r(78, 0), r(74, 50), r(68, 100)]]),
    // Open at the top, in one stroke with a rounded bowl.
    way(2, &[&[r(15, 4), r(10, 36), r(30, 55), r(68, 42), c(84, 4), r(78, 50), r(72, 100)]]),
    // Closed at the top.
    way(1, &[&[c(66, 0), c(5, 62), r(50, 63), r(95, 60)], &[r(68, 4), r(66, 50), r(64, 100)]]),
];

const FIVE: &[Skeleton] = &[
    // The roof last.
    way(
        2,
        &[
            &[r(25, 3), r(21, 25), c(18, 44), r(50, 38), r(84, 60), r(74, 88), r(40, 100), r(8, 90)],
            &[r(25, 4), r(60, 4), r(92, 1)],
        ],
    ),
    // In one stroke from the roof.
    way(2, &[&[r(90, 2), r(60, 3), c(30, 6), c(20, 45), r(55, 40), r(86, 65), r(60, 95), r(10, 94)]]),
    // In one rounded stroke, like an S.
    way(1, &[&[r(92, 4), r(52, 5), r(30, 20), r(36, 40), r(66, 55), r(74, 80), r(45, 100), r(10, 90)]]),
];

const SIX: &[Skeleton] = &[
    // A bent back and a round bowl.
    way(2, &[&[r(72, 0), r(36, 24), r(14, 65), r(30, 97), r(68, 95), r(84, 70), r(58, 52), r(20, 68)]]),
    // A steep back; the bowl closes low.
    way(2, &[&[r(45, 0), r(22, 38), r(18, 78), r(45, 100), r(76, 85), r(72, 62), r(46, 56), r(20, 80)]]),
    // A narrow bowl that ends inside.
    way(1, &[&[r(40, 0), r(16, 50), r(22, 88), r(50, 98), r(74, 80), r(56, 62), r(32, 72), r(34, 92)]]),
];

const SEVEN: &[Skeleton] = &[
    // A roof and a stem.
    way(3, &[&[r(8, 10), r(50, 7), c(90, 5), r(60, 50), r(42, 100)]]),
    // A rounded shoulder.
    way(2, &[&[r(6, 14), r(42, 4), r(82, 8), r(74, 40), r(52, 100)]]),
    // A hook before the roof.
    way(1, &[&[r(8, 26), c(10, 6), r(50, 8), c(90, 4), r(62, 50), r(50, 100)]]),
    // A bar through the stem.
    way(1, &[&[r(8, 8), r(50, 6), c(88, 5), r(58, 50), r(40, 100)], &[r(28, 50), r(85, 47)]]),
];

const EIGHT: &[Skeleton] = &[
    // An S, closed upwards.
    way(
        3,
        &[&[
            r(78, 12),
            r(50, 0),
            r(22, 18),
            r(45, 45),
            r(78, 74),
            r(50, 100),
            r(20, 78),
            r(50, 48),
            r(80, 20),
            r(70, 6),
        ]],
    ),
    // Starts in the waist.
    way(
        1,
        &[&[
            r(50, 46),
            r(22, 24),
            r(50, 0),
            r(78, 22),
            r(50, 47),
            r(18, 75),
            r(50, 100),
            r(82, 76),
            r(50, 48),
        ]],
    ),
    // An S whose end stays open at the top.
    way(
        1,
        &[&[
            r(70, 8),
            r(36, 4),
            r(26, 24),
            r(52, 48),
            r(74, 76),
            r(46, 100),
            r(22, 80),
            r(46, 50),
            r(88, 10),
        ]],
    ),
];

const NINE: &[Skeleton] = &[
    // A straight stem.
    way(3, &[&[r(80, 16), r(50, 2), r(18, 25), r(34, 48), r(68, 38), c(82, 10), r(78, 50), r(70, 100)]]),
    // A stem that bends to the left.
    way(1, &[&[r(82, 15), r(45, 3), r(16, 28), r(42, 50), r(80, 22), r(84, 55), r(64, 92), r(25, 95)]]),
    // A leaning stem.
    way(2, &[&[r(70, 10), r(42, 6), r(20, 30), r(40, 46), r(72, 26), r(70, 16), r(64, 55), r(46, 100)]]),
];

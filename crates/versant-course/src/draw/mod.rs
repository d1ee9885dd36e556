//! Drawing: SVG first, PNG made from it.

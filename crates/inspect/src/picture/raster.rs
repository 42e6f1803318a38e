//! Pictures as pixels: what SVG says in words, at twice the size, with letters of our own font.

use std::convert::Infallible;
use std::io::Cursor;
use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, Glyph, ScaleFont, point};
use plotters::drawing::IntoDrawingArea;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
};

use crate::error::InspectError;
use crate::picture::heat_map_drawing::{Drawing, FONT_SCALE};

/// Pixels of the picture along each side of one pixel of the layout, so that letters are sharp on a slide.
const SCALE: i32 = 2;

/// DejaVu Sans, cut down to Latin, Greek, Cyrillic, arrows and signs; a machine without fonts draws the same pictures.
static FONT: LazyLock<FontRef> = LazyLock::new(|| {
    FontRef::try_from_slice(include_bytes!("../../fonts/DejaVuSans.ttf"))
        .expect("the font was checked by a test")
});

/// A white sheet, drawn on in the units of the layout.
struct Raster<'a> {
    size: (u32, u32),
    pixels: &'a mut Vec<u8>,
}

/// Drawing in memory has no reason to fail.
type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl<'a> Raster<'a> {
    /// `pixels` becomes a sheet of `size` in units of the layout.
    fn new(pixels: &'a mut Vec<u8>, size: (u32, u32)) -> Self {
        *pixels = vec![u8::MAX; 3 * (size.0 * size.1) as usize * (SCALE * SCALE) as usize];
        Self { size, pixels }
    }

    /// Mixes a colour into one pixel of the picture; what lies outside is not drawn.
    fn mix(&mut self, x: i32, y: i32, colour: BackendColor, share: f64) {
        let (width, height) = (self.size.0 as i32 * SCALE, self.size.1 as i32 * SCALE);
        if !(0..width).contains(&x) || !(0..height).contains(&y) {
            return;
        }
        let start = 3 * (y * width + x) as usize;
        let (red, green, blue) = colour.rgb;
        let share = colour.alpha * share;
        for (pixel, channel) in self.pixels[start..start + 3].iter_mut().zip([red, green, blue]) {
            *pixel = (f64::from(*pixel) * (1.0 - share) + f64::from(channel) * share).round() as u8;
        }
    }

    fn fill(&mut self, (left, top): BackendCoord, (right, bottom): BackendCoord, colour: BackendColor) {
        for y in top * SCALE..bottom * SCALE {
            for x in left * SCALE..right * SCALE {
                self.mix(x, y, colour, 1.0);
            }
        }
    }
}

/// The drawing as a PNG file.
pub(crate) fn png(drawing: &impl Drawing) -> Result<Vec<u8>, InspectError> {
    let (mut pixels, size) = (Vec::new(), drawing.size());
    let canvas = Raster::new(&mut pixels, size).into_drawing_area();
    drawing.draw(&canvas).map_err(|error| InspectError::Picture { problem: error.to_string() })?;
    drop(canvas);
    let failed = |error: png::EncodingError| InspectError::Picture { problem: error.to_string() };
    let mut file = Vec::new();
    let (width, height) = (size.0 * SCALE as u32, size.1 * SCALE as u32);
    let mut encoder = png::Encoder::new(Cursor::new(&mut file), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(file)
}

impl DrawingBackend for Raster<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Drawn {
        self.fill((x, y), (x + 1, y + 1), colour);
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        a: BackendCoord,
        b: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        debug_assert!(fill, "every rectangle of ours is filled");
        self.fill((a.0.min(b.0), a.1.min(b.1)), (a.0.max(b.0), a.1.max(b.1)), style.color());
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        let size = (style.size() / FONT_SCALE) as f32 * SCALE as f32;
        // The font's own unit is the height of its lines; that of the layout is the em.
        let em = FONT.height_unscaled() / FONT.units_per_em().unwrap_or(1.0);
        let font = FONT.as_scaled(size * em);
        let width: f32 = text.chars().map(|c| font.h_advance(font.glyph_id(c))).sum();
        let anchor = style.anchor();
        let mut across = match anchor.h_pos {
            HPos::Left => 0.0,
            HPos::Center => -width / 2.0,
            HPos::Right => -width,
        };
        // As the SVG backend places them, in ems; half an x is a quarter of an em.
        let down = match anchor.v_pos {
            VPos::Top => 0.76 * size,
            VPos::Center => 0.27 * size,
            VPos::Bottom => -0.27 * size,
        };
        let is_turned = matches!(style.transform(), FontTransform::Rotate270);
        for c in text.chars() {
            let id = font.glyph_id(c);
            let glyph: Glyph = id.with_scale_and_position(font.scale(), point(across, down));
            across += font.h_advance(id);
            let Some(outline) = font.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            outline.draw(|column, row, share| {
                let (dx, dy) = (corner.x as i32 + column as i32, corner.y as i32 + row as i32);
                let (dx, dy) = if is_turned { (dy, -dx) } else { (dx, dy) };
                self.mix(x * SCALE + dx, y * SCALE + dy, style.color(), f64::from(share));
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HeatMap, Matrix, Palette};

    /// Width, height and pixels of a PNG file.
    fn decoded(file: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(Cursor::new(file)).read_info().expect("a PNG file");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a small picture")];
        let info = reader.next_frame(&mut pixels).expect("one picture");
        (info.width, info.height, pixels)
    }

    #[test]
    fn the_font_has_every_letter_that_pictures_use() {
        for c in "W_Q: 0123456789.+-×∞…ᵀσ‖√␣éЖαβ│✓".chars() {
            assert_ne!(FONT.glyph_id(c).0, 0, "{c}");
        }
    }

    #[test]
    fn a_picture_has_the_colours_of_its_cells_and_letters_in_ink() -> Result<(), InspectError> {
        let w_q = Matrix::new(1, 3, vec![-1.0, 0.0, 1.0])?;
        let map = HeatMap::new(&w_q, Palette::Diverging).with_title("W_Q");
        let (width, height, pixels) = decoded(&map.png()?);
        let svg = map.svg()?;
        assert!(
            svg.contains(&format!("width=\"{}\" height=\"{}\"", width / 2, height / 2)),
            "{width}×{height}"
        );
        let count = |colour: [u8; 3]| pixels.chunks(3).filter(|pixel| *pixel == colour).count();
        // Cells of side 39 at twice the size; their numbers and the colour bar take a few pixels and give a few.
        for colour in [[0xe0, 0x7b, 0x00], [0xec, 0xee, 0xf0], [0x1f, 0x8f, 0xe0]] {
            assert!((4800..6400).contains(&count(colour)), "{colour:?} {}", count(colour));
        }
        assert!(count([0x33; 3]) > 100, "{}", count([0x33; 3]));
        assert_eq!(decoded(&map.png()?).2, pixels);
        Ok(())
    }
}

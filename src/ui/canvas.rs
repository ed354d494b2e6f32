//! Where moving lines are drawn: the terminal behind standard error, through the one writer.
//!
//! indicatif takes an error of its own terminal for a reason to panic; here there is none.

use crate::ui::output::draw;
use indicatif::TermLike;
use std::io::{Result, stderr};
use terminal_size::{Height, Width, terminal_size_of};

#[derive(Debug)]
pub(super) struct Canvas;

impl Canvas {
    fn size() -> (u16, u16) {
        terminal_size_of(stderr()).map_or((80, 24), |(Width(width), Height(height))| (width, height))
    }

    fn moved(count: usize, way: char) {
        if count > 0 {
            draw(&format!("\u{1b}[{count}{way}"));
        }
    }
}

impl TermLike for Canvas {
    fn width(&self) -> u16 {
        Self::size().0
    }

    fn height(&self) -> u16 {
        Self::size().1
    }

    fn move_cursor_up(&self, n: usize) -> Result<()> {
        Self::moved(n, 'A');
        Ok(())
    }

    fn move_cursor_down(&self, n: usize) -> Result<()> {
        Self::moved(n, 'B');
        Ok(())
    }

    fn move_cursor_right(&self, n: usize) -> Result<()> {
        Self::moved(n, 'C');
        Ok(())
    }

    fn move_cursor_left(&self, n: usize) -> Result<()> {
        Self::moved(n, 'D');
        Ok(())
    }

    fn write_line(&self, text: &str) -> Result<()> {
        draw(&format!("{text}\n"));
        Ok(())
    }

    fn write_str(&self, text: &str) -> Result<()> {
        draw(text);
        Ok(())
    }

    fn clear_line(&self) -> Result<()> {
        draw("\r\u{1b}[2K");
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        Ok(())
    }
}

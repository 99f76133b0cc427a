//! The encoder child as a program of its own, for this crate's tests.
//!
//! In: the parent's frames on standard input. Out: frames on standard output. The house uses `matinee encode`.

fn main() -> Result<(), origin_ladder::Error> {
    origin_ladder::child_main(std::io::stdin().lock(), std::io::stdout().lock())
}

//! A film's child as a program of its own, for this crate's tests.
//!
//! In: a task on standard input. Out: what is made, on standard output. The house uses `matinee film`.

fn main() -> Result<(), origin_ladder::film::Error> {
    origin_ladder::film::film_child_main()
}

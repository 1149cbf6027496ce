#!/bin/sh
# Makes the pictures of notes.md: docs/notes.sh PROGRAM, such as target/release/melfusion.
set -eu
program=$(realpath "$1")
pictures=$(realpath "$(dirname "$0")")/notes
sounds=$(mktemp -d)
trap 'rm -rf "$sounds"' EXIT
cd "$sounds"
make() {
  name=$1
  shift
  "$program" generate --quiet --bundle mini --out "$name.wav" --plot "$pictures/$name.png" "$@"
}
make chords --prompt "hopeful strings and piano" --chords "Am F C G/B" --bars 8 --seed 4
make density --prompt "epic drums and brass" --density lead=1,drums=4 --register lead=C5-C6 --seed 4
make near --prompt "hopeful strings and piano" --keep chords.wav --vary 0.5 --seed 9
make theme --prompt "sad cello, slow" --theme density.wav --theme-strength 0.8 --key "D minor" --meter 3/4 --seed 2
make form --prompt "epic drums and brass" --bars 16 --build --hit 9.1.1,25.3s --end --seed 4

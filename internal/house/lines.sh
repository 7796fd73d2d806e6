#!/usr/bin/env bash
# Counts the lines of the heart: what was in runtime (without sim), comm and checkpoint when members were parted from connections,
# wherever it lies now, without tests and generated files, beside what it was then. Package class has more by now: what generated
# code stands on, which came from the root package and is not counted.
set -euo pipefail
cd "$(dirname "$0")/../.."
base=${1:-1ce3db8} # the commit before

# hand keeps the files of a list that people write.
hand() { grep '\.go$' | grep -v -e '_test\.go$' -e '/wire/' -e '/fb/' -e '^runtime/sim/' || true; }

total=0
count() { # NAME, and file names on standard input; reads each file by "$show"
  local n=0 f
  while read -r f; do n=$((n + $("${show[@]}" "$prefix$f" | wc -l))); done
  printf '%8d  %s\n' "$n" "$1"
  total=$((total + n))
}

echo "at $base:"
show=(git show) prefix="$base:"
for dir in runtime comm checkpoint; do
  count "$dir" < <(git ls-tree -r --name-only "$base" "$dir" | hand)
done
was=$total total=0
echo "now:"
show=(cat) prefix=""
for dir in runtime comm checkpoint flat inspect; do
  count "$dir" < <(git ls-files "$dir" | hand)
done
count class/class.go < <(echo class/class.go)
printf '%8d  then\n%8d  now\n' "$was" "$total"
[ "$total" -lt "$was" ] || { echo "not fewer" >&2; exit 1; }

#!/usr/bin/env bash
# The steps of a release, as .github/workflows/release.yml runs them: `scripts/release.sh STEP vX.Y.Z`.
#   check       refuses a tag that does not fit package.json, CHANGELOG.md and the main branch
#   notes       prints the version's section of CHANGELOG.md
#   pack        archives what a user of the tag gets into release/
#   publish     drafts the GitHub release whole, then publishes it; safe to repeat
#   move-major  points vX at the commit, unless a newer vX.*.* exists
set -euo pipefail
cd "$(dirname "$0")/.."

step=${1:-} tag=${2:-}
if [[ ! $tag =~ ^v([0-9]+)\.[0-9]+\.[0-9]+$ ]]; then
  echo "release.sh: \"$tag\" is not a version tag; give vX.Y.Z" >&2
  exit 2
fi
major=v${BASH_REMATCH[1]}
version=${tag#v}
archive=release/lmrun-action-$version.tar.gz

refuse() {
  echo "release.sh: $1" >&2
  exit 1
}

step_check() {
  local packaged
  packaged=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
  [[ $packaged == "$version" ]] || refuse "package.json says $packaged, the tag $version: set the version, commit, tag again"
  step_notes >/dev/null
  git merge-base --is-ancestor HEAD origin/main || refuse "the tagged commit is not on main: merge it first"
}

step_notes() {
  local notes
  notes=$(awk -v heading="## [$version]" 'index($0, "## [") == 1 || /^\[[^]]+\]: / { inside = 0 } inside; index($0, heading) == 1 { inside = 1 }' CHANGELOG.md)
  [[ $notes =~ [^[:space:]] ]] || refuse "CHANGELOG.md has nothing under \"## [$version]\": move the unreleased changes there"
  printf '%s\n' "$notes"
}

step_pack() {
  mkdir -p release
  git archive --format=tar.gz --prefix="lmrun-action-$version/" --output="$archive" HEAD
}

step_publish() {
  local draft
  draft=$(gh release view "$tag" --json isDraft --jq .isDraft 2>/dev/null || echo none)
  case $draft in
    false) echo "$tag is published already" && return ;;
    none) step_notes | gh release create "$tag" --draft --verify-tag --title "$tag" --notes-file - ;;
  esac
  # Before it is public: an immutable release takes no assets afterwards.
  gh release upload "$tag" "$archive" --clobber
  gh release edit "$tag" --draft=false
}

step_move-major() {
  local commit newest refs=repos/$GITHUB_REPOSITORY/git
  commit=$(git rev-parse HEAD)
  newest=$(gh api --paginate "$refs/matching-refs/tags/$major." --jq '.[].ref' |
    sed 's|^refs/tags/||' | grep -E '^v[0-9]+\.[0-9]+\.[0-9]+$' | sort -V | tail -n 1)
  if [[ $newest != "$tag" ]]; then
    echo "$major stays where it is: $newest is newer than $tag"
  elif gh api "$refs/ref/tags/$major" >/dev/null 2>&1; then
    gh api --method PATCH "$refs/refs/tags/$major" -f sha="$commit" -F force=true >/dev/null
  else
    gh api --method POST "$refs/refs" -f ref="refs/tags/$major" -f sha="$commit" >/dev/null
  fi
}

case $step in
  check | notes | pack | publish | move-major) "step_$step" ;;
  *) echo "release.sh: no step \"$step\"; there are check, notes, pack, publish and move-major" >&2 && exit 2 ;;
esac

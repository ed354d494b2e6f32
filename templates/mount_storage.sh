# Mounts storage, and proves by a write that it can be used. What is mounted already is left alone.
target={{ target }}
command=({{ command | words }})
holds=({{ holds | words }})

as_root() {
  if ((EUID == 0)); then "$@"; else sudo -n -- "$@"; fi
}
mounted() {
  local _ place
  while read -r _ _ _ _ place _; do
    if [[ $place == "$target" ]]; then return 0; fi
  done </proc/self/mountinfo
  return 1
}
if ! mounted; then
  as_root mkdir -p -- "$target"
  as_root "${command[@]}" || die "the mount failed: ${command[*]}"
  mounted || die "the mount command ended well, and nothing is mounted on $target"
fi
proof=$target/.pi-write-$$
if ! { : >"$proof"; } 2>/dev/null; then die "$target is mounted and can't be written"; fi
rm -f -- "$proof"
for path in "${holds[@]}"; do
  if [[ ! -e $path ]]; then say "$target is mounted, and $path is not there"; fi
done

# Removes one repository from the HF cache: the hub's own directory of it, nothing else.
models={{ models | path }}
repo={{ repo }}
name=models--${repo/\//--}
cache=$models/hub/$name
lock=$models/hub/.pi-locks/$name
if [[ -L $cache ]]; then die "$cache is a link: pi removes only what is there itself"; fi
if [[ -d $lock ]]; then
  # whoever downloads writes there every few seconds: by that it is known, and not by clocks, which may differ
  before=$({ cat -- "$lock/holder"; } 2>/dev/null || true)
  sleep 12
  after=$({ cat -- "$lock/holder"; } 2>/dev/null || true)
  if [[ $after != "$before" ]]; then die "it is being downloaded at this moment"; fi
fi
rm -rf -- "$cache" "$models/hub/.locks/$name" "$lock"

# Removes one repository from the HF cache: the hub's own directory of it, nothing else.
# shellcheck disable=SC2088 # expanded below
models={{ models }}
repo={{ repo }}
expiry={{ expiry }}

models=$(expand "$models")
name=models--${repo/\//--}
cache=$models/hub/$name
lock=$models/hub/.pi-locks/$name
if [[ -L $cache ]]; then die "$cache is a link: pi removes only what is there itself"; fi
beat=$(stat -c %Y -- "$lock/holder" 2>/dev/null || printf 0)
if (($(date +%s) - beat < expiry)); then die "it is being downloaded at this moment"; fi
rm -rf -- "$cache" "$models/hub/.locks/$name" "$lock"

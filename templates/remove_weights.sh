# Removes one repository from the HF cache: the hub's own directory of it, nothing else.
# shellcheck disable=SC2088 # expanded below
models={{ models }}
repo={{ repo }}

models=$(expand "$models")
cache=$models/hub/models--${repo/\//--}
if [[ -L $cache ]]; then die "$cache is a link: pi removes only what is there itself"; fi
rm -rf -- "$cache" "$models/hub/.locks/models--${repo/\//--}"

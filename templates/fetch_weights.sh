# Downloads a commit of a repository, or some files of it, into the HF cache, with the hub's own client. One script at
# a time writes into a repository's cache, on whatever machine; the others wait and find it done.
# `progress`, the bytes that are there and those that shall be, come out as one line every second.
pi={{ pi | path }}
models={{ models | path }}
repo={{ repo }}
commit={{ commit }}
branch={{ branch }}
only=({{ only | words }})
without=({{ without | words }})
list=({{ list | words }})
total={{ total }}
missing={{ missing }}
client={{ client }}
expiry={{ expiry }}
pod_env=({{ pod_env | words }})

use_env "${pod_env[@]}"
name=models--${repo/\//--}
cache=$models/hub/$name
hf=$pi/tools/hf

# Whether every file of the list is there, with its size. Without a list only the hub's client can tell.
is_complete() {
  local entry rows=() paths=() at
  ((${#list[@]})) || return 1
  for entry in "${list[@]}"; do paths+=("$cache/snapshots/$commit/${entry#* }"); done
  mapfile -t rows < <(stat -L -c %s -- "${paths[@]}" 2>/dev/null)
  ((${#rows[@]} == ${#list[@]})) || return 1
  for at in "${!list[@]}"; do
    [[ ${rows[at]} == "${list[at]%% *}" ]] || return 1
  done
}

tick() {
  local now
  now=$(blob_bytes "$cache")
  now=$((${total:-0} - ${missing:-0} + now - before))
  if ((now < 0)); then now=0; fi
  if [[ -n $total ]] && ((now > total)); then now=$total; fi
  printf 'progress\t%s\t%s\n' "$now" "$total"
  if [[ -n ${held-} ]]; then keep_cache; fi
}

# Whether the hub's door stays shut, with the cause in $words: its client tries for half a minute before it says so.
# Behind a proxy only the client can tell.
is_shut() {
  local address=${HF_ENDPOINT:-https://huggingface.co} host port=443 code=0
  if [[ -n ${HTTPS_PROXY-}${https_proxy-}${HTTP_PROXY-}${http_proxy-}${ALL_PROXY-}${all_proxy-} ]]; then return 1; fi
  if [[ $address == http://* ]]; then port=80; fi
  host=${address#*://}
  host=${host%%/*}
  host=${host##*@}
  if [[ $host =~ ^(.*[^:]):([0-9]+)$ ]]; then host=${BASH_REMATCH[1]} port=${BASH_REMATCH[2]}; fi
  host=${host#[}
  host=${host%]}
  # shellcheck disable=SC2016 # the inner bash expands it
  words=("$(timeout 10 bash -p -c 'exec 3<>"/dev/tcp/$1/$2"' door "$host" "$port" 2>&1)") || code=$?
  # a bash without /dev/tcp can't tell
  if ((code == 0)) || [[ ${words[0]} == *'No such file'* ]]; then return 1; fi
  if ((code == 124)); then words=('timed out'); fi
  words[0]=${words[0]%%$'\n'*}
  words=("cannot connect to $host port $port: ${words[0]##*: }")
}

# Runs the hub's client; $words is what it said, the exit code its own.
download() {
  local options=(download "$repo" "${only[@]}" --quiet) out line part='' pattern
  if [[ -n $commit ]]; then options+=(--revision "$commit"); fi
  for pattern in "${without[@]}"; do options+=(--exclude "$pattern"); done
  words=()
  exec {out}< <(
    code=0
    "$hf/bin/hf" "${options[@]}" 2>&1 >/dev/null || code=$?
    printf 'exit %s\n' "$code"
  )
  while true; do
    if IFS= read -r -t 1 -u "$out" line; then
      line=$part$line part=''
      if [[ $line == 'exit '* ]]; then break; fi
      words+=("$line")
    elif (($? > 128)); then
      part+=$line # a line that came just then has been cut in two
      tick
    else
      line='exit 143'
      break
    fi
  done
  exec {out}<&-
  return "${line#exit }"
}

# Whether what the client said is worth another try.
is_passing() {
  local said=${words[*],,} sign
  for sign in 'connect' 'timed out' 'timeout' 'name resolution' 'could not be reached' 'reset by peer' \
    'incomplete read' 'peer closed' 'disconnected' 'server error' 'too many requests' 'consistency check'; do
    if [[ $said == *"$sign"* ]]; then return 0; fi
  done
  return 1
}

# How fast it came, in bytes a second, for later plans: what took a few seconds alone says little.
note_rate() { # since
  local took=$((SECONDS - $1)) got
  got=$(($(blob_bytes "$cache") - before))
  if ((took >= 5 && got > 0)); then put "$hf/pi-rate" $((got / took)); fi
}

if is_complete; then
  say "it is there already"
  return 0
fi
need_uv "$pi"
lock_tools "$pi"
if [[ ! -f $hf/pi-recipe || $(<"$hf/pi-recipe") != "$client" ]]; then
  say "installing $client"
  make_venv "$hf" 3.12 '>=3.10,<3.15'
  "$uv" pip install --quiet --python "$hf/bin/python" -- "$client" || die "uv could not install $client"
  put "$hf/pi-recipe" "$client"
fi
unlock_tools
mkdir -p -- "$models/hub"
read_secrets "$pi"
if [[ -n ${known[hf_token]-} ]]; then export HF_TOKEN=${known[hf_token]}; fi
export HF_HOME=$models HF_HUB_CACHE=$models/hub HF_XET_HIGH_PERFORMANCE=1 NO_COLOR=1
export HF_HUB_DISABLE_TELEMETRY=1 HF_HUB_DISABLE_PROGRESS_BARS=1 HF_HUB_DISABLE_UPDATE_CHECK=1
# what a repository has is in its own directory, so that removing that gives the room back
export HF_HUB_DISABLE_SHARED_BLOBS=1
unset HF_HUB_OFFLINE TRANSFORMERS_OFFLINE

before=$(blob_bytes "$cache")
trap give_cache_back EXIT
trap 'exit 143' TERM INT HUP
take_cache "$models/hub/.pi-locks/$name" "$expiry"
for try in 1 2 3; do
  if is_complete; then break; fi
  clear_halves "$cache"
  before=$(blob_bytes "$cache")
  say "downloading $repo"
  tick
  since=$SECONDS
  if ! is_shut && download; then
    note_rate "$since"
    if ((${#list[@]} == 0)); then break; fi
    if is_complete; then break; fi
    words=("the hub's client is content, and not all files are there: connection lost?")
  fi
  if ((try == 3)) || ! is_passing; then
    printf '%s\n' "${words[@]}" >&2
    die "the hub's client could not fetch $repo"
  fi
  say "trying again: ${words[*]}"
  sleep $((try * 2))
done
tick
if [[ -n $branch && $commit != "$branch" ]]; then
  # as the client notes what a branch meant when it was downloaded
  ref=$cache/refs/$branch
  mkdir -p -- "${ref%/*}"
  put "$ref" "$commit"
fi

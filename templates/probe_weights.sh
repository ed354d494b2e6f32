# shellcheck shell=bash disable=SC2154,SC2034,SC2329 # parts of one script: each uses what others set
# Weights: repositories in the HF cache and model paths, as many files as there are with one stat.

weights() {
  local repo path found=() hidden=()
  shopt -s dotglob globstar
  ((${#repos[@]} == 0)) || hidden=("$models_path/hub/models")
  for path in "${hidden[@]}" "${model_paths[@]}"; do
    searchable "$path" || gap weights "cannot look into $REPLY"
  done
  for repo in "${repos[@]}"; do
    repository "$repo" "$models_path/hub/models--${repo//\//--}"
    flush
  done
  for path in "${model_paths[@]}"; do
    [[ $path == / ]] || path=${path%/}
    emit model "$path"
    found+=("$path")
    [[ -d $path ]] && { configuration model-config "$path" "$path"; found+=("$path"/*); }
  done
  sizes
}

repository() { # name directory
  local ref snapshot tree lines
  [[ -d $2 ]] || return
  emit repo "$1"
  [[ -r $2 && -x $2 ]] || { gap weights "cannot read $2"; return; }
  for ref in "$2"/refs/**; do
    first_line "$ref" && emit ref "$1" "${ref#"$2/refs/"}" "$REPLY"
  done
  for snapshot in "$2"/snapshots/*/; do
    snapshot=${snapshot%/}
    emit snapshot "$1" "${snapshot##*/}"
    configuration config "$snapshot" "$1" "${snapshot##*/}"
    tree=$2/trees/${snapshot##*/}.json
    [[ -f $tree ]] || continue
    mapfile -t lines <"$tree"
    emit tree "$1" "${snapshot##*/}" "${lines[*]}"
  done
  found+=("$2"/snapshots/*/** "$2"/blobs/*)
}

configuration() { # key directory field…: what tells the model's shape; a longer file is none
  local text=
  [[ -f $2/config.json && -r $2/config.json ]] || return
  IFS= read -r -d '' -n 16385 text <"$2/config.json"
  [[ -z $text ]] || ((${#text} > 16384)) || emit "$1" "${@:3}" "$text"
}

sizes() { # of what was found, links followed; names with control characters are none of ours
  local i name text clean=("${found[@]}")
  case "${found[*]}" in *[[:cntrl:]]*)
    clean=()
    for name in "${found[@]}"; do [[ $name == *[[:cntrl:]]* ]] || clean+=("$name"); done
    ;;
  esac
  flush
  for ((i = 0; i < ${#clean[@]}; i += 4000)); do
    text=$(stat -L --printf 'file\t%f\t%i\t%s\t%n\n' -- "${clean[@]:i:4000}")
    (($? > 1)) && gap weights 'stat cannot be run'
    out+=$text${text:+$'\n'}
  done
}

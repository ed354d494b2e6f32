# Notes on the pod that a start failed: of what, how often, why. The reason is the first line of standard input.
pi={{ pi | path }}
name={{ name }}
digest={{ digest }}
dir=$pi/servers/$name
if [[ ! -d $dir ]]; then return 0; fi
IFS= read -r reason || true
count=0 before=''
if [[ -f $dir/failed ]]; then read -r before count _ <"$dir/failed" || true; fi
if [[ $before != "$digest" || $count != [0-9]* ]]; then count=0; fi
put "$dir/failed" "$digest $((count + 1)) ${reason:0:500}"$'\n'
